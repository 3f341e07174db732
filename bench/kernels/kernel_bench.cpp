#include "kernels/kernel_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "adlib/core/parallel.h"
#include "bench/machine/machine.h"
#include "support/devices.h"

namespace adlib::bench {
namespace {

// Google Benchmark calls a benchmark several times, to find how many iterations to run and to repeat them.
// The operands are made and checked at the first; only the last benchmark's are kept.
const Task& task_of(const std::string& name, const std::function<Task()>& make) {
  static std::string last;
  static std::unique_ptr<Task> task;
  if (name != last) {
    task.reset();  // before the next one takes its memory
    task = std::make_unique<Task>(make());
    last = name;
  }
  return *task;
}

// Kernels on a CUDA device return before they are done: a copy of four bytes on the same stream waits.
void wait_for(Device device) {
  if (device.type() == Device::Type::cpu) return;
  static const Tensor token = Tensor::zeros({1}).to(device);
  benchmark::DoNotOptimize(token.to(Device::cpu));
}

void report(benchmark::State& state, const Work& work, const Limits* limits, double seconds) {
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  state.counters["op/s"] = Counter(work.operations, rate);
  state.counters["B/s"] = Counter(work.bytes, rate);
  state.counters["op"] = work.operations;  // of one call: bench/roofline.py needs both
  state.counters["B"] = work.bytes;
  if (limits == nullptr) return;
  const double peak = work.peak == DType::i8     ? limits->i8
                      : work.peak == DType::bf16 ? limits->bf16
                                                 : limits->f32;
  const double arithmetic = work.operations / peak, reading = work.bytes / limits->bandwidth(work.bytes);
  const bool bound_by_memory = reading >= arithmetic;
  // Computed here, since a rate would be printed as "per second".
  state.counters["limit%"] = 100 * std::max(arithmetic, reading) / seconds;
  state.SetLabel(bound_by_memory ? std::string(limits->level(work.bytes))
                                 : std::string(to_string(work.peak)));
}

void run(benchmark::State& state, const std::string& name, Device device, int threads,
         const std::function<Task()>& make) {
  const bool on_cpu = device.type() == Device::Type::cpu;
  const Limits* machine = on_cpu ? &limits(threads) : nullptr;
  set_num_threads(threads);
  const std::string wrong = [&] {
    static std::string checked, result;
    const Task& task = task_of(name, make);
    if (checked != name) result = task.check();
    checked = name;
    return result;
  }();
  if (!wrong.empty()) {
    state.SkipWithError(wrong.c_str());
    return;
  }
  const Task& task = task_of(name, make);
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    task.run();
    wait_for(device);
  }
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
  report(state, task.work, machine, all.count() / static_cast<double>(state.iterations()));
}

}  // namespace

void add_kernel(const std::string& name, std::string_view dtype, const Sizes& sizes,
                std::function<Task(Device device)> make) {
  static const std::vector<Device> devices = test::available_devices();
  static const int all = num_threads();
  std::string text;
  for (const auto& [argument, value] : sizes) text += "/" + argument + ":" + std::to_string(value);
  for (const Device device : devices) {
    const bool on_cpu = device.type() == Device::Type::cpu;
    for (const int threads : on_cpu&& all > 1 ? std::vector{1, all} : std::vector{1}) {
      const std::string full =
          concat(name, "/device:", on_cpu ? "cpu" : "cuda", "/dtype:", dtype, text, "/threads:", threads);
      benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
        run(state, full, device, threads, [&] { return make(device); });
      })->UseRealTime();
    }
  }
}

double bytes_of(const Tensor& tensor) {
  return static_cast<double>(tensor.numel()) * static_cast<double>(size_of(tensor.dtype()));
}

}  // namespace adlib::bench
