// kernels/cpu/vector.h: four floats at the baseline (SSE2, NEON), and sums whose order the length alone
// decides.
//
// Eigen's reductions and products pick their order by alignment and by the number of rows; here the same
// elements must give the same bits wherever they stand, so these few loops are written out.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace adlib::kernels::cpu {

using Float4 = float __attribute__((vector_size(16)));

inline Float4 load4(const float* p) {
  Float4 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store4(float* p, Float4 v) { std::memcpy(p, &v, sizeof v); }

/// out[2 i] = even[i], out[2 i + 1] = odd[i] for i < n.
template <class E>
void interleave(E* out, const E* even, const E* odd, std::int64_t n) {
  std::int64_t i = 0;
  if constexpr (sizeof(E) == 2) {
    using Half8 = std::uint16_t __attribute__((vector_size(16)));
    for (; i + 8 <= n; i += 8) {
      Half8 a, b;
      std::memcpy(&a, even + i, sizeof a);
      std::memcpy(&b, odd + i, sizeof b);
      const Half8 low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
      const Half8 high = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
      std::memcpy(out + 2 * i, &low, sizeof low);
      std::memcpy(out + 2 * i + 8, &high, sizeof high);
    }
  }
  for (; i < n; ++i) out[2 * i] = even[i], out[2 * i + 1] = odd[i];
}

/// Transposes the 4x4 matrix whose rows are a, b, c, d.
inline void transpose4(Float4& a, Float4& b, Float4& c, Float4& d) {
  const Float4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Float4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Float4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/// out[c * out_stride + r] = in[r][c] for rows r < 4 and columns c < cols.
inline void transpose_rows4(float* out, std::int64_t out_stride, const std::array<const float*, 4>& in,
                            std::int64_t cols) {
  std::int64_t c = 0;
  for (; c + 4 <= cols; c += 4) {
    Float4 rows[4] = {load4(in[0] + c), load4(in[1] + c), load4(in[2] + c), load4(in[3] + c)};
    transpose4(rows[0], rows[1], rows[2], rows[3]);
    for (int i = 0; i < 4; ++i) store4(out + (c + i) * out_stride, rows[i]);
  }
  for (; c < cols; ++c) {
    for (std::size_t r = 0; r < 4; ++r) out[c * out_stride + static_cast<std::int64_t>(r)] = in[r][c];
  }
}

/// sum of term(i) for i < n: eight interleaved partial sums, added as a tree.
template <class Term>
float ordered_sum(std::int64_t n, Term&& term) {
  std::array<float, 8> lanes{};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::int64_t lane = 0; lane < 8; ++lane) lanes[static_cast<std::size_t>(lane)] += term(i + lane);
  }
  for (std::size_t lane = 0; i < n; ++i, ++lane) lanes[lane] += term(i);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// The largest of x[0 … n); -inf for none. NaN may be passed over: a later exp(NaN - max) brings it back.
inline float max_of(const float* x, std::int64_t n) {
  constexpr std::int64_t lanes = 16;  // independent, or each comparison would wait for the one before
  float largest[lanes];
  for (float& lane : largest) lane = -std::numeric_limits<float>::infinity();
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (std::int64_t l = 0; l < lanes; ++l) largest[l] = x[i + l] > largest[l] ? x[i + l] : largest[l];
  }
  for (std::int64_t l = 0; i < n; ++i, ++l) largest[l] = x[i] > largest[l] ? x[i] : largest[l];
  for (std::int64_t l = 1; l < lanes; ++l) largest[0] = largest[l] > largest[0] ? largest[l] : largest[0];
  return largest[0];
}

/// A buffer of at least n floats that this thread keeps from call to call, one for each Tag.
template <class Tag>
float* scratch(std::int64_t n) {
  thread_local std::vector<float> buffer;
  if (static_cast<std::int64_t>(buffer.size()) < n) buffer.resize(static_cast<std::size_t>(n));
  return buffer.data();
}

}  // namespace adlib::kernels::cpu
