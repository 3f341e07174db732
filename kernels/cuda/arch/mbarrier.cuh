// kernels/cuda/arch/mbarrier.cuh: barriers in shared memory that also count the bytes of copies (sm_90).
#pragma once

#include "kernels/cuda/arch/shared.cuh"

namespace adlib::kernels::cuda {

/// One barrier takes 8 bytes. Its phases complete one after the other; the first one has parity 0. A phase
/// completes when as many threads have arrived as mbarrier_init said and all bytes announced have come.
using MBarrier = Shared<std::uint64_t>;

#ifndef __CUDACC__
namespace host {
struct MBarrierState {
  bool initialised = false;
  unsigned count = 0, pending = 0, parity = 0;
  long bytes = 0;
  Clock arrived, completed;

  void complete_if_due() {
    if (pending > 0 || bytes != 0) return;
    parity ^= 1;
    pending = count;
    completed = arrived;
  }
};
inline MBarrierState& mbarrier_state(const MBarrier& barrier, int i) {
  auto& state = shared_state<MBarrierState>(barrier.offset(i, 1));
  if (!state.initialised) defect("uses an mbarrier that nobody has initialised");
  return state;
}
}  // namespace host
#endif

/// By one thread; mbarrier_init_done and a barrier of the block must follow before others use it.
__device__ __forceinline__ void mbarrier_init(const MBarrier& barrier, int i, int count) {
#ifdef __CUDACC__
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier.address(i)), "r"(count) : "memory");
#else
  auto& state = host::shared_state<host::MBarrierState>(barrier.offset(i, 1));
  state = {};
  state.initialised = true;
  state.count = state.pending = static_cast<unsigned>(count);
#endif
}
/// Makes what mbarrier_init did known to copies.
__device__ __forceinline__ void mbarrier_init_done() {
#ifdef __CUDACC__
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
/// This thread has arrived; orders what it did before.
__device__ __forceinline__ void mbarrier_arrive(const MBarrier& barrier, int i) {
#ifdef __CUDACC__
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier.address(i)) : "memory");
#else
  auto& state = host::mbarrier_state(barrier, i);
  if (state.pending == 0) host::defect("arrives at an mbarrier where all have arrived");
  host::join_clock(state.arrived);
  --state.pending;
  state.complete_if_due();
#endif
}
/// As mbarrier_arrive; the phase also waits for `bytes` that copies bring.
__device__ __forceinline__ void mbarrier_arrive_expect(const MBarrier& barrier, int i, int bytes) {
#ifdef __CUDACC__
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier.address(i)), "r"(bytes)
               : "memory");
#else
  auto& state = host::mbarrier_state(barrier, i);
  if (state.pending == 0) host::defect("arrives at an mbarrier where all have arrived");
  state.bytes += bytes;
  host::join_clock(state.arrived);
  --state.pending;
  state.complete_if_due();
#endif
}
/// Waits for the phase of this parity to complete. A phase that completed is told from the next one by its
/// parity only: nobody may fall two phases behind.
__device__ __forceinline__ void mbarrier_wait(const MBarrier& barrier, int i, unsigned parity) {
#ifdef __CUDACC__
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra.uni over;\n"
      "bra.uni again;\n"
      "over:\n"
      "}\n" ::"r"(barrier.address(i)),
      "r"(parity)
      : "memory");
#else
  auto& state = host::mbarrier_state(barrier, i);
  host::wait_until(concat("an mbarrier's phase of parity ", parity), [&] { return state.parity != parity; });
  host::take_clock(state.completed);
#endif
}

}  // namespace adlib::kernels::cuda
