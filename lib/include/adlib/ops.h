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
#include <string>
#include <string_view>

#include "adlib/core/sample_row.h"
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
  Tensor bias = {};                          ///< (N), added first; this and what follows: in out's dtype
  Activation activation = Activation::none;  ///< applied second
  Tensor multiplier = {};                    ///< the shape of the result, multiplied third
  Tensor residual = {};                      ///< the shape of the result, added last
};
/// a·b, batched with broadcasting over leading dimensions. (…, M, K)·(…, K, N) -> (…, M, N).
/// Each element is summed over k in one order fixed by K alone.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});
/// The same into `out`, which may be `options.residual` itself, and which may be f32 under a and b of 16
/// bits: gradients of weights that accumulate, logits of bf16 states.
void matmul_into(Tensor& out, const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

// ---- Packed and quantised weights
// ------------------------------------------------------------------------------------

/// How a constant weight is stored. Written and parsed as "same", "bf16", "int8", "int8:64", "int4:32".
struct WeightFormat {
  enum class Type {
    same,  ///< in the dtype of the tensor
    bf16,  ///< rounded to bfloat16
    i8,    ///< codes in [-127, 127]
    i4,    ///< codes in [-8, 7]
  };
  Type type = Type::same;
  /// i8, i4: how many inputs of an output share a scale: 32, 64, 128, or (i8 only) 0 for all of them.
  std::int64_t group = 0;

  /// Throws Error(invalid_argument) naming what is possible. "int4" alone means int4:32.
  static WeightFormat parse(std::string_view text);
  friend bool operator==(const WeightFormat&, const WeightFormat&) = default;
};
std::string to_string(const WeightFormat& format);

/// A weight of N outputs and K inputs as small integers: w[n,k] ≈ scales[n, k / group] · code[n,k].
struct QuantizedMatrix {
  WeightFormat format;
  std::int64_t inputs = 0;  ///< K
  Tensor codes;   ///< i8: (N, K) i8. i4: (N, (K + 1) / 2) u8, each code + 8, the even input in the low half
  Tensor scales;  ///< (N, groups) bf16

  std::int64_t outputs() const { return codes.size(0); }  ///< N
  /// Outputs [begin, end) of N: views.
  QuantizedMatrix slice(std::int64_t begin, std::int64_t end) const;
};
/// Symmetric quantisation of w (N, K), or (K, N) when `transposed`. i8: scale = max |w| / 127, rounded up to
/// bf16. i4: the scale with the least squared error among candidates. Scales are NaN where w is not finite.
QuantizedMatrix quantize(const Tensor& w, const WeightFormat& format, bool transposed = false);
/// (N, K) in `dtype`.
Tensor dequantize(const QuantizedMatrix& matrix, DType dtype = DType::f32);

/// A constant right operand of matmul, laid out once for the processor at hand: the product streams it as it
/// lies. Copies are shallow.
class PackedMatrix {
 public:
  /// Empty: defined() is false.
  PackedMatrix() = default;
  /// Copies b (K, N), or (N, K) when `transpose_b`, in `format`; N is rounded up to a multiple of 32 at most.
  explicit PackedMatrix(const Tensor& b, bool transpose_b = false, const WeightFormat& format = {});
  /// b = wᵀ of codes made elsewhere.
  explicit PackedMatrix(const QuantizedMatrix& w);

  bool defined() const { return panels_.defined(); }
  std::int64_t rows() const { return rows_; }        ///< K
  std::int64_t columns() const { return columns_; }  ///< N
  const WeightFormat& format() const { return format_; }
  bool is_quantized() const { return format_.type >= WeightFormat::Type::i8; }
  std::int64_t bytes() const { return panels_.numel(); }
  Device device() const { return panels_.device(); }
  /// The tensor that this was made from, in its layout: a new one with the same bytes (bf16: as rounded). Not
  /// for quantised matrices.
  Tensor unpack() const;
  /// The codes and scales of a quantised matrix.
  QuantizedMatrix quantized() const;

 private:
  friend Tensor matmul(const Tensor& a, const PackedMatrix& b, const MatmulOptions& options);
  friend Tensor embedding(const PackedMatrix& table, const Tensor& ids, DType dtype);
  Tensor panels_;  // what kernels::pack() wrote: (bytes) u8
  std::int64_t rows_ = 0, columns_ = 0;
  DType dtype_ = DType::f32;  // of numbers; what unpack() gives
  WeightFormat format_;
  bool transposed_ = false;
};
/// a·b. `options.transpose_b` must be false: the matrix knows its layout. (…, M, K)·(K, N) -> (…, M, N)
/// Numbers of a's dtype: the bits of matmul with the tensor. bf16 under an f32 or f16 a: a is rounded to bf16
/// where the processor has such products. i8, i4: each row of a is rounded to int8 codes, in groups of b's
/// group, or 128; every sum within a group is exact. On CUDA devices a is rounded to bf16 instead, unless it
/// is f16.
Tensor matmul(const Tensor& a, const PackedMatrix& b, const MatmulOptions& options = {});
/// Columns of a packed matrix by `ids` (i32): embedding(tableᵀ, ids), in `dtype`. (C, V), (…) -> (…, C)
Tensor embedding(const PackedMatrix& table, const Tensor& ids, DType dtype);

// ---- Attention
// -----------------------------------------------------------------------------------------------------

struct AttentionOptions {
  float scale = 0;        ///< multiplies QKᵀ; 0 means 1/sqrt(D)
  bool causal = false;    ///< query i sees keys 0 … past + i
  std::int64_t past = 0;  ///< keys that stand before the first query, for `causal`
  float softcap = 0;      ///< c tanh(score / c) before the mask when > 0
  Tensor mask =
      {};  ///< added to the scores (float) or false = hidden (boolean); broadcasts to (B, H, Tq, Tk)
  /// When set, becomes log Σ exp(score) in f32, (B, H, Tq) or (N, H); -inf: no key seen.
  Tensor* lse = nullptr;
};
/// softmax(scale·QKᵀ + mask)·V with grouped heads: H a multiple of Hkv, head h reads h / (H / Hkv); Vaswani
/// et al. 2017. Never builds the (Tq, Tk) matrix. A query that sees no key gives zeros. q (B, H, Tq, D), k
/// (B, Hkv, Tk, D), v (B, Hkv, Tk, Dv) -> (B, H, Tq, Dv)
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options = {});

