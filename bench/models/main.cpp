// bench_models: prefill, decoding, batches, shared prefixes, the time to the first token, memory and training
// of whole decoders, beside what the machine allows.
//
//   bench_models [--model gpt2-124m|gpt2-355m|DIR]… [--heavy-tailed] [--train BxT]… [--steps N] [--no-limits]
//                [Google Benchmark's options]
//
// --train measures training with B documents of T tokens (4x64 and 1x512), --steps how many steps (5).
// --no-limits leaves out the seconds that measuring the machine takes, for programs that alternate with
// others.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/core/parallel.h"
#include "kernels/cpu/isa.h"
#include "models/constrained.h"
#include "models/model_bench.h"
#include "models/serving.h"
#include "models/training.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::bench;

namespace {

/// Streams of random tokens and a cache for them. A step that begins at `past` forgets what came after it, so
/// the same step can be taken again.
class Streams {
 public:
  Streams(std::shared_ptr<const Decoder> decoder, std::int64_t streams, std::int64_t capacity)
      : decoder_(std::move(decoder)),
        streams_(streams),
        capacity_(capacity),
        ids_(test::random_ids({streams * capacity}, 0,
                              static_cast<std::int32_t>(decoder_->config().vocab_size))),
        cache_(decoder_->make_cache(streams, capacity)) {}

  /// Feeds tokens [past, past + tokens) of every stream; the logits of each stream's last. -> (streams, V)
  Tensor step(std::int64_t past, std::int64_t tokens) {
    std::vector<Row> rows;
    std::vector<std::int32_t> last;
    Tensor ids = Tensor::empty({streams_ * tokens}, DType::i32);
    const std::span<const std::int32_t> all = std::as_const(ids_).data<std::int32_t>();
    const std::span<std::int32_t> chosen = ids.data<std::int32_t>();
    for (std::int64_t s = 0; s < streams_; ++s) {
      rows.push_back({.sequence = s, .start = past, .length = tokens});
      last.push_back(static_cast<std::int32_t>((s + 1) * tokens - 1));
      std::copy_n(all.begin() + s * capacity_ + past, tokens, chosen.begin() + s * tokens);
    }
    return decoder_->logits(decoder_->hidden({.ids = ids, .rows = rows}, cache_), last);
  }
  /// One stream alone.
  Tensor step_of(std::int64_t stream, std::int64_t past, std::int64_t tokens) {
    const Row row{.sequence = stream, .start = past, .length = tokens};
    const Tensor ids = ids_.slice(0, stream * capacity_ + past, stream * capacity_ + past + tokens);
    const std::vector<std::int32_t> last{static_cast<std::int32_t>(tokens - 1)};
    return decoder_->logits(decoder_->hidden({.ids = ids, .rows = {&row, 1}}, cache_), last);
  }
  Cache& cache() { return cache_; }

