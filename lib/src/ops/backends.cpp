#include "ops/backends.h"

namespace adlib {

void register_builtin_backends();  // declared where core calls it, in storage.cpp

void register_builtin_backends() {
  register_storage_backend(Device::Type::cpu, &cpu_storage_backend());
#ifdef ADLIB_WITH_CUDA
  register_storage_backend(Device::Type::cuda, &cuda_storage_backend());
#endif
}

}  // namespace adlib
