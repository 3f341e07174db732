// adlib/io/pytorch_bin.h: state dicts written by torch.save, read without executing pickle.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/io/safetensors.h"

namespace adlib::io {

/// A file that torch.save wrote (PyTorch 1.6 and later: a zip archive of stored entries) holding a dict from
/// names to tensors, such as pytorch_model.bin. Its pickle is interpreted by an allow-list of opcodes and
/// names: dicts, lists, numbers, strings, tensors; nothing is imported, called or executed. Every offset,
/// extent and stride is checked against the file. Throws Error(bad_format) for a damaged file and
/// Error(unsupported), with the one line that converts the checkpoint, for anything else that a pickle may
/// hold. CRCs are not checked: torch can be told to write none. The payload is memory-mapped; as with
/// SafetensorsFile, the file must not be cut short meanwhile.
class PytorchFile {
 public:
  static PytorchFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  /// In the order of the dict. `dtype_name` is the word of safetensors; begin and end are bytes of the file
  /// that the tensor's storage takes, and tied tensors share them.
  const std::vector<TensorInfo>& tensors() const;
  bool contains(std::string_view name) const;
  /// A CPU tensor: over the mapped file when its elements lie row-major and aligned there, else a packed
  /// copy. Throws Error(not_found).
  Tensor tensor(std::string_view name) const;
  /// Gives the memory of what was read back to the system; tensors of this file read it again when touched,
  /// as the file has it: changes made to them in place are lost.
  void release_pages() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace adlib::io
