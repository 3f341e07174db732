// tests/kernels/pool.h: pages of keys and values as the kernels of the CUDA backend see them.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "kernels/attention.h"
#include "kernels/operands.h"

namespace adlib::test {

/// Pages of up to `sequences` sequences of `capacity` positions, in no order; what is not stored is NaN.
class Pool {
 public:
  Pool(DType dtype, std::int64_t kv_heads, std::int64_t head_dim, std::int64_t value_dim,
       std::int64_t capacity, std::int64_t sequences = 1)
      : each_((capacity + 63) / 64),
        pages_(each_ * sequences + 3),
        keys_(static_cast<std::int64_t>(size_of(dtype)) * pages_ * kv_heads * head_dim * 64),
        values_(static_cast<std::int64_t>(size_of(dtype)) * pages_ * kv_heads * value_dim * 64),
        key_scales_(pages_ * kv_heads * 64),
        value_scales_(pages_ * kv_heads * 64) {
    view.dtype = dtype;
    view.keys = keys_.data();
    view.values = values_.data();
    if (dtype == DType::i8) view.key_scales = key_scales_.data(), view.value_scales = value_scales_.data();
    view.kv_heads = kv_heads, view.head_dim = head_dim, view.value_dim = value_dim;
    for (std::int64_t i = 0; i < pages_; ++i) table.push_back(static_cast<std::int32_t>(i));
    std::mt19937 bits(7);
    for (std::size_t i = table.size() - 1; i > 0; --i) std::swap(table[i], table[bits() % (i + 1)]);
  }

  /// The pages of a sequence.
  const std::int32_t* of(std::int64_t sequence) const { return table.data() + sequence * each_; }
  bool intact() {
    return keys_.intact() && values_.intact() && key_scales_.intact() && value_scales_.intact();
  }
  std::vector<std::uint8_t> key_bytes() { return keys_.values(); }
  std::vector<std::uint8_t> value_bytes() { return values_.values(); }

  /// Element c of the key (or value) of a position and head, with its scale.
  double at(bool is_key, std::int64_t sequence, std::int64_t position, std::int64_t head, std::int64_t c) {
    const std::int64_t slot = of(sequence)[position / 64] * view.kv_heads + head;
    const std::int64_t dim = is_key ? view.head_dim : view.value_dim;
    const std::int64_t element = (slot * 64 + position % 64) * dim + c;
    const std::uint8_t* bytes = is_key ? keys_.data() : values_.data();
    const auto read = [&]<class T>(T) {
      T x;
      std::memcpy(&x, bytes + element * static_cast<std::int64_t>(sizeof x), sizeof x);
      return static_cast<double>(static_cast<float>(x));
    };
    switch (view.dtype) {
      case DType::f16:
        return read(float16{});
      case DType::bf16:
        return read(bfloat16{});
      case DType::i8:
        return read(std::int8_t{}) *
               static_cast<double>((is_key ? key_scales_ : value_scales_).data()[slot * 64 + position % 64]);
      default:
        return read(0.0f);
    }
  }

  kernels::KeyValuePages view;
  std::vector<std::int32_t> table;

 private:
  std::int64_t each_, pages_;
  Guarded<std::uint8_t> keys_, values_;
  Guarded<float> key_scales_, value_scales_;
};

}  // namespace adlib::test
