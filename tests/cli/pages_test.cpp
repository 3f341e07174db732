// What `adlib man` and `adlib completion` write is accepted by the programs that read it.
#include <cstdlib>

#include "adlib/io/json.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;

namespace {

// True when a shell finds the program; otherwise says so, and the test is reported as skipped.
bool have_program(const std::string& name) {
  if (run_program("sh", {"-c", "command -v " + name}).exit_code == 0) return true;
  std::cout << "SKIPPED: the program " << name << " is not installed\n";
  return false;
}

}  // namespace

TEST_CASE("the man page renders without warnings and tells of every command", "[cli]") {
  if (!have_program("groff")) return;
  const TempDir dir;
  const Finished page = adlib_tool({"man"});
  REQUIRE(page.exit_code == 0);
  const Finished rendered =
      run_program("groff", {"-man", "-Tascii", "-ww", "-z"}, {.input = page.out, .environment = {}});
  CHECK(rendered.exit_code == 0);
  CHECK(rendered.err.empty());
  const Finished text =
      run_program("groff", {"-man", "-Tascii", "-P-cbou"}, {.input = page.out, .environment = {}});
  for (const char* expected : {"NAME", "SYNOPSIS", "GENERATE", "--max-new-tokens", "COMPLETION",
                               "adlib init model", "Exit status: 0 done, 1 failed, 2 wrong use"}) {
    CHECK_THAT(text.out, ContainsSubstring(expected));
  }
}

TEST_CASE("the completion script is bash that completes commands, options, choices", "[cli]") {
  if (!have_program("bash")) return;
  const TempDir dir;
  const Finished script = adlib_tool({"completion", "bash"});
  REQUIRE(script.exit_code == 0);
  write_text(dir / "adlib.bash", script.out);
  const Finished checked = run_program("bash", {"-n", (dir / "adlib.bash").string()});
  CHECK(checked.exit_code == 0);
  CHECK(checked.err.empty());
  const auto complete = [&](const std::string& words) {
    const Finished finished = run_program(
        "bash",
        {"-c", "source " + (dir / "adlib.bash").string() + "; COMP_WORDS=(" + words +
                   "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _adlib; printf '%s\\n' \"${COMPREPLY[@]}\""});
    CHECK(finished.exit_code == 0);
    CHECK(finished.err.empty());
    return finished.out;
  };
  CHECK(complete("adlib ge") == "generate\n");
  CHECK(complete("adlib generate model --max-new") == "--max-new-tokens\n");
  CHECK(complete("adlib init dir --family q") == "qwen2\n");
  CHECK(complete("adlib completion f") == "fish\n");
  CHECK(complete("adlib --quiet ins") == "inspect\n");
  CHECK(complete("adlib tokenizer ''") == "train\n");
  CHECK(complete("adlib tokenizer train dir --vocab") == "--vocab-size\n");
  CHECK(complete("adlib tokenizer train dir --model u") == "unigram\n");
}

TEST_CASE("the completion script is what zsh reads", "[cli]") {
  if (!have_program("zsh")) return;
  const TempDir dir;
  write_text(dir / "_adlib", adlib_tool({"completion", "zsh"}).out);
  CHECK(run_program("zsh", {"-n", (dir / "_adlib").string()}).exit_code == 0);
}

TEST_CASE("the completion script is what fish reads", "[cli]") {
  if (!have_program("fish")) return;
  const TempDir dir;
  write_text(dir / "adlib.fish", adlib_tool({"completion", "fish"}).out);
  CHECK(run_program("fish", {"--no-execute", (dir / "adlib.fish").string()}).exit_code == 0);
}

TEST_CASE("every completion script names every command and long option of the help", "[cli]") {
  const std::string shell = GENERATE("bash", "zsh", "fish");
  const Finished script = adlib_tool({"completion", shell});
  REQUIRE(script.exit_code == 0);
  for (const std::string command : {"generate", "write", "tokenize", "init", "inspect", "man"}) {
    CHECK_THAT(script.out, ContainsSubstring(command));
    for (const std::string& line : lines_of(adlib_tool({command, "--help"}).out)) {
      const std::size_t at = line.find("--");
      if (at == std::string::npos || at > 6) continue;  // the options' own lines
      const std::string name = line.substr(at, line.find_first_of(" ,=[{\n", at) - at);
      INFO(command << " " << name);
      CHECK_THAT(script.out, ContainsSubstring(shell == "fish" ? "-l " + name.substr(2) : name));
    }
  }
}
