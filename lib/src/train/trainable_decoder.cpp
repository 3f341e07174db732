#include "adlib/train/trainable_decoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "adlib/core/random.h"

namespace adlib::train {
namespace {

// The scores of this many bytes at a time: enough rows for products at full speed, whatever the vocabulary.
constexpr std::int64_t logits_bytes = std::int64_t{128} << 20;

// The weight of a linear layer inside a block.
bool is_linear(TensorRole role) {
  return role == TensorRole::attention_qkv || role == TensorRole::attention_out ||
         role == TensorRole::mlp_gate || role == TensorRole::mlp_up || role == TensorRole::mlp_down;
}

// True when `name` ends with the components of `target`.
bool ends_with_components(std::string_view name, std::string_view target) {
  if (!name.ends_with(target)) return false;
  return name.size() == target.size() || name[name.size() - target.size() - 1] == '.';
}

std::string layer_names(const DecoderNames& names) {
  std::string list;
  for (const std::string& part : names.qkv) list += part + ", ";
  list += names.attention_out + ", ";
  if (!names.mlp_gate.empty()) list += names.mlp_gate + ", ";
  return list + names.mlp_up + ", " + names.mlp_down;
}

// The rows of the final states whose losses count, with their targets.
struct Counted {
  explicit Counted(const TokenBatch& batch) {
    for (std::size_t i = 0; i < batch.targets.size(); ++i) {
      if (batch.targets[i] < 0) continue;
      rows.push_back(static_cast<std::int32_t>(i));
      targets.push_back(batch.targets[i]);
    }
    are_all = rows.size() == batch.targets.size();
  }
  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }

  std::vector<std::int32_t> rows, targets;
  bool are_all = false;
};

// Calls each(begin, end) for chunks of `rows` rows of scores.
template <class Each>
void for_each_chunk(std::int64_t rows, std::int64_t vocab, Each&& each) {
  const std::int64_t chunk = std::max<std::int64_t>(1, logits_bytes / (vocab * 4));
  for (std::int64_t begin = 0; begin < rows; begin += chunk) each(begin, std::min(begin + chunk, rows));
}

Tensor logits_of(const Tensor& states, const Tensor& head) {  // (n, C), (V, C) -> (n, V) f32
  Tensor logits = Tensor::empty({states.size(0), head.size(0)}, DType::f32, states.device());
  ops::matmul_into(logits, states, head, {.transpose_b = true});
  return logits;
}

void append(std::vector<float>& to, const Tensor& values) {
  const Tensor host = values.to(Device::cpu);
  const auto span = host.data<float>();
  to.insert(to.end(), span.begin(), span.end());
}

// Losses of the counted rows put back in their places.
std::vector<float> spread(const std::vector<float>& values, const Counted& counted, std::int64_t tokens) {
  std::vector<float> all(static_cast<std::size_t>(tokens), 0.0f);
  for (std::size_t i = 0; i < values.size(); ++i) all[static_cast<std::size_t>(counted.rows[i])] = values[i];
  return all;
}

}  // namespace

// What a forward pass leaves for the backward pass.
struct TrainableDecoder::Forward {
  std::vector<Block::Saved> saved;  // of each block; with checkpointing only its input
  Tensor x;                         // (N, C) before the final norm
};

