// TMA, mbarriers and wgmma in the emulator: a pipelined product that is right, and the same with one defect
// each.
#include <random>
#include <vector>

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/wgmma.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/operands.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib::kernels::cuda {
namespace {

using test::ContainsSubstring;
using test::error_of;
using test::WithSchedule;

struct Plan {
  bool wait_full = true, right_parity = true, release = true, fence = true, wait_product = true;
};

constexpr int depth = 64, stages = 2, tile_bytes = 64 * depth * 2;

// d (64, N) = a (64, k) b, b stored (N, k) or, Transposed, (k, N). A warp copies by TMA into two stages, a
// warpgroup multiplies. a goes through registers and, Copied, back to shared memory on its way.
template <class T, int N, bool Transposed, bool Registers>
__global__ void __launch_bounds__(160, 1)
    product_kernel(float* d, const __grid_constant__ TensorMap a_map, const __grid_constant__ TensorMap b_map,
                   int tiles, Plan plan) {
  constexpr int b_bytes = N * depth * 2;
  const Shared<T> a_tile(0, stages * 64 * depth), b_tile(stages * tile_bytes, stages * N * depth),
      copied(stages * (tile_bytes + b_bytes), 64 * depth);
  const MBarrier full(stages * (tile_bytes + b_bytes) + tile_bytes, stages),
      empty(stages * (tile_bytes + b_bytes) + tile_bytes + 8 * stages, stages);
  const int t = thread_index();
  if (t == 0) {
    for (int s = 0; s < stages; ++s) {
      mbarrier_init(full, s, 1);
      mbarrier_init(empty, s, 128);
    }
    mbarrier_init_done();
  }
  sync_threads();
  if (t >= 128) {
    if (t != 128) return;
    for (int i = 0; i < tiles; ++i) {
      const int s = i % stages;
      if (i >= stages && plan.release) mbarrier_wait(empty, s, static_cast<unsigned>(i / stages - 1) & 1u);
      mbarrier_arrive_expect(full, s, tile_bytes + b_bytes);
      tma_load(a_tile, s * 64 * depth, a_map, 2, full, s, {i * depth, 0});
      if constexpr (Transposed) {
        for (int n = 0; n < N / 64; ++n)
          tma_load(b_tile, s * N * depth + n * 64 * depth, b_map, 2, full, s, {n * 64, i * depth});
      } else {
        tma_load(b_tile, s * N * depth, b_map, 2, full, s, {i * depth, 0});
      }
    }
    return;
  }
  float sum[N / 2] = {};
  for (int i = 0; i < tiles; ++i) {
    const int s = i % stages;
    const auto parity = static_cast<unsigned>(i / stages) & 1u;
    if (plan.wait_full) mbarrier_wait(full, s, plan.right_parity ? parity : parity ^ 1u);
    std::uint32_t fragment[depth / 16][4];
    const int row = warp_index() * 16 + lane_index() % 16;
    for (int k = 0; k < depth / 16; ++k) {
      const int chunk = (2 * k + lane_index() / 16) ^ (row % 8);
      ldmatrix_x4(fragment[k], a_tile, s * 64 * depth + row * depth + chunk * 8);
    }
    if constexpr (!Registers) {
      for (int c = 0; c < depth / 8; ++c) {
        if (lane_index() < 16)
          copied.template store<8>(row * depth + c * 8,
                                   a_tile.template load<8>(s * 64 * depth + row * depth + c * 8));
      }
      if (plan.fence) fence_async_shared();
      named_barrier_sync(1, 128);
    }
    wgmma_fence();
    for (int k = 0; k < depth / 16; ++k) {
      const TileDescriptor b = Transposed
                                   ? tile_descriptor(b_tile, s * N * depth + k * 16 * 64, 64 * depth * 2)
                                   : tile_descriptor(b_tile, s * N * depth + k * 16);
      if constexpr (Registers) {
        wgmma<T, N, Transposed>(sum, fragment[k], b);
      } else {
        wgmma<T, N, Transposed>(sum, tile_descriptor(copied, k * 16), b);
      }
    }
    wgmma_commit();
    if (plan.wait_product) wgmma_wait<0>();
    if constexpr (!Registers) named_barrier_sync(1, 128);
    mbarrier_arrive(empty, s);
    if (!plan.wait_product) wgmma_wait<0>();
  }
  for (int i = 0; i < N / 2; ++i) {
    const int r = warp_index() * 16 + lane_index() / 4 + i % 4 / 2 * 8,
              c = i / 4 * 8 + lane_index() % 4 * 2 + i % 2;
    d[r * N + c] = sum[i];
  }
}

template <class T, int N, bool Transposed, bool Registers>
void check_product(Plan plan) {
  const int tiles = 5, k = tiles * depth - 24;  // the last tile is part zeros
  std::mt19937 random(7);
  const auto numbers = [&](int count) {
    std::vector<T> out;
    for (int i = 0; i < count; ++i) out.push_back(T(static_cast<float>(static_cast<int>(random() % 9) - 4)));
    return out;
  };
  std::vector<T> a_memory = numbers(64 * k + 16), b_memory = numbers(N * k + 16);
  const auto aligned = [](std::vector<T>& memory) {
    return reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 15) & ~std::uintptr_t{15});
  };
  const T *a = aligned(a_memory), *b = aligned(b_memory);
  const auto map = [&](const T* data, int inner, int outer, std::uint32_t rows) {
    return make_tensor_map({.data = data,
                            .bfloat = std::is_same_v<T, bfloat16>,
                            .rank = 2,
                            .extents = {static_cast<std::uint64_t>(inner), static_cast<std::uint64_t>(outer)},
                            .strides = {static_cast<std::uint64_t>(inner) * 2},
                            .box = {64, rows}});
  };
  std::vector<float> d(64 * N, -1);
  launch(CudaContext{},
         {"product", {1}, {160}, stages * (tile_bytes + N * depth * 2) + tile_bytes + 16 * stages},
         product_kernel<T, N, Transposed, Registers>, d.data(), map(a, k, 64, 64),
         Transposed ? map(b, N, k, 64) : map(b, k, N, N), tiles, plan);
  for (int i = 0; i < 64; ++i) {
    for (int j = 0; j < N; ++j) {
      float expected = 0;
      for (int l = 0; l < k; ++l)
        expected +=
            static_cast<float>(a[i * k + l]) * static_cast<float>(Transposed ? b[l * N + j] : b[j * k + l]);
      if (d[static_cast<std::size_t>(i * N + j)] != expected)
        fail(ErrorCode::bad_format, "wrong at ", i, ", ", j);
    }
  }
}

}  // namespace

