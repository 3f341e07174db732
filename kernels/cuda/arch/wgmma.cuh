// kernels/cuda/arch/wgmma.cuh: matrix products of four warps (sm_90a), which read shared memory while the
// warps go on.
//
// A warpgroup, four warps from a multiple of four on, computes d (64, N) += a (64, 16) b (16, N) in float.
// Warp w of it holds rows 16 w … of d; with g = lane / 4 and t = lane % 4, d[4 j + i] is row 16 w + g + 8 (i
// / 2), column 8 j + 2 t + i % 2. Tiles in shared memory are as tma_load leaves them: rows of 64 elements,
// swizzled.
#pragma once

#include "kernels/cuda/arch/mma.cuh"
#include "kernels/cuda/arch/tma.cuh"

namespace adlib::kernels::cuda {

/// How wgmma finds a tile: the 64 bits of PTX's matrix descriptor, with the 128-byte swizzle.
struct TileDescriptor {
  std::uint64_t bits = 0;
};

/// The tile whose first element is `element`, in rows of 64 elements (128 bytes) that begin at a multiple of
/// 1024 bytes. `column_stride` is the distance in bytes between blocks of 64 columns, for tiles read
/// transposed with N > 64.
template <class T>
__device__ __forceinline__ TileDescriptor tile_descriptor(const Shared<T>& from, int element,
                                                          int column_stride = 16) {
  static_assert(sizeof(T) == 2);
#ifdef __CUDACC__
  const std::uint64_t address = from.address(element);
#else
  const std::uint64_t address = from.offset(element, 8);
#endif
  return {(address & 0x3ffff) >> 4 | static_cast<std::uint64_t>(column_stride >> 4) << 16 |
          static_cast<std::uint64_t>(1024 >> 4) << 32 | std::uint64_t{1} << 62};
}

#ifndef __CUDACC__
namespace host {
// Offset of element (row, col) of a tile whose rows are the rows of shared memory, or (transposed) its
// columns.
inline std::size_t tile_offset(TileDescriptor tile, bool rows_are_k, std::size_t mn, std::size_t k) {
  const std::size_t start = (tile.bits & 0x3fff) << 4, leading = (tile.bits >> 16 & 0x3fff) << 4,
                    stride = (tile.bits >> 32 & 0x3fff) << 4;
  const std::size_t plain = rows_are_k
                                ? start + mn / 64 * leading + k / 8 * stride + k % 8 * 128 + mn % 64 * 2
                                : start + mn / 8 * stride + mn % 8 * 128 + k * 2;
  return plain ^ ((plain >> 7 & 7) << 4);
}
template <class T>
float tile_element(TileDescriptor tile, bool rows_are_k, std::size_t mn, std::size_t k) {
  T out;
  std::memcpy(&out, SharedBytes::data() + tile_offset(tile, rows_are_k, mn, k), 2);
  return static_cast<float>(out);
}
// One lane of a warp that reads a tile notes it for all.
inline void note_tile(TileDescriptor tile, bool rows_are_k, std::size_t mn, std::size_t count) {
  for (std::size_t i = mn; i < mn + count; i += rows_are_k ? 8 : 1)
    for (std::size_t k = 0; k < 16; k += rows_are_k ? 1 : 8)
      SharedBytes::note_async_read(tile_offset(tile, rows_are_k, i, k), 16);
}
inline void issue_product(std::function<void()> product) {
  if (schedule().arrival == Arrival::eager)
    product();
  else
    this_thread().open_products.push_back(std::move(product));
}
}  // namespace host
#endif

/// Orders the registers and shared memory that this warpgroup wrote before its products that follow.
__device__ __forceinline__ void wgmma_fence() {
#ifdef __CUDACC__
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#else
  host::collective<int>("wgmma_fence", 0, [](auto, auto, unsigned) {});
#endif
}
/// Ends a group of products.
__device__ __forceinline__ void wgmma_commit() {
#ifdef __CUDACC__
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#else
  host::Thread& thread = host::this_thread();
  thread.product_groups.push_back(std::move(thread.open_products));
  thread.open_products.clear();
  host::collective<int>("wgmma_commit", 0, [](auto, auto, unsigned) {});
#endif
}
/// Waits until at most the `Newest` last groups are under way: until then neither their d nor their a in
/// registers may be touched, nor the shared memory they read be written.
template <int Newest>
__device__ __forceinline__ void wgmma_wait() {
#ifdef __CUDACC__
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Newest) : "memory");
#else
  host::collective<int>("wgmma_wait", 0, [](auto, auto, unsigned) {});
  auto& groups = host::this_thread().product_groups;
  while (groups.size() > Newest) {
    for (const auto& product : groups.front()) product();
    groups.erase(groups.begin());
  }
  host::collective<int>("wgmma_wait", 0, [](auto, auto, unsigned) {});
#endif
}

