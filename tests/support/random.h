// tests/support/random.h: the same random tensors on every standard library.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "adlib/core/tensor.h"

namespace adlib::test {

/// Elements drawn uniformly from [-scale, scale) and rounded to `dtype`; equal seeds give equal tensors.
inline Tensor random_tensor(const Shape& shape, DType dtype = DType::f32, std::uint32_t seed = 1,
                            float scale = 1) {
  std::mt19937 bits(seed);
  Tensor out = Tensor::empty(shape);
  for (float& x : out.data<float>()) {
    x = (static_cast<float>(bits() >> 8) * 0x1p-23f - 1.0f) *
        scale;  // raw bits: distributions differ by library
  }
  return out.to(dtype);
}

/// Integers drawn from [low, high).
inline Tensor random_ids(const Shape& shape, std::int32_t low, std::int32_t high, std::uint32_t seed = 1) {
  std::mt19937 bits(seed);
  Tensor out = Tensor::empty(shape, DType::i32);
  for (auto& x : out.data<std::int32_t>()) {
    x = low + static_cast<std::int32_t>(bits() % static_cast<std::uint32_t>(high - low));
  }
  return out;
}

}  // namespace adlib::test
