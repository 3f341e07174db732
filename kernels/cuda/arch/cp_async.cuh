// kernels/cuda/arch/cp_async.cuh: copies from global to shared memory that a thread does not wait for
// (sm_80).
#pragma once

#include "kernels/cuda/arch/shared.cuh"

namespace adlib::kernels::cuda {

/// Copies 16 bytes, of which the first `bytes` come from global memory and the others are zero. They may be
/// read after cp_async_wait of this thread, and by other threads after a barrier behind it.
template <class T>
__device__ __forceinline__ void cp_async_16(const Shared<T>& to, int element, const T* from, int bytes = 16) {
#ifdef __CUDACC__
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to.address(element)), "l"(from),
               "r"(bytes)
               : "memory");
#else
  const std::size_t offset = to.offset(element, 16 / static_cast<int>(sizeof(T)));
  if (bytes > 0) detail::check_aligned(from, 16);
  host::SharedBytes::note_copy_begin(offset, 16);
  const host::PendingCopy copy{.to = offset,
                               .from = from,
                               .bytes = static_cast<std::size_t>(bytes),
                               .zeros = static_cast<std::size_t>(16 - bytes)};
  if (host::schedule().arrival == host::Arrival::eager) copy.move();
  host::this_thread().open_group.push_back(copy);
#endif
}
/// Ends a group of the copies that this thread began since the last one.
__device__ __forceinline__ void cp_async_commit() {
#ifdef __CUDACC__
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  host::Thread& thread = host::this_thread();
  thread.copy_groups.push_back(std::move(thread.open_group));
  thread.open_group.clear();
#endif
}
/// Waits until at most the `Newest` last groups of this thread are under way.
template <int Newest>
__device__ __forceinline__ void cp_async_wait() {
#ifdef __CUDACC__
  asm volatile("cp.async.wait_group %0;" ::"n"(Newest) : "memory");
#else
  auto& groups = host::this_thread().copy_groups;
  while (groups.size() > Newest) {
    for (const host::PendingCopy& copy : groups.front()) {
      if (host::schedule().arrival == host::Arrival::lazy) copy.move();
      host::SharedBytes::note_arrived(copy.to, copy.bytes + copy.zeros);
    }
    groups.erase(groups.begin());
  }
#endif
}

}  // namespace adlib::kernels::cuda
