// bench_kernels: every kernel, with the limits of this machine measured first, in the same process.
#include <benchmark/benchmark.h>

#include <exception>
#include <iostream>
#include <string_view>

#include "adlib/core/parallel.h"
#include "bench/machine/machine.h"
#include "kernels/cpu/isa.h"
#include "kernels/kernel_bench.h"

using namespace adlib;

namespace {

// What reads the JSON output finds the limits in its "context".
void measure_machine() {
  benchmark::AddCustomContext("processor", bench::processor_name());
  benchmark::AddCustomContext("isa", std::string(to_string(kernels::cpu::isa())));
  std::string all = "[" + to_json(bench::limits(1));
  if (num_threads() > 1) all += ", " + to_json(bench::limits(num_threads()));
  benchmark::AddCustomContext("limits", all + "]");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    bool list_only = false;
    for (int i = 1; i < argc; ++i) {
      list_only = list_only || std::string_view(argv[i]).starts_with("--benchmark_list_tests");
    }
    if (!list_only) measure_machine();
    bench::add_activation();
    bench::add_adamw_step();
    bench::add_attention();
    bench::add_copy();
    bench::add_cross_entropy();
    bench::add_dropout();
    bench::add_elementwise();
    bench::add_embedding();
    bench::add_layer_norm();
    bench::add_matmul();
    bench::add_matmul_packed();
    bench::add_matmul_training();
    bench::add_rms_norm();
    bench::add_rope();
    bench::add_sample();
    bench::add_softmax();
    bench::add_squared_norm();
    bench::add_sum_rows();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_kernels: " << error.what() << '\n';
    return 1;
  }
}
