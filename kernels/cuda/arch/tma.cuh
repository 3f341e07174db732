// kernels/cuda/arch/tma.cuh: copies of boxes by the tensor memory accelerator (sm_90), one thread for a whole
// box.
#pragma once

#include "kernels/cuda/arch/mbarrier.cuh"
#include "kernels/cuda/arch/tensor_map.h"

namespace adlib::kernels::cuda {

/// The first coordinate of a box in each dimension; those behind the rank are not read.
struct BoxAt {
  int c0 = 0, c1 = 0, c2 = 0, c3 = 0;
};

#ifndef __CUDACC__
namespace host {
// Calls move(offset of 16 bytes in shared memory, where they are in global memory or null outside the
// tensor).
template <class Move>
void for_each_chunk(const BoxedTensor& t, std::size_t to, const BoxAt& at, const Move& move) {
  const std::array<long, 4> first = {at.c0, at.c1, at.c2, at.c3};
  std::array<std::uint32_t, 4> box = t.box;
  for (int d = t.rank; d < 4; ++d) box[static_cast<std::size_t>(d)] = 1;
  std::size_t row = 0;
  for (std::uint32_t i3 = 0; i3 < box[3]; ++i3)
    for (std::uint32_t i2 = 0; i2 < box[2]; ++i2)
      for (std::uint32_t i1 = 0; i1 < box[1]; ++i1, ++row) {
        const std::array<long, 4> index = {first[0], first[1] + i1, first[2] + i2, first[3] + i3};
        bool inside = true;
        const char* from = static_cast<const char*>(t.data);
        for (int d = 1; d < t.rank; ++d) {
          const auto s = static_cast<std::size_t>(d);
          inside = inside && index[s] >= 0 && index[s] < static_cast<long>(t.extents[s]);
          from += inside ? index[s] * static_cast<long>(t.strides[s - 1]) : 0;
        }
        for (std::size_t chunk = 0; chunk < 8; ++chunk) {
          const long col = first[0] + static_cast<long>(chunk) * 8;
          const std::size_t plain = to + row * 128 + chunk * 16;
          // How many of the 8 elements are inside.
          const long n = !inside || col < 0 ? 0 : std::min<long>(8, static_cast<long>(t.extents[0]) - col);
          move(plain ^ ((plain >> 7 & 7) << 4), from + col * 2,
               static_cast<std::size_t>(std::max<long>(n, 0)) * 2);
        }
      }
}
}  // namespace host
#endif

/// Copies a box of the tensor to shared memory, from element `element` on, a multiple of 1024 bytes; its
/// bytes, zeros included, are announced to the barrier's phase by mbarrier_arrive_expect. By one thread. Rows
/// of 128 bytes follow each other, and their 16-byte chunks stand in an order that depends on the row (chunk
/// c of row r is at c ^ (r % 8)).
template <class T>
__device__ __forceinline__ void tma_load(const Shared<T>& to, int element, const TensorMap& map, int rank,
                                         const MBarrier& barrier, int i, const BoxAt& at) {
#ifdef __CUDACC__
  const auto pointer = reinterpret_cast<std::uint64_t>(&map);
  const std::uint32_t where = to.address(element), done = barrier.address(i);
  if (rank == 2) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], "
        "[%2];" ::"r"(where),
        "l"(pointer), "r"(done), "r"(at.c0), "r"(at.c1)
        : "memory");
  } else if (rank == 3) {
    asm volatile(
        "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, "
        "%5}], "
        "[%2];" ::"r"(where),
        "l"(pointer), "r"(done), "r"(at.c0), "r"(at.c1), "r"(at.c2)
        : "memory");
  } else {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, "
        "%6}], "
        "[%2];" ::"r"(where),
        "l"(pointer), "r"(done), "r"(at.c0), "r"(at.c1), "r"(at.c2), "r"(at.c3)
        : "memory");
  }
#else
  BoxedTensor t;
  std::memcpy(static_cast<void*>(&t), &map, sizeof t);
  if (t.rank != rank) host::defect(concat("tma_load of rank ", rank, " with a map of rank ", t.rank));
  std::size_t bytes = 128;
  for (int d = 1; d < rank; ++d) bytes *= t.box[static_cast<std::size_t>(d)];
  const std::size_t offset = to.offset(element, 1);
  to.from(element).offset(static_cast<int>(bytes / sizeof(T)) - 1, 1);  // the whole box is in the view
  if (offset % 1024 != 0) host::defect(concat("tma_load to byte ", offset, ", not a multiple of 1024"));
  host::SharedBytes::note_copy_begin(offset, bytes);
  auto* state = &host::mbarrier_state(barrier, i);
  std::byte* shared = host::SharedBytes::data();
  const auto move = [t, offset, at, shared] {
    host::for_each_chunk(t, offset, at, [&](std::size_t where, const char* from, std::size_t n) {
      if (n > 0) std::memcpy(shared + where, from, n);
      std::memset(shared + where + n, 0, 16 - n);
    });
  };
  const bool eager = host::schedule().arrival == host::Arrival::eager;
  if (eager) move();
  host::happen_later([=] {
    if (!eager) move();
    host::SharedBytes::note_copy_end(offset, bytes, state->arrived);
    state->bytes -= static_cast<long>(bytes);
    state->complete_if_due();
  });
#endif
}

/// Orders this thread's writes to shared memory before what wgmma and TMA read of it, once a barrier has
/// followed.
__device__ __forceinline__ void fence_async_shared() {
#ifdef __CUDACC__
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  host::fence_async();
#endif
}

}  // namespace adlib::kernels::cuda