#ifdef __CUDACC__
namespace detail {
template <class T, bool Transposed>
__device__ __forceinline__ void wgmma_n64_shared(float (&d)[32], std::uint64_t a, std::uint64_t b,
                                                 int accumulate) {
  if constexpr (std::is_same_v<T, float16>) {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31}, %32, %33, p, 1, 1, 0, %35;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "l"(a), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  } else {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31}, %32, %33, p, 1, 1, 0, %35;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "l"(a), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  }
}
template <class T, bool Transposed>
__device__ __forceinline__ void wgmma_n64_registers(float (&d)[32], const std::uint32_t (&a)[4],
                                                    std::uint64_t b, int accumulate) {
  if constexpr (std::is_same_v<T, float16>) {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31}, {%32, %33, %34, %35}, %36, p, 1, 1, %38;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  } else {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31}, {%32, %33, %34, %35}, %36, p, 1, 1, %38;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  }
}
template <class T, bool Transposed>
__device__ __forceinline__ void wgmma_n128_shared(float (&d)[64], std::uint64_t a, std::uint64_t b,
                                                  int accumulate) {
  if constexpr (std::is_same_v<T, float16>) {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, "
        "%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, %64, %65, p, 1, 1, 0, %67;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]),
          "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]),
          "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]), "+f"(d[49]),
          "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
          "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
        : "l"(a), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  } else {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, "
        "%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, %64, %65, p, 1, 1, 0, %67;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]),
          "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]),
          "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]), "+f"(d[49]),
          "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
          "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
        : "l"(a), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  }
}
template <class T, bool Transposed>
__device__ __forceinline__ void wgmma_n128_registers(float (&d)[64], const std::uint32_t (&a)[4],
                                                     std::uint64_t b, int accumulate) {
  if constexpr (std::is_same_v<T, float16>) {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, "
        "%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, {%64, %65, %66, %67}, %68, p, 1, "
        "1, %70;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]),
          "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]),
          "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]), "+f"(d[49]),
          "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
          "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  } else {
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, "
        "%11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, "
        "%31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, "
        "%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, {%64, %65, %66, %67}, %68, p, 1, "
        "1, %70;\n}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
          "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]),
          "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
          "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]),
          "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]),
          "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]), "+f"(d[49]),
          "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]),
          "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(Transposed ? 1 : 0));
  }
}
}  // namespace detail
#endif

/// d = (accumulate ? d : 0) + a b; a (64, 16) in shared memory, its rows as they lie; b (16, N) in shared
/// memory as the columns of the tile's rows, or, Transposed, as its rows. N: 64 or 128.
template <class T, int N, bool Transposed>
__device__ __forceinline__ void wgmma(float (&d)[N / 2], TileDescriptor a, TileDescriptor b,
                                      bool accumulate = true) {
#ifdef __CUDACC__
  if constexpr (N == 64) {
    detail::wgmma_n64_shared<T, Transposed>(d, a.bits, b.bits, accumulate);
  } else {
    static_assert(N == 128);
    detail::wgmma_n128_shared<T, Transposed>(d, a.bits, b.bits, accumulate);
  }
#else
  host::collective<int>("wgmma", 0, [](auto, auto, unsigned) {});
  const host::Thread& thread = host::this_thread();
  const std::size_t lane = thread.lane(), first_row = thread.warp() % 4 * 16;
  float* sums = d;
  host::issue_product([=] {
    if (lane == 0) {
      host::note_tile(a, false, first_row, 16);
      host::note_tile(b, Transposed, 0, N);
    }
    for (std::size_t i = 0; i < N / 2; ++i) {
      const std::size_t row = first_row + lane / 4 + i % 4 / 2 * 8, col = i / 4 * 8 + lane % 4 * 2 + i % 2;
      float sum = 0;
      for (std::size_t k = 0; k < 16; ++k)
        sum += host::tile_element<T>(a, false, row, k) * host::tile_element<T>(b, Transposed, col, k);
      sums[i] = (accumulate ? sums[i] : 0.0f) + sum;
    }
  });
#endif
}
/// As wgmma, with a in registers: each warp's 16 rows as the fragment a of mma_m16n8k16. ptxas before 13.3
/// may let later code overwrite these registers while they are read (triton #9433): wait for the product
/// before they are used again.
template <class T, int N, bool Transposed>
__device__ __forceinline__ void wgmma(float (&d)[N / 2], const std::uint32_t (&a)[4], TileDescriptor b,
                                      bool accumulate = true) {
#ifdef __CUDACC__
  if constexpr (N == 64) {
    detail::wgmma_n64_registers<T, Transposed>(d, a, b.bits, accumulate);
  } else {
    static_assert(N == 128);
    detail::wgmma_n128_registers<T, Transposed>(d, a, b.bits, accumulate);
  }
#else
  // The registers of the lanes that hold this lane's rows, read when the product is made.
  struct Row {
    const std::uint32_t* lanes[4];
  };
  const std::uint32_t* own = a;
  const Row row = host::collective<Row>("wgmma", own, [](auto in, auto out, unsigned) {
    for (unsigned l = 0; l < 32; ++l)
      for (unsigned t = 0; t < 4; ++t) out(l).lanes[t] = in(l / 4 * 4 + t);
  });
  const std::size_t lane = host::this_thread().lane();
  float* sums = d;
  host::issue_product([=] {
    if (lane == 0) host::note_tile(b, Transposed, 0, N);
    float left[2][16];
    for (unsigned t = 0; t < 4; ++t)
      for (unsigned i = 0; i < 4; ++i) {
        float* pair = &left[i % 2][2 * t + i / 2 * 8];
        unpack_pair<T>(row.lanes[t][i], pair[0], pair[1]);
      }
    for (std::size_t i = 0; i < N / 2; ++i) {
      const std::size_t col = i / 4 * 8 + lane % 4 * 2 + i % 2;
      float sum = 0;
      for (std::size_t k = 0; k < 16; ++k)
        sum += left[i % 4 / 2][k] * host::tile_element<T>(b, Transposed, col, k);
      sums[i] = (accumulate ? sums[i] : 0.0f) + sum;
    }
  });
#endif
}

/// Gives registers of this warpgroup back, or takes more: `Count` a thread, a multiple of 8. Needs
/// __launch_bounds__(threads, 1), and one branch of a single if for each warpgroup's role.
template <int Count>
__device__ __forceinline__ void registers_release() {
#ifdef __CUDACC__
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count));
#endif
}
template <int Count>
__device__ __forceinline__ void registers_take() {
#ifdef __CUDACC__
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count));
#endif
}

}  // namespace adlib::kernels::cuda
