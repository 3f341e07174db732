// tests/cli/program.h: runs a program of the build and keeps what it says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "adlib/io/json.h"

namespace adlib::test {

struct Finished {
  int exit_code = -1;  ///< 128 + the signal's number when one ended the program
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string input;                     ///< given to stdin
  std::vector<std::string> environment;  ///< "NAME=value", added to this process's
  int kill_after_ms = 0;                 ///< SIGKILL then, if the program still runs; 0: never
};

/// Runs `program` with `arguments`, without a shell, and waits for its end.
Finished run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                     const RunOptions& options = {});

/// The same for the adlib tool of this build.
Finished adlib_tool(const std::vector<std::string>& arguments, const RunOptions& options = {});
/// The same for one of the numbered examples or the README's program.
Finished example(const std::string& name, const std::vector<std::string>& arguments = {});

/// The directory of a tiny GPT-2 that the tool made for this process.
const std::filesystem::path& tiny_model();

/// What `inspect --json` says of a model, which has to end with `expected_exit_code`.
io::Json inspect(const std::filesystem::path& model, int expected_exit_code);

/// The path of a file of the demonstration.
std::string demo(const std::string& file);

/// The JSON text's lines, without an empty last one.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace adlib::test
