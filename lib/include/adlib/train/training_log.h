// adlib/train/training_log.h: what happened, one line of JSON a step or evaluation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace adlib::train {

/// A step has a loss, an evaluation a validation loss. Fields without a value are not written.
struct LogEntry {
  std::int64_t step = 0;
  std::optional<double> loss = {};
  std::optional<double> gradient_norm = {};
  std::optional<double> learning_rate = {};
  std::optional<std::int64_t> tokens = {};
  std::optional<double> seconds = {};  ///< that the step took
  std::optional<double> validation_loss = {};
  std::optional<double> preferred = {};  ///< preference: the share of pairs decided rightly
};

/// Appends to a file that always holds whole lines, each step once.
class TrainingLog {
 public:
  /// Continues the log of a run that goes on after `step`: later entries, and a line that a killed process
  /// left half written, are dropped. Throws Error(io), or Error(bad_format) naming the line.
  TrainingLog(const std::filesystem::path& path, std::int64_t step);

  void append(const LogEntry& entry);
  const std::vector<LogEntry>& entries() const { return entries_; }

 private:
  std::filesystem::path path_;
  std::vector<LogEntry> entries_;
};

/// The losses over the steps as an SVG picture that follows the reader's light or dark scheme.
std::string loss_plot(const std::vector<LogEntry>& entries, const std::string& title);

}  // namespace adlib::train
