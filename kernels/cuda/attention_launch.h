// kernels/cuda/attention_launch.h: what the launchers of attention over documents share.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/attention_tiles.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/temporary.h"
#include "kernels/varlen_attention.h"

namespace adlib::kernels::cuda {

/// A list of tiles on the device.
class TileList {
 public:
  TileList(const CudaContext& context, const char* operation, std::span<const AttentionTile> tiles)
      : size_(std::ssize(tiles)), memory_(context, operation, size_) {
    // The list is pageable memory, which is staged before the call returns: it need not outlive that.
    copy_bytes_async(memory_.data(), tiles.data(), tiles.size_bytes(), context.stream);
  }
  const AttentionTile* data() const { return memory_.data(); }
  std::int64_t size() const { return size_; }

 private:
  std::int64_t size_;
  Temporary<AttentionTile> memory_;
};

/// True when every row of every head begins at a multiple of 16 bytes.
template <class T>
bool has_vectors(const HeadRows<T>& rows) {
  constexpr std::int64_t n = vec_size<std::remove_const_t<T>>;
  return reinterpret_cast<std::uintptr_t>(rows.data) % 16 == 0 && rows.row % n == 0 && rows.head % n == 0;
}

inline unsigned grid_blocks(const char* operation, std::int64_t tiles, std::int64_t heads) {
  require(tiles * heads <= 0x7fffffff, operation, ": ", tiles, " tiles of ", heads,
          " heads are more blocks than a grid has; use fewer rows");
  return static_cast<unsigned>(tiles * heads);
}

/// Calls call.operator()<D>() with the width of the tiles: both dims rounded up to 64, 128 or 256.
template <class Call>
void with_padded_dim(const char* operation, std::int64_t head_dim, std::int64_t value_dim, Call&& call) {
  const std::int64_t dim = head_dim < value_dim ? value_dim : head_dim;
  if (dim <= 64) return call.template operator()<64>();
  if (dim <= 128) return call.template operator()<128>();
  if (dim <= 256) return call.template operator()<256>();
  fail(ErrorCode::unsupported, operation, ": head_dim ", head_dim, " and value_dim ", value_dim,
       " on CUDA, expected at most 256; move the tensors with .to(Device::cpu)");
}

/// Calls call.operator()<Softcap>(): with false only for kernels that are compiled with and without it. A
/// kernel with Softcap asks at run time whether there is one.
template <bool Both, class Call>
void with_softcap(float softcap, Call&& call) {
  if constexpr (Both) {
    if (!(softcap > 0)) return call.template operator()<false>();
  }
  call.template operator()<true>();
}

}  // namespace adlib::kernels::cuda
