#include "architecture/arrows.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <set>
#include <sstream>

namespace adlib::test {
namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string_view>;

struct Room {
  std::string_view name;
  std::vector<std::string_view> prefixes;  // of paths from the root
  Names may_include;                       // other rooms
};

Names with(Names names, const Names& more, const Names& yet_more = {}) {
  names.insert(more.begin(), more.end());
  names.insert(yet_more.begin(), yet_more.end());
  return names;
}

const std::vector<Room>& rooms() {
  // What users of the library may include, and what every stage of the product stands on.
  static const Names library = {"umbrella", "core",   "ops",      "io",    "weights", "json",
                                "nn",       "models", "generate", "train", "eval",    "tokenizer"};
  static const Names ground = {"shop", "rules", "store"};
  // The first prefix that matches decides, so narrower ones stand first. "weights" and "json" are single
  // files of io: nn may know the former only, and the latter brings nlohmann-json, which public headers
  // avoid.
  static const std::vector<Room> table = {
      {"umbrella",
       {"lib/include/adlib/adlib.h"},
       {"core", "ops", "io", "weights", "nn", "models", "generate", "train", "eval", "tokenizer"}},
      {"core", {"lib/include/adlib/core/", "lib/src/core/"}, {}},
      {"ops", {"lib/include/adlib/ops.h", "lib/src/ops/"}, {"core", "kernels", "cuda_runtime"}},
      {"weights", {"lib/include/adlib/io/weights.h"}, {"core", "ops"}},
      {"json", {"lib/include/adlib/io/json.h"}, {"core"}},
      {"io", {"lib/include/adlib/io/", "lib/src/io/"}, {"core", "ops", "weights", "json"}},
      {"nn", {"lib/include/adlib/nn/"}, {"core", "ops", "weights"}},
      {"models",
       {"lib/include/adlib/models/", "lib/src/models/"},
       {"core", "ops", "nn", "io", "weights", "json"}},
      {"generate",
       {"lib/include/adlib/generate/", "lib/src/generate/"},
       {"core", "ops", "nn", "io", "weights", "json", "models", "tokenizer"}},
      {"train",
       {"lib/include/adlib/train/", "lib/src/train/"},
       {"core", "ops", "nn", "io", "weights", "json", "models", "tokenizer"}},
      {"eval",
       {"lib/include/adlib/eval/", "lib/src/eval/"},
       {"core", "ops", "nn", "io", "weights", "json", "models", "tokenizer"}},
      {"kernels_cpu", {"kernels/cpu/"}, {"core", "kernels"}},
      {"cuda_runtime", {"kernels/cuda/runtime.h"}, {"core"}},  // for storage_cuda.cpp
      {"kernels_cuda", {"kernels/cuda/"}, {"core", "kernels", "cuda_runtime"}},
      {"kernels", {"kernels/"}, {"core"}},
      {"tokenizer", {"tokenizer/"}, {"core"}},
      {"copywriter", {"examples/copywriter/corpus/"}, with(library, {"shop", "write"})},
      // The product's rooms, from the ground up.
      {"shop", {"examples/copywriter/shop/"}, library},
      {"rules", {"examples/copywriter/rules/"}, with(library, {"shop"})},
      {"store", {"examples/copywriter/store/"}, with(library, {"shop", "rules"})},
      {"collect", {"examples/copywriter/collect/"}, with(library, ground)},
      {"polish", {"examples/copywriter/polish/"}, with(library, ground)},
      {"write", {"examples/copywriter/write/"}, with(library, ground, {"polish"})},
      {"prepare", {"examples/copywriter/prepare/"}, with(library, ground, {"polish", "write"})},
      {"recommend", {"examples/copywriter/recommend/"}, with(library, ground, {"prepare"})},
      {"review", {"examples/copywriter/review/"}, with(library, ground, {"collect"})},
      {"measure", {"examples/copywriter/measure/"}, with(library, ground, {"collect"})},
      {"publish",
       {"examples/copywriter/publish/"},
       with(library, ground, {"collect", "polish", "write", "prepare", "measure"})},
      {"audit", {"examples/copywriter/audit/"}, with(library, ground)},
      {"campaign", {"examples/copywriter/campaign/"}, with(library, ground)},
      {"tool",
       {"examples/adlib/"},
       with(library, ground,
            {"copywriter", "collect", "polish", "write", "prepare", "recommend", "review", "measure",
             "publish", "audit", "campaign"})},
  };
  return table;
}

// Third-party headers and the only places that may name them.
struct Dependency {
  std::string_view header_prefix;
  std::vector<std::string_view> allowed;
};
const std::vector<Dependency>& dependencies() {
  static const std::vector<Dependency> table = {
      {"Eigen/", {"kernels/cpu/"}},
      {"unsupported/Eigen/", {"kernels/cpu/"}},
      {"nlohmann/", {"lib/include/adlib/io/json.h", "lib/src/", "tokenizer/src/"}},
      {"pcre2", {"tokenizer/src/", "examples/copywriter/"}},
      {"utf8proc", {"tokenizer/src/"}},
      {"unicode/", {"lib/src/eval/words.cpp", "tokenizer/src/characters.cpp"}},
      {"sentencepiece", {"tokenizer/src/"}},
      {"xxhash", {"lib/src/train/", "tokenizer/src/"}},
      {"cuda", {"kernels/cuda/"}},
      {"cublas", {"kernels/cuda/"}},
      {"boost/", {"kernels/cuda/host/"}},
      {"immintrin.h", {"kernels/cpu/simd/"}},
      {"CLI/", {"examples/adlib/"}},
      {"toml++/", {"examples/copywriter/"}},
      {"sqlite3", {"examples/copywriter/store/database.cpp"}},
      {"curl/", {"examples/copywriter/publish/"}},
      {"openssl/", {"examples/copywriter/store/digest.cpp"}},
  };
  return table;
}

bool starts_with_any(std::string_view path, const std::vector<std::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return path.starts_with(prefix); });
}

