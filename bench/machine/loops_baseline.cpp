// Sixteen bytes at a time, in the vector extension that g++ and clang share: every processor has them.
#include "bench/machine/loops.h"

namespace adlib::bench::loops {
namespace {

typedef float Floats __attribute__((vector_size(16)));
typedef std::int32_t Words __attribute__((vector_size(16)));

// The factor stays 1, but no compiler knows: it must multiply.
float sum_of_products(std::int64_t steps) {
  Floats factor = {1, 1, 1, 1}, term = {1e-3f, 2e-3f, 3e-3f, 4e-3f};
  asm volatile("" : "+m"(factor), "+m"(term));
  Floats sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = term;
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = sums[c] * factor + term;
  }
  Floats all = sums[0];
  for (int c = 1; c < chains; ++c) all += sums[c];
  return all[0] + all[1] + all[2] + all[3];
}

std::int32_t read_all(const void* data, std::int64_t bytes) {
  const Words* at = static_cast<const Words*>(data);
  Words seen[8] = {};
  for (std::int64_t i = 0; i < bytes / 16; i += 8) {
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) seen[c] |= at[i + c];
  }
  for (int c = 1; c < 8; ++c) seen[0] |= seen[c];
  return seen[0][0] | seen[0][1] | seen[0][2] | seen[0][3];
}

}  // namespace

const Loops baseline = {.f32 = sum_of_products, .f32_operations = chains * 4 * 2, .read = read_all};

}  // namespace adlib::bench::loops