TrainableDecoder::TrainableDecoder(const Decoder& initial, const TrainableOptions& options)
    : config_(initial.config()), options_(options), device_(initial.device()) {
  require(!initial.formats().quantized(), "train: the weights are ", to_string(initial.formats()),
          "; train the checkpoint that they were made from");
  require(options.dtype == DType::f32 || options.dtype == DType::bf16, "train: dtype is ", options.dtype,
          ", expected f32 or bf16");
  require(options.dropout >= 0 && options.dropout < 1, "train: dropout is ", options.dropout,
          ", expected 0 <= p < 1");
  add_parameters(initial);
  if (options.lora) add_adapters();

  const DecoderNames& names = names_of(config_.family);
  const std::string root = names.root + ".";
  token_embedding_ = &parameters_.at(root + names.token_embedding + ".weight");
  std::optional<nn::Rope> rope;
  if (config_.positions == DecoderConfig::Positions::learned) {
    position_embedding_ = &parameters_.at(root + names.position_embedding + ".weight");
  } else {
    rope.emplace(config_.rope, config_.context, device_);
  }
  head_ = config_.tied_embeddings ? token_embedding_ : &parameters_.at(names.head + ".weight");
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    const std::string base = root + names.layer + "." + std::to_string(layer) + ".";
    std::vector<Linear> qkv;
    for (const std::string& part : names.qkv) qkv.push_back(linear(base + part));
    std::optional<Linear> gate;
    if (config_.mlp == DecoderConfig::Mlp::gated) gate = linear(base + names.mlp_gate);
    blocks_.emplace_back(Block::Config{.layer = layer,
                                       .heads = config_.heads,
                                       .kv_heads = config_.kv_heads,
                                       .head_dim = config_.head_dim,
                                       .attention_scale = attention_scale(config_, layer),
                                       .activation = config_.activation},
                         norm(base + names.attention_norm), std::move(qkv),
                         linear(base + names.attention_out), norm(base + names.mlp_norm), gate,
                         linear(base + names.mlp_up), linear(base + names.mlp_down), rope);
  }
  final_norm_ = norm(root + names.final_norm);
}

void TrainableDecoder::add_parameters(const Decoder& initial) {
  const std::map<std::string, Tensor> tensors = initial.named_tensors();
  const bool fused = names_of(config_.family).qkv.size() == 1;
  for (const TensorSpec& spec : tensor_specs(config_)) {
    const bool is_vector = spec.role == TensorRole::norm || spec.role == TensorRole::bias;
    Parameter& added =
        parameters_.add(spec.name, tensors.at(spec.name), options_.dtype, !options_.lora, !is_vector);
    if (is_linear(spec.role)) added.parts = spec.role == TensorRole::attention_qkv && fused ? 3 : 1;
  }
}

void TrainableDecoder::add_adapters() {
  const LoraConfig& lora = *options_.lora;
  require(lora.rank > 0, "lora: the rank is ", lora.rank, ", expected at least 1");
  const bool in_out = names_of(config_.family).layout == Linear::Layout::in_out;
  std::vector<bool> used(lora.targets.size(), false);
  std::uint64_t stream = 0;
  for (const TensorSpec& spec : tensor_specs(config_)) {
    if (!is_linear(spec.role)) continue;
    const std::string layer = spec.name.substr(0, spec.name.size() - std::string_view(".weight").size());
    bool chosen = lora.targets.empty();
    for (std::size_t i = 0; i < lora.targets.size(); ++i) {
      if (!ends_with_components(layer, lora.targets[i])) continue;
      chosen = used[i] = true;
    }
    if (!chosen) continue;
    const std::int64_t in = spec.shape[in_out ? 0 : 1], out = spec.shape[in_out ? 1 : 0];
    Tensor a = Tensor::empty({lora.rank, in});
    const Philox random(lora.seed, stream++);
    const double bound = 1.0 / std::sqrt(static_cast<double>(in));
    std::uint64_t index = 0;
    for (float& value : a.data<float>())
      value = static_cast<float>(bound * (2.0 * random.uniform(index++) - 1.0));
    const Tensor b = Tensor::zeros({out, lora.rank});
    parameters_.add(layer + ".lora_A.weight", a.to(device_), options_.dtype, true, true);
    parameters_.add(layer + ".lora_B.weight", b.to(device_), options_.dtype, true, true);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    require(used[i], "lora: no layer is named '", lora.targets[i], "'; a ", to_string(config_.family),
            " model has ", layer_names(names_of(config_.family)));
  }
}

Linear TrainableDecoder::linear(const std::string& name) {
  const auto find = [&](const char* suffix) {
    return parameters_.contains(name + suffix) ? &parameters_.at(name + suffix) : nullptr;
  };
  Adapter adapter;
  if (options_.lora) {
    adapter = {find(".lora_A.weight"), find(".lora_B.weight"),
               static_cast<float>(options_.lora->alpha / static_cast<double>(options_.lora->rank))};
  }
  return Linear(parameters_.at(name + ".weight"), find(".bias"), names_of(config_.family).layout, adapter);
}

