// kernels/cuda/share_columns.h: how threads share the columns of rows that are kept in registers.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/group.cuh"

namespace adlib::kernels::cuda {

template <int N>
using Int = std::integral_constant<int, N>;

/// Most columns of a row that share_columns knows kernels for.
inline constexpr std::int64_t most_shared_columns = 16384;

/// Calls call(WholeBlock, Elements, threads) by the number of columns alone: a warp a row with Elements of a
/// lane, or a block of `threads`. Not called for more than `most` columns; then the result is false.
template <class T, class Call>
bool share_columns(std::int64_t cols, std::int64_t most, const Call& call) {
  if (cols > most) return false;
  const auto threads = [&](int elements) {
    const int groups = static_cast<int>(groups_in<T>(cols)), each = elements / vec_size<T>;
    return ((groups + each - 1) / each + 31) / 32 * 32;
  };
  if (cols <= 256) return call(std::false_type{}, Int<8>{}, 32), true;
  if (cols <= 512) return call(std::false_type{}, Int<16>{}, 32), true;
  if (cols <= 768) return call(std::false_type{}, Int<24>{}, 32), true;
  if (cols <= 1024) return call(std::false_type{}, Int<32>{}, 32), true;
  if (cols <= 2048) return call(std::true_type{}, Int<8>{}, threads(8)), true;
  if (cols <= 8192) return call(std::true_type{}, Int<16>{}, threads(16)), true;
  return call(std::true_type{}, Int<32>{}, threads(32)), true;
}

}  // namespace adlib::kernels::cuda
