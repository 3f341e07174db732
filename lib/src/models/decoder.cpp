#include "adlib/models/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "adlib/core/random.h"
#include "adlib/models/checkpoint.h"
#include "adlib/models/gpt2.h"
#include "adlib/models/llama.h"
#include "models/tied_head.h"

namespace adlib {
namespace {

std::string layer_name(const DecoderNames& names, std::int64_t layer) {
  return names.layer + "." + std::to_string(layer);
}

// Checkpoints of the bare model ("GPT2Model") lack the prefix that those with a head carry.
Weights root_scope(const DecoderConfig& config, const Weights& weights) {
  const DecoderNames& names = names_of(config.family);
  const bool prefixed = weights.contains(names.root + "." + names.token_embedding + ".weight");
  return prefixed ? weights.scope(names.root) : weights;
}

// Widths of the parts of the fused query, key and value product, in the order of `names.qkv`.
std::vector<std::int64_t> qkv_widths(const DecoderConfig& config, const DecoderNames& names) {
  const std::int64_t queries = config.heads * config.head_dim;
  const std::int64_t keys = config.kv_heads * config.head_dim;
  if (names.qkv.size() == 1) return {queries + 2 * keys};
  return {queries, keys, keys};
}

nn::Attention make_attention(const DecoderConfig& config, const DecoderNames& names, const Weights& w,
                             std::int64_t layer, const std::optional<nn::Rope>& rope) {
  const std::vector<std::int64_t> widths = qkv_widths(config, names);
  std::vector<nn::Linear> parts;
  for (std::size_t i = 0; i < names.qkv.size(); ++i) {
    parts.emplace_back(w.scope(names.qkv[i]), config.width, widths[i], names.layout, config.qkv_bias);
    if (parts[i].format() != parts[0].format()) {
      fail(ErrorCode::bad_format, w.origin(), ": tensor '", w.full_name(names.qkv[i]), ".weight' is ",
           to_string(parts[i].format()), ", but '", w.full_name(names.qkv[0]), ".weight' is ",
           to_string(parts[0].format()), "; parts of one product are quantised alike");
    }
  }
  nn::Linear out(w.scope(names.attention_out), config.heads * config.head_dim, config.width, names.layout,
                 config.attention_out_bias);
  return nn::Attention({.heads = config.heads,
                        .kv_heads = config.kv_heads,
                        .head_dim = config.head_dim,
                        .scale = attention_scale(config, layer)},
                       nn::Linear::fuse(parts), std::move(out), layer, rope);
}

nn::Mlp make_mlp(const DecoderConfig& config, const DecoderNames& names, const Weights& w) {
  nn::Linear up(w.scope(names.mlp_up), config.width, config.mlp_width, names.layout, config.mlp_bias);
  nn::Linear down(w.scope(names.mlp_down), config.mlp_width, config.width, names.layout, config.mlp_bias);
  if (config.mlp == DecoderConfig::Mlp::plain)
    return nn::Mlp(std::move(up), std::move(down), config.activation);
  nn::Linear gate(w.scope(names.mlp_gate), config.width, config.mlp_width, names.layout, config.mlp_bias);
  return nn::Mlp(std::move(gate), std::move(up), std::move(down));
}

// Throws when the weight of a product came quantised in another format than was asked for.
void expect_format(const Weights& w, const std::string& name, const ops::WeightFormat& got,
                   const ops::WeightFormat& expected) {
  if (expected == ops::WeightFormat{} || got == expected) return;
  fail(ErrorCode::bad_format, w.origin(), ": tensor '", w.full_name(name), ".weight' is quantised as ",
       to_string(got), ", expected ", to_string(expected),
       "; codes cannot change their format: quantise the checkpoint that they were made from");
}

void expect_format(const DecoderNames& names, const Weights& w, const nn::Block& block,
                   const ops::WeightFormat& expected) {
  const nn::Mlp& mlp = block.mlp();
  expect_format(w, names.qkv[0], block.attention().qkv().format(), expected);
  expect_format(w, names.attention_out, block.attention().out().format(), expected);
  if (mlp.gate()) expect_format(w, names.mlp_gate, mlp.gate()->format(), expected);
  expect_format(w, names.mlp_up, mlp.up().format(), expected);
  expect_format(w, names.mlp_down, mlp.down().format(), expected);
}

}  // namespace

void models::take_tied_copy(const DecoderConfig& config, const Weights& weights, const Tensor& table) {
  const DecoderNames& names = names_of(config.family);
  const Weights head = weights.scope(names.head);
  if (!head.contains("weight")) return;
  const Tensor copy = head.take("weight", table.shape()).to(Device::cpu).contiguous();
  const Tensor original = table.to(Device::cpu).contiguous();
  const auto bytes = static_cast<std::size_t>(copy.numel()) * size_of(copy.dtype());
  if (copy.dtype() == original.dtype() && std::memcmp(copy.raw(), original.raw(), bytes) == 0) return;
  fail(ErrorCode::bad_format, weights.origin(), ": ", names.head, ".weight differs from ",
       names.token_embedding, ".weight, but the configuration ties them; ",
       "if the model has a head of its own, set tie_word_embeddings to false in config.json");
}

std::string_view to_string(DecoderConfig::Family family) {
  switch (family) {
    case DecoderConfig::Family::gpt2:
      return "gpt2";
    case DecoderConfig::Family::llama:
      return "llama";
    case DecoderConfig::Family::qwen2:
      return "qwen2";
  }
  return "unknown";
}

const DecoderNames& names_of(DecoderConfig::Family family) {
  return family == DecoderConfig::Family::gpt2 ? models::gpt2_names() : models::llama_names();
}

float attention_scale(const DecoderConfig& config, std::int64_t layer) {
  double scale = config.scale_attention ? 1.0 / std::sqrt(static_cast<double>(config.head_dim)) : 1.0;
  if (config.scale_attention_by_inverse_layer) scale /= static_cast<double>(layer + 1);
  return static_cast<float>(scale);
}

std::int64_t parameter_count(const DecoderConfig& c) {
  const std::int64_t qkv_out = (c.heads + 2 * c.kv_heads) * c.head_dim;
  const std::int64_t attention_in = c.heads * c.head_dim;
  const std::int64_t norm = c.width * (c.norm == nn::Norm::Kind::layer ? 2 : 1);
  const std::int64_t ups = c.mlp == DecoderConfig::Mlp::gated ? 2 : 1;
  const std::int64_t attention = c.width * qkv_out + (c.qkv_bias ? qkv_out : 0) + attention_in * c.width +
                                 (c.attention_out_bias ? c.width : 0);
  const std::int64_t mlp = (ups + 1) * c.width * c.mlp_width + (c.mlp_bias ? ups * c.mlp_width + c.width : 0);
  const std::int64_t embeddings =
      c.vocab_size * c.width * (c.tied_embeddings ? 1 : 2) +
      (c.positions == DecoderConfig::Positions::learned ? c.context * c.width : 0);
  return embeddings + c.layers * (2 * norm + attention + mlp) + norm;
}

void validate(const DecoderConfig& c) {
  const auto positive = [](const char* name, std::int64_t value) {
    require(value > 0, "config: ", name, " is ", value, ", expected a positive number");
  };
  positive("vocab_size", c.vocab_size);
  positive("context", c.context);
  positive("width", c.width);
  positive("layers", c.layers);
  positive("heads", c.heads);
  positive("kv_heads", c.kv_heads);
  positive("head_dim", c.head_dim);
  positive("mlp_width", c.mlp_width);
  require(c.heads % c.kv_heads == 0, "config: ", c.heads, " heads do not divide by ", c.kv_heads,
          " key/value heads");
  require(c.norm_eps > 0 && c.norm_eps < 1, "config: the norm's epsilon is ", c.norm_eps,
          ", expected a number between 0 and 1");
  if (names_of(c.family).qkv.size() == 1) {
    require(c.kv_heads == c.heads && c.head_dim * c.heads == c.width, "config: ", to_string(c.family),
            " needs as many key/value heads as heads, and heads x head_dim equal to the width; got ", c.heads,
            ", ", c.kv_heads, ", ", c.head_dim, " and width ", c.width);
  }
  if (c.positions == DecoderConfig::Positions::rope) {
    require(c.rope.rotary_dim > 0 && c.rope.rotary_dim % 2 == 0 && c.rope.rotary_dim <= c.head_dim,
            "config: the rotary dimension is ", c.rope.rotary_dim,
            ", expected an even number up to the head's ", c.head_dim);
    require(c.rope.theta > 1.0, "config: rope theta is ", c.rope.theta, ", expected more than 1");
    require(c.rope.factor > 0.0, "config: the rope factor is ", c.rope.factor,
            ", expected a positive number");
    const bool needs_original =
        c.rope.scaling == nn::RopeConfig::Scaling::llama3 || c.rope.scaling == nn::RopeConfig::Scaling::yarn;
    require(!needs_original || c.rope.original_context > 0,
            "config: this rope scaling needs the original context");
    require(
        c.rope.scaling != nn::RopeConfig::Scaling::llama3 || c.rope.high_freq_factor > c.rope.low_freq_factor,
        "config: rope high_freq_factor ", c.rope.high_freq_factor, " must exceed low_freq_factor ",
        c.rope.low_freq_factor);
  }
}

ops::WeightFormat head_format(const ops::WeightFormat& format) {
  if (format.type == ops::WeightFormat::Type::i4) return {.type = ops::WeightFormat::Type::i8};
  return format;
}

WeightFormats WeightFormats::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  WeightFormats formats = ops::WeightFormat::parse(text.substr(0, slash));
  if (slash == text.npos) return formats;
  formats.head = ops::WeightFormat::parse(text.substr(slash + 1));
  const bool head_quantized = formats.head.type >= ops::WeightFormat::Type::i8;
  require(formats.quantized() == head_quantized, "weight format '", text,
          "': either both parts are quantised or none is");
  return formats;
}

