// adlib/train/trainable_decoder.h: the decoder of models/decoder.h with its gradient.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adlib/models/decoder.h"
#include "adlib/train/block.h"
#include "adlib/train/token_batch.h"

namespace adlib::train {

/// Low-rank adaptation, Hu et al. 2021: the model is frozen, and beside the weight W of each layer named
/// stands (alpha / rank)·B·A. A starts uniform in ±1/sqrt(in), B at zero.
struct LoraConfig {
  std::int64_t rank = 8;
  double alpha = 16;
  /// Ends of layer names as the checkpoint spells them, on whole components: "c_attn", "mlp.c_proj",
  /// "q_proj". Empty: all linear layers of the blocks.
  std::vector<std::string> targets = {};
  std::uint64_t seed = 0;
};

struct TrainableOptions {
  /// f32, or bf16: activations and a copy of the weights are rounded, while masters, gradients and the
  /// optimizer stay f32.
  DType dtype = DType::f32;
  /// Of the embeddings and of each residual branch (GPT-2's embd_pdrop and resid_pdrop). Attention's
  /// probabilities are not dropped.
  float dropout = 0;
  /// Keep only the input of each block and compute the rest again in the backward pass (Chen et al. 2016).
  bool checkpoint_activations = false;
  std::optional<LoraConfig> lora = {};
};

/// Not shared by threads: a pass writes gradients.
class TrainableDecoder {
 public:
  /// Starts from the weights of `initial`, which must not be quantised, on their device.
  TrainableDecoder(const Decoder& initial, const TrainableOptions& options = {});
  TrainableDecoder(const TrainableDecoder&) = delete;
  TrainableDecoder& operator=(const TrainableDecoder&) = delete;

  const DecoderConfig& config() const { return config_; }
  const TrainableOptions& options() const { return options_; }
  Device device() const { return device_; }
  /// Under the names of the family's checkpoints; adapters are `layer`.lora_A.weight and
  /// `layer`.lora_B.weight.
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }

  /// -log p(target) of each token, without dropout; 0 where the loss does not count. -> (N)
  std::vector<float> losses(const TokenBatch& batch) const;

  /// From the losses of all tokens to the gradient of what is to be minimised by each of them. (N) -> (N)
  using LossGradient = std::function<std::vector<float>(std::span<const float> losses)>;
  /// Adds the gradients of weight·Σ loss to the parameters'. `seed` decides what the dropout drops. Returns
  /// losses().
  std::vector<float> backward(const TokenBatch& batch, float weight, std::uint64_t seed = 0);
  /// The same for any function of the losses; the logits are computed twice.
  std::vector<float> backward(const TokenBatch& batch, const LossGradient& gradient, std::uint64_t seed = 0);

  /// Every tensor of a checkpoint in f32, adapters merged into their weights.
  std::map<std::string, Tensor> named_tensors() const;

 private:
  struct Forward;
  Linear linear(const std::string& name);
  Norm norm(const std::string& name);
  void add_parameters(const Decoder& initial);
  void add_adapters();
  void check(const TokenBatch& batch) const;
  template <class T>
  Tensor to_tensor(std::span<const T> values) const;
  Pass make_pass(const TokenBatch& batch, float dropout, std::uint64_t seed) const;
  Tensor embed(const TokenBatch& batch, const Pass& pass) const;
  Forward forward(const TokenBatch& batch, const Pass& pass) const;
  std::vector<float> backward(const TokenBatch& batch, float weight, const LossGradient& gradient,
                              std::uint64_t seed);

  MemoryReuse reuse_;  // every pass allocates what the last one freed
  DecoderConfig config_;
  TrainableOptions options_;
  Device device_;
  Parameters parameters_;
  Parameter* token_embedding_ = nullptr;
  Parameter* position_embedding_ = nullptr;  // null with RoPE
  Parameter* head_ = nullptr;                // the token embedding when tied
  std::vector<Block> blocks_;
  std::optional<Norm> final_norm_;
};

}  // namespace adlib::train