TEST_CASE("the emulator's TMA, mbarriers and wgmma multiply matrices exactly", "[kernels]") {
  const auto arrival = GENERATE(host::Arrival::eager, host::Arrival::lazy);
  const WithSchedule schedule({11, arrival});
  CHECK_NOTHROW(check_product<bfloat16, 64, false, false>({}));
  CHECK_NOTHROW(check_product<float16, 64, true, true>({}));
  CHECK_NOTHROW(check_product<bfloat16, 128, true, false>({}));
  CHECK_NOTHROW(check_product<float16, 128, false, true>({}));
}

TEST_CASE("the emulator catches each defect of a pipelined product", "[kernels]") {
  const auto seed = GENERATE(range(0, 3));
  const auto arrival = GENERATE(host::Arrival::eager, host::Arrival::lazy);
  const WithSchedule schedule({static_cast<std::uint64_t>(seed), arrival});
  const auto report = [&](Plan plan) {
    return error_of([&] { check_product<bfloat16, 64, true, false>(plan); });
  };
  CHECK_THAT(report({.wait_full = false}), ContainsSubstring("which a copy is still writing") ||
                                               ContainsSubstring("which nobody wrote") ||
                                               ContainsSubstring("nothing orders"));
  CHECK_THAT(report({.right_parity = false}),
             ContainsSubstring("which a copy is still writing") || ContainsSubstring("which nobody wrote") ||
                 ContainsSubstring("nothing orders") || ContainsSubstring("for ever"));
  CHECK_THAT(report({.release = false}), ContainsSubstring("nothing orders") ||
                                             ContainsSubstring("which a copy is still writing") ||
                                             ContainsSubstring("where all have arrived"));
  CHECK_THAT(report({.fence = false}), ContainsSubstring("has not called fence_async_shared since"));
  // A product that is still reading when its stage is released: seen where products are late.
  if (arrival == host::Arrival::lazy) CHECK(report({.wait_product = false}) != "no error");
}

}  // namespace adlib::kernels::cuda
