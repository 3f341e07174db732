// kernels/cuda/sample.cuh: the next token of each row of scores.
//
// A block has a row. It reads the scores once, 16 bytes a thread and thirteen of those in flight, and keeps
// them as floats in shared memory or, where they do not fit, in temporary memory; all that follows are passes
// over these. What top_k leaves is a short list (sample_keys.cuh), which is weighed, cut by top_p and put in
// order of id. Without top_k the whole row is weighed; a draw adds up the weights in order of id, warps'
// shares first, then one share by all threads.
//
// Bound by memory, n vocabulary sizeof(T) bytes, and without top_k by the exponentials. grid = n, block =
// 512, shared memory = sample_scratch_bytes and, with InShared, 4 bytes for each of `slots`.
#pragma once

#include <limits>

#include "adlib/core/random.h"
#include "adlib/core/sample_row.h"
#include "kernels/cuda/group.cuh"
#include "kernels/cuda/sample_keys.cuh"

namespace adlib::kernels::cuda {

/// Elements of a row's memory, with room before the row.
template <class T>
constexpr std::int64_t sample_slots(std::int64_t vocabulary) {
  return (groups_in<T>(vocabulary) + 1) * vec_size<T>;
}

inline constexpr float highest_score = std::numeric_limits<float>::max();

__device__ __forceinline__ void put(const Shared<float>& to, int i, const Vec<float, 4>& values) {
  to.store<4>(i, values);
}
__device__ __forceinline__ void put(float* to, int i, const Vec<float, 4>& values) { store(to + i, values); }

/// Copies a row of scores as floats -> the key of the thread's greatest, or all ones when one of the thread's
/// is NaN or +infinity. `head`: how many scores stand before the first whole group; the same in the row.
template <class T, class Memory>
__device__ __forceinline__ SampleKey load_scores(const Memory& row, const T* scores, int head,
                                                 int vocabulary) {
  constexpr int size = vec_size<T>;
  constexpr int in_flight = 13;  // 50,257 floats are two rounds, half types one
  float best = -INFINITY;
  int best_id = 0;
  bool finite = true;
  const auto note = [&](float x, int id) {
    finite = finite && x <= highest_score;
    if (x > best) best = x, best_id = id;
  };
  const auto load_one = [&](int id) {
    const float x = to_float(scores[id]);
    note(x, id);
    row[id] = x;
  };
  const int groups = (vocabulary - head) / size, tail = head + groups * size;
  if (thread_index() < head) load_one(thread_index());
  for (int first = thread_index(); first < groups; first += in_flight * sample_threads) {
    Group<T> in[in_flight];
#pragma unroll
    for (int u = 0; u < in_flight; ++u) {
      const int group = first + u * sample_threads;
      if (group < groups) in[u] = load<size>(scores + head + group * size);
    }
#pragma unroll
    for (int u = 0; u < in_flight; ++u) {
      const int group = first + u * sample_threads;
      if (group >= groups) break;
#pragma unroll
      for (int part = 0; part < size; part += 4) {
        const int id = head + group * size + part;
        Vec<float, 4> values;
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          values[e] = to_float(in[u][part + e]);
          note(values[e], id + e);
        }
        put(row, id, values);
      }
    }
  }
  if (tail + thread_index() < vocabulary) load_one(tail + thread_index());
  return finite ? sample_key<false>(best, best_id) : ~SampleKey{0};
}

/// The key of the thread's greatest.
template <class Memory>
__device__ __forceinline__ SampleKey greatest_of(const Memory& row, int vocabulary) {
  float best = -INFINITY;
  int best_id = 0;
#pragma unroll 8
  for (int id = thread_index(); id < vocabulary; id += sample_threads) {
    const float x = row[id];
    if (x > best) best = x, best_id = id;
  }
  return sample_key<false>(best, best_id);
}

