// adlib/models/decoder.h: ONE decoder, described by DecoderConfig; families differ in names and configuration
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adlib/nn/block.h"
#include "adlib/nn/cache.h"
#include "adlib/nn/embedding.h"

namespace adlib {

using nn::Cache;
using nn::Row;

/// What a decoder-only transformer is made of. Readers for each family's config.json: models/gpt2.h,
/// models/llama.h.
struct DecoderConfig {
  enum class Family { gpt2, llama, qwen2 };
  enum class Positions { learned, rope };
  enum class Mlp { plain, gated };

  Family family = Family::gpt2;
  std::int64_t vocab_size = 0;
  std::int64_t context = 0;  ///< the most positions a sequence may have
  std::int64_t width = 0;    ///< C
  std::int64_t layers = 0;
  std::int64_t heads = 0;     ///< H
  std::int64_t kv_heads = 0;  ///< Hkv, divides H
  std::int64_t head_dim = 0;  ///< D
  std::int64_t mlp_width = 0;
  nn::Norm::Kind norm = nn::Norm::Kind::layer;
  float norm_eps = 1e-5f;
  Positions positions = Positions::learned;
  nn::RopeConfig rope;  ///< used when positions is rope
  Mlp mlp = Mlp::plain;
  ops::Activation activation = ops::Activation::gelu_tanh;  ///< of the plain mlp; the gated one uses silu
  bool qkv_bias = true;
  bool attention_out_bias = true;
  bool mlp_bias = true;
  bool tied_embeddings = true;                    ///< the output head is the token embedding
  bool scale_attention = true;                    ///< by 1/sqrt(D)
  bool scale_attention_by_inverse_layer = false;  ///< and by 1/(layer + 1)

  friend bool operator==(const DecoderConfig&, const DecoderConfig&) = default;
};

/// The format of the token embedding and the output head when other weights have `format`: int4 leaves them
/// int8, since their errors reach the scores directly.
ops::WeightFormat head_format(const ops::WeightFormat& format);

/// How a decoder's weights are stored. Written and parsed as the format of the blocks, and after a slash that
/// of embedding and head where it is another than head_format(): "int4:32", "int4:32/int4:32".
struct WeightFormats {
  ops::WeightFormat blocks;  ///< of the blocks' products
  ops::WeightFormat head;    ///< of the token embedding and the output head

  WeightFormats() = default;
  WeightFormats(const ops::WeightFormat& all) : blocks(all), head(head_format(all)) {}
  WeightFormats(const ops::WeightFormat& of_blocks, const ops::WeightFormat& of_head)
      : blocks(of_blocks), head(of_head) {}