const Room* find_room(std::string_view path) {
  for (const Room& room : rooms()) {
    if (starts_with_any(path, room.prefixes)) return &room;
  }
  return nullptr;
}

// Where a quoted include leads, relative to the root: as the CMake targets' include directories resolve it.
std::optional<std::string> resolve(const fs::path& root, const std::string& from, const std::string& header) {
  const std::string own = fs::path(from).parent_path().generic_string();
  for (const std::string& base :
       {own, std::string("lib/include"), std::string("tokenizer/include"), std::string("lib/src"),
        std::string("tokenizer/src"), std::string("examples"), std::string(".")}) {
    const fs::path candidate = (fs::path(base) / header).lexically_normal();
    if (fs::exists(root / candidate)) return candidate.generic_string();
  }
  return std::nullopt;
}

bool contains_word(std::string_view line, std::string_view word) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (std::size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool begins = at == 0 || !is_word(line[at - 1]);
    const std::size_t end = at + word.size();
    if (begins && (end == line.size() || !is_word(line[end]))) return true;
  }
  return false;
}

std::string_view trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

// "#include <x>" or "#include "x"": the name, and whether it is quoted.
std::optional<std::pair<std::string, bool>> parse_include(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = trimmed(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = trimmed(line.substr(7));
  if (line.size() < 2 || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const char close = line[0] == '"' ? '"' : '>';
  const std::size_t end = line.find(close, 1);
  if (end == std::string_view::npos) return std::nullopt;
  return std::pair(std::string(line.substr(1, end - 1)), close == '"');
}

}  // namespace

std::string room_of(std::string_view path) {
  const Room* room = find_room(path);
  return room == nullptr ? std::string() : std::string(room->name);
}

std::string strip_comments_and_strings(std::string_view text) {
  enum class State { code, line_comment, block_comment, string, character };
  std::string out;
  out.reserve(text.size());
  State state = State::code;
  bool include_line = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\n') {
      if (state != State::block_comment) state = State::code;
      include_line = false;
      out += c;
      continue;
    }
    switch (state) {
      case State::code:
        if (c == '/' && next == '/') {
          state = State::line_comment;
        } else if (c == '/' && next == '*') {
          state = State::block_comment;
          ++i;
        } else {
          if (c == '#') include_line = trimmed(text.substr(i + 1)).starts_with("include");
          // A quote between digits separates them: 1'000.
          const bool separator = c == '\'' && i > 0 &&
                                 std::isxdigit(static_cast<unsigned char>(text[i - 1])) != 0 &&
                                 std::isxdigit(static_cast<unsigned char>(next)) != 0;
          if (c == '"' && !include_line) state = State::string;
          if (c == '\'' && !separator) state = State::character;
          out += c;
        }
        break;
      case State::line_comment:
        break;
      case State::block_comment:
        if (c == '*' && next == '/') {
          state = State::code;
          ++i;
        }
        break;
      case State::string:
      case State::character:
        if (c == '\\') {
          ++i;
        } else if (c == (state == State::string ? '"' : '\'')) {
          state = State::code;
          out += c;
        }
        break;
    }
  }
  return out;
}