/// Repetition, presence and frequency penalty: for one stretch of ids after the other, how often each was
/// generated, and whether it stands in the history at all.
template <class Memory>
__device__ __forceinline__ void penalise(const Memory& row, const SampleRow& how, const std::int32_t* history,
                                         int vocabulary, const SampleScratch& scratch) {
  constexpr std::uint32_t in_prompt = 0x80000000u;
  const std::int32_t* ids = history + how.history;
  for (int first = 0; first < vocabulary; first += counted_ids) {
    const int n = vocabulary - first < counted_ids ? vocabulary - first : counted_ids;
    sync_threads();
    for (int i = thread_index(); i < n; i += sample_threads) scratch.counts[i] = 0;
    sync_threads();
    for (int i = thread_index(); i < how.history_length; i += sample_threads) {
      const int at = ids[i] - first;
      if (at < 0 || at >= n) continue;
      if (i < how.prompt_length)
        atomic_or(scratch.counts, at, in_prompt);
      else
        atomic_add(scratch.counts, at, 1);
    }
    sync_threads();
    for (int i = thread_index(); i < n; i += sample_threads) {
      const std::uint32_t count = scratch.counts[i], generated = count & ~in_prompt;
      if (count == 0) continue;
      float x = row[first + i];
      if (how.repetition_penalty != 1) x = x < 0 ? x * how.repetition_penalty : x / how.repetition_penalty;
      if (generated != 0)
        x -= how.presence_penalty + product(how.frequency_penalty, static_cast<float>(generated));
      row[first + i] = x;
    }
  }
  sync_threads();
}

/// exp((score - best) / temperature); 0 for scores below `lowest` and forbidden ones. A penalty may overflow
/// a score to infinity: it counts as the highest number.
struct Weigher {
  float lowest, best, temperature;

  __device__ __forceinline__ float operator()(float x) const {
    float distance = fminf(x, highest_score) - best;
    if (temperature != 1) distance /= temperature;
    const float weight = expf(distance);  // by all threads: branches would cost more
    return x >= lowest ? weight : 0;
  }
};

/// A draw among the first n keys of the list, those of scores: by their weights, top_p and min_p.
__device__ __forceinline__ int draw_listed(int n, const Weigher& weigh, const SampleRow& how, double uniform,
                                           SampleScratch& scratch) {
  const auto worth = [](SampleKey key) { return static_cast<double>(bits_float(order_in(key))); };
  sync_threads();  // all have read the edge
  for (int i = thread_index(); i < n; i += sample_threads) {
    const SampleKey key = scratch.list[i];
    scratch.list[i] = sample_key<true>(weigh(number_of(order_in(key))), id_of(key));
  }
  if (how.top_p < 1) {
    sort_list(n, scratch);
    const auto enough = [&](double sum, double total) {
      return sum >= static_cast<double>(how.top_p) * total;
    };
    n = 1 + first_listed(n, worth, enough, scratch);
  }
  // In order of id: the key's halves change places.
  for (int i = thread_index(); i < n; i += sample_threads) {
    const SampleKey key = scratch.list[i];
    scratch.list[i] = bits_float(order_in(key)) >= how.min_p ? key << 32 | key >> 32 : 0;
  }
  sort_list(n, scratch);
  const auto weight = [](SampleKey key) {
    return static_cast<double>(bits_float(static_cast<std::uint32_t>(key)));
  };
  const auto falls = [&](double sum, double total) { return uniform * total < sum; };
  return id_of(scratch.list[first_listed(n, weight, falls, scratch)] >> 32);
}

/// A draw from the row's weights of at least min_p whose key is at or above `lowest`; the others become 0. At
/// least one stays.
template <class Memory>
__device__ __forceinline__ int draw(const Memory& row, int vocabulary, SampleKey lowest, float min_p,
                                    double uniform, SampleScratch& scratch) {
  const int lane = lane_index();
  const int share = ((vocabulary + sample_warps - 1) / sample_warps + 31) / 32 * 32;
  const auto end_of = [&](int begin) { return begin + share < vocabulary ? begin + share : vocabulary; };
  const float edge = bits_float(order_in(lowest)), least = fmaxf(edge, min_p);
  const int last_equal = id_of(lowest);
  double mine = 0, total = 0;
  const int begin = warp_index() * share;
#pragma unroll 4
  for (int id = begin + lane; id < end_of(begin); id += 32) {
    const float weight = row[id];
    if (weight >= least && (weight != edge || id <= last_equal))
      mine += static_cast<double>(weight);
    else
      row[id] = 0.0f;
  }
  const Shared<double> shares = scratch.of_warps(warp_sum(mine));
  for (int w = 0; w < sample_warps; ++w) total += shares[w];
  double left = uniform * total, before = 0;
  int chosen = 0;
  for (int w = 0; w < sample_warps; ++w) {
    const double weight = shares[w];
    if (weight == 0) continue;
    left -= before;  // not in the last share that had weight
    chosen = w, before = weight;
    if (left < weight) break;
  }
  // Within the share every thread has a run of ids.
  const int first = chosen * share, end = end_of(first);
  const int each = (end - first + sample_threads - 1) / sample_threads;
  const int from = first + thread_index() * each, to = from + each < end ? from + each : end;
  mine = 0;
  for (int id = from; id < to; ++id) mine += static_cast<double>(row[id]);
  double sum = scratch.sum_before(mine, total);
  SampleKey found = 0;  // where it falls, else, for rounding's sake, the last that has weight
  for (int id = from; id < to; ++id) {
    const float weight = row[id];
    if (weight == 0) continue;
    sum += static_cast<double>(weight);
    found = left < sum ? key_of(1, id) : static_cast<SampleKey>(id);
    if (left < sum) break;
  }
  found = scratch.reduce(found, Greatest{});
  return order_in(found) != 0 ? id_of(found) : static_cast<int>(found);
}

