// adlib/train/parameters.h: the numbers that training changes, with their gradients.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "adlib/ops.h"

namespace adlib::train {

/// One tensor of a model in training.
struct Parameter {
  std::string name;     ///< as checkpoints of the family spell it
  Tensor master;        ///< f32: what the optimizer changes
  Tensor value;         ///< what the model computes with: the master itself, or the master rounded
  Tensor gradient;      ///< f32, shaped as the master; undefined when the parameter is frozen
  bool decays = false;  ///< weight decay applies
  /// A matrix inside a block is so many of equal width side by side (a fused projection: 3); 0: not such a
  /// matrix.
  std::int64_t parts = 0;
  bool is_empty = true;  ///< the gradient counts as zeros, whatever it holds

  bool is_trained() const { return gradient.defined(); }
  /// The gradient for an operation that adds to it; undefined when frozen.
  Tensor& sum() {
    if (is_trained() && is_empty) {
      const Tensor zero = Tensor::zeros({1}, DType::f32, gradient.device());
      ops::copy_into(gradient, zero.expand(gradient.shape()));
    }
    is_empty = false;
    return gradient;
  }
  /// gradient += a·b. The first product of a step is written over whatever stood there: zeroing and reading
  /// would move the whole gradient through memory twice more. (M, K)·(K, N)
  void add_product(const Tensor& a, const Tensor& b) {
    if (!is_trained()) return;
    ops::matmul_into(gradient, a, b, {.residual = is_empty ? Tensor() : gradient});
    is_empty = false;
  }
  /// Makes `value` follow a master that was changed by anyone but the optimizer.
  void round_master() {
    if (value.dtype() != DType::f32) ops::copy_into(value, master);
  }
};

/// All parameters of a model; their addresses do not change.
class Parameters {
 public:
  Parameters() = default;
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;
  Parameters(Parameters&&) = default;
  Parameters& operator=(Parameters&&) = default;

  /// Copies `initial`, in any floating dtype, to the master; the model computes in `dtype`.
  Parameter& add(std::string name, const Tensor& initial, DType dtype, bool trained, bool decays) {
    require(!by_name_.contains(name), "parameters: '", name, "' stands twice");
    Parameter& added = list_.emplace_back();
    added.name = std::move(name);
    added.master = initial.dtype() == DType::f32 ? initial.clone() : initial.to(DType::f32);
    added.value = dtype == DType::f32 ? added.master : added.master.to(dtype);
    if (trained) added.gradient = Tensor::empty(added.master.shape(), DType::f32, added.master.device());
    added.decays = decays;
    by_name_[added.name] = &added;
    return added;
  }
  bool contains(std::string_view name) const { return by_name_.contains(name); }
  Parameter& at(std::string_view name) {
    const auto found = by_name_.find(name);
    require(found != by_name_.end(), "parameters: there is no '", name, "'");
    return *found->second;
  }
  const Parameter& at(std::string_view name) const { return const_cast<Parameters*>(this)->at(name); }

  auto begin() { return list_.begin(); }
  auto end() { return list_.end(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

  /// How many numbers are trained.
  std::int64_t trained() const {
    std::int64_t count = 0;
    for (const Parameter& parameter : list_)
      if (parameter.is_trained()) count += parameter.master.numel();
    return count;
  }
  void zero_gradients() {
    for (Parameter& parameter : list_) parameter.is_empty = true;
  }
  /// sqrt(Σ g²) over all gradients; NaN or infinite when one of them is.
  double gradient_norm() const {
    double sum = 0;
    for (const Parameter& parameter : list_)
      if (parameter.is_trained() && !parameter.is_empty) sum += ops::squared_norm(parameter.gradient);
    return std::sqrt(sum);
  }

 private:
  std::deque<Parameter> list_;
  std::map<std::string, Parameter*, std::less<>> by_name_;
};

}  // namespace adlib::train
