#include "kernels/cpu/isa.h"

#include <array>
#include <cstdlib>

#include "adlib/core/error.h"

namespace adlib::kernels::cpu {
namespace {

constexpr std::array levels = {Isa::baseline, Isa::avx2, Isa::avx512, Isa::vnni, Isa::bf16};

Isa choose() {
  const char* wanted = std::getenv("ADLIB_ISA");
  if (wanted == nullptr || *wanted == '\0') return detected_isa();
  for (const Isa level : levels) {
    if (to_string(level) != wanted) continue;
    require(level <= detected_isa(), "ADLIB_ISA: this processor has no ", wanted, "; its highest level is ",
            to_string(detected_isa()));
    return level;
  }
  fail(ErrorCode::invalid_argument, "ADLIB_ISA: '", wanted,
       "' is not one of baseline, avx2, avx512, vnni, bf16");
}

}  // namespace

Isa isa() {
  static const Isa chosen = choose();
  return chosen;
}

Isa detected_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::baseline;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return Isa::avx2;
  }
  if (!__builtin_cpu_supports("avx512vnni")) return Isa::avx512;
  return __builtin_cpu_supports("avx512bf16") ? Isa::bf16 : Isa::vnni;
#else
  return Isa::baseline;
#endif
}

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return "baseline";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::vnni:
      return "vnni";
    case Isa::bf16:
      return "bf16";
  }
  return "unknown";
}

}  // namespace adlib::kernels::cpu