/// The token of a block's row. `row`: memory for its scores; `head`: as load_scores has it.
template <class T, class Memory>
__device__ __forceinline__ int sample_row(const Memory& row, const T* scores, int head, const SampleRow& how,
                                          const std::int32_t* history, int vocabulary) {
  SampleScratch scratch;
  SampleKey mine = load_scores(row, scores, head, vocabulary);
  SampleKey best = scratch.reduce(mine, Greatest{});
  if (best == ~SampleKey{0}) return sampling::not_finite;
  if (how.has_penalties() && how.history_length > 0) {
    penalise(row, how, history, vocabulary, scratch);
    mine = greatest_of(row, vocabulary);
    best = scratch.reduce(mine, Greatest{});
  }
  if (best == 0) return sampling::none;
  // What leaves no candidate leaves the best.
  if (how.do_sample == 0 || !(how.top_p > 0) || how.min_p > 1) return id_of(best);

  const double uniform = Philox(how.seed, how.stream).uniform(how.index);
  Weigher weigh{-INFINITY, fminf(row[id_of(best)], highest_score), how.temperature};
  if (how.top_k > 0 && how.top_k < vocabulary) {
    const int rank = (how.top_k + sample_warps - 1) / sample_warps;
    const SampleKey guess = rank <= 32 ? guess_key(order_in(mine), rank, scratch) : 1;
    const Edge edge =
        find_edge<false>(row, vocabulary, static_cast<double>(how.top_k), guess, vocabulary, scratch);
    if (edge.key > 1) weigh.lowest = number_of(order_in(edge.key));
    if (edge.listed > 0) return draw_listed(edge.listed, weigh, how, uniform, scratch);
  }
  sync_threads();  // before weights take the scores' place
  const bool nucleus = how.top_p < 1;
  double total = 0;
  std::uint32_t weights = 0, greatest = 0;
#pragma unroll 4
  for (int id = thread_index(); id < vocabulary; id += sample_threads) {
    const float weight = weigh(row[id]);
    row[id] = weight;
    if (!nucleus) continue;
    total += static_cast<double>(weight);
    weights += weight > 0 ? 1 : 0;
    greatest = Greatest{}(greatest, float_bits(weight));
  }
  Edge edge;
  if (nucleus) {
    constexpr int rank = 20;  // of 32: about 800 keys of 50,000
    total = scratch.reduce(total, Sum{});
    weights = scratch.reduce(weights, Sum{});
    const SampleKey guess = guess_key(greatest, rank, scratch);
    edge = find_edge<true>(row, vocabulary, static_cast<double>(how.top_p) * total, guess,
                           static_cast<int>(weights), scratch);
  }
  sync_threads();
  return draw(row, vocabulary, edge.key, how.min_p, uniform, scratch);
}

/// tokens: (n); scores: (n, vocabulary); work: (n, slots) when the scores are not InShared.
template <class T, bool InShared>
__global__ void __launch_bounds__(sample_threads, 1)
    sample_kernel(std::int32_t* tokens, const T* scores, const SampleRow* rows, const std::int32_t* history,
                  float* work, int slots, int vocabulary) {
  const std::int64_t r = blockIdx.x;
  const T* in = scores + r * vocabulary;
  // The row begins as far behind 16 bytes of its memory as the scores do.
  constexpr int size = vec_size<T>;
  const int shift = static_cast<int>(reinterpret_cast<std::uintptr_t>(in) / sizeof(T) % size);
  const int before = shift == 0 ? 0 : size - shift, head = before < vocabulary ? before : vocabulary;
  int token;
  if constexpr (InShared) {
    const Shared<float> row = Shared<float>(sample_scratch_bytes, slots).from(shift);
    token = sample_row(row, in, head, rows[r], history, vocabulary);
  } else {
    token = sample_row(work + r * slots + shift, in, head, rows[r], history, vocabulary);
  }
  if (thread_index() == 0) tokens[r] = token;
}

}  // namespace adlib::kernels::cuda
