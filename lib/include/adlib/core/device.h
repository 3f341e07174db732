// adlib/core/device.h: where a tensor's bytes live.
#pragma once

#include <ostream>
#include <string>

namespace adlib {

/// A place for tensors: the CPU, or one CUDA device by its index.
class Device {
 public:
  enum class Type : unsigned char { cpu, cuda };

  constexpr Device() = default;
  constexpr Device(Type type, int index = 0) : type_(type), index_(index) {}

  constexpr Type type() const noexcept { return type_; }
  constexpr int index() const noexcept { return index_; }
  friend constexpr bool operator==(Device, Device) = default;

  /// Parses "cpu", "cuda" or "cuda:N"; throws Error(invalid_argument) for anything else.
  static Device parse(const std::string& text);

  static const Device cpu;   ///< the host's memory
  static const Device cuda;  ///< the first CUDA device

 private:
  Type type_ = Type::cpu;
  int index_ = 0;
};

inline constexpr Device Device::cpu{Type::cpu};
inline constexpr Device Device::cuda{Type::cuda};

/// "cpu" or "cuda:0".
std::string to_string(Device device);
inline std::ostream& operator<<(std::ostream& out, Device device) { return out << to_string(device); }

}  // namespace adlib