std::string to_string(const WeightFormats& formats) {
  const std::string blocks = to_string(formats.blocks);
  if (formats.head == head_format(formats.blocks)) return blocks;
  return blocks + "/" + to_string(formats.head);
}

namespace {

// The dtype that all floating tensors share, but scales.
DType common_dtype(const DecoderConfig& config, const Weights& weights) {
  std::optional<DType> dtype;
  std::string first;
  for (const std::string& name : weights.names()) {
    if (is_known_extra(config, name) || name.ends_with(".weight_scale")) continue;
    const DType own = weights.dtype_of(name);
    if (!is_floating(own)) continue;
    if (!dtype) dtype = own, first = name;
    require(own == *dtype, weights.origin(), ": tensor '", name, "' is ", own, " but '", first, "' is ",
            *dtype, "; load the weights with one dtype");
  }
  require(dtype && *dtype != DType::f64, weights.origin(), ": the weights are ",
          dtype ? "f64" : "not floating-point", ", expected f32, f16 or bf16; load them with a dtype");
  return *dtype;
}

}  // namespace

Decoder::Decoder(const DecoderConfig& config, const Weights& weights, const WeightFormats& formats)
    : config_((validate(config), config)),
      token_embedding_(root_scope(config, weights).scope(names_of(config.family).token_embedding),
                       config.vocab_size, config.width),
      dtype_(common_dtype(config, weights)) {
  const DecoderNames& names = names_of(config.family);
  const Weights root = root_scope(config, weights);
  if (!config.tied_embeddings) {
    head_.emplace(weights.scope(names.head), config.width, config.vocab_size, nn::Linear::Layout::out_in,
                  false);
  } else if (!token_embedding_.is_quantized()) {
    models::take_tied_copy(config, weights, token_embedding_.table());
  }
  final_norm_.emplace(config.norm, root.scope(names.final_norm), config.width, config.norm_eps);
  device_ = final_norm_->device();
  // Each part is packed as soon as it is read, so that never more than one stands in memory twice.
  const auto packed = [&] { weights.release_pages(); };
  token_embedding_.pack(formats.head);
  expect_format(root, names.token_embedding, token_embedding_.format(), formats.head);
  if (head_) {
    head_->pack(formats.head);
    expect_format(weights, names.head, head_->format(), formats.head);
  }
  packed();

  std::optional<nn::Rope> rope;
  if (config.positions == DecoderConfig::Positions::learned) {
    position_embedding_.emplace(root.scope(names.position_embedding), config.context, config.width);
  } else {
    rope.emplace(config.rope, config.context, device_);
  }
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const Weights w = root.scope(layer_name(names, layer));
    blocks_.emplace_back(nn::Norm(config.norm, w.scope(names.attention_norm), config.width, config.norm_eps),
                         make_attention(config, names, w, layer, rope),
                         nn::Norm(config.norm, w.scope(names.mlp_norm), config.width, config.norm_eps),
                         make_mlp(config, names, w));
    blocks_.back().pack(formats.blocks);
    expect_format(names, w, blocks_.back(), formats.blocks);
    packed();
  }
  weights.expect_all_taken([&](std::string_view name) { return is_known_extra(config, name); });
}

