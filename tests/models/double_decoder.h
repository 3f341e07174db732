// tests/models/double_decoder.h: a whole decoder in double precision, by the formulas, with the codes that
// the library multiplies.
#pragma once

#include "models/golden.h"
#include "support/compare.h"
#include "support/oracle.h"

namespace adlib::test {

/// Weights are what Decoder::named_tensors() gives: numbers, or codes and scales. Before a product with codes
/// the rows of its input become int8 codes by the documented rule, as they do on the CPU; everything else is
/// double.
class DoubleDecoder {
 public:
  using Values = oracle::Values;

  DoubleDecoder(const DecoderConfig& config, std::map<std::string, Tensor> tensors,
                const ops::WeightFormat& format, bool rounds_inputs = true)
      : config_(config),
        names_(names_of(config.family)),
        tensors_(std::move(tensors)),
        format_(format),
        rounds_inputs_(rounds_inputs) {}

  /// (T, V)
  Values logits(const Ids& ids) const {
    Values x = embed(ids);
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) x = block(std::move(x), layer);
    return scores(final_norm(x));
  }
  /// (T, C)
  Values embed(const Ids& ids) const {
    const std::string root = names_.root + ".";
    const Values table = rows_of(root + names_.token_embedding, config_.width, false);
    Values x;
    for (const std::int32_t id : ids) {
      const auto row = table.begin() + static_cast<std::ptrdiff_t>(id) * config_.width;
      x.insert(x.end(), row, row + config_.width);
    }
    if (config_.positions == DecoderConfig::Positions::learned) {
      const Values positions = doubles(tensors_.at(root + names_.position_embedding + ".weight"));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += positions[i];
    }
    return x;
  }
  /// One block. (T, C) -> (T, C)
  Values block(Values x, std::int64_t layer) const {
    const std::string base = names_.root + "." + names_.layer + "." + std::to_string(layer) + ".";
    const std::size_t rows = x.size() / size(config_.width);
    add(x, product(attend(norm(x, base + names_.attention_norm), base, layer, rows),
                   base + names_.attention_out, rows));
    const Values normed = norm(x, base + names_.mlp_norm);
    Values inner = product(normed, base + names_.mlp_up, rows);
    if (config_.mlp == DecoderConfig::Mlp::gated) {
      const Values gate = product(normed, base + names_.mlp_gate, rows);
      for (std::size_t i = 0; i < inner.size(); ++i)
        inner[i] *= oracle::activate(gate[i], ops::Activation::silu);
    } else {
      for (double& value : inner) value = oracle::activate(value, config_.activation);
    }
    add(x, product(inner, base + names_.mlp_down, rows));
    return x;
  }
  Values final_norm(const Values& x) const { return norm(x, names_.root + "." + names_.final_norm); }
  /// From the output of the final norm. (T, C) -> (T, V)
  Values scores(const Values& x) const {
    const std::string table =
        config_.tied_embeddings ? names_.root + "." + names_.token_embedding : names_.head;
    return product(x, table, x.size() / size(config_.width), /*in_out=*/false);
  }

