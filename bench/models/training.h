// bench/models/training.h: steps of training whole decoders.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "models/model_bench.h"

namespace adlib::bench {

/// One case: how much a step reads, and how it computes.
struct TrainingCase {
  Model model;
  DType dtype = DType::f32;  ///< of TrainableOptions
  bool checkpoint_activations = false;
  std::int64_t documents = 4, tokens = 64;  ///< B and T
  int threads = 1;
  bool with_limits = true;
};

/// The least that a step of training does. Parameters, gradients and moments are f32.
struct TrainingWork {
  double products = 0;   ///< operations of the linear layers and the head: forward, by input, by weight
  double attention = 0;  ///< operations with queries, keys and values: 4 D a pair forward, 10 D backward
  double bytes = 0;      ///< that AdamW reads and writes
};
TrainingWork training_work(const TrainingCase& c);
/// Products at the dtype's peak, attention at f32's, and AdamW, which can overlap with neither.
double least_seconds(const TrainingWork& work, DType dtype, const Limits& limits);

/// Times whole steps: forward, backward, clipping, AdamW, on new random tokens each. The first step does not
/// count; with random weights its loss must be about ln V, that of a uniform guess.
void train(benchmark::State& state, const TrainingCase& c);

}  // namespace adlib::bench
