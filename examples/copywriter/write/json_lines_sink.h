// copywriter/write/json_lines_sink.h: an output of JSON Lines that an interrupted run can go on with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "copywriter/shop/json_line.h"

namespace adlib::copywriter {

/// Appends whole lines to OUTPUT.partial and renames it to OUTPUT in finish(): OUTPUT is whole or not there,
/// and what write() returned from survives the death of the process. Only one process can have an output
/// open. Throws Error(io) naming the file and the system's reason.
class JsonLinesSink {
 public:
  enum class Start {
    fresh,   ///< refuses an OUTPUT.partial that an interrupted run left; replaces OUTPUT at the end
    resume,  ///< goes on with OUTPUT.partial (a torn last line is cut off), or else with the lines of OUTPUT
  };
  JsonLinesSink(std::filesystem::path output, Start start);
  ~JsonLinesSink();  ///< keeps OUTPUT.partial if it was there before or has been written to
  JsonLinesSink(const JsonLinesSink&) = delete;
  JsonLinesSink& operator=(const JsonLinesSink&) = delete;

  /// The records that are already there, in order, with their place "copies.jsonl.partial:3" for messages.
  /// Throws Error(bad_format) for a whole line that is no JSON object.
  void for_each_record(
      const std::function<void(const io::Json& record, const std::string& place)>& visit) const;

  /// Appends one record as one line and hands it to the operating system.
  void write(const OrderedJson& record);
  /// Flushes to disk and renames. Nothing can be written afterwards.
  void finish();

  const std::filesystem::path& partial() const { return partial_; }

 private:
  std::filesystem::path output_;
  std::filesystem::path partial_;
  int file_ = -1;
  bool is_kept_ = false;
};

}  // namespace adlib::copywriter
