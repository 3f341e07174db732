// kernels/cpu/isa.h: which instructions the processor at hand has, found once when first asked.
#pragma once

#include <string_view>

namespace adlib::kernels::cpu {

/// Each level includes those before it.
enum class Isa {
  baseline,  ///< what the compiler was told: SSE2 on x86-64, NEON on arm64
  avx2,      ///< AVX2, FMA
  avx512,    ///< AVX-512 F, BW, DQ, VL
  vnni,      ///< AVX-512 VNNI: sums of products of bytes
  bf16,      ///< AVX-512 BF16: sums of products of bfloat16 pairs
};

/// The processor's highest level, or the lower one that the environment variable ADLIB_ISA names. Throws
/// Error(invalid_argument) for a name that is unknown or a level that the processor lacks.
Isa isa();
/// The processor's highest level, whatever the environment says.
Isa detected_isa();
std::string_view to_string(Isa isa);

}  // namespace adlib::kernels::cpu
