// tests/support/devices.h: the devices that a device-parameterised test runs on. Such cases are tagged
// [device].
#pragma once

#include <cstdlib>
#include <iostream>
#include <vector>

#include "adlib/ops.h"

namespace adlib::test {

/// The CPU, and the first CUDA device where this build has kernels for it and the machine has one. With
/// ADLIB_TEST_DEVICE that device alone; it is an error when there is none.
/// Use: const auto device = GENERATE(from_range(available_devices()));
inline const std::vector<Device>& available_devices() {
  static const std::vector<Device> devices = [] {
    const char* wanted = std::getenv("ADLIB_TEST_DEVICE");
    const auto usable = [](Device device) {
      const Tensor one = Tensor::from({1.0f}, {1}).to(device);
      ops::add(one, one);
      return device;
    };
    if (wanted != nullptr) return std::vector{usable(Device::parse(wanted))};
    std::vector<Device> found{Device::cpu};
    if (!is_available(Device::cuda)) return found;
    try {
      found.push_back(usable(Device::cuda));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      std::cout << "not run on cuda:0: " << error.what() << '\n';
    }
    return found;
  }();
  return devices;
}

/// True for a device that is emulated (docs/cuda.md), thousands of times slower than a real one: a test asks
/// less of it.
inline bool is_emulated([[maybe_unused]] Device device) {
#ifdef ADLIB_EMULATED
  return device != Device::cpu;
#else
  return false;
#endif
}

}  // namespace adlib::test
