// The emulator itself: small kernels that are right, and the same ones with one defect each.
#include <array>
#include <random>
#include <vector>

#include "kernels/cuda/arch/atomic.cuh"
#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/cp_async.cuh"
#include "kernels/cuda/arch/mma.cuh"
#include "kernels/cuda/arch/warp.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/operands.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib::kernels::cuda {
namespace {

using test::error_of;
using test::WithSchedule;

std::vector<float> random_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>(static_cast<int>(random() % 17) - 8);  // products are exact
  return out;
}

struct Plan {
  bool sync = true, in_bounds = true, write_all = true, converge = true, stay = true;
};

// out[b] = the sum of block b's 128 numbers: a tree in shared memory, then a warp.
__global__ void __launch_bounds__(128) sum_kernel(float* out, const float* in, Plan plan) {
  const Shared<float> partial(0, 128);
  const int t = thread_index();
  if (t == 100 && !plan.stay) return;
  if (plan.write_all || t != 77) partial[plan.in_bounds ? t : t + 1] = in[blockIdx.x * 128 + threadIdx.x];
  if (plan.sync) sync_threads();
  if (t >= 32) return;
  float sum = partial[t] + partial[t + 32] + partial[t + 64] + partial[t + 96];
  if (plan.converge || t != 5) sum = warp_sum(sum);
  if (!plan.converge && t == 5) sum = shuffle(sum, 0);
  if (t == 0) out[blockIdx.x] = sum;
}

std::vector<float> block_sums(const std::vector<float>& in, Plan plan) {
  std::vector<float> out(in.size() / 128);
  launch(CudaContext{}, {"sum", {static_cast<unsigned>(out.size())}, {128}, 128 * sizeof(float)}, sum_kernel,
         out.data(), in.data(), plan);
  return out;
}

// Numbers go through two buffers from the first warp, which copies, to the second, which adds.
__global__ void __launch_bounds__(64)
    pipe_kernel(float* out, const float* in, int tiles, bool wait, bool release) {
  const Shared<float> buffers(0, 2 * 128);
  const int lane = lane_index();
  float sum = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    const Shared<float> buffer = buffers.from(tile % 2 * 128);
    if (warp_index() == 0) {
      if (tile >= 2 && release) named_barrier_sync(3 + tile % 2, 64);
      cp_async_16(buffer, 4 * lane, in + tile * 128 + 4 * lane);
      cp_async_commit();
      if (wait) cp_async_wait<0>();
      named_barrier_arrive(1 + tile % 2, 64);
      if (!wait) cp_async_wait<0>();
    } else {
      named_barrier_sync(1 + tile % 2, 64);
      const Vec<float, 4> four = buffer.load<4>(4 * lane);
      for (int i = 0; i < 4; ++i) sum += four[i];
      if (tile + 2 < tiles && release) named_barrier_arrive(3 + tile % 2, 64);
    }
  }
  if (warp_index() == 1) out[lane] = sum;
}

// counts: how often each of 0 … 3 stands in `in`, by all threads at once; then which of them do.
__global__ void __launch_bounds__(128)
    count_kernel(std::uint32_t* counts, const std::uint32_t* in, bool clear, bool sync) {
  const Shared<std::uint32_t> words(0, 5);
  const int t = thread_index();
  if (t < 5 && clear) words[t] = 0;
  sync_threads();
  atomic_add(words, static_cast<int>(in[t]), 1);
  atomic_or(words, 4, 1u << in[t]);
  if (sync) sync_threads();
  if (t >= 123) counts[t - 123] = words[t - 123];
}

// d (16, 8) = a (16, 32) b (32, 8) by one warp.
template <class T>
__global__ void product_kernel(float* d, const T* a, const T* b) {
  const Shared<T> tile_a(0, 16 * 32), tile_b(16 * 32 * 2, 32 * 8);
  const int lane = lane_index();
  for (int i = lane; i < 16 * 32; i += 32) tile_a[i] = a[i];
  for (int i = lane; i < 32 * 8; i += 32) tile_b[i] = b[i];
  sync_warp();
  float sum[4] = {};
  std::uint32_t right[4];
  ldmatrix_x4_transposed(right, tile_b, lane * 8);
  for (int k = 0; k < 2; ++k) {
    std::uint32_t left[4];
    ldmatrix_x4(left, tile_a, lane % 16 * 32 + k * 16 + lane / 16 * 8);
    const std::uint32_t half[2] = {right[2 * k], right[2 * k + 1]};
    mma_m16n8k16<T>(sum, left, half);
  }
  for (int i = 0; i < 4; ++i) d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sum[i];
}

}  // namespace

