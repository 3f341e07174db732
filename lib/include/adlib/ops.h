// adlib/ops.h: every operation on tensors. Each checks its arguments, then calls its kernel on the tensors'
// device.
//
// Floating-point storage may be f32, f16 or bf16; arithmetic and sums are in float. Operands of one call
// share dtype and device unless the line says otherwise. Every shape error names the operation and both
// shapes. Functions named
// *_into write to `out`, which must have the right shape, be contiguous, and not overlap an input unless
// noted. One order of summation: an output element depends only on its own row of inputs, never on how many
// rows there are.
#pragma once

#include <cstdint>
#include <span>

#include "adlib/core/tensor.h"

namespace adlib::ops {

// ---- Moving data
// ---------------------------------------------------------------------------------------------------

/// Copies `source` to `out` of the same shape and device; either may have gaps; dtypes convert as Tensor::to
/// does.
void copy_into(Tensor& out, const Tensor& source);
/// Joins tensors that agree in everything but extent `dim`. (…, Ni, …) -> (…, ΣNi, …)
Tensor concatenate(std::span<const Tensor> parts, int dim);

// ---- Element by element
// --------------------------------------------------------------------------------------------

/// a + b, broadcasting extents of 1 and missing leading ones. (…), (…) -> (…)
Tensor add(const Tensor& a, const Tensor& b);
/// a * b, broadcasting extents of 1 and missing leading ones. (…), (…) -> (…)
Tensor multiply(const Tensor& a, const Tensor& b);

enum class Activation {
  none,
  gelu_tanh,  ///< 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))), Hendrycks & Gimpel 2016; GPT-2's "gelu_new"
  gelu_erf,   ///< 0.5 x (1 + erf(x / sqrt 2))
  silu,       ///< x / (1 + exp(-x)), also called swish
  relu,
};
/// The activation of each element. (…) -> (…)
Tensor activate(const Tensor& x, Activation activation);
/// silu(gate) * up, Shazeer 2020. (…), (…) -> (…)
Tensor swiglu(const Tensor& gate, const Tensor& up);

// ---- Rows
// ----------------------------------------------------------------------------------------------------------

/// exp(x - max) / Σ exp(x - max) along `dim`. A row of -inf gives zeros, not NaN. (…) -> (…)
Tensor softmax(const Tensor& x, int dim = -1);
/// x - max - log Σ exp(x - max) along `dim`. (…) -> (…)
Tensor log_softmax(const Tensor& x, int dim = -1);
/// (x - mean) / sqrt(var + eps) * gamma + beta over the last dimension, var divided by C; Ba et al. 2016.
/// gamma, beta: (C); beta may be undefined. (…, C) -> (…, C)
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, float eps);
/// x / sqrt(mean(x²) + eps) * gamma over the last dimension; Zhang & Sennrich 2019. gamma: (C). (…, C) -> (…,
/// C)
Tensor rms_norm(const Tensor& x, const Tensor& gamma, float eps);
/// Rows of `table` by `ids` (i32). Throws naming the position for an id outside [0, V). (V, C), (…) -> (…, C)
Tensor embedding(const Tensor& table, const Tensor& ids);
/// -log softmax(logits)[target] for each row, in f32; 0 where target is negative (ignored).
/// (N, V), targets (N) i32 -> (N) f32
Tensor cross_entropy(const Tensor& logits, const Tensor& targets);

// ---- Matrix product
// ------------------------------------------------------------------------------------------------

