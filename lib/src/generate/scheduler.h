// Which tokens the decoder reads next: continuous batching without threads and futures, which Engine adds.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "adlib/generate/engine.h"
#include "generate/continuation.h"
#include "generate/runner.h"

namespace adlib::generate {

/// A request that was checked, and whom to tell.
struct Job {
  std::uint64_t id = 0;
  std::vector<TokenId> prompt;
  GenerationConfig config;  ///< complete
  int priority = 0;
  OnPiece on_piece;
  std::function<void(Result&&)> done;
  std::function<void(std::exception_ptr)> failed;
  double submitted = 0;  ///< seconds on the scheduler's clock
};

class Scheduler {
 public:
  /// `cache` has room for max_sequences sequences, each of the longest job.
  Scheduler(const Decoder& decoder, const Tokenizer& tokenizer, const EngineOptions& options, Cache cache);
  ~Scheduler();

  /// Jobs whose turn comes at the next step.
  void add(std::unique_ptr<Job> job);
  void cancel(std::uint64_t id);
  void cancel_all();
  /// Fails every job that is there.
  void fail_all(const std::exception_ptr& error);
  bool idle() const { return waiting_.empty() && running_.empty(); }
  /// One pass of the decoder: a token more for every running continuation, and parts of prompts. Calls back
  /// for what ended.
  void step();
  /// Lets waiting jobs join the batch, as many as there is room for.
  void admit();
  const EngineStatistics& statistics() const { return statistics_; }
  static double now();

 private:
  struct Request;
  struct Stream;
  // A sequence of the cache: the tokens whose keys and values it holds, kept after their stream has ended for
  // those that begin alike.
  struct Slot {
    std::vector<TokenId> held;
    Stream* user = nullptr;
    std::uint64_t used = 0;  // the step that used it last
  };

  bool place(Stream& stream);
  std::size_t reusable(std::span<const TokenId> wanted, std::size_t& tokens, bool& wait) const;
  std::int64_t prompt_budget(std::int64_t decoding) const;
  bool preempt_one();
  void release(Slot& slot);
  static std::vector<TokenId> sample(std::span<Stream* const> ready, const Tensor& scores);
  void advance(std::span<Stream* const> ready, std::span<const TokenId> sampled, Tensor& scores);
  void settle();
  void count();
  void finish(Request& request);

  const Decoder* decoder_;
  const Tokenizer* tokenizer_;
  EngineOptions options_;
  Cache cache_;
  std::vector<Slot> slots_;
  std::list<std::unique_ptr<Request>> requests_;  // all that are not finished
  std::deque<Stream*> waiting_;                   // by priority, then as they came
  std::vector<Stream*> running_;                  // in the order of admission
  EngineStatistics statistics_;
  double decode_seconds_ = 0,
         prompt_token_seconds_ = 0;  // measured: of a step, and of each token of a prompt
  std::int64_t first_tokens_ = 0;
};

}  // namespace adlib::generate