  /// Throws Error(invalid_argument) naming what is possible. Either both parts are quantised or none is.
  static WeightFormats parse(std::string_view text);
  bool quantized() const { return blocks.type >= ops::WeightFormat::Type::i8; }
  friend bool operator==(const WeightFormats&, const WeightFormats&) = default;
};
std::string to_string(const WeightFormats& formats);
std::string_view to_string(DecoderConfig::Family family);
/// How many numbers the model's weights are.
std::int64_t parameter_count(const DecoderConfig& config);
/// Throws Error(invalid_argument) "config: …" unless the numbers fit together.
void validate(const DecoderConfig& config);

/// What multiplies QKᵀ in a layer.
float attention_scale(const DecoderConfig& config, std::int64_t layer);

/// Where a family's checkpoints keep each part, and in which layout its linear layers are.
struct DecoderNames {
  std::string root;  ///< optional prefix of everything but the head: "transformer", "model"
  std::string token_embedding;
  std::string position_embedding;
  std::string layer;  ///< the list of blocks: "h", "layers"
  std::string attention_norm;
  std::vector<std::string> qkv;  ///< one fused, or three
  std::string attention_out;
  std::string mlp_norm;
  std::string mlp_gate;
  std::string mlp_up;
  std::string mlp_down;
  std::string final_norm;
  std::string head = "lm_head";
  nn::Linear::Layout layout = nn::Linear::Layout::out_in;
};
const DecoderNames& names_of(DecoderConfig::Family family);

/// What a tensor of a checkpoint is part of.
enum class TensorRole {
  token_embedding,
  position_embedding,
  attention_qkv,
  attention_out,
  mlp_gate,
  mlp_up,
  mlp_down,
  head,
  norm,  ///< gains and offsets
  bias,  ///< of a product
};
struct TensorSpec {
  std::string name;  ///< with the root prefix
  Shape shape;
  TensorRole role;
};
/// Every tensor that a checkpoint of this configuration has, unquantised, in the order of the computation.
std::vector<TensorSpec> tensor_specs(const DecoderConfig& config);
/// What `format` makes of a tensor: `same` of all that is no product and no table of tokens.
ops::WeightFormat format_of(TensorRole role, const WeightFormats& formats);

/// Tokens of several sequences, prefill and decode mixed: all rows end to end.
struct Batch {
  Tensor ids;                 ///< (N) i32, on any device; only on the host are they checked
  std::span<const Row> rows;  ///< lengths sum to N; a sequence stands in at most one row
};

/// Called with the embeddings (layer 0) and each block's output (layer 1 … layers - 1), then with the output
/// of the final norm (layer `layers`), as Hugging Face's hidden_states. (N, C)
using LayerObserver = std::function<void(std::int64_t layer, const Tensor& hidden)>;

/// Const after construction: threads may share one, each with its own Cache.
class Decoder {
 public:
  /// Takes its tensors from `weights` by the family's names, with or without the root prefix, and packs the
  /// weights of products in `format`, unless they come quantised (docs/models.md names their tensors) and
  /// `format` is `same` or theirs. Gives pages of the files back as it goes (Weights::release_pages): weights
  /// to be changed first are passed by Weights::from(), not changed in place. Throws Error naming the tensor
  /// that is missing or misshapen, or quantised otherwise, and any that is left over and is not known to be
  /// harmless.
  Decoder(const DecoderConfig& config, const Weights& weights, const WeightFormats& formats = {});

  const DecoderConfig& config() const { return config_; }
  /// Of everything that is not packed: norms, biases, activations.
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  /// Of the packed weights: as asked for, or as they came.
  WeightFormats formats() const;
  /// Bytes of packed weights, scales included, that every decoded token reads: all products and the head.
  std::int64_t weight_bytes() const;

  /// A cache for `sequences` sequences of up to `capacity` tokens (at most the context; 0 means the context).
  /// `dtype` stores its keys and values: f32, f16, bf16 or i8; unless it is given, dtype(), or f16 where
  /// weights are quantised. `pages` of 64 tokens bound its memory; 0 leaves room for all sequences.
  Cache make_cache(std::int64_t sequences, std::int64_t capacity = 0, std::optional<DType> dtype = {},
                   std::int64_t pages = 0) const;

  /// The output of the final norm for every token; keys and values go to `cache`. -> (N, C)
  Tensor hidden(const Batch& batch, Cache& cache, const LayerObserver& observer = {}) const;
  /// Scores of every vocabulary entry for the rows `at` of `hidden`. (N, C) -> (K, V)
  Tensor logits(const Tensor& hidden, std::span<const std::int32_t> at) const;
  /// Scores after every position of full sequences, keys and values in dtype(), without a cache to keep.
  /// ids (B, T) i32 -> (B, T, V)
  Tensor forward(const Tensor& ids) const;

  /// Every tensor under the name that the family's checkpoints use, with the root prefix. Weights of products
  /// are copies, unpacked from the layout of the processor; quantised ones are codes with a `weight_scale`.
  std::map<std::string, Tensor> named_tensors() const;

 private:
  void check(const Batch& batch, const Cache& cache) const;

  DecoderConfig config_;
  nn::Embedding token_embedding_;
  std::optional<nn::Embedding> position_embedding_;
  std::vector<nn::Block> blocks_;
  std::optional<nn::Norm> final_norm_;
  std::optional<nn::Linear> head_;  // absent when tied
  DType dtype_ = DType::f32;
  Device device_;
};

/// Fresh weights as GPT-2 was initialised (Radford et al. 2019): normal with deviation 0.02, output
/// projections of the residual branches divided by sqrt(2 · layers), biases 0, gains 1; but learned positions
/// start from sinusoids (Vaswani et al. 2017) of the same deviation: attention finds its neighbours sooner.
/// The same seed gives the same bytes anywhere.
Weights random_weights(const DecoderConfig& config, std::uint64_t seed, DType dtype = DType::f32);

}  // namespace adlib
