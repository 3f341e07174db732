// adlib/io/weights.h: the tensors of a checkpoint directory, taken by name with the shape that the model
// expects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/core/tensor.h"

namespace adlib {

/// Called while weights load: tensors done, tensors in all.
using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

/// A cheap handle on the tensors of a checkpoint; scopes share the list of what has been taken. Taking a
/// tensor twice is allowed: tied weights are. Meant for the one thread that builds a model: no two may take
/// at once.
class Weights {
 public:
  /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, or
  /// `pytorch_model.bin` (read without executing pickle), in that order. `dtype` is what take() converts
  /// floating tensors to; without it they keep the file's. Throws Error(not_found) saying what the directory
  /// holds and what was expected.
  static Weights open(const std::filesystem::path& dir, Device device = Device::cpu,
                      std::optional<DType> dtype = std::nullopt, Progress progress = {});
  /// Over tensors in memory, for fresh models and tests; taken where they are. `origin` names them in
  /// messages.
  static Weights from(std::map<std::string, Tensor> tensors, std::string origin = "memory");

  /// The same weights, moved to `device` when they are taken.
  Weights to(Device device) const;
  /// The same weights with `prefix` + "." put before every name that is asked for. Scopes nest.
  Weights scope(std::string_view prefix) const;
  /// The tensor `name` of this scope, moved to the device of open() or to(), in the dtype of open(). Throws
  /// Error(not_found) with the full name and the nearest names there are, or Error(invalid_argument) with
  /// both shapes.
  Tensor take(std::string_view name, const Shape& shape) const;
  /// The same in the file's own dtype, for numbers that a conversion would spoil.
  Tensor take_as_stored(std::string_view name, const Shape& shape) const;
  bool contains(std::string_view name) const;
  /// The shape of a tensor of this scope. Throws Error(not_found).
  Shape shape_of(std::string_view name) const;

  /// The dtype that take() would give a tensor of this scope. Throws Error(not_found).
  DType dtype_of(std::string_view name) const;
  /// Gives the memory of what was read from files back to the system, for a model that has packed its own
  /// copy; tensors that were taken read the file again when touched, without changes made to them in place.
  void release_pages() const;

  /// Full names never taken, sorted.
  std::vector<std::string> untaken() const;
  /// Throws Error(bad_format) naming every untaken tensor for which `known_extra` is false.
  void expect_all_taken(const std::function<bool(std::string_view)>& known_extra) const;
  /// `name` of this scope as the file spells it, for messages.
  std::string full_name(std::string_view name) const;
  /// Every full name, sorted.
  std::vector<std::string> names() const;
  /// The directory, or the origin given to from().
  const std::string& origin() const;

 private:
  struct Impl;
  Weights() = default;

  std::shared_ptr<Impl> impl_;
  std::string prefix_;
  std::optional<Device> device_;  // none: the tensors' own
};

}  // namespace adlib
