// tests/support/devices.h: the devices that a device-parameterised test runs on.
#pragma once

#include <iostream>
#include <vector>

#include "adlib/ops.h"

namespace adlib::test {

/// The CPU, and the first CUDA device where this build has kernels for it and the machine has one.
/// Use: const auto device = GENERATE(from_range(available_devices()));
inline std::vector<Device> available_devices() {
  std::vector<Device> devices{Device::cpu};
  if (!is_available(Device::cuda)) return devices;
  try {
    const Tensor one = Tensor::from({1.0f}, {1}).to(Device::cuda);
    ops::add(one, one);
    devices.push_back(Device::cuda);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    std::cout << "not run on cuda:0: " << error.what() << '\n';
  }
  return devices;
}

}  // namespace adlib::test
