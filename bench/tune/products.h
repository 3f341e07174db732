// bench/tune/products.h: the products that a tuning is chosen on.
#pragma once

#include <vector>

#include "bench/tune/search.h"

namespace adlib::bench {

/// GPT-2's widths, 768 and 3072: 8 and 32 rows (decoding), 128 and 512 (prefill) with packed weights, 256 and
/// 512 with tensors (training; f32 and bf16). `quick`: small ones that take a moment. Each has been compared
/// with double precision: throws Error naming the product that is wrong.
std::vector<Product> make_products(kernels::cpu::GemmKind kind, bool quick);

}  // namespace adlib::bench
