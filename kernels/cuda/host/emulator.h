// kernels/cuda/host/emulator.h: runs the kernels of kernels/cuda on the CPU, one fiber a CUDA thread, so that
// their logic is tested where there is no GPU. What the wrappers of kernels/cuda/arch do on a device, their
// namesakes in this folder do through the classes below; kernels see the wrappers only.
//
// A block's warps run in a random order, each until all its threads wait, so that warps run ahead of one
// another as far as the kernel lets them. These defects end the launch with an Error that names the
// operation, the block and the thread:
//   - a warp whose threads are at different collective operations, or of which some have left the kernel;
//   - threads that wait for ever, with a list of who waits for what;
//   - shared memory read or written outside a view, misaligned, or read before anybody wrote it;
//   - two warps at the same bytes of shared memory, one of them writing, that no barrier orders.
// Shared memory begins as NaN, and so does the memory of the device (runtime.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "adlib/core/error.h"
#include "kernels/cuda/arch/dim3.h"

namespace adlib::kernels::cuda::host {

/// When the bytes of an asynchronous copy arrive: both are what a device may do.
enum class Arrival {
  eager,  ///< at once: finds who still needs what was there
  lazy,   ///< when somebody waits for them: finds who does not wait
};

/// How blocks and warps take turns, and when copies arrive. Tests try several.
struct Schedule {
  std::uint64_t seed = 0;
  Arrival arrival = Arrival::eager;
};
/// The schedule of the launches that follow. ADLIB_CUDA_HOST_SEED and ADLIB_CUDA_HOST_ARRIVAL=eager|lazy set
/// the first one.
Schedule& schedule();

/// Ten times the compute capability that the emulated device says it has, which decides what launchers
/// choose; it can do everything. ADLIB_CUDA_HOST_CAPABILITY sets it, else it is 80.
int& capability();

/// Runs `thread` once for every thread of every block. Throws what a thread throws.
void run_grid(const char* operation, Dim3 grid, Dim3 block, std::size_t shared_bytes,
              const std::function<void()>& thread);

class Block;

/// When a warp has done what; the happens-before order of a block (Lamport, "Time, clocks, and the ordering
/// of events in a distributed system", 1978), with one more entry for the copies that no warp waits for
/// itself.
using Clock = std::vector<std::uint32_t>;

/// Bytes that a copy moves later.
struct PendingCopy {
  std::size_t to = 0;  ///< offset in shared memory
  const void* from = nullptr;
  std::size_t bytes = 0;
  std::size_t zeros = 0;  ///< written behind them

  void move() const;
};

/// One CUDA thread.
class Thread {
 public:
  Block* block = nullptr;
  unsigned linear = 0;  ///< its number in the block
  Dim3 index;

  unsigned warp() const { return linear / 32; }
  unsigned lane() const { return linear % 32; }

  std::uint32_t fences = 0;                           ///< calls of fence_async
  std::vector<std::vector<PendingCopy>> copy_groups;  ///< cp.async: committed and not yet waited for
  std::vector<PendingCopy> open_group;
  std::vector<std::vector<std::function<void()>>>
      product_groups;  ///< wgmma: committed and not yet waited for
  std::vector<std::function<void()>> open_products;
};

/// The thread that runs now. Throws Error(invalid_argument) outside a kernel.
Thread& this_thread();
/// The block that runs now.
Block& this_block();
Dim3 block_index();
Dim3 block_extents();
Dim3 grid_extents();

/// Throws Error(invalid_argument) "operation: block (x, y, z), thread (x, y, z): …".
[[noreturn]] void defect(const std::string& message);

/// What every thread of a warp must do together. `all` is called once, with what each of the warp's threads
/// brought and where its result belongs; `lanes` is how many there are.
void enter_collective(
    const char* name, const void* in, void* out,
    const std::function<void(const void* const* in, void* const* out, unsigned lanes)>& all);

template <class Out, class In, class All>
Out collective(const char* name, const In& in, const All& all) {
  Out out{};
  enter_collective(name, &in, &out, [&](const void* const* ins, void* const* outs, unsigned lanes) {
    all([&](unsigned lane) -> const In& { return *static_cast<const In*>(ins[lane]); },
        [&](unsigned lane) -> Out& { return *static_cast<Out*>(outs[lane]); }, lanes);
  });
  return out;
}

/// Lets others run until `ready` holds; `what` is for the report when that never happens.
void wait_until(const std::string& what, std::function<bool()> ready);

/// Named barrier `id` of 16: waits for `count` threads to have come (sync or arrive). Orders what they did.
void barrier_sync(unsigned id, unsigned count);
/// As barrier_sync, without waiting.
void barrier_arrive(unsigned id, unsigned count);

/// Bytes [offset, offset + bytes) of the block's shared memory.
struct SharedBytes {
  /// The threads' dynamic shared memory.
  static std::byte* data();
  static std::size_t size();
  /// Checks an access by this thread and notes it; a read of bytes that nobody wrote, or that a copy is still
  /// writing, is a defect, and so is an access that no barrier orders with another warp's.
  static void note_read(std::size_t offset, std::size_t bytes);
  static void note_write(std::size_t offset, std::size_t bytes);
  /// As both, of an atomic change: no barrier need order it with those of other warps.
  static void note_atomic(std::size_t offset, std::size_t bytes);
  /// A read by wgmma: a defect, too, when the thread that wrote there has not called fence_async since.
  static void note_async_read(std::size_t offset, std::size_t bytes);
  /// A copy begins, after all that this thread knows: until it arrives, nobody may touch these bytes.
  static void note_copy_begin(std::size_t offset, std::size_t bytes);
  /// The copy of this thread arrived, and the thread has waited for it.
  static void note_arrived(std::size_t offset, std::size_t bytes);
  /// A copy that belongs to no thread arrived: known to who takes the clock `end`.
  static void note_copy_end(std::size_t offset, std::size_t bytes, Clock& end);
};

/// Changes a word of shared memory atomically -> what stood there before.
template <class Change>
std::uint32_t change_atomically(std::size_t offset, const Change& change) {
  SharedBytes::note_atomic(offset, sizeof(std::uint32_t));
  std::uint32_t before = 0;
  std::memcpy(&before, SharedBytes::data() + offset, sizeof before);
  const std::uint32_t after = change(before);
  std::memcpy(SharedBytes::data() + offset, &after, sizeof after);
  return before;
}

/// What this thread wrote to shared memory is from now on ordered before asynchronous reads (the proxy
/// fence).
void fence_async();

/// The clock of the thread's warp, for objects in shared memory that order warps (mbarriers).
void join_clock(Clock& into);        ///< what this warp has done becomes known to who takes `into`
void take_clock(const Clock& from);  ///< this warp knows what `from` knows

/// Something without a thread (a TMA copy) that happens later: at a random time, at the latest when nobody
/// can go on.
void happen_later(std::function<void()> event);

/// State that belongs to an address of shared memory for the life of a block, made when first asked for.
template <class State>
State& shared_state(std::size_t offset);

/// Storage behind shared_state.
std::shared_ptr<void>& shared_slot(std::size_t offset);
template <class State>
State& shared_state(std::size_t offset) {
  std::shared_ptr<void>& slot = shared_slot(offset);
  if (!slot) slot = std::make_shared<State>();
  return *static_cast<State*>(slot.get());
}

}  // namespace adlib::kernels::cuda::host
