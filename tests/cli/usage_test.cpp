// Wrong use, help and exit codes.
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using Arguments = std::vector<std::string>;

namespace {

const Arguments commands = {"generate", "write", "tokenize", "init", "inspect", "eval", "completion", "man"};

}  // namespace

TEST_CASE("wrong use exits with 2 and says on stderr what is wrong", "[cli]") {
  struct Case {
    Arguments arguments;
    const char* says;
  };
  const auto [arguments, says] = GENERATE(values<Case>({
      {{}, "a command is required"},
      {{"no-such-command"}, "there is no command no-such-command\n"},
      {{"trian", "out", "--data", "x"}, "no command trian; did you mean train?"},
      {{"tokenizer"}, "'adlib tokenizer train'"},
      {{"tokenizer", "traim", "dir"}, "no command traim; did you mean train?"},
      {{"generate"}, "MODEL_DIR"},
      {{"generate", "model"}, "there is no prompt"},
      {{"generate", "model", "text", "--input", "file"}, "exclude each other"},
      {{"generate", "model", "text", "--no-do-sample", "--temperature", "0.5"}, "contradicts"},
      {{"generate", "model", "text", "--temperature", "0"}, "--no-do-sample"},
      {{"generate", tiny_model().string(), "text", "--top-p", "2"}, "top_p is 2"},
      {{"generate", tiny_model().string(), "text", "--max-new-tokens", "-3"}, "max_new_tokens is -3"},
      {{"generate", "model", "text", "--top-logprobs", "2"}, "--jsonl"},
      {{"generate", "model", "text", "--seed", "-1"}, "'-1' is not an integer from 0"},
      {{"init", "dir", "--seed", "18446744073709551616"}, "'18446744073709551616' is not an integer from 0"},
      {{"generate", "model", "text", "--no-such-flag"}, "there is no option --no-such-flag\n"},
      {{"generate", "model", "text", "--tempratur=1"}, "no option --tempratur; did you mean --temperature?"},
      {{"generate", "model", "text", "--quite"}, "no option --quite; did you mean --quiet?"},
      {{"train", "out", "--dat", "copy.jsonl"}, "no option --dat; did you mean --data?"},
      {{"tokenizer", "train", "dir", "x.txt", "--vocab", "9"}, "did you mean --vocab-size?"},
      {{"generate", "model", "text", "--max-new-tokens", "many"}, "--max-new-tokens"},
      {{"generate", "model", "text", "--early-stopping", "perhaps"}, "--early-stopping"},
      {{"tokenize", "model"}, "--input"},
      {{"tokenize", "model", "text", "--check", "--decode"}, "exclude each other"},
      {{"init"}, "DIR"},
      {{"init", "dir", "--family", "bert"}, "--family"},
      {{"init", "dir", "--heads", "3", "--width", "64"}, "does not divide"},
      {{"init", "dir", "--layers", "0"}, "--layers"},
      {{"inspect"}, "DIR"},
      {{"write", "--model", "m"}, "--products"},
      {{"write", "--model", "m", "--products", "p", "--customers", "c", "--scene", "party"}, "--scene"},
      {{"write", "--model", "m", "--products", "p", "--customers", "c", "--resume"},
       "--resume needs --output"},
      {{"write", "--model", "m", "--products", "-", "--customers", "-"}, "only one of"},
      {{"write", "--model", "m", "--products", "p", "--customers", "c", "--currency", "YUAN"}, "'YUAN'"},
      {{"write", "--model", "m", "--products", "p", "--customers", "c", "--limit", "-1"},
       "range 0 to 1000000000"},
      {{"write", "--model", "m", "--products", "p", "--customers", "c", "--allow", "age,shoe-size"},
       "--allow: 'shoe-size' is nothing that can be allowed, expected of: age, "},
      {{"write", "--model", "m", "--products", "p", "--customers", "c", "--allow", "minors"},
       "of a person under 18 nothing is used"},
      {{"completion", "tcsh"}, "tcsh"},
  }));
  const Finished finished = adlib_tool(arguments);
  INFO(finished.err);
  CHECK(finished.exit_code == 2);
  CHECK(finished.out.empty());
  CHECK_THAT(finished.err, ContainsSubstring("adlib: error: "));
  CHECK_THAT(finished.err, ContainsSubstring(says));
}

TEST_CASE("a failure exits with 1 and names the file", "[cli]") {
  const std::string missing = "/no/such/place";
  const auto arguments = GENERATE_COPY(values<Arguments>({
      {"generate", missing, "text"},
      {"tokenize", missing, "text"},
      {"inspect", missing},
      {"write", "--model", missing, "--products", missing, "--customers", missing},
      {"generate", tiny_model().string(), "--input", missing},
      {"init", tiny_model().string()},  // not empty
  }));
  const Finished finished = adlib_tool(arguments);
  INFO(finished.err);
  CHECK(finished.exit_code == 1);
  CHECK(finished.out.empty());
  CHECK_THAT(finished.err, ContainsSubstring("adlib: error: "));
  CHECK_THAT(finished.err, ContainsSubstring(arguments[0] == "init" ? tiny_model().string() : missing));
}

TEST_CASE("every command explains itself with examples, and --version tells the version", "[cli]") {
  const Finished whole = adlib_tool({"--help"});
  CHECK(whole.exit_code == 0);
  CHECK(whole.err.empty());
  for (const std::string& command : commands) {
    INFO(command);
    CHECK_THAT(whole.out, ContainsSubstring(command));
    const Finished help = adlib_tool({command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.err.empty());
    CHECK_THAT(help.out, ContainsSubstring("Examples:"));
    CHECK_THAT(help.out, ContainsSubstring("adlib " + command));
  }
  const Finished version = adlib_tool({"--version"});
  CHECK(version.exit_code == 0);
  CHECK(version.out == "adlib " ADLIB_VERSION "\n");
}

TEST_CASE("no escape sequences reach a file, with and without NO_COLOR", "[cli]") {
  const auto environment = GENERATE(values<Arguments>({{}, {"NO_COLOR=1"}}));
  const Finished finished =
      adlib_tool({"inspect", "/no/such/directory"}, {.input = "", .environment = environment});
  CHECK(finished.exit_code == 1);
  CHECK(finished.err.find('\033') == std::string::npos);
}