WeightFormats Decoder::formats() const { return {blocks_[0].mlp().up().format(), token_embedding_.format()}; }

std::int64_t Decoder::weight_bytes() const {
  std::int64_t bytes = head_ ? head_->packed_bytes() : token_embedding_.packed_bytes();
  for (const nn::Block& block : blocks_) {
    const nn::Mlp& mlp = block.mlp();
    bytes += block.attention().qkv().packed_bytes() + block.attention().out().packed_bytes() +
             mlp.up().packed_bytes() + mlp.down().packed_bytes() +
             (mlp.gate() ? mlp.gate()->packed_bytes() : 0);
  }
  return bytes;
}

Cache Decoder::make_cache(std::int64_t sequences, std::int64_t capacity, std::optional<DType> dtype,
                          std::int64_t pages) const {
  require(capacity <= config_.context, "cache: a capacity of ", capacity, " exceeds the model's context of ",
          config_.context);
  return Cache({.layers = config_.layers,
                .kv_heads = config_.kv_heads,
                .head_dim = config_.head_dim,
                .dtype = dtype.value_or(formats().quantized() ? DType::f16 : dtype_),
                .device = device_},
               sequences, capacity != 0 ? capacity : config_.context, pages);
}

void Decoder::check(const Batch& batch, const Cache& cache) const {
  require(batch.ids.defined() && batch.ids.rank() == 1 && batch.ids.dtype() == DType::i32,
          "decoder: ids are ", batch.ids.describe(), ", expected (N) i32");
  if (batch.ids.device() == Device::cpu) {
    const Tensor ids = batch.ids.contiguous();
    for (const std::int32_t id : ids.data<std::int32_t>())
      require(id >= 0 && id < config_.vocab_size, "decoder: id ", id, " is outside the vocabulary of ",
              config_.vocab_size);
  }
  std::int64_t tokens = 0;
  std::set<std::int64_t> seen;
  for (const Row& row : batch.rows) {
    require(row.length > 0, "decoder: a row of sequence ", row.sequence, " has length ", row.length);
    require(row.sequence >= 0 && row.sequence < cache.sequences(), "decoder: sequence ", row.sequence,
            " is outside the cache's ", cache.sequences());
    require(seen.insert(row.sequence).second, "decoder: sequence ", row.sequence,
            " stands in two rows of one batch");
    require(row.start <= config_.context && row.length <= config_.context - row.start,
            "decoder: ", row.length, " tokens of sequence ", row.sequence, " from position ", row.start,
            " on do not fit; the model's context is ", config_.context);
    tokens += row.length;
  }
  cache.check_extend(batch.rows);
  require(tokens == batch.ids.numel(), "decoder: the rows hold ", tokens, " tokens, ids ", batch.ids.numel());
}

