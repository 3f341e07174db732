// bench/models/constrained.h: what holding rules costs while a model writes.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "models/model_bench.h"

namespace adlib::bench {

/// `requests` copies at once under so many forbidden phrases, the product's facts and a length. Each round
/// also writes the same prompts without rules; counters: copies and tokens a second under the rules, and
/// cost%, by how much a token takes longer than without them (median of the rounds). The model needs a
/// tokenizer.
void constrained(benchmark::State& state, const Model& model, const Format& format, std::int64_t requests,
                 std::int64_t phrases);

}  // namespace adlib::bench