Norm TrainableDecoder::norm(const std::string& name) {
  Parameter* beta = config_.norm == nn::Norm::Kind::layer ? &parameters_.at(name + ".bias") : nullptr;
  return Norm(config_.norm, parameters_.at(name + ".weight"), beta, config_.norm_eps);
}

void TrainableDecoder::check(const TokenBatch& batch) const {
  require(batch.targets.size() == batch.ids.size(), "train: ", batch.ids.size(), " tokens have ",
          batch.targets.size(), " targets");
  require(!batch.offsets.empty() && batch.offsets.front() == 0 && batch.offsets.back() == batch.tokens(),
          "train: the documents do not cover the ", batch.tokens(), " tokens");
  for (std::int64_t s = 0; s < batch.documents(); ++s) {
    const std::int64_t length =
        batch.offsets[static_cast<std::size_t>(s) + 1] - batch.offsets[static_cast<std::size_t>(s)];
    require(length > 0 && length <= config_.context, "train: document ", s, " has ", length,
            " tokens, expected 1 to the model's context of ", config_.context);
  }
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    require(batch.ids[i] >= 0 && batch.ids[i] < config_.vocab_size, "train: id ", batch.ids[i], " of token ",
            i, " is outside the vocabulary of ", config_.vocab_size);
    require(batch.targets[i] < config_.vocab_size, "train: target ", batch.targets[i], " of token ", i,
            " is outside the vocabulary of ", config_.vocab_size);
  }
}

template <class T>
Tensor TrainableDecoder::to_tensor(std::span<const T> values) const {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}).to(device_);
}

Pass TrainableDecoder::make_pass(const TokenBatch& batch, float dropout, std::uint64_t seed) const {
  std::vector<std::int32_t> positions;
  positions.reserve(batch.ids.size());
  for (std::size_t s = 1; s < batch.offsets.size(); ++s) {
    for (std::int64_t i = 0; i < batch.offsets[s] - batch.offsets[s - 1]; ++i)
      positions.push_back(static_cast<std::int32_t>(i));
  }
  return {.offsets = batch.offsets,
          .positions = to_tensor<std::int32_t>(positions),
          .dropout = dropout,
          .seed = seed};
}

Tensor TrainableDecoder::embed(const TokenBatch& batch, const Pass& pass) const {
  Tensor x = ops::embedding(token_embedding_->value, to_tensor<std::int32_t>(batch.ids));
  if (position_embedding_ != nullptr)
    x = ops::add(x, ops::embedding(position_embedding_->value, pass.positions));
  return pass.dropout == 0 ? x : ops::dropout(x, pass.dropout, pass.seed, 0);
}

TrainableDecoder::Forward TrainableDecoder::forward(const TokenBatch& batch, const Pass& pass) const {
  Forward result;
  result.x = embed(batch, pass);
  result.saved.reserve(blocks_.size());
  for (const Block& block : blocks_) {
    Block::Saved saved;
    result.x = block.forward(result.x, pass, saved);
    if (options_.checkpoint_activations) {
      const Tensor input = saved.x;
      saved = {};
      saved.x = input;
    }
    result.saved.push_back(std::move(saved));
  }
  return result;
}

std::vector<float> TrainableDecoder::losses(const TokenBatch& batch) const {
  check(batch);
  const Counted counted(batch);
  const Pass pass = make_pass(batch, 0, 0);
  Tensor x = embed(batch, pass);
  for (const Block& block : blocks_) {
    Block::Saved dropped;
    x = block.forward(x, pass, dropped);
  }
  if (!counted.are_all) x = ops::embedding(x, to_tensor<std::int32_t>(counted.rows));
  x = final_norm_->forward(x);
  const Tensor targets = to_tensor<std::int32_t>(counted.targets);
  std::vector<float> values;
  for_each_chunk(counted.size(), config_.vocab_size, [&](std::int64_t begin, std::int64_t end) {
    append(values,
           ops::cross_entropy(logits_of(x.slice(0, begin, end), head_->value), targets.slice(0, begin, end)));
  });
  return spread(values, counted, batch.tokens());
}