Tensor Decoder::hidden(const Batch& batch, Cache& cache, const LayerObserver& observer) const {
  check(batch, cache);
  // What can fail comes before the cache changes: a batch that is refused leaves it as it was.
  Tensor x = token_embedding_(batch.ids.to(device_), dtype_);  // (N, C)
  Tensor positions = Tensor::empty({batch.ids.numel()}, DType::i32);
  std::int32_t* next = positions.data<std::int32_t>().data();
  cache.extend(batch.rows);
  for (const Row& row : batch.rows) {
    for (std::int64_t i = 0; i < row.length; ++i) *next++ = static_cast<std::int32_t>(row.start + i);
  }
  positions = positions.to(device_);
  const nn::Step step{.rows = batch.rows, .positions = positions, .cache = &cache};

  if (position_embedding_) x = ops::add(x, (*position_embedding_)(positions, dtype_));
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    if (observer) observer(static_cast<std::int64_t>(layer), x);
    x = blocks_[layer](x, step);
  }
  x = (*final_norm_)(x);
  if (observer) observer(config_.layers, x);
  return x;
}

Tensor Decoder::logits(const Tensor& hidden, std::span<const std::int32_t> at) const {
  require(hidden.rank() == 2 && hidden.size(1) == config_.width, "logits: hidden is ", hidden.describe(),
          ", expected (N, ", config_.width, ")");
  const Tensor rows = Tensor::from(at, {static_cast<std::int64_t>(at.size())}).to(device_);
  const Tensor chosen = ops::embedding(hidden, rows);  // gathers rows, as for any table
  return head_ ? (*head_)(chosen) : token_embedding_.logits(chosen);
}

