// The tiles of the baseline, and the choice of a level.
#include "kernels/cpu/convert.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/vector.h"

#include <cmath>

namespace adlib::kernels::cpu {
namespace {

// 4 rows x 8 columns: 8 of 16 vector registers hold sums, b takes 2 and a 1 more.
constexpr std::int64_t tile_rows = 4, tile_n = 8;

template <int Rows>
void multiply_tile(const simd::TileF32& t) {
  Float4 left[Rows] = {}, right[Rows] = {};
  for (std::int64_t i = 0; i < t.k; ++i) {
    const Float4 b_left = load4(t.panel + i * t.panel_row);
    const Float4 b_right = load4(t.panel + i * t.panel_row + 4);
    for (int r = 0; r < Rows; ++r) {
      const float value = t.a[r * t.a_row + i * t.a_k];
      left[r] += value * b_left;
      right[r] += value * b_right;
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float* row = t.sums + r * t.sums_row;
    store4(row, t.add ? load4(row) + left[r] : left[r]);
    store4(row + 4, t.add ? load4(row + 4) + right[r] : right[r]);
  }
}

void tile_f32(const simd::TileF32& t) {
  switch (t.m) {
    case 1:
      return multiply_tile<1>(t);
    case 2:
      return multiply_tile<2>(t);
    case 3:
      return multiply_tile<3>(t);
    default:
      return multiply_tile<4>(t);
  }
}

// The panel's pairs become two rows of floats, a block at a time, for the tile above.
void tile_bf16(const simd::TileBf16& t) {
  constexpr std::int64_t depth = 64;
  float panel[depth * tile_n], a[tile_rows * depth];
  for (std::int64_t first = 0; first < t.k || first == 0; first += depth) {
    const std::int64_t k = std::min(depth, t.k - first);
    for (std::int64_t i = 0; i < k; ++i) {
      const std::uint16_t* pairs = t.panel + (first + i) / 2 * 2 * tile_n + i % 2;
      for (std::int64_t c = 0; c < tile_n; ++c) {
        panel[i * tile_n + c] = to_float(bfloat16::from_bits(pairs[2 * c]));
      }
      const float* pair = static_cast<const float*>(t.a) + (first + i) / 2 * t.a_pair + i % 2;
      for (std::int64_t r = 0; r < t.m; ++r) a[r * depth + i] = pair[r * t.a_row];
    }
    tile_f32({.sums = t.sums,
              .sums_row = t.sums_row,
              .a = a,
              .a_row = depth,
              .a_k = 1,
              .panel = panel,
              .panel_row = tile_n,
              .m = t.m,
              .k = k,
              .add = t.add || first > 0});
  }
}

template <int Bits, bool Scaled>
void tile_i8(const simd::TileI8& t) {
  const std::uint8_t* panel = t.panel;
  for (std::int64_t g = 0, first = 0; first < t.k; ++g, first += t.group) {
    const std::int64_t depth = round_up(std::min(t.group, t.k - first), Bits == 8 ? 4 : 8);
    const std::uint8_t* scales = panel + depth * tile_n * Bits / 8;
    for (std::int64_t r = 0; r < t.m; ++r) {
      std::int32_t sums[tile_n];
      std::fill_n(sums, tile_n, t.a_offsets[r * t.groups_row + g]);
      const std::int8_t* codes = static_cast<const std::int8_t*>(t.a) + r * t.a_row + first;
      for (std::int64_t i = 0; i < depth; ++i) {
        const std::int64_t quad = Bits == 8 ? i / 4 : i / 8;
        const int shift = Bits == 4 && i % 8 >= 4 ? 4 : 0;
        const std::uint8_t* row = panel + quad * 4 * tile_n + i % 4;
        for (std::int64_t c = 0; c < tile_n; ++c) {
          sums[c] += codes[i] * (Bits == 8 ? row[4 * c] : row[4 * c] >> shift & 15);
        }
      }
      const float a_scale = t.a_scales[r * t.groups_row + g];
      float* out = t.sums + r * t.sums_row;
      for (std::int64_t c = 0; c < tile_n; ++c) {
        float value = static_cast<float>(sums[c]) * a_scale;
        if constexpr (Scaled) {
          std::uint16_t bits;
          std::memcpy(&bits, scales + 2 * c, sizeof bits);
          value *= to_float(bfloat16::from_bits(bits));
        }
        out[c] = t.add || g > 0 ? out[c] + value : value;
      }
    }
    panel = scales + (Scaled ? 2 * tile_n : 0);
  }
}

void quantize(void* codes_out, float* scales, std::int32_t* offsets, const float* a, std::int64_t k,
              std::int64_t group, std::int32_t zero) {
  auto* codes = static_cast<std::int8_t*>(codes_out);
  for (std::int64_t g = 0; g * group < k; ++g) {
    const std::int64_t first = g * group, end = std::min(k, first + group);
    float magnitude = 0;
    for (std::int64_t i = first; i < end; ++i) {
      const float x = std::fabs(a[i]);
      magnitude = x > magnitude || std::isnan(x) ? x : magnitude;  // a NaN stays: nothing is over it
    }
    const bool finite = std::isfinite(magnitude);
    const float inverse = !finite || magnitude < 1e-30f ? 0.0f : 127.0f / magnitude;
    std::int32_t sum = 0;
    for (std::int64_t i = first; i < end; ++i) {
      const long code = finite ? std::lrint(a[i] * inverse) : 0;
      codes[i] = static_cast<std::int8_t>(code);
      sum += codes[i];
    }
    scales[g] = finite ? (inverse == 0.0f ? 0.0f : magnitude / 127.0f) : NAN;
    offsets[g] = -zero * sum;
  }
  std::fill(codes + k, codes + round_up(k, 16), std::int8_t{0});
}

constexpr simd::GemmF32 f32_baseline = {.rows = tile_rows, .columns = tile_n, .tile = tile_f32};
constexpr simd::GemmBf16 bf16_baseline = {
    .rows = tile_rows, .columns = tile_n, .a_is_bf16 = false, .tile = tile_bf16, .round = nullptr};
constexpr simd::GemmI8 i8_baseline = {.rows = tile_rows,
                                      .columns = tile_n,
                                      .wide = false,
                                      .i8 = tile_i8<8, false>,
                                      .i8_grouped = tile_i8<8, true>,
                                      .i4_grouped = tile_i8<4, true>,
                                      .quantize = quantize};

}  // namespace

const simd::GemmF32& gemm_f32() {
#if defined(__x86_64__)
  if (isa() >= Isa::avx512) return simd::gemm_f32_avx512;
  if (isa() >= Isa::avx2) return simd::gemm_f32_avx2;
#endif
  return f32_baseline;
}

const simd::GemmBf16& gemm_bf16() {
#if defined(__x86_64__)
  if (isa() >= Isa::bf16) return simd::gemm_bf16_bf16;
  if (isa() >= Isa::avx512) return simd::gemm_bf16_avx512;
  if (isa() >= Isa::avx2) return simd::gemm_bf16_avx2;
#endif
  return bf16_baseline;
}

const simd::GemmI8& gemm_i8() {
#if defined(__x86_64__)
  if (isa() >= Isa::vnni) return simd::gemm_i8_vnni;
  if (isa() >= Isa::avx512) return simd::gemm_i8_avx512;
  if (isa() >= Isa::avx2) return simd::gemm_i8_avx2;
#endif
  return i8_baseline;
}

}  // namespace adlib::kernels::cpu
