// adlib/train/batch_stream.h: which examples a step reads: the split, the order, the packing.
#pragma once

#include <cstdint>

#include "adlib/train/dataset.h"
#include "adlib/train/permutation.h"

namespace adlib::train {

/// The units of a dataset whose keys lie in a range; a copy is cheap.
class Subset {
 public:
  /// All of them.
  explicit Subset(Dataset dataset);
  /// Those with low <= key < high; high = 0 stands for 2^64.
  Subset(Dataset dataset, std::uint64_t low, std::uint64_t high);

  const Dataset& dataset() const { return dataset_; }
  std::int64_t size() const { return size_; }  ///< units
  bool contains(std::int64_t unit) const { return holds(dataset_.key(unit)); }

 private:
  bool holds(std::uint64_t key) const { return key - low_ < width_ || width_ == 0; }

  Dataset dataset_;
  std::uint64_t low_ = 0;
  std::uint64_t width_ = 0;  // 0: everything
  std::int64_t size_ = 0;
};

struct Split {
  Subset train;
  Subset validation;
};
/// About `fraction` of the units, chosen by their keys alone: units of one key stay together, and neither
/// order nor other lines matter. Throws Error(invalid_argument) unless 0 < fraction < 1 and both sides have a
/// unit.
Split split(const Dataset& dataset, double fraction);

/// Batches for training, without end: each epoch all units once, in an order of its own by (seed, epoch). A
/// batch takes whole units while they fit into `tokens` (next-fit); an epoch's last units share a batch with
/// the next epoch's first.
class BatchStream {
 public:
  /// The next unit to be read: `index` in the order of `epoch`, counted over the whole dataset.
  struct Position {
    std::int64_t epoch = 0;
    std::int64_t index = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };
  /// Throws Error(invalid_argument) when the subset is empty or its longest unit has more than `tokens`
  /// tokens.
  BatchStream(Subset subset, std::int64_t tokens, std::uint64_t seed);

  TokenBatch next();
  const Dataset& dataset() const { return subset_.dataset(); }
  Position position() const { return at_; }
  /// The stream goes on as one that has come to `position` by itself.
  void seek(Position position);

 private:
  Subset subset_;
  std::int64_t tokens_;
  std::uint64_t seed_;
  Position at_;
  Permutation order_;
};

/// Batches for validation: the units of a subset once, in the order of the files.
class BatchPass {
 public:
  BatchPass(Subset subset, std::int64_t tokens);  ///< throws as BatchStream does
  /// Replaces `batch`; false when nothing is left.
  bool next(TokenBatch& batch);
  void rewind() { unit_ = 0; }

 private:
  Subset subset_;
  std::int64_t tokens_;
  std::int64_t unit_ = 0;
};

}  // namespace adlib::train
