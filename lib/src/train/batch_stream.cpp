#include "adlib/train/batch_stream.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "adlib/core/error.h"

namespace adlib::train {
namespace {

void check_room(const char* who, const Subset& subset, std::int64_t tokens) {
  require(subset.size() > 0, who, ": the subset has no examples");
  const std::int64_t longest = subset.dataset().summary().longest_unit;
  require(tokens >= longest, who, ": a batch of ", tokens, " tokens cannot hold the longest ",
          subset.dataset().pairs() ? "pair" : "example", ", which has ", longest,
          "; give the batch more tokens or the dataset a smaller context");
}

}  // namespace

Subset::Subset(Dataset dataset) : Subset(std::move(dataset), 0, 0) {}

Subset::Subset(Dataset dataset, std::uint64_t low, std::uint64_t high)
    : dataset_(std::move(dataset)), low_(low), width_(high - low) {
  if (width_ == 0) {
    size_ = dataset_.size();
    return;
  }
  for (std::int64_t unit = 0; unit < dataset_.size(); ++unit) size_ += contains(unit);
}

Split split(const Dataset& dataset, double fraction) {
  require(fraction > 0 && fraction < 1, "split: fraction is ", fraction, ", expected between 0 and 1");
  // Not 0, which stands for 2^64: all would be on both sides.
  const auto limit = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ldexp(fraction, 64)));
  Split sides{Subset(dataset, limit, 0), Subset(dataset, 0, limit)};
  for (const Subset* side : {&sides.train, &sides.validation}) {
    require(side->size() > 0, "split: a fraction of ", fraction, " leaves no example for ",
            side == &sides.train ? "training" : "validation", " of ", dataset.size(),
            "; choose another fraction, a split field with more values, or a validation file");
  }
  return sides;
}

BatchStream::BatchStream(Subset subset, std::int64_t tokens, std::uint64_t seed)
    : subset_(std::move(subset)), tokens_(tokens), seed_(seed), order_(subset_.dataset().size(), seed, 0) {
  check_room("BatchStream", subset_, tokens_);
}

void BatchStream::seek(Position position) {
  const std::int64_t units = subset_.dataset().size();
  require(position.epoch >= 0 && position.index >= 0 && position.index <= units, "BatchStream: position (",
          position.epoch, ", ", position.index, ") is outside a dataset of ", units,
          " units; was it saved with other data?");
  at_ = position;
  order_ = Permutation(units, seed_, static_cast<std::uint64_t>(at_.epoch));
}

// Units of the other side of a split are passed over where they come up, so that no table of this side is
// needed.
TokenBatch BatchStream::next() {
  const Dataset& dataset = subset_.dataset();
  TokenBatch batch;
  while (true) {
    if (at_.index == dataset.size()) seek({at_.epoch + 1, 0});
    const std::int64_t unit = order_(at_.index);
    if (subset_.contains(unit)) {
      if (batch.tokens() + dataset.tokens(unit) > tokens_) return batch;
      dataset.append_to(batch, unit);
    }
    ++at_.index;
  }
}

BatchPass::BatchPass(Subset subset, std::int64_t tokens) : subset_(std::move(subset)), tokens_(tokens) {
  check_room("BatchPass", subset_, tokens_);
}

bool BatchPass::next(TokenBatch& batch) {
  const Dataset& dataset = subset_.dataset();
  batch = {};
  for (; unit_ < dataset.size(); ++unit_) {
    if (!subset_.contains(unit_)) continue;
    if (batch.tokens() + dataset.tokens(unit_) > tokens_) break;
    dataset.append_to(batch, unit_);
  }
  return batch.documents() > 0;
}

}  // namespace adlib::train
