#include "adlib/train/training_log.h"

#include <fstream>
#include <limits>
#include <sstream>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "adlib/io/json.h"

namespace adlib::train {
namespace {

io::Json to_json(const LogEntry& entry) {
  io::Json json = {{"step", entry.step}};
  const auto put = [&](const char* name, const auto& value) {
    if (value) json[name] = *value;
  };
  put("loss", entry.loss);
  put("gradient_norm", entry.gradient_norm);
  put("learning_rate", entry.learning_rate);
  put("tokens", entry.tokens);
  put("seconds", entry.seconds);
  put("validation_loss", entry.validation_loss);
  put("preferred", entry.preferred);
  return json;
}

LogEntry from_json(const io::JsonFields& fields) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const auto number = [&](const char* name) {
    return fields.has(name) ? std::optional(fields.number(name)) : std::nullopt;
  };
  return {.step = fields.integer("step", 0, most),
          .loss = number("loss"),
          .gradient_norm = number("gradient_norm"),
          .learning_rate = number("learning_rate"),
          .tokens = fields.has("tokens") ? std::optional(fields.integer("tokens", 0, most)) : std::nullopt,
          .seconds = number("seconds"),
          .validation_loss = number("validation_loss"),
          .preferred = number("preferred")};
}

}  // namespace

TrainingLog::TrainingLog(const std::filesystem::path& path, std::int64_t step) : path_(path) {
  std::string text;
  if (step > 0 && std::filesystem::exists(path)) text = io::read_file(path);
  const std::size_t end = text.rfind('\n');
  std::istringstream lines(end == text.npos ? "" : text.substr(0, end + 1));
  io::AtomicFile kept(path);
  io::for_each_json_line(lines, path.string(), [&](io::Json&& object, std::int64_t number) {
    const LogEntry entry = from_json(io::JsonFields(object, concat(path.string(), ":", number)));
    if (entry.step > step) return;
    entries_.push_back(entry);
    kept.write(object.dump() + "\n");
  });
  kept.commit();
}

void TrainingLog::append(const LogEntry& entry) {
  entries_.push_back(entry);
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << to_json(entry).dump() << '\n';
  out.flush();
  if (!out) fail(ErrorCode::io, path_.string(), ": cannot be written; is the disk full?");
}

}  // namespace adlib::train
