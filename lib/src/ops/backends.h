// lib/src/ops/backends.h: the storage backends of this build.
#pragma once

#include "adlib/core/storage.h"

namespace adlib {

const StorageBackend& cpu_storage_backend();
const StorageBackend& cuda_storage_backend();  // defined only with ADLIB_CUDA=ON

}  // namespace adlib