std::vector<std::string> check_arrows(const fs::path& root, const std::string& path, std::string_view text) {
  std::vector<std::string> problems;
  const Room* room = find_room(path);
  if (room == nullptr) return problems;
  const bool is_public = path.starts_with("lib/include/") || path.starts_with("tokenizer/include/");
  static constexpr std::array<std::string_view, 4> one_path = {"nn", "models", "generate", "train"};
  const bool device_blind = std::find(one_path.begin(), one_path.end(), room->name) != one_path.end();

  std::istringstream lines(strip_comments_and_strings(text));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto report = [&](const std::string& why) {
      problems.push_back(path + ":" + std::to_string(number) + ": " + why);
    };
    if (const auto include = parse_include(line)) {
      const auto& [header, quoted] = *include;
      if (quoted) {
        const auto target = resolve(root, path, header);
        if (!target) {
          report("includes \"" + header + "\", which is in none of the project's include directories");
          continue;
        }
        const Room* other = find_room(*target);
        if (other != room && (other == nullptr || !room->may_include.contains(other->name))) {
          report(std::string(room->name) + " may not include " +
                 (other ? std::string(other->name) : "files outside the house") + " (" + *target + ")");
        }
        if (is_public && other != nullptr && other->name == "json" && room->name != "models") {
          report("a public header brings in io/json.h and with it nlohmann-json");
        }
        if (is_public && !target->starts_with("lib/include/") && !target->starts_with("tokenizer/include/")) {
          report("a public header includes the private file " + *target);
        }
      } else {
        for (const Dependency& dependency : dependencies()) {
          if (header.starts_with(dependency.header_prefix) && !starts_with_any(path, dependency.allowed)) {
            report("<" + header + "> is not for this folder");
          }
        }
      }
      continue;
    }
    const std::string_view code = trimmed(line);
    if (device_blind && code.starts_with("#if"))
      report("a preprocessor branch in " + std::string(room->name));
    if (device_blind && contains_word(line, "cuda")) report("names cuda in " + std::string(room->name));
    if (is_public && line.find("ADLIB_") != std::string::npos)
      report("a macro of the build in a public header");
  }
  return problems;
}

std::vector<std::string> sources_of(const fs::path& root) {
  static const std::set<std::string> extensions = {".h", ".cpp", ".cu", ".cuh"};
  std::vector<std::string> out;
  for (const char* folder : {"lib", "kernels", "tokenizer", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = entry.path().lexically_relative(root).generic_string();
      if (entry.is_regular_file() && extensions.contains(entry.path().extension().string()) &&
          !room_of(path).empty()) {
        out.push_back(path);
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace adlib::test
