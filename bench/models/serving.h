// bench/models/serving.h: whole requests through the engine.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "models/model_bench.h"

namespace adlib::bench {

/// Requests that all come at once, each with a prompt that begins as all others do and goes on with tokens of
/// its own, greedily.
struct ServingCase {
  Model model;
  Format format;
  std::int64_t requests = 1;
  std::int64_t common_tokens = 0, own_tokens = 64, new_tokens = 64;
  bool share_prefixes = true;
};

/// Times from the first submission to the last result. Counters: generated tokens a second, reading the
/// prompts included, and the share of the engine's steps that is not the model's.
void serve(benchmark::State& state, const ServingCase& c);

}  // namespace adlib::bench
