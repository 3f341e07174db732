// kernels/cpu/tuning.h: how products are cut into tasks on the machine at hand. Never changes a result.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace adlib::kernels::cpu {

/// The cut of one kind of product. The defaults are derived where gemm() uses them.
struct GemmTuning {
  std::int64_t block_m = 512;   ///< rows of one task, at most max_block_m
  std::int64_t block_n = 128;   ///< columns of one task, a power of two from 32 to max_block_n
  std::int64_t few_rows = 64;   ///< up to so many rows, packed panels are read one by one
  std::int64_t tile_rows = 99;  ///< rows of a tile; the tile's own limit caps it

  static constexpr std::int64_t max_block_m = 1024, max_block_n = 256;
  friend bool operator==(const GemmTuning&, const GemmTuning&) = default;
};

/// One for each table of tiles.
enum class GemmKind { f32, bf16, i8 };
inline constexpr std::array gemm_kinds = {GemmKind::f32, GemmKind::bf16, GemmKind::i8};
std::string_view to_string(GemmKind kind);

struct Tuning {
  std::array<GemmTuning, gemm_kinds.size()> gemm;
  friend bool operator==(const Tuning&, const Tuning&) = default;
};

/// What products use now: at first what the file at tuning_path() says, else the defaults. Throws Error
/// naming file and line when the file cannot be understood; a file made on another processor, or for another
/// SIMD level, is passed over.
const Tuning& tuning();
/// For the autotuner and tests; not while a product runs.
void set_tuning(const Tuning& tuning);

/// The environment variable ADLIB_TUNING, else adlib/tuning.txt in $XDG_CACHE_HOME or ~/.cache; "" when
/// neither is set. ADLIB_TUNING=off means none.
std::string tuning_path();
/// The processor's name and the SIMD level, which a tuning is good for.
std::string tuning_machine();
/// The text of a tuning file: a comment, "machine NAME", then lines such as
/// "gemm f32 block_m 512 block_n 128 few_rows 64 tile_rows 12".
std::string to_string(const Tuning& tuning);
/// The tuning that `text` holds for this machine, or the defaults when it is for another. Throws
/// Error(bad_format) beginning with "where:line:".
Tuning parse_tuning(std::string_view text, const std::string& where);

}  // namespace adlib::kernels::cpu
