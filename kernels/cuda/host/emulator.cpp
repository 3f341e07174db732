#include "kernels/cuda/host/emulator.h"

#include <algorithm>
#include <array>
#include <boost/context/fiber.hpp>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <string_view>

#include "kernels/cuda/host/device_memory.h"
#include "kernels/cuda/host/sanitizer.h"

#ifdef ADLIB_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace adlib::kernels::cuda::host {
namespace {

using boost::context::fiber;
using boost::context::stack_context;

constexpr std::size_t stack_bytes = 256 << 10;
constexpr std::uint8_t nobody_wrote = 0, written = 1, in_flight = 2;

// Stacks are kept for the next block: a launch has thousands.
class StackPool {
 public:
  ~StackPool() {
    for (char* stack : free_) std::free(stack);
  }
  stack_context allocate() {
    if (free_.empty()) {
      free_.push_back(static_cast<char*>(std::malloc(stack_bytes)));
      if (free_.back() == nullptr) fail(ErrorCode::out_of_memory, "cuda host: no memory for a stack");
    }
    stack_context context;
    context.size = stack_bytes;
    context.sp = free_.back() + stack_bytes;  // it grows downwards
    newest = free_.back();
    free_.pop_back();
    return context;
  }
  void deallocate(stack_context& context) { free_.push_back(static_cast<char*>(context.sp) - context.size); }

  char* newest = nullptr;  ///< the stack that allocate() gave last

 private:
  std::vector<char*> free_;
};

thread_local StackPool stacks;
struct PooledStack {  // boost::context wants a value
  stack_context allocate() { return stacks.allocate(); }
  void deallocate(stack_context& context) { stacks.deallocate(context); }
};

struct Abandoned {};  // thrown in threads that wait when their block has a defect

enum class Status { ready, waiting, polling, done };

struct Fiber : Thread {
  fiber context;  // of this thread while it waits
  char* stack = nullptr;
  void* fake_stack = nullptr;  // AddressSanitizer's
  Status status = Status::ready;
  std::string waits_for;
  std::function<bool()> wakes;  // polling
};

struct Collective {
  const char* name = nullptr;
  unsigned arrived = 0;
  std::array<const void*, 32> in{};
  std::array<void*, 32> out{};
};

struct Barrier {
  unsigned expected = 0, arrived = 0;
  std::vector<Fiber*> waiting;
  Clock clock;
};

// Who touched a word of shared memory last, for the order of accesses.
struct Access {
  std::uint8_t writer = 0xff;
  std::uint32_t write_time = 0;
  std::int32_t thread = -1;            // that wrote last, not by a copy
  std::uint32_t fences = 0;            // that it had made by then
  std::vector<std::uint32_t> reads;    // by warp; empty: nobody since the write
  std::vector<std::uint32_t> atomics;  // as reads, of atomic changes
};

enum class Use { read, write, atomic };

std::string describe(const Dim3& d) { return concat('(', d.x, ", ", d.y, ", ", d.z, ')'); }

bool knows(const Clock& clock, std::size_t warp, std::uint32_t time) { return clock[warp] >= time; }

void join(Clock& into, const Clock& from) {
  if (into.size() < from.size()) into.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
}

}  // namespace

// One block: its threads, shared memory, barriers, and what is under way.
class Block {
 public:
  Block(const char* operation, Dim3 grid, Dim3 block, std::size_t shared_bytes,
        const std::function<void()>& thread)
      : operation_(operation), grid_(grid), extents_(block), body_(thread), shared_size_(shared_bytes) {
    const unsigned threads = block.count();
    threads_.resize(threads);
    warps_ = (threads + 31) / 32;
    collectives_.resize(warps_);
    clocks_.assign(warps_, Clock(warps_ + 1));
    for (unsigned w = 0; w < warps_; ++w) clocks_[w][w] = 1;
    copy_clock_.assign(warps_ + 1, 0);
    void* memory = nullptr;
    if (posix_memalign(&memory, 1024, std::max<std::size_t>(shared_bytes, 1)) != 0)
      fail(ErrorCode::out_of_memory, operation, ": ", shared_bytes, " bytes of shared memory");
    shared_.reset(static_cast<std::byte*>(memory));
  }

  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void run(Dim3 index, std::mt19937_64& random);

