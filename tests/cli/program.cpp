#include "cli/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/catch.h"
#include "support/files.h"

extern char** environ;

namespace adlib::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Finished run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                     const RunOptions& options) {
  const TempDir dir;  // files, not pipes: nothing to deadlock on
  write_text(dir / "in", options.input);
  std::vector<std::string> argv = {program.string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  environment.insert(environment.begin(), options.environment.begin(), options.environment.end());

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, (dir / "in").c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, (dir / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, (dir / "err").c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0].c_str(), &files, nullptr, pointers(argv).data(),
                                 pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("cannot start " + argv[0]);
  int status = 0;
  if (options.kill_after_ms > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(options.kill_after_ms));
    kill(child, SIGKILL);  // of a child that ended but was not waited for: nothing
  }
  if (waitpid(child, &status, 0) != child) throw std::runtime_error("cannot wait for " + argv[0]);
  Finished finished;
  finished.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  finished.out = read_text(dir / "out");
  finished.err = read_text(dir / "err");
  return finished;
}

Finished adlib_tool(const std::vector<std::string>& arguments, const RunOptions& options) {
  return run_program(ADLIB_TOOL, arguments, options);
}

Finished example(const std::string& name, const std::vector<std::string>& arguments) {
  return run_program(std::filesystem::path(ADLIB_TOOL).parent_path() / name, arguments);
}

const std::filesystem::path& tiny_model() {
  static const TempDir dir;
  static const std::filesystem::path model = [] {
    const std::filesystem::path path = dir / "model";
    const Finished init = adlib_tool({"init", path.string(), "--size", "tiny", "--seed", "5"});
    if (init.exit_code != 0) throw std::runtime_error("adlib init failed: " + init.err);
    return path;
  }();
  return model;
}

io::Json inspect(const std::filesystem::path& model, int expected_exit_code) {
  const Finished finished = adlib_tool({"inspect", model.string(), "--json"});
  INFO(finished.err << finished.out);
  REQUIRE(finished.exit_code == expected_exit_code);
  return io::Json::parse(finished.out);
}

std::string demo(const std::string& file) {
  return (source_dir() / "examples/copywriter/demo" / file).string();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

}  // namespace adlib::test
