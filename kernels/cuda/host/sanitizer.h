// kernels/cuda/host/sanitizer.h: ADLIB_ADDRESS_SANITIZER is defined where AddressSanitizer watches.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define ADLIB_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADLIB_ADDRESS_SANITIZER
#endif
#endif
