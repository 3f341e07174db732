#include "engine_flags.h"

#include <iomanip>
#include <sstream>
#include <utility>

namespace adlib::cli {

void add_engine_flags(CLI::App& command, EngineFlags& flags) {
  const std::string group = "Many texts";
  command.add_option("--max-sequences", flags.max_sequences, "Texts that are written at the same time")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--cache-bytes", flags.cache_bytes,
                  "The most memory for keys and values, such as 512M; default: what the texts need, up to 1G")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->type_name("BYTES")
      ->group(group);
  command
      .add_flag(
          "--progress", flags.progress,
          "Tell every ten seconds how far it is and what the engine does, also where stderr is no terminal")
      ->group(group);
}

EngineProgress::EngineProgress(const Console& console, bool asked, std::int64_t total)
    : console_(console), asked_(asked), total_(total) {}

void EngineProgress::show(const EngineStatistics& statistics) {
  if (!console_.is_terminal() && !asked_) return;
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  const Clock::time_point now = Clock::now();
  const std::int64_t done = done_;
  if (now < next_) return;
  next_ = now + (console_.is_terminal() ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::ostringstream line;
  line << std::fixed << std::setprecision(0) << done;
  if (total_ > 0) line << '/' << total_;
  line << " texts  " << static_cast<double>(statistics.generated_tokens) / std::max(seconds, 1e-9)
       << " tokens/s  " << statistics.running << " running, " << statistics.waiting << " waiting  cache "
       << 100.0 * static_cast<double>(statistics.pages_in_use) /
              static_cast<double>(std::max<std::int64_t>(1, statistics.pages))
       << "%";
  if (statistics.shared_tokens > 0) {
    const std::int64_t tokens = statistics.shared_tokens + statistics.prompt_tokens;
    line << "  prompts "
         << 100.0 * static_cast<double>(statistics.shared_tokens) / static_cast<double>(tokens) << "% shared";
  }
  line << "  first token after " << std::setprecision(2) << statistics.first_token_seconds << " s";
  if (statistics.preemptions > 0) line << "  " << statistics.preemptions << " preempted";
  if (done > 0 && done < total_) {
    line << std::setprecision(0) << "  "
         << seconds * static_cast<double>(total_ - done) / static_cast<double>(done) << " s left";
  }
  console_.is_terminal() ? console_.status(line.str()) : console_.note(line.str());
}

void EngineProgress::finish() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(finished_, true)) console_.status("");
}

EngineOptions engine_options(const EngineFlags& flags, EngineProgress& progress) {
  EngineOptions options;
  options.max_sequences = flags.max_sequences;
  options.max_waiting = flags.max_sequences;  // enough that no place in the batch stays empty
  options.cache_bytes = static_cast<std::size_t>(flags.cache_bytes);
  options.observer = [&progress](const EngineStatistics& statistics) { progress.show(statistics); };
  return options;
}

}  // namespace adlib::cli
