#include "adlib/core/error.h"

namespace adlib {

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::dtype_mismatch:
      return "dtype_mismatch";
    case ErrorCode::device_mismatch:
      return "device_mismatch";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::bad_format:
      return "bad_format";
    case ErrorCode::io:
      return "io";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::cancelled:
      return "cancelled";
  }
  return "unknown";
}

}  // namespace adlib
