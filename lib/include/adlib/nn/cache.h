// adlib/nn/cache.h: the keys and values of tokens already seen.
#pragma once

#include <cstdint>
#include <vector>

#include "adlib/ops.h"

namespace adlib::nn {

/// Room for `sequences` sequences of up to `capacity` tokens in every layer. Bytes: layers · sequences ·
/// capacity · kv_heads · 2 · head_dim · size_of(dtype), allocated when constructed.
class Cache {
 public:
  struct Layout {
    std::int64_t layers = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_dim = 0;
    DType dtype = DType::f32;
    Device device = Device::cpu;
  };

  Cache(const Layout& layout, std::int64_t sequences, std::int64_t capacity)
      : capacity_(capacity), lengths_(static_cast<std::size_t>(sequences), 0) {
    for (std::int64_t layer = 0; layer < layout.layers; ++layer) {
      const Shape shape{sequences, layout.kv_heads, capacity, layout.head_dim};
      keys_.push_back(Tensor::empty(shape, layout.dtype, layout.device));
      values_.push_back(Tensor::empty(shape, layout.dtype, layout.device));
    }
  }

  std::int64_t sequences() const { return static_cast<std::int64_t>(lengths_.size()); }
  std::int64_t capacity() const { return capacity_; }
  /// How many tokens of a sequence are held.
  std::int64_t length(std::int64_t sequence) const { return lengths_[index(sequence)]; }

  /// Declares that tokens [start, start + count) of a sequence are about to be written; later ones are
  /// forgotten. Throws Error(invalid_argument) when that leaves a gap or exceeds the capacity.
  void extend(std::int64_t sequence, std::int64_t start, std::int64_t count) {
    check_extend(sequence, start, count);
    lengths_[index(sequence)] = start + count;
  }
  /// Throws what extend() would throw, and changes nothing.
  void check_extend(std::int64_t sequence, std::int64_t start, std::int64_t count) const {
    const std::int64_t length = lengths_[index(sequence)];
    require(start >= 0 && start <= length, "cache: sequence ", sequence, " holds ", length,
            " tokens; writing from position ", start, " would leave a gap");
    require(count >= 0 && start + count <= capacity_, "cache: sequence ", sequence, " would grow to ",
            start + count, " tokens, the capacity is ", capacity_);
  }
  /// Stores keys and values (n, Hkv, D), which may be strided, for tokens start … start + n - 1.
  void write(std::int64_t layer, std::int64_t sequence, std::int64_t start, const Tensor& keys,
             const Tensor& values) {
    store(keys_, layer, sequence, start, keys);
    store(values_, layer, sequence, start, values);
  }
  /// The keys of tokens 0 … length - 1: a view (Hkv, length, D).
  Tensor keys(std::int64_t layer, std::int64_t sequence) const { return held(keys_, layer, sequence); }
  Tensor values(std::int64_t layer, std::int64_t sequence) const { return held(values_, layer, sequence); }

  /// Makes sequence `to` hold the same tokens as `from`: for beams and for several continuations of one
  /// prompt.
  void copy_sequence(std::int64_t from, std::int64_t to) {
    if (from == to) return;
    lengths_[index(to)] = length(from);
    for (std::int64_t layer = 0; layer < static_cast<std::int64_t>(keys_.size()); ++layer) {
      Tensor key_target = keys(layer, to);
      Tensor value_target = values(layer, to);
      ops::copy_into(key_target, keys(layer, from));
      ops::copy_into(value_target, values(layer, from));
    }
  }

 private:
  std::size_t index(std::int64_t sequence) const {
    require(sequence >= 0 && sequence < sequences(), "cache: sequence ", sequence, " is outside [0, ",
            sequences(), ")");
    return static_cast<std::size_t>(sequence);
  }
  void store(std::vector<Tensor>& tensors, std::int64_t layer, std::int64_t sequence, std::int64_t start,
             const Tensor& rows) {
    Tensor target =
        tensors[static_cast<std::size_t>(layer)].select(0, sequence).slice(1, start, start + rows.size(0));
    ops::copy_into(target, rows.transpose(0, 1));
  }
  Tensor held(const std::vector<Tensor>& tensors, std::int64_t layer, std::int64_t sequence) const {
    return tensors[static_cast<std::size_t>(layer)].select(0, sequence).slice(1, 0, length(sequence));
  }

  std::int64_t capacity_;
  std::vector<std::int64_t> lengths_;
  std::vector<Tensor> keys_;    // a layer each: (sequences, Hkv, capacity, D)
  std::vector<Tensor> values_;  // a layer each: (sequences, Hkv, capacity, D)
};

}  // namespace adlib::nn
