// The emulated device's memory.
#include "kernels/cuda/runtime.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <vector>

#include "kernels/cuda/launch.h"
#include "support/catch.h"

namespace adlib::kernels::cuda {
namespace {

__global__ void add_one(std::int32_t* x) { x[thread_index()] += 1; }

#ifndef ADLIB_SANITIZED
// How a process ends that reads a byte.
int end_of_reading(const void* memory) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    const rlimit none = {0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    const char byte = *static_cast<const volatile char*>(memory);
    ::_exit(byte == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}
#endif

}  // namespace

TEST_CASE("device memory begins as NaN and goes through kernels and copies", "[kernels][emulator]") {
  auto* memory = static_cast<std::int32_t*>(allocate(64 * sizeof(std::int32_t), nullptr));
  std::vector<std::int32_t> host(64);
  copy_bytes(host.data(), memory, 256, nullptr);
  CHECK(host == std::vector<std::int32_t>(64, -1));
  launch(CudaContext{}, {"add_one", {1}, {64}}, add_one, memory);
  copy_bytes(host.data(), memory, 256, nullptr);
  CHECK(host == std::vector<std::int32_t>(64, 0));
  release(memory, nullptr);
  auto* again =
      static_cast<std::int32_t*>(allocate(200, nullptr));  // the same memory, and nothing of what it held
  copy_bytes(host.data(), again, 200, nullptr);
  CHECK(host[0] == -1);
  CHECK(host[49] == -1);
  release(again, nullptr);
}

#ifndef ADLIB_SANITIZED
TEST_CASE("the host cannot touch device memory", "[kernels][emulator]") {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{100'000}}) {
    void* memory = allocate(bytes, nullptr);
    const int status = end_of_reading(memory);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    release(memory, nullptr);
  }
  const char mine = 1;
  CHECK(WEXITSTATUS(end_of_reading(&mine)) == 1);
}
#endif

}  // namespace adlib::kernels::cuda
