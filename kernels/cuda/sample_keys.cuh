// kernels/cuda/sample_keys.cuh: where top_k and top_p end, without sorting a vocabulary.
//
// A *key* is the bits of a score or of a weight with the id below them: no two are alike. A pass over a row
// says what the keys at or above a guess are worth (how many they are, or the sum of their weights) and lists
// them; the guess, a high rank among the threads' own greatest, makes them a few hundred, which are sorted
// and added up. Where it is wrong, the interval of keys in question is halved until what is left of it fits
// the list. All sums have one order, given by the vocabulary's size.
#pragma once

#include <cstdint>

#include "kernels/cuda/arch/atomic.cuh"
#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/arch/warp.cuh"

namespace adlib::kernels::cuda {

/// A number's order in the upper half, the id's complement in the lower: of equal numbers the lower id has
/// the greater key. 0 is nobody's.
using SampleKey = std::uint64_t;

inline constexpr int sample_threads = 512, sample_warps = sample_threads / 32;
/// Keys that are sorted at most.
inline constexpr int most_listed = 2048;
/// Ids whose occurrences are counted at once, in the list's memory.
inline constexpr int counted_ids = 4096;
/// The list, and two areas for reductions of each of three types, and the list's length.
inline constexpr int sample_scratch_bytes = most_listed * 8 + 2 * sample_warps * (8 + 8 + 4) + 16;
/// Ascending with x; both zeros alike.
__device__ __forceinline__ std::uint32_t order_of(float x) {
  const std::uint32_t bits = float_bits(x + 0.0f);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
/// The least number of at least this order.
__device__ __forceinline__ float number_of(std::uint32_t order) {
  if (order <= order_of(-INFINITY)) return -INFINITY;
  return bits_float((order & 0x80000000u) != 0 ? order & 0x7fffffffu : ~order);
}
__device__ __forceinline__ SampleKey key_of(std::uint32_t order, int id) {
  return static_cast<SampleKey>(order) << 32 | ~static_cast<std::uint32_t>(id);
}
__device__ __forceinline__ int id_of(SampleKey key) {
  return static_cast<int>(~static_cast<std::uint32_t>(key));
}
__device__ __forceinline__ std::uint32_t order_in(SampleKey key) {
  return static_cast<std::uint32_t>(key >> 32);
}
/// The key of a score or, with Weights, of a weight; 0 when the token is forbidden or has no weight.
template <bool Weights>
__device__ __forceinline__ SampleKey sample_key(float x, int id) {
  if (Weights) return x > 0 ? key_of(float_bits(x), id) : 0;
  return x == -INFINITY ? 0 : key_of(order_of(x), id);
}

struct Greatest {
  template <class V>
  __device__ __forceinline__ V operator()(V a, V b) const {
    return a < b ? b : a;
  }
};
struct Least {
  template <class V>
  __device__ __forceinline__ V operator()(V a, V b) const {
    return b < a ? b : a;
  }
};
struct Sum {
  template <class V>
  __device__ __forceinline__ V operator()(V a, V b) const {
    return a + b;
  }
};

/// What the threads of a block share besides the row.
struct SampleScratch {
  Shared<SampleKey> list{0, most_listed};
  Shared<std::uint32_t> counts{0, counted_ids};
  Shared<SampleKey> keys{most_listed * 8, 2 * sample_warps};
  Shared<double> numbers{most_listed * 8 + 2 * sample_warps * 8, 2 * sample_warps};
  Shared<std::uint32_t> words{most_listed * 8 + 2 * sample_warps * 16, 2 * sample_warps};
  Shared<std::uint32_t> length{most_listed * 8 + 2 * sample_warps * 20, 1};
  int turn = 0;  // of reductions: they alternate between two areas, so that one barrier each is enough

  __device__ __forceinline__ const Shared<SampleKey>& areas(SampleKey) const { return keys; }
  __device__ __forceinline__ const Shared<double>& areas(double) const { return numbers; }
  __device__ __forceinline__ const Shared<std::uint32_t>& areas(std::uint32_t) const { return words; }

  /// Every warp's value, for all threads.
  template <class V>
  __device__ __forceinline__ Shared<V> of_warps(V value) {
    const Shared<V> area = areas(value).from(turn++ % 2 * sample_warps);
    const int warp = warp_index();
    if (lane_index() == 0) area[warp] = value;
    sync_threads();
    return area;
  }
  /// op over all threads, in one order. V: SampleKey, double or uint32_t.
  template <class V, class Op>
  __device__ __forceinline__ V reduce(V value, const Op& op) {
#pragma unroll
    for (int mask = 1; mask < 32; mask *= 2) value = op(value, shuffle_xor(value, mask));
    const Shared<V> area = of_warps(value);
    value = area[0];
#pragma unroll
    for (int w = 1; w < sample_warps; ++w) value = op(value, static_cast<V>(area[w]));
    return value;
  }
  /// The sum of `value` over the threads before this one; `total`: over all.
  __device__ __forceinline__ double sum_before(double value, double& total) {
    const int lane = lane_index(), warp = warp_index();
    double sum = value;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      const double below = shuffle_up(sum, distance);
      if (lane >= distance) sum += below;
    }
    const Shared<double> area = of_warps(shuffle(sum, 31));
    double before = 0;
    total = 0;
#pragma unroll
    for (int w = 0; w < sample_warps; ++w) {
      if (w == warp) before = total;
      total += area[w];
    }
    const double below = shuffle_up(sum, 1);
    return lane > 0 ? before + below : before;
  }
};

/// A key that at least `sample_warps` rank threads' greatest are at or above: the least of the warps'
/// greatest of that rank, from 1 to 32. At least 1.
__device__ __forceinline__ SampleKey guess_key(std::uint32_t greatest, int rank, SampleScratch& scratch) {
  int above = 0;
  const int lane = lane_index();
  for (int other = 0; other < 32; ++other) {
    const std::uint32_t theirs = shuffle(greatest, other);
    above += theirs > greatest || (theirs == greatest && other < lane) ? 1 : 0;
  }
  const std::uint32_t mine = above == rank - 1 ? greatest : 0xffffffffu;
  const SampleKey guess = static_cast<SampleKey>(scratch.reduce(mine, Least{})) << 32;
  return guess > 0 ? guess : 1;
}

struct Tally {
  double worth = 0;
  int count = 0;
};
/// The keys in [low, high), low > 0: their number and worth, and with `listed` the first most_listed that
/// came in the list, in no order.
template <bool Weights, class Memory>
__device__ __forceinline__ Tally tally(const Memory& row, int vocabulary, SampleKey low, SampleKey high,
                                       bool listed, SampleScratch& scratch) {
  if (listed) {
    if (thread_index() == 0) scratch.length[0] = 0;
    sync_threads();
  }
  constexpr int at_once = 4;
  constexpr float nobody = Weights ? 0.0f : -INFINITY;
  const float least = Weights ? bits_float(order_in(low)) : number_of(order_in(low));
  const int lane = lane_index();
  Tally mine;
  for (int first = thread_index() - lane; first < vocabulary; first += at_once * sample_threads) {
    float x[at_once];
    bool any = false;
#pragma unroll
    for (int u = 0; u < at_once; ++u) {
      const int id = first + u * sample_threads + lane;
      x[u] = id < vocabulary ? static_cast<float>(row[id]) : nobody;
      any = any || x[u] >= least;
    }
    if (ballot(any) == 0) continue;
#pragma unroll
    for (int u = 0; u < at_once; ++u) {
      const SampleKey key = sample_key<Weights>(x[u], first + u * sample_threads + lane);
      const bool inside = key >= low && key < high;
      if (inside) {
        ++mine.count;
        if (Weights) mine.worth += static_cast<double>(x[u]);
      }
      if (!listed) continue;
      const unsigned lanes = ballot(inside);
      if (lanes == 0) continue;
      std::uint32_t at = 0;
      if (lane == 0) at = atomic_add(scratch.length, 0, static_cast<std::uint32_t>(count_ones(lanes)));
      const int slot = static_cast<int>(shuffle(at, 0)) + count_ones(lanes & ((1u << lane) - 1));
      if (inside && slot < most_listed) scratch.list[slot] = key;
    }
  }
  const auto count = scratch.reduce(static_cast<std::uint32_t>(mine.count), Sum{});
  const double worth = Weights ? scratch.reduce(mine.worth, Sum{}) : static_cast<double>(count);
  return {worth, static_cast<int>(count)};
}

/// Sorts the first n keys of the list, the greatest first (Batcher, "Sorting networks and their
/// applications", 1968). A warp's pairs stand in 64 keys of its own as long as their distance is at most 32.
__device__ __forceinline__ void sort_list(int n, const SampleScratch& scratch) {
  int size = 1;
  while (size < n) size *= 2;
  for (int i = n + thread_index(); i < size; i += sample_threads) scratch.list[i] = 0;
  sync_threads();
  for (int length = 2; length <= size; length *= 2) {
    for (int stride = length / 2; stride > 0; stride /= 2) {
      for (int pair = thread_index(); pair < size / 2; pair += sample_threads) {
        const int i = 2 * pair - (pair & (stride - 1));
        const SampleKey a = scratch.list[i], b = scratch.list[i + stride];
        if ((i & length) == 0 ? a < b : b < a) scratch.list[i] = b, scratch.list[i + stride] = a;
      }
      if (stride > 32 || (stride == 1 && length > 32))  // or the next stride is
        sync_threads();
      else
        sync_warp();
    }
  }
  sync_threads();
}

/// The first of the list's n entries where `reached` holds for the worth of all up to it, itself included,
/// and that of all n; the last one that is worth something where it never does.
template <class Worth, class Reached>
__device__ __forceinline__ int first_listed(int n, const Worth& worth, const Reached& reached,
                                            SampleScratch& scratch) {
  constexpr int each = most_listed / sample_threads;
  const int first = each * thread_index(), last = first + each < n ? first + each : n;
  double mine = 0, total = 0;
  for (int i = first; i < last; ++i) mine += worth(scratch.list[i]);
  double sum = scratch.sum_before(mine, total);
  SampleKey found = 0;
  for (int i = first; i < last; ++i) {
    const double more = worth(scratch.list[i]);
    if (more == 0) continue;
    sum += more;
    found = reached(sum, total) ? key_of(1, i) : static_cast<SampleKey>(i);
    if (order_in(found) != 0) break;
  }
  found = scratch.reduce(found, Greatest{});
  return order_in(found) != 0 ? id_of(found) : static_cast<int>(found);
}

/// Where top_k or top_p end.
struct Edge {
  SampleKey key = 1;  ///< the last that stays; 1: all do
  int listed =
      0;  ///< so many keys the list holds, the greatest first: all that stay, equals of `key` too; or 0
};
/// The greatest key such that the keys at or above it are worth `target` together, or the least of all where
/// all of them are not. `keys`: how many there are, or more than fit in the list; then at least `guess` > 1
/// must be worth it, or `keys` exact.
template <bool Weights, class Memory>
__device__ __forceinline__ Edge find_edge(const Memory& row, int vocabulary, double target, SampleKey guess,
                                          int keys, SampleScratch& scratch) {
  // In [low, high) stand `keys` keys; those from high on are worth `above`, less than the target.
  SampleKey low = 1, high = ~SampleKey{0}, pivot = keys <= most_listed ? low : guess;
  double above = 0;
  bool listed = keys <= most_listed || pivot > low;
  for (;;) {
    const Tally upper = tally<Weights>(row, vocabulary, pivot, high, listed, scratch);
    if (pivot == low || above + upper.worth >= target) {
      low = pivot, keys = upper.count;
      if (listed && keys <= most_listed) break;
    } else {
      high = pivot, above += upper.worth, keys -= upper.count;
    }
    listed = keys <= most_listed;
    pivot = listed ? low : low + (high - low) / 2;
  }
  if (keys == 0) return {};
  sort_list(keys, scratch);
  const auto worth = [](SampleKey key) {
    return Weights ? static_cast<double>(bits_float(order_in(key))) : 1.0;
  };
  const auto reached = [&](double sum, double) { return above + sum >= target; };
  const SampleKey key = scratch.list[first_listed(keys, worth, reached, scratch)];
  return {key, high == ~SampleKey{0} && low <= key >> 32 << 32 ? keys : 0};
}

}  // namespace adlib::kernels::cuda
