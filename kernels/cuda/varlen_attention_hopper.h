// kernels/cuda/varlen_attention_hopper.h: the kernel of varlen_attention for sm_90a.
#pragma once

#include <span>

#include "kernels/varlen_attention.h"

namespace adlib::kernels::cuda {

/// True when the Hopper kernel takes these operands: float16 or bfloat16, head_dim and value_dim multiples of
/// 8 up to 128, rows, heads and pointers at multiples of 16 bytes, a positive scale. The device must be of
/// compute capability 9.0: what is compiled for sm_90a runs on no other.
template <class T>
bool varlen_attention_hopper_takes(const VarlenAttentionArgs<T>& args);

/// varlen_attention of kernels/varlen_attention.h. T: float16 or bfloat16. Each row's weights are summed over
/// tiles of 128 keys, from the last to the first.
template <class T>
void varlen_attention_hopper(CudaContext& context, std::span<const std::int64_t> offsets,
                             const VarlenAttentionArgs<T>& args);

}  // namespace adlib::kernels::cuda
