// Peak memory, in a process of its own: what this one has allocated before does not count.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "adlib/core/parallel.h"
#include "models/model_bench.h"

extern "C" char** environ;

namespace adlib::bench {
namespace {

// The high-water mark of this program's own memory. getrusage() would count what the parent held before exec.
double high_water_mark() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) * 1024;
  }
  fail(ErrorCode::unsupported, "memory: /proc/self/status has no VmHWM; this needs Linux");
}

/// A directory that goes away with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "adlib-bench-XXXXXX").string();
    require(::mkdtemp(pattern.data()) != nullptr, "memory: cannot make ", pattern);
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string output_of(std::vector<std::string> arguments) {
  std::array<int, 2> pipe{};
  require(::pipe(pipe.data()) == 0, "memory: pipe() failed");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe[0]);
  posix_spawn_file_actions_addclose(&actions, pipe[1]);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t n = 0; failed == 0 && (n = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(pipe[0]);
  int status = -1;
  if (failed == 0) ::waitpid(child, &status, 0);
  require(status == 0, "memory: '", arguments[0], "' failed with status ", status);
  return text;
}

}  // namespace

double peak_memory(const std::filesystem::path& program, const Model& model, const Format& format,
                   int threads, std::int64_t tokens) {
  // A checkpoint as `adlib quantize` writes it: whoever cares for memory quantises once, not at every start.
  const TemporaryDirectory temporary;
  std::filesystem::path directory = model.directory;
  if (directory.empty() || format.options.weights.quantized()) {
    directory = temporary.path();
    save(*decoder_of(model, format), directory);
  }
  return std::stod(output_of({program.string(), "--memory-child", directory.string(), format.name,
                              std::to_string(threads), std::to_string(tokens)}));
}

int peak_memory_child(const std::string& directory, const std::string& format, int threads,
                      std::int64_t tokens) {
  set_num_threads(threads);
  const Decoder decoder = load_decoder(directory, format_named(format).options);
  Cache cache = decoder.make_cache(1, tokens);
  for (std::int64_t i = 0; i < tokens; ++i) {
    const Row row{.sequence = 0, .start = i, .length = 1};
    const Tensor ids =
        Tensor::from<std::int32_t>({static_cast<std::int32_t>(i * 31 % decoder.config().vocab_size)}, {1});
    decoder.logits(decoder.hidden({.ids = ids, .rows = {&row, 1}}, cache), std::array<std::int32_t, 1>{0});
  }
  std::printf("%.0f\n", high_water_mark());
  return 0;
}

}  // namespace adlib::bench