  // Called by threads.
  void enter(const char* name, const void* in, void* out,
             const std::function<void(const void* const*, void* const*, unsigned)>& all);
  void wait(std::string what, std::function<bool()> ready);
  void arrive(unsigned id, unsigned count, bool stay);
  void note(std::size_t offset, std::size_t bytes, Use use);
  void note_copy(std::size_t offset, std::size_t bytes, Clock* end);
  void note_arrived(std::size_t offset, std::size_t bytes);

  const char* operation_;
  Dim3 grid_, extents_, index_;
  const std::function<void()>& body_;
  std::size_t shared_size_;
  std::unique_ptr<std::byte, decltype(&std::free)> shared_{nullptr, &std::free};
  std::vector<std::uint8_t> state_;  // of each byte of shared memory
  std::vector<Access> accesses_;     // of each word
  std::vector<Fiber> threads_;
  unsigned warps_ = 0;
  std::vector<Collective> collectives_;  // of each warp
  std::vector<Clock> clocks_;            // of each warp
  Clock copy_clock_;
  std::array<Barrier, 16> barriers_;
  std::vector<std::function<void()>> events_;
  std::map<std::size_t, std::shared_ptr<void>> slots_;
  fiber main_;
  void* main_fake_stack_ = nullptr;
  const void* main_bottom_ = nullptr;
  std::size_t main_size_ = 0;
  Fiber* current_ = nullptr;
  std::exception_ptr error_;
  bool abandoned_ = false;

 private:
  void start(Fiber& thread);
  void resume(Fiber& thread);
  void suspend();  // back to the scheduler, from a thread
  [[noreturn]] void report_stuck();
  unsigned threads_of(unsigned warp) const {
    return std::min(32u, static_cast<unsigned>(threads_.size()) - warp * 32);
  }
};

namespace {
thread_local Block* running = nullptr;
}

Schedule& schedule() {
  static Schedule value = [] {
    Schedule out;
    if (const char* seed = std::getenv("ADLIB_CUDA_HOST_SEED")) out.seed = std::strtoull(seed, nullptr, 10);
    if (const char* arrival = std::getenv("ADLIB_CUDA_HOST_ARRIVAL"))
      out.arrival = std::string_view(arrival) == "lazy" ? Arrival::lazy : Arrival::eager;
    return out;
  }();
  return value;
}

Thread& this_thread() {
  require(running != nullptr && running->current_ != nullptr, "cuda host: called outside a kernel");
  return *running->current_;
}

Block& this_block() { return *this_thread().block; }

Dim3 block_index() { return this_block().index_; }
Dim3 block_extents() { return this_block().extents_; }
Dim3 grid_extents() { return this_block().grid_; }

void defect(const std::string& message) {
  const Thread& thread = this_thread();
  fail(ErrorCode::invalid_argument, thread.block->operation_, ": block ", describe(thread.block->index_),
       ", thread ", describe(thread.index), ": ", message);
}

