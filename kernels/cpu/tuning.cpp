#include "kernels/cpu/tuning.h"

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "adlib/core/error.h"
#include "kernels/cpu/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace adlib::kernels::cpu {
namespace {

std::string processor_name() {
  std::string name;
#if defined(__x86_64__)
  // The brand string: 48 characters in three leaves.
  unsigned registers[4];
  for (unsigned leaf = 0x80000002u; leaf <= 0x80000004u; ++leaf) {
    if (__get_cpuid(leaf, &registers[0], &registers[1], &registers[2], &registers[3]) == 0) return "x86-64";
    for (const unsigned word : registers) {
      for (int byte = 0; byte < 4; ++byte) {
        const char c = static_cast<char>(word >> 8 * byte & 0xffu);
        if (c != '\0') name += c;
      }
    }
  }
#endif
  const auto first = name.find_first_not_of(' '), last = name.find_last_not_of(' ');
  return first == name.npos ? "unknown processor" : name.substr(first, last - first + 1);
}

struct Field {
  const char* name;
  std::int64_t GemmTuning::*value;
  std::int64_t low, high;
};
constexpr std::array fields = {Field{"block_m", &GemmTuning::block_m, 1, GemmTuning::max_block_m},
                               Field{"block_n", &GemmTuning::block_n, 32, GemmTuning::max_block_n},
                               Field{"few_rows", &GemmTuning::few_rows, 0, GemmTuning::max_block_m},
                               Field{"tile_rows", &GemmTuning::tile_rows, 1, 99}};

[[noreturn]] void refuse(const std::string& where, int line, const std::string& problem) {
  fail(ErrorCode::bad_format, where, ":", line, ": ", problem,
       "; delete the file, or write it again with adlib-tune");
}

void parse_gemm(std::istringstream& words, Tuning& tuning, const std::string& where, int line) {
  std::string kind, name;
  words >> kind;
  for (const GemmKind known : gemm_kinds) {
    if (to_string(known) != kind) continue;
    GemmTuning& gemm = tuning.gemm[static_cast<std::size_t>(known)];
    while (words >> name) {
      std::int64_t value = 0;
      if (!(words >> value)) refuse(where, line, "'" + name + "' has no number");
      bool found = false;
      for (const Field& field : fields) {
        if (field.name != name) continue;
        found = true;
        const bool power = name != "block_n" || std::has_single_bit(static_cast<std::uint64_t>(value));
        if (value < field.low || value > field.high || !power) {
          refuse(where, line,
                 concat(name, " is ", value, ", expected ", power ? "" : "a power of two ", "from ",
                        field.low, " to ", field.high));
        }
        gemm.*field.value = value;
      }
      if (!found) refuse(where, line, "'" + name + "' is not a setting");
    }
    return;
  }
  refuse(where, line, "'" + kind + "' is none of f32, bf16, i8");
}

Tuning load() {
  const std::string path = tuning_path();
  if (path.empty() || path == "off") return {};
  std::ifstream in(path);
  if (!in || std::filesystem::is_directory(path)) {  // which opens, and reads as empty
    // The default file need not exist; one that was asked for by name must.
    const char* named = std::getenv("ADLIB_TUNING");
    if (named == nullptr || *named == '\0') return {};
    fail(ErrorCode::not_found, "ADLIB_TUNING: cannot open '", path,
         "'; write it with adlib-tune, or unset it");
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse_tuning(text.str(), path);
}

Tuning& current() {
  static Tuning tuning = load();
  return tuning;
}

}  // namespace

std::string_view to_string(GemmKind kind) {
  switch (kind) {
    case GemmKind::f32:
      return "f32";
    case GemmKind::bf16:
      return "bf16";
    case GemmKind::i8:
      return "i8";
  }
  return "unknown";
}

const Tuning& tuning() { return current(); }
void set_tuning(const Tuning& tuning) { current() = tuning; }

std::string tuning_path() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (std::string path = variable("ADLIB_TUNING"); !path.empty()) return path;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return cache + "/adlib/tuning.txt";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/adlib/tuning.txt";
  return "";
}

std::string tuning_machine() { return concat(processor_name(), ", ", to_string(isa())); }

std::string to_string(const Tuning& tuning) {
  std::string text = "# adlib tuning: how products are cut into tasks; no result depends on it\n";
  text += concat("machine ", tuning_machine(), "\n");
  for (const GemmKind kind : gemm_kinds) {
    text += concat("gemm ", to_string(kind));
    for (const Field& field : fields) {
      text += concat(" ", field.name, " ", tuning.gemm[static_cast<std::size_t>(kind)].*field.value);
    }
    text += "\n";
  }
  return text;
}

Tuning parse_tuning(std::string_view text, const std::string& where) {
  Tuning tuning;
  bool named = false;
  std::istringstream lines{std::string(text)};
  std::string content;
  for (int line = 1; std::getline(lines, content); ++line) {
    std::istringstream words(content);
    std::string word;
    if (!(words >> word) || word[0] == '#') continue;
    if (word == "machine") {
      if (content != concat("machine ", tuning_machine())) return {};
      named = true;
    } else if (word == "gemm") {
      if (!named) refuse(where, line, "the line 'machine NAME' must come first");
      parse_gemm(words, tuning, where, line);
    } else {
      refuse(where, line, "'" + word + "' is neither machine nor gemm");
    }
  }
  return tuning;
}

}  // namespace adlib::kernels::cpu
