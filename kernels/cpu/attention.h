// kernels/cpu/attention.h: what attention and its gradients share.
#pragma once

#include "kernels/cpu/simd/attention.h"

namespace adlib::kernels::cpu {

/// The inner loops of the level that isa() names.
const simd::Attention& attention_lanes();

}  // namespace adlib::kernels::cpu