void Block::start(Fiber& thread) {
  thread.context = fiber(std::allocator_arg, PooledStack{}, [this, &thread](fiber&& caller) {
    main_ = std::move(caller);
#ifdef ADLIB_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(nullptr, &main_bottom_, &main_size_);
#endif
    try {
      if (abandoned_) throw Abandoned{};
      body_();
      if (!thread.copy_groups.empty() || !thread.open_group.empty())
        defect("leaves the kernel while its asynchronous copies are under way");
      if (!thread.product_groups.empty() || !thread.open_products.empty())
        defect("leaves the kernel while its matrix products are under way");
      const Collective& collective = collectives_[thread.warp()];
      if (collective.arrived > 0)
        defect(concat("has left the kernel, other threads of its warp wait for it at ", collective.name));
    } catch (const Abandoned&) {
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
    thread.status = Status::done;
#ifdef ADLIB_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(nullptr, main_bottom_, main_size_);
#endif
    return std::move(main_);
  });
  thread.stack = stacks.newest;
}

// Threads that wait still, after a defect, leave what they are in.
Block::~Block() {
  abandoned_ = true;
  for (Fiber& thread : threads_) {
    if (thread.context) resume(thread);
  }
}

void Block::resume(Fiber& thread) {
  current_ = &thread;
#ifdef ADLIB_ADDRESS_SANITIZER
  // The scheduler does not know where boost put the stack; the pool's blocks tell.
  __sanitizer_start_switch_fiber(&main_fake_stack_, thread.stack, stack_bytes);
#endif
  thread.context = std::move(thread.context).resume();
#ifdef ADLIB_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(main_fake_stack_, nullptr, nullptr);
#endif
  current_ = nullptr;
}

void Block::suspend() {
#ifdef ADLIB_ADDRESS_SANITIZER
  Fiber& thread = *current_;
  __sanitizer_start_switch_fiber(&thread.fake_stack, main_bottom_, main_size_);
#endif
  main_ = std::move(main_).resume();
#ifdef ADLIB_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(thread.fake_stack, &main_bottom_, &main_size_);
#endif
  if (abandoned_) throw Abandoned{};
}

void Block::run(Dim3 index, std::mt19937_64& random) {
  index_ = index;
  std::memset(shared_.get(), 0xff, shared_size_);  // NaN in every type
  state_.assign(shared_size_, nobody_wrote);
  accesses_.assign((shared_size_ + 3) / 4, Access{});
  running = this;
  for (unsigned i = 0; i < threads_.size(); ++i) {
    Fiber& thread = threads_[i];
    thread.block = this;
    thread.linear = i;
    thread.index = {i % extents_.x, i / extents_.x % extents_.y, i / (extents_.x * extents_.y)};
    start(thread);
  }
  std::vector<unsigned> runnable;
  unsigned warp = 0;
  for (;;) {
    runnable.clear();
    bool all_done = true;
    for (unsigned w = 0; w < warps_; ++w) {
      bool ready = false;
      for (unsigned l = 0; l < threads_of(w); ++l) {
        Fiber& thread = threads_[w * 32 + l];
        if (thread.status == Status::polling && thread.wakes()) thread.status = Status::ready;
        ready = ready || thread.status == Status::ready;
        all_done = all_done && thread.status == Status::done;
      }
      if (ready) runnable.push_back(w);
    }
    if (!events_.empty() && (runnable.empty() || random() % 8 == 0)) {
      const std::size_t which = random() % events_.size();
      const auto event = std::move(events_[which]);
      events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(which));
      event();
      continue;
    }
    if (all_done) break;
    if (runnable.empty()) report_stuck();
    // Mostly the warp that ran last goes on: it gets ahead of the others.
    const bool stay =
        random() % 4 != 0 && std::find(runnable.begin(), runnable.end(), warp) != runnable.end();
    if (!stay) warp = runnable[random() % runnable.size()];
    const unsigned lanes = threads_of(warp), first = static_cast<unsigned>(random() % lanes);
    for (unsigned l = 0; l < lanes && !error_; ++l) {
      Fiber& thread = threads_[warp * 32 + (first + l) % lanes];
      if (thread.status == Status::ready) resume(thread);
    }
    if (error_) std::rethrow_exception(error_);
  }
  running = nullptr;
}

void Block::report_stuck() {
  std::string waiting;
  for (unsigned i = 0; i < threads_.size();) {
    const Fiber& thread = threads_[i];
    unsigned end = i + 1;
    while (end < threads_.size() && threads_[end].status == thread.status &&
           threads_[end].waits_for == thread.waits_for)
      ++end;
    waiting +=
        concat("; thread", end == i + 1 ? " " : "s ", i, end == i + 1 ? "" : concat(" to ", end - 1),
               thread.status == Status::done ? " left the kernel" : concat(" wait for ", thread.waits_for));
    i = end;
  }
  fail(ErrorCode::invalid_argument, operation_, ": block ", describe(index_), ": its threads wait for ever",
       waiting);
}

void Block::enter(const char* name, const void* in, void* out,
                  const std::function<void(const void* const*, void* const*, unsigned)>& all) {
  Fiber& thread = *current_;
  Collective& collective = collectives_[thread.warp()];
  const unsigned lanes = threads_of(thread.warp());
  if (collective.arrived == 0) {
    collective.name = name;
  } else if (std::string_view(collective.name) != name) {
    defect(concat("is at ", name, " while other threads of its warp are at ", collective.name));
  }
  for (unsigned l = 0; l < lanes; ++l) {
    if (threads_[thread.warp() * 32 + l].status == Status::done)
      defect(concat("is at ", name, ", but thread ", thread.warp() * 32 + l,
                    " of its warp has left the kernel"));
  }
  collective.in[thread.lane()] = in;
  collective.out[thread.lane()] = out;
  if (++collective.arrived < lanes) {
    thread.status = Status::waiting;
    thread.waits_for = name;
    suspend();
    return;
  }
  collective.arrived = 0;
  all(collective.in.data(), collective.out.data(), lanes);
  for (unsigned l = 0; l < lanes; ++l) threads_[thread.warp() * 32 + l].status = Status::ready;
}

