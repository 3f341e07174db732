// tests/support/onnx.h: reads the node tests of the ONNX project: a model of one node, its inputs, its
// outputs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adlib/core/tensor.h"

namespace adlib::test::onnx {

/// An attribute of a node; the member that its type names is set.
struct Attribute {
  float f = 0;
  std::int64_t i = 0;
  std::string s;
};

/// A folder test_*: model.onnx, and test_data_set_0 with input_N.pb and output_N.pb.
struct Case {
  std::string name;
  std::string op_type;
  std::map<std::string, Attribute> attributes;
  std::vector<std::string> input_names, output_names;  ///< as the node lists them; "" for one left out
  std::map<std::string, Tensor> tensors;               ///< inputs and expected outputs by name

  /// The node's input at `index`; undefined when left out.
  Tensor input(std::size_t index) const;
  /// The expected output at `index`; undefined when left out.
  Tensor output(std::size_t index) const;
  std::int64_t integer(const std::string& attribute, std::int64_t otherwise) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  float real(const std::string& attribute, float otherwise) const;
};

/// Reads one case. Throws std::runtime_error, naming the file, for anything it does not understand.
/// u64 tensors (element type 13) are read as i64.
Case read_case(const std::filesystem::path& folder);

/// A serialised TensorProto: its name and its elements.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};
NamedTensor read_tensor(const std::string& bytes);

}  // namespace adlib::test::onnx