 private:
  std::shared_ptr<const Decoder> decoder_;
  std::int64_t streams_, capacity_;
  Tensor ids_;
  Cache cache_;
};

struct Setting {
  Model model;
  Format format;
  int threads;
  bool with_limits;
};

bool all_finite(const Tensor& logits) {
  const Tensor values = logits.to(DType::f32);
  const auto data = values.data<float>();
  return std::all_of(data.begin(), data.end(), [](float x) { return std::isfinite(x); });
}

/// Times `run`, which feeds `tokens` tokens and cannot take less than `least` seconds.
void measure(benchmark::State& state, const Setting& setting, double tokens, const StepWork& work,
             const std::function<Tensor()>& run) {
  if (!all_finite(run())) {
    state.SkipWithError("the logits are not finite");
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) benchmark::DoNotOptimize(run().raw());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const double each = seconds.count() / static_cast<double>(state.iterations());
  state.counters["tok/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsIterationInvariantRate);
  if (!setting.with_limits) return;
  std::string bound;
  state.counters["limit%"] = 100 * least_seconds(work, setting.format, limits(setting.threads), bound) / each;
  state.SetLabel(bound);
}

void prefill(benchmark::State& state, const Setting& s, std::int64_t streams, std::int64_t tokens) {
  const auto decoder = decoder_of(s.model, s.format);
  Streams prompts(decoder, streams, tokens);
  measure(state, s, static_cast<double>(streams * tokens), work_of(*decoder, streams, tokens, 0),
          [&] { return prompts.step(0, tokens); });
}

constexpr std::int64_t decode_steps = 64;
constexpr std::int64_t shared_tokens = 256, own_tokens = 16;

// A step for each token: positions past … past + 63, over and over.
void decode(benchmark::State& state, const Setting& s, std::int64_t streams, std::int64_t past) {
  const auto decoder = decoder_of(s.model, s.format);
  Streams texts(decoder, streams, past + decode_steps);
  if (past > 0) texts.step(0, past);
  std::int64_t step = 0;
  measure(state, s, static_cast<double>(streams), work_of(*decoder, streams, 1, past + decode_steps / 2),
          [&] { return texts.step(past + step++ % decode_steps, 1); });
}

// From the ids of a prompt to the id of the first new token, with a cache made for the request.
void first_token(benchmark::State& state, const Setting& s, std::int64_t tokens) {
  const auto decoder = decoder_of(s.model, s.format);
  measure(state, s, static_cast<double>(tokens), work_of(*decoder, 1, tokens, 0), [&] {
    Streams prompt(decoder, 1, tokens);
    const Tensor logits = prompt.step(0, tokens).to(DType::f32);
    const auto scores = logits.data<float>();
    benchmark::DoNotOptimize(std::max_element(scores.begin(), scores.end()));
    return logits;
  });
}

// Eight requests that begin with the same 256 tokens and go on with 16 of their own. Tokens a second count
// the prefix for every request, whether it was computed for each or shared.
void shared_prefix(benchmark::State& state, const Setting& s, bool shared) {
  constexpr std::int64_t requests = 8, prefix = shared_tokens, own = own_tokens;
  const auto decoder = decoder_of(s.model, s.format);
  Streams texts(decoder, requests, prefix + own);
  const StepWork once = work_of(*decoder, 1, prefix, 0), rest = work_of(*decoder, requests, own, prefix);
  const StepWork both{once.products + rest.products, once.attention + rest.attention,
                      once.bytes + rest.bytes};
  measure(state, s, static_cast<double>(requests * (prefix + own)),
          shared ? both : work_of(*decoder, requests, prefix + own, 0), [&] {
            if (!shared) return texts.step(0, prefix + own);
            texts.step_of(0, 0, prefix);
            for (std::int64_t request = 1; request < requests; ++request) {
              texts.cache().share_prefix(0, request, prefix);
            }
            return texts.step(prefix, own);
          });
}

void memory(benchmark::State& state, const Setting& s) {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  double bytes = 0;
  try {
    for (auto _ : state) bytes = peak_memory(program, s.model, s.format, s.threads, 64);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
    return;
  }
  state.counters["peak_B"] = bytes;
  state.counters["weights_B"] = static_cast<double>(decoder_of(s.model, s.format)->weight_bytes());
}

void add(const std::string& name, const Setting& s, const std::string& sizes,
         std::function<void(benchmark::State&)> run, int iterations = 0) {
  const std::string full = concat(name, "/model:", s.model.name, s.model.heavy_tailed ? "-heavy" : "",
                                  "/format:", s.format.name, sizes, "/threads:", s.threads);
  benchmark::internal::Benchmark* bench = benchmark::RegisterBenchmark(
      full.c_str(), [run = std::move(run), threads = s.threads](benchmark::State& state) {
        set_num_threads(threads);
        run(state);
      });
  bench->UseRealTime()->Unit(benchmark::kMillisecond);
  if (iterations > 0) bench->Iterations(iterations);
}

// Every case that fits the model's context.
void add_all(const Setting& s) {
  using benchmark::State;
  const auto fits = [&](std::int64_t positions) { return positions <= s.model.config.context; };
  for (const std::int64_t tokens : {16, 128, 512}) {
    if (!fits(tokens)) continue;
    add("prefill", s, concat("/streams:1/tokens:", tokens),
        [=](State& state) { prefill(state, s, 1, tokens); });
  }
  if (fits(64)) add("prefill", s, "/streams:8/tokens:64", [=](State& state) { prefill(state, s, 8, 64); });
  if (fits(128)) add("first_token", s, "/tokens:128", [=](State& state) { first_token(state, s, 128); });
  struct Decoding {
    std::int64_t streams, past;
  };
  for (const Decoding d : {Decoding{1, 0}, Decoding{1, 512}, Decoding{8, 16}, Decoding{32, 16}}) {
    if (!fits(d.past + decode_steps)) continue;
    add("decode", s, concat("/streams:", d.streams, "/past:", d.past),
        [=](State& state) { decode(state, s, d.streams, d.past); });
  }
  for (const bool shared : {false, true}) {
    if (!fits(shared_tokens + own_tokens)) continue;
    add("prefix", s, concat("/requests:8/shared:", shared ? 1 : 0),
        [=](State& state) { shared_prefix(state, s, shared); });
  }
  struct Serving {
    std::int64_t requests, common, own, written;
    bool share;
  };
  for (const Serving v :
       {Serving{8, 0, 64, 64, true}, Serving{32, 0, 64, 64, true}, Serving{64, 200, 40, 60, true},
        Serving{64, 200, 40, 60, false}, Serving{64, 200, 40, 1, true}, Serving{64, 200, 40, 1, false}}) {
    if (!fits(v.common + v.own + v.written)) continue;
    const ServingCase c{.model = s.model,
                        .format = s.format,
                        .requests = v.requests,
                        .common_tokens = v.common,
                        .own_tokens = v.own,
                        .new_tokens = v.written,
                        .share_prefixes = v.share};
    add("serve", s,
        concat("/requests:", v.requests, "/common:", v.common, "/own:", v.own, "/new:", v.written,
               "/shared:", v.share ? 1 : 0),
        [=](State& state) { serve(state, c); });
  }
  if (std::filesystem::exists(s.model.directory / "tokenizer_config.json") && fits(256)) {
    for (const std::int64_t phrases : {0, 10, 1000, 10000}) {
      add("constrained", s, concat("/requests:32/phrases:", phrases),
          [=](State& state) { constrained(state, s.model, s.format, 32, phrases); });
    }
  }
  if (fits(64))
    add(
        "memory", s, "/tokens:64", [=](State& state) { memory(state, s); }, 1);
}

struct Batch {
  std::int64_t documents, tokens;
};
Batch parse_batch(const std::string& text) {  // "4x64"
  Batch batch{};
  char x = 0, end = 0;
  std::istringstream in(text);
  in >> batch.documents >> x >> batch.tokens;
  require(in && x == 'x' && !(in >> end) && batch.documents > 0 && batch.tokens > 0, "--train ", text,
          ": expected documents and tokens, such as 4x64");
  return batch;
}

// Training on every batch that fits the model's context.
void add_training(const Setting& s, const std::vector<Batch>& batches, int steps) {
  for (const Batch& batch : batches) {
    if (batch.tokens > s.model.config.context) continue;
    for (const bool checkpointing : {false, true}) {
      const TrainingCase c{.model = s.model,
                           .dtype = s.format.name == "f32" ? DType::f32 : DType::bf16,
                           .checkpoint_activations = checkpointing,
                           .documents = batch.documents,
                           .tokens = batch.tokens,
                           .threads = s.threads,
                           .with_limits = s.with_limits};
      add(
          "train", s,
          concat("/documents:", c.documents, "/tokens:", c.tokens, "/checkpointing:", checkpointing ? 1 : 0),
          [=](benchmark::State& state) { train(state, c); }, steps);
    }
  }
}

int run(int argc, char** argv) {
  std::vector<std::string> names;
  std::vector<Batch> batches;
  int steps = 5;
  std::vector<char*> rest{argv[0]};
  bool heavy = false, list_only = false, with_limits = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--memory-child") {
      require(argc == i + 5, "--memory-child takes four arguments");
      return peak_memory_child(argv[i + 1], argv[i + 2], std::stoi(argv[i + 3]), std::stoll(argv[i + 4]));
    }
    if (argument == "--model" && i + 1 < argc) {
      names.emplace_back(argv[++i]);
    } else if (argument == "--train" && i + 1 < argc) {
      batches.push_back(parse_batch(argv[++i]));
    } else if (argument == "--steps" && i + 1 < argc) {
      steps = std::stoi(argv[++i]);
      require(steps > 0, "--steps ", steps, ": expected at least 1");
    } else if (argument == "--heavy-tailed") {
      heavy = true;
    } else if (argument == "--no-limits") {
      with_limits = false;
    } else {
      list_only = list_only || argument.starts_with("--benchmark_list_tests");
      rest.push_back(argv[i]);
    }
  }
  if (names.empty()) names = {"gpt2-124m"};
  if (batches.empty()) batches = {{4, 64}, {1, 512}};
  const int threads = num_threads();
  for (const std::string& name : names) {
    const Model model = open_model(name, heavy);
    for (const Format& format : formats()) add_all({model, format, threads, with_limits});
    for (const char* dtype : {"f32", "bf16"})
      add_training({model, format_named(dtype), threads, with_limits}, batches, steps);
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
  if (!list_only && with_limits) {
    benchmark::AddCustomContext("processor", processor_name());
    benchmark::AddCustomContext("isa", std::string(to_string(kernels::cpu::isa())));
    benchmark::AddCustomContext("limits", concat("[", to_json(limits(threads)), "]"));
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_models: " << error.what() << '\n';
    return 1;
  }
}
