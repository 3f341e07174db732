// Activations and swiglu over the rows of GPT-2's and Qwen2's MLP, and their gradients.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

namespace {

// By central differences.
double slope(double x, ops::Activation activation) {
  constexpr double h = 1e-5;
  return (oracle::activate(x + h, activation) - oracle::activate(x - h, activation)) / (2 * h);
}

}  // namespace

void add_activation() {
  struct Named {
    const char* name;
    ops::Activation activation;
    double operations;  // of one element
  };
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Named f :
         {Named{"gelu_tanh", ops::Activation::gelu_tanh, exponential + 6},
          Named{"gelu_erf", ops::Activation::gelu_erf, exponential + 6},
          Named{"silu", ops::Activation::silu, exponential + 2}, Named{"relu", ops::Activation::relu, 1}}) {
      for (const std::int64_t rows : {1, 128}) {
        const std::int64_t cols = 3072;
        add_kernel(f.name, dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
          const Tensor x = random_tensor({rows, cols}, dtype, 1, 4).to(device);
          const auto run = [=] { return ops::activate(x, f.activation); };
          return Task{{.operations = f.operations * static_cast<double>(x.numel()), .bytes = 2 * bytes_of(x)},
                      [=] { run(); },
                      [=] {
                        auto expected = doubles(x);
                        for (double& value : expected) value = oracle::activate(value, f.activation);
                        return difference(run(), expected, 4e-6);
                      }};
        });
      }
    }
    for (const Named f : {Named{"gelu_tanh_backward", ops::Activation::gelu_tanh, exponential + 14},
                          Named{"gelu_erf_backward", ops::Activation::gelu_erf, exponential + 26},
                          Named{"silu_backward", ops::Activation::silu, exponential + 6}}) {
      const std::int64_t rows = 512, cols = 3072;
      add_kernel(f.name, dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor x = random_tensor({rows, cols}, dtype, 1, 4).to(device);
        const Tensor dy = random_tensor({rows, cols}, dtype, 2).to(device);
        const auto run = [=] { return ops::activate_backward(dy, x, f.activation); };
        return Task{{.operations = f.operations * static_cast<double>(x.numel()), .bytes = 3 * bytes_of(x)},
                    [=] { run(); },
                    [=] {
                      auto expected = doubles(dy);
                      const auto values = doubles(x);
                      for (std::size_t i = 0; i < values.size(); ++i) {
                        expected[i] *= slope(values[i], f.activation);
                      }
                      return difference(run(), expected, 4e-6);
                    }};
      });
    }
    for (const std::int64_t rows : {1, 128}) {
      const std::int64_t cols = 4864;
      add_kernel("swiglu", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor gate = random_tensor({rows, cols}, dtype, 1, 4).to(device);
        const Tensor up = random_tensor({rows, cols}, dtype, 2).to(device);
        const auto run = [=] { return ops::swiglu(gate, up); };
        const auto n = static_cast<double>(gate.numel());
        return Task{{.operations = (exponential + 3) * n, .bytes = 3 * bytes_of(gate)},
                    [=] { run(); },
                    [=] {
                      auto expected = doubles(gate);
                      const auto factors = doubles(up);
                      for (std::size_t i = 0; i < expected.size(); ++i) {
                        expected[i] = oracle::activate(expected[i], ops::Activation::silu) * factors[i];
                      }
                      return difference(run(), expected, 4e-6);
                    }};
      });
    }
    const std::int64_t rows = 512, cols = 4864;
    add_kernel("swiglu_backward", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
      const Tensor gate = random_tensor({rows, cols}, dtype, 1, 4).to(device);
      const Tensor up = random_tensor({rows, cols}, dtype, 2).to(device);
      const Tensor dy = random_tensor({rows, cols}, dtype, 3).to(device);
      Tensor dgate = Tensor::empty(gate.shape(), dtype, device), dup = dgate.clone();
      auto run = [=]() mutable { ops::swiglu_backward(dgate, dup, dy, gate, up); };
      const auto n = static_cast<double>(gate.numel());
      return Task{{.operations = (exponential + 9) * n, .bytes = 5 * bytes_of(gate)}, run, [=]() mutable {
                    run();
                    auto by_gate = doubles(dy), by_up = by_gate;
                    const auto gates = doubles(gate), ups = doubles(up);
                    for (std::size_t i = 0; i < gates.size(); ++i) {
                      by_gate[i] *= ups[i] * slope(gates[i], ops::Activation::silu);
                      by_up[i] *= oracle::activate(gates[i], ops::Activation::silu);
                    }
                    return difference(dgate, by_gate, 4e-6) + difference(dup, by_up, 4e-6);
                  }};
    });
  }
}

}  // namespace adlib::bench
