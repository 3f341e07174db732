// What the bound of numbers_test.cpp catches: each case breaks one thing that implementations get wrong, by
// giving the decoder a changed configuration or changed weights, and measures how far that moves the results.
// The table is in docs/models.md, which the last case compares with what it measures.
#include <cstdlib>
#include <functional>

#include "adlib/core/random.h"
#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

namespace {

using Tensors = std::map<std::string, Tensor>;

struct Mutation {
  std::string what;
  std::string golden;
  std::function<void(DecoderConfig&, Tensors&)> apply;
};

// ---- Changes to weights
// --------------------------------------------------------------------------------------------

void fill(Tensors& tensors, const std::string& suffix, float value) {
  int changed = 0;
  for (auto& [name, tensor] : tensors) {
    if (!name.ends_with(suffix)) continue;
    auto values = tensor.data<float>();
    std::fill(values.begin(), values.end(), value);
    ++changed;
  }
  REQUIRE(changed > 0);
}

/// out[i] = in[source[i]] along `dim`.
Tensor permuted(const Tensor& in, int dim, const std::vector<std::int64_t>& source) {
  std::vector<Tensor> parts;
  for (const std::int64_t i : source) parts.push_back(in.slice(dim, i, i + 1));
  return ops::concatenate(parts, dim);
}

void permute(Tensors& tensors, const std::string& suffix, int dim, const std::vector<std::int64_t>& source) {
  int changed = 0;
  for (auto& [name, tensor] : tensors) {
    if (!name.ends_with(suffix)) continue;
    tensor = permuted(tensor, dim, source);
    ++changed;
  }
  REQUIRE(changed > 0);
}

/// Reads the three parts of c_attn's output in another order.
void reorder_qkv(const DecoderConfig& config, Tensors& tensors, const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> source;
  for (const std::int64_t part : order)
    for (std::int64_t i = 0; i < config.width; ++i) source.push_back(part * config.width + i);
  permute(tensors, "attn.c_attn.weight", 1, source);
  permute(tensors, "attn.c_attn.bias", 0, source);
}

void transpose(Tensors& tensors, const std::string& suffix) {
  int changed = 0;
  for (auto& [name, tensor] : tensors) {
    if (!name.ends_with(suffix)) continue;
    REQUIRE(tensor.size(0) == tensor.size(1));
    tensor = tensor.transpose(0, 1).contiguous();
    ++changed;
  }
  REQUIRE(changed > 0);
}

/// Rotating pairs (2i, 2i + 1) of these weights is rotating (i, i + D/2) of weights whose rows are parted so.
void interleave_rope(const DecoderConfig& config, Tensors& tensors) {
  const auto rows_of = [&](std::int64_t heads) {
    std::vector<std::int64_t> source;
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t i = 0; i < config.head_dim; ++i)
        source.push_back(head * config.head_dim + 2 * (i % (config.head_dim / 2)) +
                         i / (config.head_dim / 2));
    return source;
  };
  permute(tensors, "q_proj.weight", 0, rows_of(config.heads));
  permute(tensors, "k_proj.weight", 0, rows_of(config.kv_heads));
}

/// Head h reads key head h % Hkv where it should read h / (H / Hkv): heads change places on both sides of
/// attention.
void wrong_group(const DecoderConfig& config, Tensors& tensors) {
  std::vector<std::int64_t> source;
  const std::int64_t group = config.heads / config.kv_heads;
  for (std::int64_t slot = 0; slot < config.heads; ++slot) {
    const std::int64_t head = slot / group + slot % group * config.kv_heads;
    for (std::int64_t i = 0; i < config.head_dim; ++i) source.push_back(head * config.head_dim + i);
  }
  permute(tensors, "q_proj.weight", 0, source);
  if (config.qkv_bias) permute(tensors, "q_proj.bias", 0, source);
  permute(tensors, "o_proj.weight", 1, source);
}

std::vector<std::int64_t> shifted_by_one(std::int64_t rows) {
  std::vector<std::int64_t> source;
  for (std::int64_t i = 0; i < rows; ++i) source.push_back(std::min(i + 1, rows - 1));
  return source;
}

/// A head of its own, drawn as the embedding was, for a model that ties it.
void untie(DecoderConfig& config, Tensors& tensors) {
  config.tied_embeddings = false;
  const Philox random(1);
  Tensor head = Tensor::empty({config.vocab_size, config.width});
  std::uint64_t index = 0;
  for (float& value : head.data<float>()) value = static_cast<float>(0.15 * random.normal(index++));
  tensors["lm_head.weight"] = head;
}

// ---- The table
// -----------------------------------------------------------------------------------------------------

