// adlib/core/error.h: the one error type of the library.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace adlib {

/// What kind of failure an Error reports; the message says where, what came, what was expected, what to do.
enum class ErrorCode {
  invalid_argument,  ///< a value, shape or option that the operation does not accept
  dtype_mismatch,    ///< an element type that the operation does not accept
  device_mismatch,   ///< tensors on different devices
  not_found,         ///< a file, tensor or field that is missing
  bad_format,        ///< a file or text that is not what it claims to be
  io,                ///< the operating system refused to read or write
  unsupported,       ///< valid, but not built or not implemented here
  out_of_memory,
  cancelled,  ///< stopped by the caller
};

/// The root of every exception that adlib throws.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Joins its arguments, written with operator<<, into one string.
template <class... Args>
std::string concat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

/// Throws Error(code, concat(args...)).
template <class... Args>
[[noreturn]] void fail(ErrorCode code, const Args&... args) {
  throw Error(code, concat(args...));
}

/// Throws Error(invalid_argument, concat(args...)) unless `condition` holds.
template <class... Args>
void require(bool condition, const Args&... args) {
  if (!condition) fail(ErrorCode::invalid_argument, args...);
}

/// The name of a code as it stands in the enumeration, e.g. "bad_format".
const char* to_string(ErrorCode code) noexcept;

}  // namespace adlib
