#include "adlib/core/tensor.h"
#include "support/catch.h"
#include "support/error_of.h"

using namespace adlib;
using adlib::test::error_of;

TEST_CASE("a device reads back from its name", "[core][device]") {
  CHECK(Device::parse("cpu") == Device::cpu);
  CHECK(Device::parse("cuda") == Device::cuda);
  CHECK(Device::parse("cuda:3") == Device(Device::Type::cuda, 3));
  CHECK(to_string(Device(Device::Type::cuda, 3)) == "cuda:3");
  for (const char* text : {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1x", "cuda:12345"}) {
    CHECK_THAT(error_of([&] { Device::parse(text); }), ContainsSubstring("is not one of cpu, cuda, cuda:N"));
  }
}

TEST_CASE("the CPU is always there, and a device that is not says so", "[core][device]") {
  CHECK(is_available(Device::cpu));
  CHECK_FALSE(is_available(Device(Device::Type::cpu, 1)));
  const Device absent(Device::Type::cuda, 900);
  CHECK_FALSE(is_available(absent));
  CHECK_THAT(error_of([&] { Tensor::empty({2}, DType::f32, absent); }),
             ContainsSubstring("unsupported: storage: "));
  CHECK_THAT(error_of([&] { Tensor::zeros({2}).to(absent); }), ContainsSubstring("unsupported: storage: "));
}

TEST_CASE("memory that the machine does not have is refused with the sizes", "[core][device]") {
  const std::string error = error_of([] { Tensor::empty({std::int64_t{1} << 58}, DType::f32); });
  CHECK_THAT(error,
             ContainsSubstring("out_of_memory: storage: asked for 1152921504606846976 bytes on cpu, "));
  CHECK_THAT(error, ContainsSubstring(" are free"));
}