/// Keys and values of many sequences in pages of 64 positions: position p of a sequence stands in slot p % 64
/// of the page that its table names at p / 64. On the CPU keys lie transposed, so that positions are the
/// lanes of a vector; on CUDA they lie as values do, and `keys` is a transposed view.
struct KeyValuePages {
  static constexpr std::int64_t positions = 64;  ///< of a page

  Tensor keys;    ///< (P, Hkv, D, 64) in f32, f16, bf16, or i8
  Tensor values;  ///< (P, Hkv, 64, Dv), as keys
  /// i8: (P, Hkv, 64) f32, the worth of one step of a position's key; undefined otherwise.
  Tensor key_scales;
  Tensor value_scales;  ///< as key_scales

  /// Room for P pages, uninitialised.
  static KeyValuePages empty(std::int64_t pages, std::int64_t kv_heads, std::int64_t head_dim,
                             std::int64_t value_dim, DType dtype = DType::f32, Device device = Device::cpu);
  std::int64_t pages() const { return keys.size(0); }
  std::size_t bytes() const;
};
/// One sequence's part of a ragged batch: rows [begin, begin + rows) stand at `position` and after it.
struct AttentionSegment {
  std::int64_t begin = 0;
  std::int64_t rows = 0;
  std::int64_t position = 0;
  std::int64_t sequence = 0;  ///< its row of the page table
};
/// Writes keys (N, Hkv, D) and values (N, Hkv, Dv), floating and possibly strided, to the pages of their
/// positions. `table` (S, M) i32 holds each sequence's pages in order. Rounds to the pages' dtype; i8 is
/// symmetric, with one scale max|x| / 127 for each position and head. Two segments must not write to one
/// page.
void store_pages(KeyValuePages& pages, const Tensor& table, std::span<const AttentionSegment> segments,
                 const Tensor& keys, const Tensor& values);
/// Causal attention for sequences of different lengths in one call: row i of a segment sees keys 0 … position
/// + i. Keys are reduced in blocks fixed by their absolute position, so that prefilled, chunked and decoded
/// rows agree bit for bit. `mask` and `past` of the options are refused. q (N, H, D), which may be
/// strided, in any floating dtype -> (N, H, Dv)
Tensor ragged_attention(const Tensor& q, const KeyValuePages& pages, const Tensor& table,
                        std::span<const AttentionSegment> segments, const AttentionOptions& options = {});

enum class RopeLayout {
  halves,       ///< pairs (i, i + R/2): Llama and Qwen as Hugging Face stores them
  interleaved,  ///< pairs (2i, 2i + 1): Su et al. 2021
};
/// Rotates the first R elements of every head by the angle of its row's position; the rest passes through.
/// x (N, H, D), which may be strided; positions (N) i32; cos, sin (P, R/2) f32, R <= D -> (N, H, D)
Tensor rope(const Tensor& x, const Tensor& positions, const Tensor& cos, const Tensor& sin,
            RopeLayout layout = RopeLayout::halves);

/// Causal attention of documents that lie end to end without padding: document s is rows [offsets[s],
/// offsets[s + 1]) and sees itself only ("varlen" in FlashAttention, Dao 2023). `mask` and `past` of the
/// options are refused. q (N, H, D), k (N, Hkv, D), v (N, Hkv, Dv), which may be strided -> (N, H, Dv): the
/// bits of ragged_attention.
Tensor varlen_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        std::span<const std::int64_t> offsets, const AttentionOptions& options = {});

// ---- Sampling
// ------------------------------------------------------------------------------------------------------

