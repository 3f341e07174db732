// examples/adlib/record_output.h: where the records of a long run go.
#pragma once

#include <memory>
#include <string>

#include "app.h"
#include "copywriter/write/json_lines_sink.h"

namespace adlib::cli {

/// Stdout, or a file that an interrupted run can go on with.
class RecordOutput {
 public:
  /// "" or "-" is stdout. Throws Error as JsonLinesSink does.
  RecordOutput(const std::string& path, bool resume) {
    if (path.empty() || path == "-") return;
    using Start = copywriter::JsonLinesSink::Start;
    sink_ = std::make_unique<copywriter::JsonLinesSink>(path, resume ? Start::resume : Start::fresh);
  }
  /// Makes the record visible, whole.
  void write(const copywriter::OrderedJson& record) {
    if (sink_) return sink_->write(record);
    stdout_.write(copywriter::to_line(record));
    stdout_.flush();
  }
  void finish() {
    if (sink_) sink_->finish();
  }
  /// Null for stdout.
  const copywriter::JsonLinesSink* sink() const { return sink_.get(); }

 private:
  std::unique_ptr<copywriter::JsonLinesSink> sink_;
  Output stdout_{"-"};
};

}  // namespace adlib::cli