void Block::wait(std::string what, std::function<bool()> ready) {
  if (ready()) return;
  Fiber& thread = *current_;
  thread.status = Status::polling;
  thread.waits_for = std::move(what);
  thread.wakes = std::move(ready);
  suspend();
}

void Block::arrive(unsigned id, unsigned count, bool stay) {
  if (id >= barriers_.size()) defect(concat("barrier ", id, " of 16"));
  Barrier& barrier = barriers_[id];
  if (barrier.arrived == 0) {
    barrier.expected = count;
    barrier.clock.assign(warps_ + 1, 0);
  } else if (barrier.expected != count) {
    defect(
        concat("comes to barrier ", id, " with a count of ", count, ", others came with ", barrier.expected));
  }
  Fiber& thread = *current_;
  join(barrier.clock, clocks_[thread.warp()]);
  ++clocks_[thread.warp()][thread.warp()];
  if (stay) barrier.waiting.push_back(&thread);
  if (++barrier.arrived == count) {
    barrier.arrived = 0;
    for (Fiber* waiting : barrier.waiting) {
      waiting->status = Status::ready;
      join(clocks_[waiting->warp()], barrier.clock);
    }
    barrier.waiting.clear();
    return;
  }
  if (!stay) return;
  thread.status = Status::waiting;
  thread.waits_for = concat("barrier ", id);
  suspend();
}

void Block::note(std::size_t offset, std::size_t bytes, Use use) {
  const unsigned warp = current_->warp();
  const Clock& clock = clocks_[warp];
  const char* verb = use == Use::read ? "reads" : use == Use::write ? "writes" : "changes";
  for (std::size_t i = offset; i < offset + bytes; ++i) {
    if (state_[i] == in_flight)
      defect(concat(verb, " byte ", i, " of shared memory, which a copy is still writing"));
    if (use != Use::write && state_[i] == nobody_wrote)
      defect(concat(verb, " byte ", i, " of shared memory, which nobody wrote"));
    state_[i] = written;
  }
  const auto race = [&](const char* what, std::size_t word, std::size_t other) {
    defect(concat(verb, " byte ", word * 4, " of shared memory, ",
                  other == warps_ ? std::string("a copy") : concat("warp ", other), ' ', what,
                  " it, and nothing orders the two"));
  };
  for (std::size_t word = offset / 4; word < (offset + bytes + 3) / 4; ++word) {
    Access& access = accesses_[word];
    if (access.writer != 0xff && access.writer != warp && !knows(clock, access.writer, access.write_time))
      race("wrote", word, access.writer);
    const auto check_others = [&](const std::vector<std::uint32_t>& times, const char* what) {
      for (std::size_t other = 0; other < times.size(); ++other) {
        if (other != warp && times[other] > 0 && !knows(clock, other, times[other])) race(what, word, other);
      }
    };
    const auto record = [&](std::vector<std::uint32_t>& times) {
      if (times.empty()) times.assign(warps_, 0);
      times[warp] = clock[warp];
    };
    if (use != Use::atomic) check_others(access.atomics, "changed");
    if (use == Use::read) {
      record(access.reads);
      continue;
    }
    check_others(access.reads, "read");
    if (use == Use::atomic) {
      record(access.atomics);
      continue;
    }
    access.reads.clear();
    access.atomics.clear();
    access.writer = static_cast<std::uint8_t>(warp);
    access.write_time = clock[warp];
    access.thread = static_cast<std::int32_t>(current_->linear);
    access.fences = current_->fences;
  }
}

void Block::note_copy(std::size_t offset, std::size_t bytes, Clock* end) {
  if (end == nullptr) {  // it begins: this thread's warp must know all that was done with these bytes
    note(offset, bytes, Use::write);
    std::fill_n(state_.begin() + static_cast<std::ptrdiff_t>(offset), bytes, in_flight);
    return;
  }
  ++copy_clock_[warps_];
  for (std::size_t word = offset / 4; word < (offset + bytes + 3) / 4; ++word) {
    accesses_[word].writer = static_cast<std::uint8_t>(warps_);
    accesses_[word].write_time = copy_clock_[warps_];
    accesses_[word].reads.clear();
    accesses_[word].atomics.clear();
    accesses_[word].thread = -1;
  }
  std::fill_n(state_.begin() + static_cast<std::ptrdiff_t>(offset), bytes, written);
  join(*end, copy_clock_);
}

