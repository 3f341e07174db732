// adlib/generate/engine.h: many requests at once over one decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "adlib/generate/generator.h"

namespace adlib {

/// What the engine is doing, as it stood after its latest step.
struct EngineStatistics {
  std::int64_t waiting = 0;                              ///< requests that have not begun, or were put back
  std::int64_t running = 0;                              ///< continuations in the batch
  std::int64_t finished = 0, failed = 0, cancelled = 0;  ///< requests, since the start
  std::int64_t steps = 0;
  std::int64_t prompt_tokens = 0;  ///< read by the model
  std::int64_t shared_tokens = 0;  ///< of prompts, found in the cache instead
  std::int64_t generated_tokens = 0;
  std::int64_t preemptions = 0;  ///< continuations that gave their pages to others and began again
  std::int64_t pages_in_use = 0, pages = 0;  ///< of 64 tokens, in every layer
  double model_seconds = 0;                  ///< inside the decoder, and choosing tokens where its scores are
  double step_seconds = 0;                   ///< of all steps, scheduling and sampling included
  double first_token_seconds = 0;            ///< mean time from submission to the first token
};
/// Called on the engine's thread after each step; must not call the engine.
using EngineObserver = std::function<void(const EngineStatistics&)>;

struct EngineOptions {
  std::int64_t max_sequences = 64;  ///< continuations in one batch
  /// Bytes of keys and values, the most that is allocated. 0: room for max_sequences full contexts, but no
  /// more than 1 GiB, or one context where that takes more.
  std::size_t cache_bytes = 0;
  std::optional<DType> cache_dtype = {};  ///< f32, f16, bf16 or i8; see Decoder::make_cache()
  std::int64_t max_waiting = 256;         ///< submit() waits while so many requests wait
  bool share_prefixes = true;             ///< requests that begin alike read the common part once
  /// A step takes prompts in parts so small that it is expected to last no longer, by what steps have cost so
  /// far: a long prompt does not stall the running texts.
  double target_step_seconds = 0.1;
  EngineObserver observer = {};
};

/// A prompt and what to do with it.
struct EngineRequest {
  std::vector<TokenId> prompt = {};
  GenerationConfig config = {};  ///< without beams
  int priority = 0;              ///< the highest goes first; equal ones as they came
  OnPiece on_piece = {};         ///< as Generator's, of completion 0, on the engine's thread
  /// Called on the engine's thread as soon as the ticket's result is ready; must neither throw nor call the
  /// engine.
  std::function<void()> on_end = {};
};

/// Continuous batching: requests join and leave the batch at every step; a text never depends on what else is
/// in it. Keys and values live in pages under one budget: when they run out, requests wait, and the latest of
/// the lowest priority gives its pages back and is read again later; its text stays the same. Threads may
/// share an engine. It has one thread of its own, which runs the model with num_threads().
class Engine {
 public:
  struct Ticket {
    std::uint64_t id = 0;
    std::future<Result> result;  ///< the result, or the Error of this request alone
  };

  /// Throws Error(invalid_argument) for options out of range, such as a budget that does not hold one full
  /// context.
  explicit Engine(const Generator& generator, EngineOptions options = {});
  /// Cancels what has not finished.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes a request; waits while max_waiting others wait. Throws Error(invalid_argument) for a configuration
  /// that contradicts itself, beams, more continuations than max_sequences, or a prompt that is too long.
  Ticket submit(EngineRequest request);
  /// The same without waiting: nothing when the queue is full.
  std::optional<Ticket> try_submit(EngineRequest request);
  /// Ends a request, soon, with what it has written so far and the finish_reason cancelled; nothing happens
  /// when it has finished.
  void cancel(std::uint64_t id);
  /// Returns when every request so far has finished.
  void drain();
  EngineStatistics statistics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace adlib
