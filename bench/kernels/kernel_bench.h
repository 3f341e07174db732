// bench/kernels/kernel_bench.h: what every kernel benchmark shares: its name, the check before the clock, and
// the part of the machine's limit that it reaches.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adlib/ops.h"

namespace adlib::bench {

/// What one call must do at least. Each operand counts once, however often a cache is hit.
struct Work {
  double operations = 0;    ///< a multiply-add counts as two, an exponential as `exponential`
  double bytes = 0;         ///< read and written
  DType peak = DType::f32;  ///< whose arithmetic peak holds: f32, bf16 or i8
};

/// exp() by range reduction and a polynomial of degree seven: 20 operations.
constexpr double exponential = 20;

/// One benchmark's operands, captured by its functions.
struct Task {
  Work work;
  std::function<void()> run;
  std::function<std::string()> check;  ///< runs once and compares with the oracle: "" or what is wrong
};

/// The sizes in a benchmark's name: {{"m", 8}, {"k", 768}} becomes "/m:8/k:768".
using Sizes = std::vector<std::pair<std::string, std::int64_t>>;

/// Registers `name`/device:…/dtype:…/sizes/threads:… for every device that is there, and on the CPU for one
/// thread and for all. `make` builds the operands when the benchmark is about to run.
void add_kernel(const std::string& name, std::string_view dtype, const Sizes& sizes,
                std::function<Task(Device device)> make);
inline void add_kernel(const std::string& name, DType dtype, const Sizes& sizes,
                       std::function<Task(Device device)> make) {
  add_kernel(name, to_string(dtype), sizes, std::move(make));
}

/// Bytes of all elements.
double bytes_of(const Tensor& tensor);

// One function a file.
void add_activation();
void add_adamw_step();
void add_attention();
void add_copy();
void add_cross_entropy();
void add_dropout();
void add_elementwise();
void add_embedding();
void add_layer_norm();
void add_matmul();
void add_matmul_packed();
void add_matmul_training();
void add_rms_norm();
void add_rope();
void add_sample();
void add_softmax();
void add_squared_norm();
void add_sum_rows();

}  // namespace adlib::bench
