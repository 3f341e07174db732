#include "generate/runner.h"

#include <algorithm>
#include <vector>

namespace adlib::generate {

namespace {

/// One forward pass of at most chunk_tokens tokens, taken from the front of what is left of the pieces.
struct Chunk {
  std::vector<TokenId> ids;
  std::vector<Row> rows;
  std::vector<std::int32_t> last;     // where pieces end in this chunk: the row of `ids` …
  std::vector<std::size_t> finished;  // … and which piece it is
};

}  // namespace

Tensor Runner::feed(std::span<const Piece> pieces) {
  Tensor scores;
  std::size_t piece = 0;
  std::size_t done = 0;  // how many ids of that piece have been fed
  while (piece < pieces.size()) {
    Chunk chunk;
    while (piece < pieces.size() && std::ssize(chunk.ids) < chunk_tokens) {
      const auto left = pieces[piece].ids.subspan(done);
      const auto part =
          left.first(std::min(left.size(), static_cast<std::size_t>(chunk_tokens) - chunk.ids.size()));
      const std::int64_t sequence = pieces[piece].sequence;
      chunk.rows.push_back({sequence, cache_.length(sequence), std::ssize(part)});
      chunk.ids.insert(chunk.ids.end(), part.begin(), part.end());
      done += part.size();
      if (part.size() < left.size()) break;  // the chunk is full
      chunk.last.push_back(static_cast<std::int32_t>(chunk.ids.size()) - 1);
      chunk.finished.push_back(piece);
      ++piece;
      done = 0;
    }
    const Tensor ids = Tensor::from<std::int32_t>(chunk.ids, {std::ssize(chunk.ids)});
    const Tensor hidden = decoder_->hidden({ids, chunk.rows}, cache_);
    if (chunk.last.empty()) continue;
    const Tensor part = decoder_->logits(hidden, chunk.last).to(Device::cpu).to(DType::f32).contiguous();
    if (chunk.last.size() == pieces.size()) return part;  // the usual case, without a copy
    if (!scores) scores = Tensor::empty({std::ssize(pieces), decoder_->config().vocab_size});
    const std::span<const float> from = part.data<float>();
    for (std::size_t i = 0; i < chunk.finished.size(); ++i) {
      const auto target = row(scores, chunk.finished[i]);
      std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(i * target.size()), target.size(),
                  target.begin());
    }
  }
  return scores;
}

}  // namespace adlib::generate