Tensor Decoder::forward(const Tensor& ids) const {
  require(ids.defined() && ids.rank() == 2, "forward: ids are ", ids.describe(), ", expected (B, T) i32");
  const std::int64_t batch = ids.size(0);
  const std::int64_t length = ids.size(1);
  require(batch > 0 && length > 0, "forward: ids are ", ids.describe(), ", expected at least one token");
  std::vector<Row> rows;
  for (std::int64_t b = 0; b < batch; ++b) rows.push_back({.sequence = b, .start = 0, .length = length});
  std::vector<std::int32_t> all(static_cast<std::size_t>(batch * length));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  require(length <= config_.context, "forward: ", length, " tokens exceed the model's context of ",
          config_.context);
  Cache cache = make_cache(batch, length, dtype_);
  const Tensor states = hidden({.ids = ids.contiguous().view({batch * length}), .rows = rows}, cache);
  return logits(states, all).view({batch, length, config_.vocab_size});
}

std::map<std::string, Tensor> Decoder::named_tensors() const {
  const DecoderNames& names = names_of(config_.family);
  const std::string root = names.root + ".";
  std::map<std::string, Tensor> tensors;
  token_embedding_.collect(tensors, root + names.token_embedding);
  if (position_embedding_) position_embedding_->collect(tensors, root + names.position_embedding);
  const std::vector<std::int64_t> widths = qkv_widths(config_, names);
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    const nn::Block& block = blocks_[static_cast<std::size_t>(layer)];
    const std::string base = root + layer_name(names, layer) + ".";
    block.attention_norm().collect(tensors, base + names.attention_norm);
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < names.qkv.size(); ++i) {
      block.attention().qkv().collect(tensors, base + names.qkv[i], begin, begin + widths[i]);
      begin += widths[i];
    }
    block.attention().out().collect(tensors, base + names.attention_out);
    block.mlp_norm().collect(tensors, base + names.mlp_norm);
    if (block.mlp().gate()) block.mlp().gate()->collect(tensors, base + names.mlp_gate);
    block.mlp().up().collect(tensors, base + names.mlp_up);
    block.mlp().down().collect(tensors, base + names.mlp_down);
  }
  final_norm_->collect(tensors, root + names.final_norm);
  if (head_) head_->collect(tensors, names.head);
  return tensors;
}

}  // namespace adlib