struct MatmulOptions {
  bool transpose_b = false;                  ///< b is (…, N, K): the layout of torch.nn.Linear
  Tensor bias = {};                          ///< (N), added first
  Activation activation = Activation::none;  ///< applied second
  Tensor residual = {};                      ///< the shape of the result, added last
};
/// a·b, batched with broadcasting over leading dimensions. (…, M, K)·(…, K, N) -> (…, M, N).
/// Each element is summed over k in one order fixed by K alone.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});
/// The same into `out`, which may be `options.residual` itself.
void matmul_into(Tensor& out, const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

/// A constant right operand of matmul, laid out once for the processor at hand: the product streams it as it
/// lies. The results have the same bits as with the tensor that it was made from. Copies are shallow.
class PackedMatrix {
 public:
  /// Empty: defined() is false.
  PackedMatrix() = default;
  /// Copies b (K, N), or (N, K) when `transpose_b`. Takes as many bytes, N rounded up to a multiple of 32 at
  /// most.
  explicit PackedMatrix(const Tensor& b, bool transpose_b = false);

  bool defined() const { return panels_.defined(); }
  std::int64_t rows() const { return rows_; }        ///< K
  std::int64_t columns() const { return columns_; }  ///< N
  DType dtype() const { return panels_.dtype(); }
  Device device() const { return panels_.device(); }
  /// The tensor that this was made from, in its layout: a new one with the same bytes.
  Tensor unpack() const;

 private:
  friend Tensor matmul(const Tensor& a, const PackedMatrix& b, const MatmulOptions& options);
  Tensor panels_;  // what kernels::pack() wrote, one-dimensional
  std::int64_t rows_ = 0, columns_ = 0;
  bool transposed_ = false;
};
/// a·b. `options.transpose_b` must be false: the matrix knows its layout. (…, M, K)·(K, N) -> (…, M, N)
Tensor matmul(const Tensor& a, const PackedMatrix& b, const MatmulOptions& options = {});

// ---- Attention
// -----------------------------------------------------------------------------------------------------

struct AttentionOptions {
  float scale = 0;        ///< multiplies QKᵀ; 0 means 1/sqrt(D)
  bool causal = false;    ///< query i sees keys 0 … past + i
  std::int64_t past = 0;  ///< keys that stand before the first query, for `causal`
  float softcap = 0;      ///< c tanh(score / c) before the mask when > 0
  Tensor mask =
      {};  ///< added to the scores (float) or false = hidden (boolean); broadcasts to (B, H, Tq, Tk)
};
/// softmax(scale·QKᵀ + mask)·V with grouped heads: H a multiple of Hkv, head h reads h / (H / Hkv); Vaswani
/// et al. 2017. Never builds the (Tq, Tk) matrix. A query that sees no key gives zeros. q (B, H, Tq, D), k
/// (B, Hkv, Tk, D), v (B, Hkv, Tk, Dv) -> (B, H, Tq, Dv)
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options = {});

/// One sequence of a ragged batch: `rows` queries that begin at row `begin` of q and at position `position`
/// of the sequence, whose keys and values (Hkv, T, D), T >= position + rows, may be strided views of a cache.
struct AttentionSegment {
  std::int64_t begin = 0;
  std::int64_t rows = 0;
  std::int64_t position = 0;
  Tensor keys;
  Tensor values;
};
/// Causal attention for sequences of different lengths in one call: row i of a segment sees keys 0 … position
/// + i. Keys are reduced in blocks fixed by their absolute position, so that prefilled, chunked and decoded
/// rows agree bit for bit. `mask` and `past` of the options are refused. q (N, H, D), which may be strided ->
/// (N, H, D)
Tensor ragged_attention(const Tensor& q, std::span<const AttentionSegment> segments,
                        const AttentionOptions& options = {});

enum class RopeLayout {
  halves,       ///< pairs (i, i + R/2): Llama and Qwen as Hugging Face stores them
  interleaved,  ///< pairs (2i, 2i + 1): Su et al. 2021
};
/// Rotates the first R elements of every head by the angle of its row's position; the rest passes through.
/// x (N, H, D), which may be strided; positions (N) i32; cos, sin (P, R/2) f32, R <= D -> (N, H, D)
Tensor rope(const Tensor& x, const Tensor& positions, const Tensor& cos, const Tensor& sin,
            RopeLayout layout = RopeLayout::halves);

}  // namespace adlib::ops