void Block::note_arrived(std::size_t offset, std::size_t bytes) {
  const unsigned warp = current_->warp();
  std::fill_n(state_.begin() + static_cast<std::ptrdiff_t>(offset), bytes, written);
  for (std::size_t word = offset / 4; word < (offset + bytes + 3) / 4; ++word) {
    accesses_[word].writer = static_cast<std::uint8_t>(warp);
    accesses_[word].write_time = clocks_[warp][warp];
  }
}

void enter_collective(const char* name, const void* in, void* out,
                      const std::function<void(const void* const*, void* const*, unsigned)>& all) {
  this_block().enter(name, in, out, all);
}
void wait_until(const std::string& what, std::function<bool()> ready) {
  this_block().wait(what, std::move(ready));
}
void barrier_sync(unsigned id, unsigned count) { this_block().arrive(id, count, true); }
void barrier_arrive(unsigned id, unsigned count) { this_block().arrive(id, count, false); }

void PendingCopy::move() const {
  std::byte* there = SharedBytes::data() + to;
  if (bytes > 0) std::memcpy(there, from, bytes);
  std::memset(there + bytes, 0, zeros);
}

std::byte* SharedBytes::data() { return this_block().shared_.get(); }
std::size_t SharedBytes::size() { return this_block().shared_size_; }
void SharedBytes::note_read(std::size_t offset, std::size_t bytes) {
  this_block().note(offset, bytes, Use::read);
}
void SharedBytes::note_write(std::size_t offset, std::size_t bytes) {
  this_block().note(offset, bytes, Use::write);
}
void SharedBytes::note_atomic(std::size_t offset, std::size_t bytes) {
  this_block().note(offset, bytes, Use::atomic);
}
void SharedBytes::note_async_read(std::size_t offset, std::size_t bytes) {
  Block& block = this_block();
  block.note(offset, bytes, Use::read);
  for (std::size_t word = offset / 4; word < (offset + bytes) / 4; ++word) {
    const Access& access = block.accesses_[word];
    if (access.thread < 0) continue;
    const auto writer = static_cast<std::size_t>(access.thread);
    if (block.threads_[writer].fences == access.fences) {
      defect(concat("reads byte ", word * 4, " of shared memory by wgmma, thread ", writer,
                    " wrote it and has not called fence_async_shared since"));
    }
  }
}
void SharedBytes::note_copy_begin(std::size_t offset, std::size_t bytes) {
  this_block().note_copy(offset, bytes, nullptr);
}
void SharedBytes::note_copy_end(std::size_t offset, std::size_t bytes, Clock& end) {
  running->note_copy(offset, bytes, &end);
}

void SharedBytes::note_arrived(std::size_t offset, std::size_t bytes) {
  this_block().note_arrived(offset, bytes);
}

void fence_async() { ++this_thread().fences; }

void join_clock(Clock& into) {
  Block& block = this_block();
  const unsigned warp = this_thread().warp();
  join(into, block.clocks_[warp]);
  ++block.clocks_[warp][warp];
}
void take_clock(const Clock& from) { join(this_block().clocks_[this_thread().warp()], from); }

void happen_later(std::function<void()> event) { this_block().events_.push_back(std::move(event)); }

std::shared_ptr<void>& shared_slot(std::size_t offset) { return this_block().slots_[offset]; }

void run_grid(const char* operation, Dim3 grid, Dim3 block, std::size_t shared_bytes,
              const std::function<void()>& thread) {
  require(block.count() >= 1 && block.count() <= 1024, operation, ": a block of ", block.count(),
          " threads, expected 1 to 1024");
  require(grid.count() >= 1, operation, ": a grid of no blocks");
  require(shared_bytes <= 227 << 10, operation, ": ", shared_bytes, " bytes of shared memory, a block has ",
          227 << 10);
  require(running == nullptr, operation, ": a kernel launches a kernel");
  const DeviceAccess access;
  std::mt19937_64 random(schedule().seed);
  // Blocks run one after the other, in a random order.
  std::vector<unsigned> order(grid.count());
  for (unsigned i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  struct Stop {
    ~Stop() { running = nullptr; }
  } stop;
  for (unsigned i : order) {
    Block one(operation, grid, block, shared_bytes, thread);
    one.run({i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)}, random);
  }
}

}  // namespace adlib::kernels::cuda::host
