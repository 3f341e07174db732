// kernels/cuda/arch/mma.cuh: matrix products of one warp (sm_80), and how their fragments are read.
//
// With g = lane / 4 and t = lane % 4, a lane holds of
//   a (16, 16): a[0] (g, 2t … 2t + 1)  a[1] (g + 8, 2t …)  a[2] (g, 2t + 8 …)  a[3] (g + 8, 2t + 8 …)
//   b (16,  8): b[0] (2t … 2t + 1, g)  b[1] (2t + 8 …, g)
//   d (16,  8): d[0], d[1] (g, 2t … 2t + 1)  d[2], d[3] (g + 8, 2t …)
#pragma once

#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/shared.cuh"

namespace adlib::kernels::cuda {

/// d += a b in float, with a and b of T (float16 or bfloat16) in fragments as above.
template <class T>
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                                             const std::uint32_t (&b)[2]) {
#ifdef __CUDACC__
  if constexpr (std::is_same_v<T, float16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#else
  struct In {
    std::uint32_t a[4], b[2];
    float d[4];
  };
  struct Out {
    float d[4];
  };
  In in{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {d[0], d[1], d[2], d[3]}};
  const Out out = host::collective<Out>("mma_m16n8k16", in, [](auto lane_in, auto lane_out, unsigned lanes) {
    if (lanes != 32) host::defect("mma_m16n8k16 in a warp of fewer than 32 threads");
    float full_a[16][16], full_b[16][8];
    for (unsigned l = 0; l < 32; ++l) {
      const unsigned g = l / 4, t = l % 4;
      for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = g + i % 2 * 8, col = 2 * t + i / 2 * 8;
        unpack_pair<T>(lane_in(l).a[i], full_a[row][col], full_a[row][col + 1]);
      }
      for (unsigned i = 0; i < 2; ++i) {
        const unsigned row = 2 * t + i * 8;
        unpack_pair<T>(lane_in(l).b[i], full_b[row][g], full_b[row + 1][g]);
      }
    }
    for (unsigned l = 0; l < 32; ++l) {
      for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = l / 4 + i / 2 * 8, col = l % 4 * 2 + i % 2;
        float sum = 0;
        for (unsigned k = 0; k < 16; ++k) sum += full_a[row][k] * full_b[k][col];
        lane_out(l).d[i] = lane_in(l).d[i] + sum;
      }
    }
  });
  for (int i = 0; i < 4; ++i) d[i] = out.d[i];
#endif
}

namespace detail {
#ifndef __CUDACC__
// Matrices of 8 rows of 16 bytes; lane 8 i + r brings the offset of row r of matrix i.
template <int Matrices, bool Transposed>
void ldmatrix(std::uint32_t (&out)[Matrices], std::size_t offset) {
  struct Out {
    std::uint32_t r[Matrices];
  };
  host::SharedBytes::note_read(offset, 16);
  const Out all = host::collective<Out>("ldmatrix", offset, [](auto in, auto lane_out, unsigned lanes) {
    if (lanes != 32) host::defect("ldmatrix in a warp of fewer than 32 threads");
    for (unsigned l = 0; l < 32; ++l) {
      for (unsigned i = 0; i < Matrices; ++i) {
        std::uint16_t pair[2];
        for (unsigned e = 0; e < 2; ++e) {
          const unsigned row = Transposed ? l % 4 * 2 + e : l / 4, col = Transposed ? l / 4 : l % 4 * 2 + e;
          std::memcpy(&pair[e], host::SharedBytes::data() + in(8 * i + row) + 2 * col, 2);
        }
        lane_out(l).r[i] = pair[0] | static_cast<std::uint32_t>(pair[1]) << 16;
      }
    }
  });
  for (int i = 0; i < Matrices; ++i) out[i] = all.r[i];
}
#endif
}  // namespace detail

/// Four 8 x 8 matrices of 16-bit elements; lane 8 i + r names row r of matrix i by its first element, which
/// stands at a multiple of 16 bytes. r[i] is (row lane / 4, columns 2 (lane % 4) …) of matrix i: fragment a
/// of mma when the matrices are its upper left, lower left, upper right, lower right.
template <class T>
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&r)[4], const Shared<T>& from, int element) {
  static_assert(sizeof(T) == 2);
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from.address(element))
               : "memory");
#else
  detail::ldmatrix<4, false>(r, from.offset(element, 8));
#endif
}
/// As ldmatrix_x4, each matrix transposed: r[i] is (rows 2 (lane % 4) …, column lane / 4) of matrix i:
/// fragment b of mma from a row-major b.
template <class T>
__device__ __forceinline__ void ldmatrix_x4_transposed(std::uint32_t (&r)[4], const Shared<T>& from,
                                                       int element) {
  static_assert(sizeof(T) == 2);
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from.address(element))
               : "memory");
#else
  detail::ldmatrix<4, true>(r, from.offset(element, 8));
#endif
}

}  // namespace adlib::kernels::cuda
