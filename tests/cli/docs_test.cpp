// The documents: generated pages are current, links lead somewhere, versions agree.
#include <algorithm>
#include <set>

#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> markdown_files() {
  std::vector<fs::path> out;
  for (auto it = fs::recursive_directory_iterator(source_dir()); it != fs::recursive_directory_iterator();
       ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && (name == "build" || name == "out" || name == "data" || name[0] == '.')) {
      it.disable_recursion_pending();
    } else if (it->path().extension() == ".md") {
      out.push_back(it->path());
    }
  }
  return out;
}

// The targets of [text](target), outside of code blocks.
std::vector<std::string> link_targets(const std::string& text) {
  std::vector<std::string> out;
  bool code = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("```")) code = !code;
    if (code) continue;
    for (std::size_t at = line.find("]("); at != std::string::npos; at = line.find("](", at + 2)) {
      const std::size_t end = line.find(')', at);
      if (end != std::string::npos) out.push_back(line.substr(at + 2, end - at - 2));
    }
  }
  return out;
}

// GitHub's anchors: lower case, spaces to hyphens, punctuation dropped.
std::set<std::string> anchors(const std::string& text) {
  std::set<std::string> out;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("#")) continue;
    std::string anchor;
    for (const char c : line.substr(line.find(' ') + 1)) {
      if (c == ' ') anchor += '-';
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
    }
    out.insert(anchor);
  }
  return out;
}

}  // namespace

TEST_CASE("every link in the documents leads to a file of the project and a heading in it", "[cli][docs]") {
  const auto files = markdown_files();
  REQUIRE(files.size() >= 8);
  for (const fs::path& file : files) {
    for (const std::string& target : link_targets(read_text(file))) {
      if (target.starts_with("http://") || target.starts_with("https://")) continue;
      const std::size_t hash = target.find('#');
      const fs::path path = hash == 0 ? file : file.parent_path() / target.substr(0, hash);
      INFO(file.lexically_relative(source_dir()).string() << " links to " << target);
      REQUIRE(fs::exists(path));
      if (hash != std::string::npos) CHECK(anchors(read_text(path)).contains(target.substr(hash + 1)));
    }
  }
}

TEST_CASE("docs/index.md leads to every page of the docs", "[cli][docs]") {
  const auto targets = link_targets(read_text(source_dir() / "docs/index.md"));
  for (const auto& entry : fs::directory_iterator(source_dir() / "docs")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".md" || name == "index.md") continue;
    INFO(name);
    CHECK(std::find(targets.begin(), targets.end(), name) != targets.end());
  }
}

TEST_CASE("docs/cli.md is what `adlib man --markdown` writes", "[cli][docs]") {
  const Finished page = adlib_tool({"man", "--markdown"});
  REQUIRE(page.exit_code == 0);
  INFO("run: build/release/bin/adlib man --markdown > docs/cli.md");
  CHECK((read_text(source_dir() / "docs/cli.md") == page.out));
}

TEST_CASE("the changelog begins with this version, and the README names the docs' commands", "[cli][docs]") {
  CHECK_THAT(read_text(source_dir() / "CHANGELOG.md"), ContainsSubstring("## [" ADLIB_VERSION "]"));
  const std::string readme = read_text(source_dir() / "README.md");
  CHECK_THAT(readme, ContainsSubstring("examples/quickstart.sh"));
  CHECK_THAT(readme, ContainsSubstring("tests/run.sh"));
}
