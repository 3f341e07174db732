// examples/adlib/request_lines.h: the requests of a JSON Lines file or pipe, answered many at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "adlib/generate/generator.h"
#include "app.h"
#include "engine_flags.h"

namespace adlib::cli {

struct RequestLinesOptions {
  std::string input;   ///< "-" is stdin, answered as its lines come
  std::string output;  ///< "" or "-" is stdout, which cannot be resumed
  std::string model;   ///< what the answers call it
  bool unordered = false, resume = false;
  std::optional<std::uint64_t> seed;  ///< what was asked for; a run that is resumed finds its own
  EngineFlags engine;
};

/// Writes one line for each request: its answer, or {"id"?, "line", "error"} where it cannot be answered. A
/// file is checked whole before the first answer. Returns the exit code: 1 when a request could not be
/// answered. Throws Error, or UsageError.
int answer_lines(const Generator& generator, GenerationConfig base, const RequestLinesOptions& options,
                 const Console& console);

}  // namespace adlib::cli
