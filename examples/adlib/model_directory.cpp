#include "model_directory.h"

#include "adlib/io/atomic_file.h"
#include "app.h"

namespace adlib::cli {
namespace {

namespace fs = std::filesystem;

bool is_companion(const fs::path& file) {
  const std::string name = file.filename().string(), extension = file.extension().string();
  if (name == "config.json" || name.ends_with(".index.json")) return false;
  for (const char* known : {".json", ".txt", ".model", ".jinja", ".md"}) {
    if (extension == known) return true;
  }
  return name.starts_with("LICENSE") || name.starts_with("NOTICE");
}

}  // namespace

void copy_companions(const fs::path& from, const fs::path& to) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    if (!entry.is_regular_file() || !is_companion(entry.path())) continue;
    io::write_file(to / entry.path().filename(), io::read_file(entry.path()));
  }
}

void check_output(const fs::path& source, const fs::path& output, bool force) {
  if (!fs::exists(output)) return;
  if (fs::equivalent(source, output)) {
    throw UsageError("'" + output.string() +
                     "' is the checkpoint itself: its weights would be lost; give another directory");
  }
  if ((!fs::is_directory(output) || !fs::is_empty(output)) && !force) {
    fail(ErrorCode::invalid_argument, output.string(),
         ": exists and is not empty; --force replaces the files of the same names");
  }
  if (fs::exists(output / "tokenizer.json") && !fs::exists(source / "tokenizer.json")) {
    fail(ErrorCode::invalid_argument, output.string(),
         ": holds another model's tokenizer.json, which would be read before this one's files; move it away "
         "first");
  }
}

}  // namespace adlib::cli
