// adlib/io/safetensors.h: reading (memory-mapped, nothing trusted) and writing the safetensors format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
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

/// A safetensors file, checked whole when it is opened: header length and JSON, no duplicate names, no
/// overflow, no overlap, no gap, every byte of the payload claimed once. The payload itself is read from disk
/// only where a tensor is touched. Throws Error(bad_format) naming file, tensor and cure. The file must not
/// be cut short while a tensor of it lives: the system ends a program that touches a page which is no longer
/// there (SIGBUS). Format: https://huggingface.co/docs/safetensors
class SafetensorsFile {
 public:
  static SafetensorsFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  /// In the order of their bytes.
  const std::vector<TensorInfo>& tensors() const;
  const std::map<std::string, std::string>& metadata() const;
  bool contains(std::string_view name) const;
  /// A CPU tensor over the mapped file (private copy-on-write pages; the mapping lives as long as the
  /// tensor). Copies when the bytes are not aligned for the type. Throws Error(not_found), or
  /// Error(unsupported) for a dtype without a DType.
  Tensor tensor(std::string_view name) const;
  /// Gives the memory of what was read back to the system; tensors of this file read it again when touched,
  /// as the file has it: changes made to them in place are lost.
  void release_pages() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Every tensor of a file by its name. Throws as SafetensorsFile does.
std::map<std::string, Tensor> read_safetensors(const std::filesystem::path& path);

/// Writes atomically, in the layout of Hugging Face's own writer: tensors sorted by dtype, wide ones first,
/// then by name; payload aligned to 8 bytes. Tensors with gaps or on another device are packed first, one at
/// a time. Throws Error(invalid_argument) for an undefined tensor or a name that is no UTF-8, Error(io) as
/// AtomicFile does.
void save_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

/// How many elements are NaN or infinite; 0 for integer types. Reads every element.
std::int64_t count_non_finite(const Tensor& tensor);

}  // namespace adlib::io
