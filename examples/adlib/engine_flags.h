// examples/adlib/engine_flags.h: many texts at once: --max-sequences, --cache-bytes, --progress.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "adlib/generate/engine.h"
#include "app.h"

namespace adlib::cli {

struct EngineFlags {
  std::int64_t max_sequences = EngineOptions{}.max_sequences;
  std::uint64_t cache_bytes = 0;
  bool progress = false;
};
void add_engine_flags(CLI::App& command, EngineFlags& flags);

/// How far a run of many texts is: a line that is rewritten on a terminal; elsewhere, with --progress, one
/// every ten seconds.
class EngineProgress {
 public:
  /// `total` texts, 0 when nobody knows; `console` must outlive this.
  EngineProgress(const Console& console, bool asked, std::int64_t total);
  ~EngineProgress() { finish(); }
  /// More texts are written.
  void done(std::int64_t texts = 1) { done_ += texts; }
  /// For EngineOptions::observer.
  void show(const EngineStatistics& statistics);
  /// Ends the line; nothing is shown any more.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  const Console& console_;
  bool asked_;
  std::int64_t total_;
  std::atomic<std::int64_t> done_{0};
  std::mutex mutex_;  // of what follows
  bool finished_ = false;
  Clock::time_point begin_ = Clock::now(), next_ = begin_;
};

/// With the observer of `progress`, which must outlive the engine.
EngineOptions engine_options(const EngineFlags& flags, EngineProgress& progress);

}  // namespace adlib::cli
