// bench_machine: the limits of this machine, with one thread and with all, as a table or as JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "adlib/core/parallel.h"
#include "bench/machine/machine.h"
#include "kernels/cpu/isa.h"

using namespace adlib;

namespace {

constexpr const char* usage =
    "bench_machine [--json] [--threads N]\n"
    "Measures read bandwidth from memory, L3 and L2, and the arithmetic peaks in f32, bf16 and i8 of the "
    "SIMD\n"
    "level in use (ADLIB_ISA), with one thread and with N (default: ADLIB_NUM_THREADS, else all "
    "processors).\n";

void print_table(const std::vector<bench::Limits>& rows) {
  std::printf("%s, SIMD level %s\n\n", bench::processor_name().c_str(),
              std::string(to_string(kernels::cpu::isa())).c_str());
  std::printf("| threads | memory GB/s | L3 GB/s | L2 GB/s | f32 Gop/s | bf16 Gop/s | i8 Gop/s |\n");
  std::printf("|--------:|------------:|--------:|--------:|----------:|-----------:|---------:|\n");
  for (const bench::Limits& l : rows) {
    std::printf("| %7d | %11.1f | %7.1f | %7.1f | %9.0f | %10.0f | %8.0f |\n", l.threads, l.memory / 1e9,
                l.l3 / 1e9, l.l2 / 1e9, l.f32 / 1e9, l.bf16 / 1e9, l.i8 / 1e9);
  }
}

void print_json(const std::vector<bench::Limits>& rows) {
  std::cout << "{\"processor\": \"" << bench::processor_name() << "\", \"isa\": \""
            << to_string(kernels::cpu::isa()) << "\", \"limits\": [";
  for (std::size_t i = 0; i < rows.size(); ++i) std::cout << (i > 0 ? ", " : "") << bench::to_json(rows[i]);
  std::cout << "]}\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    bool json = false;
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      if (argument == "--json") {
        json = true;
      } else if (argument == "--threads" && i + 1 < argc) {
        set_num_threads(std::atoi(argv[++i]));
      } else {
        std::cerr << usage;
        return argument == "--help" ? 0 : 2;
      }
    }
    std::vector<bench::Limits> rows{bench::limits(1)};
    if (num_threads() > 1) rows.push_back(bench::limits(num_threads()));
    json ? print_json(rows) : print_table(rows);
    return std::cout.good() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "bench_machine: " << error.what() << '\n';
    return 1;
  }
}