std::vector<float> TrainableDecoder::backward(const TokenBatch& batch, float weight, std::uint64_t seed) {
  return backward(batch, weight, {}, seed);
}
std::vector<float> TrainableDecoder::backward(const TokenBatch& batch, const LossGradient& gradient,
                                              std::uint64_t seed) {
  return backward(batch, 0, gradient, seed);
}

std::vector<float> TrainableDecoder::backward(const TokenBatch& batch, float weight,
                                              const LossGradient& gradient, std::uint64_t seed) {
  check(batch);
  const Counted counted(batch);
  if (counted.size() == 0) return std::vector<float>(batch.ids.size(), 0.0f);
  const Pass pass = make_pass(batch, options_.dropout, seed);
  Forward kept = forward(batch, pass);
  const Tensor rows = to_tensor<std::int32_t>(counted.rows),
               targets = to_tensor<std::int32_t>(counted.targets);
  const Tensor last = counted.are_all ? kept.x : ops::embedding(kept.x, rows);  // (n, C)
  const Tensor states = final_norm_->forward(last);

  std::vector<float> values, weights(counted.rows.size(), weight);
  if (gradient) {
    for_each_chunk(counted.size(), config_.vocab_size, [&](std::int64_t begin, std::int64_t end) {
      append(values, ops::cross_entropy(logits_of(states.slice(0, begin, end), head_->value),
                                        targets.slice(0, begin, end)));
    });
    const std::vector<float> all = gradient(spread(values, counted, batch.tokens()));
    require(all.size() == batch.ids.size(), "train: the loss gives ", all.size(), " gradients for ",
            batch.ids.size(), " tokens");
    for (std::size_t i = 0; i < weights.size(); ++i)
      weights[i] = all[static_cast<std::size_t>(counted.rows[i])];
    values.clear();
  }

  Tensor dstates = Tensor::empty(states.shape(), states.dtype(), states.device());
  const Tensor row_weights = to_tensor<float>(weights);
  for_each_chunk(counted.size(), config_.vocab_size, [&](std::int64_t begin, std::int64_t end) {
    const Tensor part = states.slice(0, begin, end);
    const Tensor logits = logits_of(part, head_->value);
    Tensor dlogits =
        part.dtype() == DType::f32 ? logits : Tensor::empty(logits.shape(), part.dtype(), part.device());
    append(values, ops::cross_entropy_backward(dlogits, logits, targets.slice(0, begin, end),
                                               row_weights.slice(0, begin, end)));
    Tensor dpart = dstates.slice(0, begin, end);
    ops::matmul_into(dpart, dlogits, head_->value);
    head_->add_product(dlogits.transpose(0, 1), part);
  });
  Tensor dx = Tensor::zeros(last.shape(), last.dtype(), last.device());
  final_norm_->backward(dx, dstates, last);
  if (!counted.are_all) {  // to the places that the rows came from
    Tensor all = Tensor::zeros(kept.x.shape(), DType::f32, dx.device());
    ops::embedding_backward(all, dx, rows);
    dx = all.to(kept.x.dtype());
  }
  kept.x = {};

  for (std::size_t layer = blocks_.size(); layer-- > 0;) {
    Block::Saved& saved = kept.saved[layer];
    if (options_.checkpoint_activations) {
      const Tensor x = saved.x;
      blocks_[layer].forward(x, pass, saved);
    }
    blocks_[layer].backward(dx, pass, saved);
    saved = {};
  }
  if (pass.dropout != 0) dx = ops::dropout(dx, pass.dropout, pass.seed, 0);
  if (token_embedding_->is_trained())
    ops::embedding_backward(token_embedding_->sum(), dx, to_tensor<std::int32_t>(batch.ids));
  if (position_embedding_ != nullptr && position_embedding_->is_trained())
    ops::embedding_backward(position_embedding_->sum(), dx, pass.positions);
  return spread(values, counted, batch.tokens());
}

std::map<std::string, Tensor> TrainableDecoder::named_tensors() const {
  std::map<std::string, Tensor> tensors;
  for (const TensorSpec& spec : tensor_specs(config_)) tensors[spec.name] = parameters_.at(spec.name).master;
  for (const Block& block : blocks_) {
    for (const Linear* layer : block.linears()) tensors[layer->weight_name()] = layer->merged();
  }
  return tensors;
}

}  // namespace adlib::train
