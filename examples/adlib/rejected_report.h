// examples/adlib/rejected_report.h: the bad rows of the files that were read, for whoever mends them.
#pragma once

#include <optional>
#include <string>

#include "app.h"
#include "copywriter/collect/collect.h"
#include "copywriter/shop/json_line.h"

namespace adlib::cli {

/// A JSON object a row: file, line and reason.
class RejectedReport {
 public:
  /// "": nobody asked for it.
  explicit RejectedReport(const std::string& path) {
    if (!path.empty()) output_.emplace(path);
  }
  void add(const copywriter::RejectedRow& row) {
    if (output_)
      output_->write(copywriter::to_line({{"file", row.file}, {"line", row.line}, {"reason", row.reason}}));
  }
  /// {file, line, warning}: what may be wrong and was taken.
  void warn(const std::string& file, std::int64_t line, const std::string& warning) {
    if (output_) output_->write(copywriter::to_line({{"file", file}, {"line", line}, {"warning", warning}}));
  }
  /// Also where a file was refused: it tells why.
  void commit() {
    if (output_) output_->commit();
  }

 private:
  std::optional<Output> output_;
};

}  // namespace adlib::cli
