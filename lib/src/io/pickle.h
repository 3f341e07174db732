// io/pickle.h: the pickle inside a torch.save archive, interpreted by an allow-list and never executed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/core/dtype.h"

namespace adlib::io {

/// One tensor of a state dict as its pickle describes it. Nothing is checked against the storage yet.
struct PickledTensor {
  std::string name;
  std::string storage;  ///< the key of its record: "<archive>/data/<key>"
  DType dtype = DType::f32;
  std::int64_t storage_elements = 0;
  std::int64_t offset = 0;  ///< of its first element in the storage, in elements
  std::vector<std::int64_t> extents;
  std::vector<std::int64_t> strides;  ///< in elements
};

/// The tensors of the dict that `pickle` builds, in its order. Throws Error(bad_format) for a damaged pickle
/// and Error(unsupported), ended by `cure`, for an opcode or a name outside the allow-list. `where` begins
/// the messages. Opcodes: CPython's Lib/pickletools.py.
std::vector<PickledTensor> read_state_dict(std::string_view pickle, const std::string& where,
                                           const std::string& cure);

}  // namespace adlib::io