TEST_CASE("the emulator runs a kernel as the device would, under every schedule", "[kernels]") {
  const auto seed = GENERATE(range(0, 8));
  const auto arrival = GENERATE(host::Arrival::eager, host::Arrival::lazy);
  const WithSchedule schedule({static_cast<std::uint64_t>(seed), arrival});
  const auto in = random_floats(3 * 128, 1);
  const auto sums = block_sums(in, {});
  for (std::size_t b = 0; b < 3; ++b) {
    float expected = 0;
    for (std::size_t i = 0; i < 128; ++i) expected += in[b * 128 + i];
    CHECK(sums[b] == expected);
  }

  const auto numbers = random_floats(7 * 128, 2);
  std::array<float, 32> out{};
  launch(CudaContext{}, {"pipe", {1}, {64}, 256 * sizeof(float)}, pipe_kernel, out.data(), numbers.data(), 7,
         true, true);
  for (std::size_t lane = 0; lane < 32; ++lane) {
    float expected = 0;
    for (std::size_t tile = 0; tile < 7; ++tile)
      for (std::size_t i = 0; i < 4; ++i) expected += numbers[tile * 128 + 4 * lane + i];
    CHECK(out[lane] == expected);
  }
}

TEST_CASE("the emulator's threads change a word at once, and must wait to read it", "[kernels]") {
  const auto seed = GENERATE(range(0, 8));
  const WithSchedule schedule({static_cast<std::uint64_t>(seed), host::Arrival::eager});
  std::vector<std::uint32_t> in(128), counts(5), expected(5);
  for (std::uint32_t i = 0; i < 128; ++i) {
    in[i] = i * i % 7 % 3;
    ++expected[in[i]];
    expected[4] |= 1u << in[i];
  }
  const auto run = [&](bool clear, bool sync) {
    return error_of([&] {
      launch(CudaContext{}, {"count", {1}, {128}, 5 * sizeof(std::uint32_t)}, count_kernel, counts.data(),
             in.data(), clear, sync);
    });
  };
  CHECK(run(true, true) == "no error");
  CHECK(counts == expected);
  using test::ContainsSubstring;
  CHECK_THAT(run(false, true), ContainsSubstring("changes byte") && ContainsSubstring("which nobody wrote"));
  CHECK_THAT(run(true, false), ContainsSubstring("changed it, and nothing orders the two") ||
                                   ContainsSubstring("read it, and nothing orders the two"));
}

TEMPLATE_TEST_CASE("the emulator's fragments multiply matrices", "[kernels]", float16, bfloat16) {
  const auto a = random_floats(16 * 32, 3), b = random_floats(32 * 8, 4);
  std::vector<TestType> left, right;
  for (float x : a) left.push_back(TestType(x));
  for (float x : b) right.push_back(TestType(x));
  std::vector<float> d(16 * 8);
  launch(CudaContext{}, {"product", {1}, {32}, (16 * 32 + 32 * 8) * 2}, product_kernel<TestType>, d.data(),
         left.data(), right.data());
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      float expected = 0;
      for (std::size_t k = 0; k < 32; ++k) expected += a[i * 32 + k] * b[k * 8 + j];
      CHECK(d[i * 8 + j] == expected);
    }
  }
}

TEST_CASE("the emulator reports each defect with operation, block and thread", "[kernels]") {
  const auto seed = GENERATE(range(0, 8));
  const WithSchedule schedule({static_cast<std::uint64_t>(seed), host::Arrival::lazy});
  const auto in = random_floats(2 * 128, 5);
  const auto report = [&](Plan plan) { return error_of([&] { block_sums(in, plan); }); };
  using test::ContainsSubstring;
  CHECK_THAT(report({.sync = false}),
             ContainsSubstring("sum: block (") && ContainsSubstring("thread (") &&
                 (ContainsSubstring("nothing orders the two") || ContainsSubstring("which nobody wrote")));
  CHECK_THAT(report({.in_bounds = false}),
             ContainsSubstring(
                 "thread (127, 0, 0): elements [128, 129) of a view of 128 elements of shared memory"));
  CHECK_THAT(report({.write_all = false}),
             ContainsSubstring("reads byte 308 of shared memory, which nobody wrote"));
  CHECK_THAT(report({.converge = false}), ContainsSubstring("of its warp are at shuffle"));
  CHECK_THAT(report({.stay = false}), ContainsSubstring("its threads wait for ever") &&
                                          ContainsSubstring("wait for barrier 0") &&
                                          ContainsSubstring("thread 100 left the kernel"));
}

TEST_CASE("the emulator reports copies that nobody waits for", "[kernels]") {
  const auto seed = GENERATE(range(0, 8));
  const auto arrival = GENERATE(host::Arrival::eager, host::Arrival::lazy);
  const WithSchedule schedule({static_cast<std::uint64_t>(seed), arrival});
  const auto numbers = random_floats(7 * 128, 2);
  std::array<float, 32> out{};
  const auto report = [&](bool wait, bool release) {
    return error_of([&] {
      launch(CudaContext{}, {"pipe", {1}, {64}, 256 * sizeof(float)}, pipe_kernel, out.data(), numbers.data(),
             7, wait, release);
    });
  };
  using test::ContainsSubstring;
  const std::string no_wait = report(false, true), no_release = report(true, false);
  CHECK_THAT(no_wait, ContainsSubstring("which a copy is still writing") ||
                          ContainsSubstring("nothing orders the two"));
  CHECK_THAT(no_release, ContainsSubstring("nothing orders the two") ||
                             ContainsSubstring("comes to barrier") || ContainsSubstring("wait for ever"));
}

}  // namespace adlib::kernels::cuda
