// adlib-tune: chooses how products are cut into tasks on this machine, and writes it where the library looks.
// Three exits: 0 done, 1 failed, 2 wrong use.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"
#include "adlib/io/atomic_file.h"
#include "bench/tune/products.h"
#include "bench/tune/search.h"
#include "kernels/cpu/gemm.h"

using namespace adlib;
using kernels::cpu::GemmKind;
using kernels::cpu::Tuning;

namespace {

struct Flags {
  std::string output, check;
  int threads = 0;
  bool dry_run = false, quick = false, quiet = false;
};

void add_flags(CLI::App& app, Flags& flags) {
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_option(
         "-o,--output", flags.output,
         "File to write; default: $ADLIB_TUNING, else adlib/tuning.txt in $XDG_CACHE_HOME or ~/.cache")
      ->type_name("FILE");
  auto* dry_run = app.add_flag("-n,--dry-run", flags.dry_run, "Measure and print, write nothing");
  auto* quick = app.add_flag("--quick", flags.quick, "Small products and few rounds: to try the program out");
  app.add_option("--threads", flags.threads,
                 "Threads to tune for; default: ADLIB_NUM_THREADS, else every processor")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.add_option("--check", flags.check, "Print what the library reads from FILE, measure nothing")
      ->type_name("FILE")
      ->excludes(dry_run, quick, "--output");
  app.add_flag("-q,--quiet", flags.quiet, "No progress on stderr");
  app.footer(
      "Tries cuts on products of GPT-2's widths in f32, bf16 and int8, each in turn with the default, which\n"
      "stays unless another cut wins clearly. No result depends on it. Takes about a minute; let nothing "
      "else\n"
      "run meanwhile.\n\n"
      "Exit status: 0 done, 1 failed, 2 wrong use. The table goes to stdout, progress to stderr.");
}

int check(const std::string& path) {
  const std::string text = io::read_file(path);
  const Tuning tuning = kernels::cpu::parse_tuning(text, path);
  if (("\n" + text + "\n").find("\nmachine " + kernels::cpu::tuning_machine() + "\n") == text.npos) {
    std::cerr << "adlib-tune: " << path << " is not for this machine (" << kernels::cpu::tuning_machine()
              << "): the defaults hold\n";
  }
  std::cout << to_string(tuning);
  return 0;
}

void print(GemmKind kind, const bench::Choice& choice) {
  for (const bench::Comparison& c : choice.comparisons) {
    std::printf("| %-4s | %-27s | %10.3f | %8.3f | %+7.1f%% |\n", std::string(to_string(kind)).c_str(),
                c.product.c_str(), 1e3 * c.usual, 1e3 * c.chosen, 100 * (c.ratio - 1));
  }
}

void write(const std::string& path, const Tuning& tuning) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::error_code problem;
  if (!parent.empty()) std::filesystem::create_directories(parent, problem);
  if (problem) {
    fail(ErrorCode::io, "cannot make the directory '", parent.string(), "': ", problem.message(),
         "; give --output FILE in one that can be written");
  }
  io::write_file(path, to_string(tuning));
}

int tune(const Flags& flags, const std::string& path) {
  if (flags.threads > 0) set_num_threads(flags.threads);
  const auto progress = [&](const std::string& line) {
    if (!flags.quiet) std::cerr << line << std::endl;
  };
  progress(concat(kernels::cpu::tuning_machine(), ", ", num_threads(),
                  num_threads() == 1 ? " thread" : " threads"));
  const bench::Effort effort = flags.quick ? bench::Effort{.rounds = 2, .final_rounds = 3} : bench::Effort{};
  Tuning tuning;
  std::printf("| kind | product (rows x K x N)      | default ms | tuned ms | change   |\n");
  std::printf("|------|-----------------------------|-----------:|---------:|---------:|\n");
  for (const GemmKind kind : kernels::cpu::gemm_kinds) {
    const bench::Choice choice = bench::choose_cut(kind, kernels::cpu::max_tile_rows(kind),
                                                   bench::make_products(kind, flags.quick), effort, progress);
    tuning.gemm[static_cast<std::size_t>(kind)] = choice.cut;
    print(kind, choice);
    std::fflush(stdout);
  }
  if (flags.dry_run) {
    std::printf("\n%s", to_string(tuning).c_str());
  } else {
    write(path, tuning);
    progress("wrote " + path);
  }
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Chooses how matrix products are cut into tasks on this machine", "adlib-tune");
  add_flags(app, flags);
  try {
    app.parse(argc, argv);
    if (!flags.check.empty()) return check(flags.check);
    if (flags.quick && !flags.dry_run && flags.output.empty()) {
      std::cerr
          << "adlib-tune: what --quick chooses is noise: give --dry-run, or --output FILE to see a file\n";
      return 2;
    }
    const std::string path = flags.output.empty() ? kernels::cpu::tuning_path() : flags.output;
    if (!flags.dry_run && (path.empty() || path == "off")) {
      std::cerr << "adlib-tune: nowhere to write: "
                << (path.empty() ? "HOME is not set" : "ADLIB_TUNING is off") << "; give --output FILE\n";
      return 2;
    }
    // The search begins at the defaults: a file from before does not matter, even one that cannot be read.
    ::setenv("ADLIB_TUNING", "off", /*overwrite=*/1);
    return tune(flags, path);
  } catch (const CLI::Success& wish) {  // --help
    return app.exit(wish);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "adlib-tune: " << wrong.what() << "\nRun 'adlib-tune --help' to see what is accepted.\n";
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << "adlib-tune: " << failure.what() << '\n';
    return 1;
  }
}
