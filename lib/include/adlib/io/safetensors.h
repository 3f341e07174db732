// adlib/io/safetensors.h: reading (memory-mapped, nothing trusted) and writing the safetensors format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adlib/core/tensor.h"

namespace adlib::io {

/// What a file says about one tensor. `dtype_name` is the file's word ("F32", "BF16", "F8_E4M3", …).
struct TensorInfo {
  std::string name;
  std::string dtype_name;
  Shape shape;
  std::uint64_t begin = 0;  ///< bytes [begin, end) of the payload
  std::uint64_t end = 0;
};

/// A safetensors file, checked whole when it is opened: header length and JSON, no duplicate names, no overflow, no
/// overlap, no gap, every byte of the payload claimed once. Throws Error(bad_format) naming file, tensor and cure.
class SafetensorsFile {
 public:
  static SafetensorsFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  /// In the order of their bytes.
  const std::vector<TensorInfo>& tensors() const;
  const std::map<std::string, std::string>& metadata() const;
  bool contains(const std::string& name) const;
  /// A CPU tensor over the mapped file (private copy-on-write pages; the mapping lives as long as the tensor). Copies
  /// when the bytes are not aligned for the type. Throws Error(not_found), or Error(unsupported) for a dtype without
  /// a DType.
  Tensor tensor(const std::string& name) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Writes atomically, tensors sorted by falling element size and then by name, payload aligned to 8 bytes.
void save_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace adlib::io
