// adlib/core/parallel.h: the process's one pool of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace adlib {

/// How many threads an operation may use: the last set_num_threads(), else the environment variable
/// ADLIB_NUM_THREADS, else the processors that this process may run on. Throws Error(invalid_argument) when
/// the variable is no number from 1 to 1024.
int num_threads();
/// For the whole process, from 1 to 1024; 0 restores the default. Threads already started are kept, idle.
void set_num_threads(int threads);

namespace detail {
using Task = void (*)(void* context, std::int64_t index);
void parallel_for(int threads, std::int64_t count, Task task, void* context);
}  // namespace detail

/// Calls task(i) once for every i in [0, count), on the calling thread and at most threads - 1 others, in any
/// order; returns when all are done. The first exception is rethrown here after that. When the pool is busy
/// with another caller's work, or this is called from inside a task, the caller does everything itself: the
/// machine is never oversubscribed. Workers wait by spinning for some 50 microseconds, then sleep.
template <class F>
void parallel_for(int threads, std::int64_t count, F&& task) {
  using Function = std::remove_reference_t<F>;
  detail::parallel_for(
      threads, count, [](void* context, std::int64_t index) { (*static_cast<Function*>(context))(index); },
      const_cast<std::remove_const_t<Function>*>(std::addressof(task)));
}

}  // namespace adlib