const std::vector<Mutation>& mutations() {
  using C = DecoderConfig;
  using T = Tensors;
  const std::string gpt2 = "gpt2-d32-square";
  static const std::vector<Mutation> all{
      {"no bias of c_attn", gpt2, [](C&, T& t) { fill(t, "attn.c_attn.bias", 0); }},
      {"no bias of attn.c_proj", gpt2, [](C&, T& t) { fill(t, "attn.c_proj.bias", 0); }},
      {"no bias of mlp.c_fc", gpt2, [](C&, T& t) { fill(t, "mlp.c_fc.bias", 0); }},
      {"no bias of mlp.c_proj", gpt2, [](C&, T& t) { fill(t, "mlp.c_proj.bias", 0); }},
      {"no offset of ln_1", gpt2, [](C&, T& t) { fill(t, "ln_1.bias", 0); }},
      {"no offset of ln_f", gpt2, [](C&, T& t) { fill(t, "ln_f.bias", 0); }},
      {"gains of ln_2 left at 1", gpt2, [](C&, T& t) { fill(t, "ln_2.weight", 1); }},
      {"erf for tanh GELU", gpt2, [](C& c, T&) { c.activation = ops::Activation::gelu_erf; }},
      {"tanh for erf GELU", "gpt2-erf-inverse-layer",
       [](C& c, T&) { c.activation = ops::Activation::gelu_tanh; }},
      {"layer norm eps 1e-5 for 1e-6", gpt2, [](C& c, T&) { c.norm_eps = 1e-5f; }},
      {"RMS norm eps 1e-5 for 1e-6", "llama3-scaled", [](C& c, T&) { c.norm_eps = 1e-5f; }},
      {"no 1/sqrt(d)", gpt2, [](C& c, T&) { c.scale_attention = false; }},
      {"1/sqrt(d) where there is none", "gpt2-relu-unscaled", [](C& c, T&) { c.scale_attention = true; }},
      {"no scale by layer", "gpt2-erf-inverse-layer",
       [](C& c, T&) { c.scale_attention_by_inverse_layer = false; }},
      {"q and k swapped", gpt2,
       [](C& c, T& t) {
         reorder_qkv(c, t, {1, 0, 2});
       }},
      {"k and v swapped", gpt2,
       [](C& c, T& t) {
         reorder_qkv(c, t, {0, 2, 1});
       }},
      {"q and v swapped", gpt2,
       [](C& c, T& t) {
         reorder_qkv(c, t, {2, 1, 0});
       }},
      {"positions off by one", gpt2,
       [](C& c, T& t) { permute(t, "wpe.weight", 0, shifted_by_one(c.context)); }},
      {"attn.c_proj not transposed", gpt2, [](C&, T& t) { transpose(t, "attn.c_proj.weight"); }},
      {"mlp.c_fc not transposed", gpt2, [](C&, T& t) { transpose(t, "mlp.c_fc.weight"); }},
      {"mlp.c_proj not transposed", gpt2, [](C&, T& t) { transpose(t, "mlp.c_proj.weight"); }},
      {"untied head", gpt2, untie},
      {"tied where the head is its own", "gpt2-d64-untied-f16",
       [](C& c, T& t) {
         c.tied_embeddings = true;
         t.erase("lm_head.weight");
       }},
      {"no bias of q", "qwen2", [](C&, T& t) { fill(t, "q_proj.bias", 0); }},
      {"no bias of k", "qwen2", [](C&, T& t) { fill(t, "k_proj.bias", 0); }},
      {"no bias of v", "qwen2", [](C&, T& t) { fill(t, "v_proj.bias", 0); }},
      {"no bias of o", "llama3-wide-biased", [](C&, T& t) { fill(t, "o_proj.bias", 0); }},
      {"no bias of gate", "llama3-wide-biased", [](C&, T& t) { fill(t, "gate_proj.bias", 0); }},
      {"RoPE interleaved for halves", "llama2", [](C& c, T& t) { interleave_rope(c, t); }},
      {"key heads by h mod Hkv", "llama3-scaled", [](C& c, T& t) { wrong_group(c, t); }},
      {"llama3 scaling left out", "llama3-scaled",
       [](C& c, T&) { c.rope.scaling = nn::RopeConfig::Scaling::none; }},
      {"linear scaling left out", "llama-linear-bf16",
       [](C& c, T&) { c.rope.scaling = nn::RopeConfig::Scaling::none; }},
      {"yarn's gain left out", "qwen2-yarn-f16", [](C& c, T&) { c.rope.attention_factor = 1.0; }},
      {"yarn's ramp as linear", "qwen2-yarn-f16",
       [](C& c, T&) {
         c.rope.beta_fast = 1e6;  // every dimension turns less often than that: all are interpolated
         c.rope.beta_slow = 0.9e6;
       }},
      {"RoPE theta 1e4 for 1e6", "qwen2", [](C& c, T&) { c.rope.theta = 1e4; }},
      {"gate and up swapped", "llama2",
       [](C&, T& t) {
         for (auto& [name, tensor] : t) {
           const auto at = name.find("gate_proj");
           if (at == name.npos) continue;
           std::swap(tensor, t.at(std::string(name).replace(at, 9, "up_proj")));
         }
       }},
  };
  return all;
}

double error_over_bound(const Mutation& mutation) {
  const Golden golden(mutation.golden);
  DecoderConfig config = read_config(golden.dir);
  Tensors tensors = read_tensors(golden.dir);
  if (mutation.apply) mutation.apply(config, tensors);
  return worst_error(run(Decoder(config, Weights::from(tensors)), golden.ids), golden) / golden_bound;
}

}  // namespace

TEST_CASE("every mutation moves the results by at least ten times the bound", "[models][golden]") {
  const std::size_t i = GENERATE(range<std::size_t>(0, mutations().size()));
  const Mutation& mutation = mutations()[i];
  CAPTURE(mutation.what, mutation.golden);
  REQUIRE(error_over_bound({.what = "none", .golden = mutation.golden, .apply = {}}) <= 1);
  CHECK(error_over_bound(mutation) >= 10);
}

TEST_CASE("docs/models.md shows the measured mutation table", "[models][golden]") {
  const std::string page = read_text(source_dir() / "docs" / "models.md");
  for (const Mutation& mutation : mutations()) {
    const double measured = error_over_bound(mutation);
    const std::string start = "| " + mutation.what + " | `" + mutation.golden + "` | ";
    CAPTURE(start, measured);
    const auto at = page.find(start);
    CHECK(at != page.npos);
    if (at == page.npos) {
      WARN("docs/models.md needs this row: " << start << measured << " |");
      continue;
    }
    const double shown = std::strtod(page.c_str() + at + start.size(), nullptr);
    CHECK(std::abs(shown - measured) <= 0.1 * measured);
  }
}