  /// x·wᵀ + bias of the product `name`, with the codes that the rows of x become. (rows, K) -> (rows, N)
  Values product(Values x, const std::string& name, std::size_t rows, bool in_out) const {
    const std::size_t k = x.size() / rows;
    if (rounds_inputs_ && quantized(name)) {
      const std::int64_t group = group_of(name);
      for (std::size_t i = 0; i < rows; ++i) round_row(&x[i * k], k, group > 0 ? size(group) : 128);
    }
    Values columns(x.size());  // xᵀ (K, rows), whose rows are summed at once
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < k; ++j) columns[j * rows + i] = x[i * k + j];
    }
    const Values w = rows_of(name, static_cast<std::int64_t>(k), in_out);
    const std::size_t n = w.size() / k;
    const auto bias = tensors_.find(name + ".bias");
    const Values offsets = bias == tensors_.end() ? Values(n, 0.0) : doubles(bias->second);
    Values out(rows * n), sums(rows);
    for (std::size_t o = 0; o < n; ++o) {
      std::fill(sums.begin(), sums.end(), offsets[o]);
      for (std::size_t j = 0; j < k; ++j) {
        const double weight = w[o * k + j];
        const double* column = &columns[j * rows];
        for (std::size_t i = 0; i < rows; ++i) sums[i] += weight * column[i];
      }
      for (std::size_t i = 0; i < rows; ++i) out[i * n + o] = sums[i];
    }
    return out;
  }

 private:
  static std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
  static void add(Values& x, const Values& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  bool quantized(const std::string& name) const { return tensors_.contains(name + ".weight_scale"); }
  // A quantised weight of few inputs has one scale whatever the group, which therefore comes from the format.
  std::int64_t group_of(const std::string& name) const {
    const bool int8 = tensors_.at(name + ".weight").dtype() == DType::i8;
    return int8 && format_.type == ops::WeightFormat::Type::i4 ? 0 : format_.group;
  }

  // The weight `name` as (N, K) numbers.
  Values rows_of(const std::string& name, std::int64_t inputs, bool in_out) const {
    const Tensor& weight = tensors_.at(name + ".weight");
    const Values numbers = doubles(in_out && !quantized(name) ? weight.transpose(0, 1) : weight);
    if (!quantized(name)) return numbers;
    const Values scales = doubles(tensors_.at(name + ".weight_scale"));
    const std::size_t n = size(weight.size(0)), k = size(inputs), stored = size(weight.size(1));
    const std::size_t groups = scales.size() / n;
    const std::size_t group = group_of(name) > 0 ? size(group_of(name)) : k;
    Values out(n * k);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < k; ++j) {
        double code = 0;
        if (weight.dtype() == DType::i8) {
          code = numbers[i * stored + j];
        } else {
          const auto byte = static_cast<int>(numbers[i * stored + j / 2]);
          code = (j % 2 == 0 ? byte % 16 : byte / 16) - 8;
        }
        out[i * k + j] = code * scales[i * groups + j / group];
      }
    }
    return out;
  }

  // The codes that a row becomes, as numbers. The arithmetic that chooses them is in float: it is part of the
  // definition.
  static void round_row(double* row, std::size_t k, std::size_t group) {
    for (std::size_t first = 0; first < k; first += group) {
      const std::size_t end = std::min(k, first + group);
      float largest = 0;
      for (std::size_t i = first; i < end; ++i)
        largest = std::max(largest, std::fabs(static_cast<float>(row[i])));
      const float inverse = largest < 1e-30f ? 0.0f : 127.0f / largest;
      for (std::size_t i = first; i < end; ++i) {
        row[i] = static_cast<double>(std::nearbyint(static_cast<float>(row[i]) * inverse)) *
                 static_cast<double>(largest / 127.0f);
      }
    }
  }

  Values product(const Values& x, const std::string& name, std::size_t rows) const {
    return product(x, name, rows, names_.layout == nn::Linear::Layout::in_out);
  }

  Values norm(const Values& x, const std::string& name) const {
    const Values gamma = doubles(tensors_.at(name + ".weight"));
    if (config_.norm == nn::Norm::Kind::rms) return oracle::rms_norm(x, gamma, config_.norm_eps);
    return oracle::layer_norm(x, gamma, doubles(tensors_.at(name + ".bias")), config_.norm_eps);
  }

  // Heads [first, first + count) of qkv (T, stride) as (H, T, D), rotated when `rotate`.
  Values heads_of(const Values& qkv, std::size_t stride, std::size_t first, std::size_t count,
                  std::size_t rows, bool rotate) const {
    const std::size_t d = size(config_.head_dim), half = size(config_.rope.rotary_dim / 2);
    Values out;
    for (std::size_t h = 0; h < count; ++h) {
      for (std::size_t t = 0; t < rows; ++t) {
        const double* head = &qkv[t * stride + first + h * d];
        out.insert(out.end(), head, head + d);
        if (!rotate) continue;
        const std::vector<double> frequencies = nn::rope_frequencies(config_.rope);
        double* y = &out[out.size() - d];
        for (std::size_t i = 0; i < half; ++i) {
          const double angle = static_cast<double>(t) * frequencies[i];
          y[i] = head[i] * std::cos(angle) - head[i + half] * std::sin(angle);
          y[i + half] = head[i + half] * std::cos(angle) + head[i] * std::sin(angle);
        }
      }
    }
    return out;
  }

  // (T, C) -> (T, H D)
  Values attend(const Values& x, const std::string& base, std::int64_t layer, std::size_t rows) const {
    const DecoderConfig& c = config_;
    const std::size_t heads = size(c.heads), kv_heads = size(c.kv_heads), d = size(c.head_dim);
    const bool rotate = c.positions == DecoderConfig::Positions::rope;
    Values q, k, v;
    if (names_.qkv.size() == 1) {
      const Values qkv = product(x, base + names_.qkv[0], rows);
      const std::size_t stride = (heads + 2 * kv_heads) * d;
      q = heads_of(qkv, stride, 0, heads, rows, rotate);
      k = heads_of(qkv, stride, heads * d, kv_heads, rows, rotate);
      v = heads_of(qkv, stride, (heads + kv_heads) * d, kv_heads, rows, false);
    } else {
      q = heads_of(product(x, base + names_.qkv[0], rows), heads * d, 0, heads, rows, rotate);
      k = heads_of(product(x, base + names_.qkv[1], rows), kv_heads * d, 0, kv_heads, rows, rotate);
      v = heads_of(product(x, base + names_.qkv[2], rows), kv_heads * d, 0, kv_heads, rows, false);
    }
    double scale = c.scale_attention ? 1 / std::sqrt(static_cast<double>(c.head_dim)) : 1.0;
    if (c.scale_attention_by_inverse_layer) scale /= static_cast<double>(layer + 1);
    const Values mixed = oracle::attention(q, k, v,
                                           {.heads = heads,
                                            .kv_heads = kv_heads,
                                            .rows = rows,
                                            .keys = rows,
                                            .head_dim = d,
                                            .value_dim = d,
                                            .scale = scale,
                                            .causal = true},
                                           oracle::no_mask);
    Values out(mixed.size());
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t t = 0; t < rows; ++t) {
        for (std::size_t i = 0; i < d; ++i) out[t * heads * d + h * d + i] = mixed[(h * rows + t) * d + i];
      }
    }
    return out;
  }

  DecoderConfig config_;
  const DecoderNames& names_;
  std::map<std::string, Tensor> tensors_;
  ops::WeightFormat format_;
  bool rounds_inputs_;
};

}  // namespace adlib::test