/// The next token of each row as sampling::choose takes it by rows[r] (core/sampling.h), or sampling::none or
/// sampling::not_finite. A row's token depends on its own scores, ids and SampleRow alone. On CUDA it is the
/// CPU's but for rounding (kernels/sample.h). Throws naming the row for a field out of its range and an id
/// outside [0, V).
/// scores (N, V), N rows, history (H) -> (N) i32
Tensor sample(const Tensor& scores, std::span<const SampleRow> rows, std::span<const std::int32_t> history);
/// The same of rows and ids that lie on the scores' device, where they are not looked at: what a captured
/// graph replays. tokens (N) i32 are overwritten; scores (N, V), rows (N, sizeof(SampleRow)) u8, history (H)
/// i32
void sample_into(Tensor& tokens, const Tensor& scores, const Tensor& rows, const Tensor& history);
/// The bytes of rows for sample_into, on the CPU. N rows -> (N, sizeof(SampleRow)) u8
Tensor sample_rows(std::span<const SampleRow> rows);

// ---- Backward
// ------------------------------------------------------------------------------------------------------

// Each takes dy, the gradient of some loss by an operation's result, and gives the gradients by its inputs,
// in the activations' dtype. The gradients of parameters are f32 tensors that are *added to*, so that
// micro-batches accumulate; undefined ones are not computed. What is summed over rows is summed in blocks of
// fixed size in ascending order: the bits do not depend on the number of threads. The product needs no
// function of its own: for y = a·b, da = dy·bᵀ and db += aᵀ·dy, which is matmul_into(db, aᵀ, dy, {.residual =
// db}) with db in f32.

/// sums += Σ rows of x: the gradient of a bias. x (N, C), sums (C) f32
void sum_rows_into(Tensor& sums, const Tensor& x);
/// dy·activation'(x). dy, x (…) -> (…)
Tensor activate_backward(const Tensor& dy, const Tensor& x, Activation activation);
/// The gradients of silu(gate)·up. dy, gate, up (…); dgate, dup (…) are overwritten.
void swiglu_backward(Tensor& dgate, Tensor& dup, const Tensor& dy, const Tensor& gate, const Tensor& up);
/// dx += the gradient by x; dgamma, dbeta (C) f32 +=. The statistics are computed again from x. dx, dy, x (…,
/// C)
void layer_norm_backward(Tensor& dx, Tensor& dgamma, Tensor& dbeta, const Tensor& dy, const Tensor& x,
                         const Tensor& gamma, float eps);
/// As layer_norm_backward, for rms_norm.
void rms_norm_backward(Tensor& dx, Tensor& dgamma, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                       float eps);
/// Rows of dtable (V, C) f32 += the rows of dy whose id they are, in ascending order. dy (…, C), ids (…) i32
void embedding_backward(Tensor& dtable, const Tensor& dy, const Tensor& ids);
/// rope's transpose: the rotation by the opposite angle. Arguments and result as rope's.
Tensor rope_backward(const Tensor& dy, const Tensor& positions, const Tensor& cos, const Tensor& sin,
                     RopeLayout layout = RopeLayout::halves);
/// cross_entropy together with its gradient, each row read once: dlogits = weights[r] (softmax(logits[r]) -
/// onehot(targets[r])), zeros where the target is negative. dlogits (N, V), in a floating dtype, is
/// overwritten and may be logits itself; weights (N) f32, the gradients of some loss by the rows' losses ->
/// losses (N) f32
Tensor cross_entropy_backward(Tensor& dlogits, const Tensor& logits, const Tensor& targets,
                              const Tensor& weights);
/// The gradients of varlen_attention, by the recomputation of FlashAttention-2 (Dao 2023): no (T, T) matrix.
/// dout, out (N, H, Dv) and lse (N, H) as the forward pass left them; dq, dk, dv, shaped as q, k, v and
/// possibly strided, are overwritten.
void varlen_attention_backward(Tensor& dq, Tensor& dk, Tensor& dv, const Tensor& dout, const Tensor& q,
                               const Tensor& k, const Tensor& v, const Tensor& out, const Tensor& lse,
                               std::span<const std::int64_t> offsets, const AttentionOptions& options = {});

// ---- Training
// ------------------------------------------------------------------------------------------------------

/// Srivastava et al. 2014: element i becomes 0 with probability p, else x[i] / (1 - p); then + residual[i],
/// when that is given. Which elements fall follows from (seed, stream, i) alone, so that the gradient is the
/// same call on dy. 0 <= p < 1. (…) -> (…)
Tensor dropout(const Tensor& x, float p, std::uint64_t seed, std::uint64_t stream,
               const Tensor& residual = {});
/// Σ x² in double, in blocks of fixed size in ascending order. (…)
double squared_norm(const Tensor& x);

struct AdamwOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;    ///< decoupled: w *= 1 - learning_rate · weight_decay
  std::int64_t step = 1;      ///< from 1, for the bias correction
  double gradient_scale = 1;  ///< multiplies the gradient first: clipping, averaging
};
/// One step of AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it. w, m, v are changed in
/// place; w, m, v, gradient f32 of one shape. `rounded`, when defined (bf16 or f16, the same shape), becomes
/// w rounded.
void adamw_step(Tensor& w, Tensor& m, Tensor& v, Tensor& rounded, const Tensor& gradient,
                const AdamwOptions& options);

}  // namespace adlib::ops
