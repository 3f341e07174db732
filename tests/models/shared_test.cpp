// Real checkpoints of ../shared/vectors/models and what others computed with them.
#include <array>
#include <bit>

#include "adlib/nn/block.h"
#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

namespace {

std::filesystem::path models_dir() { return shared_dir() / "vectors" / "models"; }

/// A file of little-endian float32.
Tensor read_f32(const std::filesystem::path& path, const Shape& shape) {
  const std::string bytes = read_text(path);
  REQUIRE(bytes.size() == static_cast<std::size_t>(shape.numel()) * sizeof(float));
  Tensor out = Tensor::empty(shape);
  std::memcpy(out.raw(), bytes.data(), bytes.size());
  return out;
}

Shape shape_of(const io::Json& dims) {
  const auto values = dims.get<std::vector<std::int64_t>>();
  return Shape(std::span<const std::int64_t>(values));
}

/// The probabilities (H, T, T) of one layer from its input, which nn::Attention never holds as a whole: the
/// same formula by ops on the checkpoint's own weights.
Tensor attention_probabilities(const DecoderConfig& config, const Weights& layer, const Tensor& input) {
  const std::int64_t length = input.size(0);
  const nn::LayerNorm norm(layer.scope("ln_1"), config.width, config.norm_eps);
  const nn::Linear qkv(layer.scope("attn.c_attn"), config.width, 3 * config.width, nn::Linear::Layout::in_out,
                       true);
  const Tensor parts = qkv(norm(input)).view({length, 3, config.heads, config.head_dim});
  const Tensor q = parts.select(1, 0).transpose(0, 1).contiguous();
  const Tensor k = parts.select(1, 1).transpose(0, 1).contiguous();
  Tensor scores = ops::matmul(q, k, {.transpose_b = true}).clone();  // (H, T, T)
  float* value = scores.data<float>().data();
  for (std::int64_t h = 0; h < config.heads; ++h)
    for (std::int64_t i = 0; i < length; ++i)
      for (std::int64_t j = 0; j < length; ++j, ++value)
        *value = j > i ? -INFINITY : *value / std::sqrt(static_cast<float>(config.head_dim));
  return ops::softmax(scores);
}

/// Checks a directory in the format of capp and llmviz-sort: oracle/cases.json with logits, hidden, attn,
/// greedy.
void check_oracle(const std::filesystem::path& dir) {
  const Decoder decoder = load_decoder(dir);
  const DecoderConfig& config = decoder.config();
  const Weights weights = Weights::from(decoder.named_tensors());
  const io::Json cases = io::read_json(dir / "oracle" / "cases.json").at("cases");
  REQUIRE(!cases.empty());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const io::Json& one = cases[i];
    const std::string stem = concat(i < 10 ? "c0" : "c", i);
    CAPTURE(stem);
    const auto ids = one.at("ids").get<Ids>();
    const Outputs out = run(decoder, ids);

    const Tensor logits = read_f32(dir / "oracle" / (stem + ".logits.f32"), shape_of(one.at("logits_shape")));
    CHECK(relative_error(out.logits, logits) <= golden_bound);
    const Tensor hidden = read_f32(dir / "oracle" / (stem + ".hidden.f32"), shape_of(one.at("hidden_shape")));
    REQUIRE(hidden.size(0) == static_cast<std::int64_t>(out.hidden.size()));
    for (std::size_t layer = 0; layer < out.hidden.size(); ++layer) {
      CAPTURE(layer);
      CHECK(relative_error(out.hidden[layer], hidden.select(0, static_cast<std::int64_t>(layer))) <=
            golden_bound);
    }
    if (one.contains("attn_shape")) {
      const Tensor attn = read_f32(dir / "oracle" / (stem + ".attn.f32"), shape_of(one.at("attn_shape")));
      for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        CAPTURE(layer);
        const Tensor probabilities =
            attention_probabilities(config, weights.scope("transformer.h." + std::to_string(layer)),
                                    out.hidden[static_cast<std::size_t>(layer)]);
        CHECK(relative_error(probabilities, attn.select(0, layer)) <= golden_bound);
      }
    }
    const auto argmax = one.at("argmax").get<Ids>();  // of the last rows, when not of all
    for (std::size_t row = 0; row < argmax.size(); ++row) {
      const auto at = static_cast<std::int64_t>(ids.size() - argmax.size() + row);
      CHECK(best_of(out.logits, at) == argmax[row]);
    }
    if (!one.at("loss").is_null()) {
      // Each position predicts the next token.
      const auto length = static_cast<std::int64_t>(ids.size());
      const Ids targets(ids.begin() + 1, ids.end());
      const Tensor losses =
          ops::cross_entropy(out.logits.slice(0, 0, length - 1).contiguous(), ids_tensor(targets));
      double sum = 0;
      for (const float loss : floats(losses)) sum += static_cast<double>(loss);
      CHECK(sum / static_cast<double>(length - 1) == Approx(one.at("loss").get<double>()).epsilon(1e-5));
    }
    if (one.contains("greedy")) {
      const auto wanted = one.at("greedy").get<Ids>();
      CHECK(greedy(decoder, ids, static_cast<std::int64_t>(wanted.size())) == wanted);
    }
  }
}

}  // namespace

TEST_CASE("capp: every recorded case of the trained GPT-2 is reproduced", "[models][golden]") {
  const auto dir = models_dir() / "capp";
  if (!have(dir)) return;
  check_oracle(dir);
}

TEST_CASE("llmviz-sort: every recorded case of the trained minGPT is reproduced", "[models][golden]") {
  const auto dir = models_dir() / "llmviz-sort";
  if (!have(dir)) return;
  check_oracle(dir);
}

namespace {

std::string decode_base64(const std::string& text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else
      break;  // '=': the padding
    bits = bits << 6 | value;
    if (++count % 4 != 1) out.push_back(static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)) & 0xff));
  }
  return out;
}

/// One tensor of partials.json.
Tensor read_partial(const io::Json& partials, const std::string& name) {
  const io::Json& entry = partials.at(name);
  const Shape shape = shape_of(entry.at("shape"));
  const std::string bytes = decode_base64(entry.at("data").get<std::string>());
  REQUIRE(bytes.size() == static_cast<std::size_t>(shape.numel()) * sizeof(float));
  Tensor out = Tensor::empty(shape);
  std::memcpy(out.raw(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

TEST_CASE("llmviz-sort: every intermediate of block 0, and each block's output, is reproduced",
          "[models][golden]") {
  const auto dir = models_dir() / "llmviz-sort";
  if (!have(dir)) return;
  const io::Json partials = io::read_json(dir / "partials.json");
  const Decoder decoder = load_decoder(dir);
  const DecoderConfig& config = decoder.config();
  constexpr std::int64_t sequences = 3, length = 11, heads = 3, head_dim = 16, width = 48;
  REQUIRE(config.width == width);
  REQUIRE(config.heads == heads);
  const auto check = [&](const std::string& name, const Tensor& out) {
    CAPTURE(name);
    const Tensor reference = read_partial(partials, name);
    REQUIRE(out.numel() == reference.numel());
    CHECK(relative_error(out.contiguous().view(reference.shape()), reference) <= golden_bound);
  };

  // The decoder as a whole.
  Ids ids;
  const Tensor recorded_ids = read_partial(partials, "idx");
  for (const float id : floats(recorded_ids)) ids.push_back(static_cast<std::int32_t>(id));
  Cache cache = decoder.make_cache(sequences);
  std::vector<Row> rows;
  for (std::int64_t s = 0; s < sequences; ++s) rows.push_back({.sequence = s, .start = 0, .length = length});
  const std::array<std::string, 4> observed{"x", "block0", "block1", "ln_f"};
  const Tensor last = decoder.hidden({.ids = ids_tensor(ids), .rows = rows}, cache,
                                     [&](std::int64_t layer, const Tensor& hidden) {
                                       check(observed.at(static_cast<std::size_t>(layer)), hidden);
                                     });
  const Tensor logits = decoder.logits(last, every_row(sequences * length));
  check("lm_head", logits);
  check("probs", ops::softmax(logits));

  // Block 0 piece by piece, from the same layers that the decoder is made of.
  const Weights weights = Weights::from(decoder.named_tensors()).scope("transformer");
  const Weights h0 = weights.scope("h.0");
  const auto conv1d = [&](const char* name, std::int64_t in, std::int64_t out) {
    return nn::Linear(h0.scope(name), in, out, nn::Linear::Layout::in_out, true);
  };
  const Tensor tokens =
      nn::Embedding(weights.scope("wte"), config.vocab_size, width)(ids_tensor(ids), DType::f32);
  check("tok_emb", tokens);
  const Tensor positions =
      nn::Embedding(weights.scope("wpe"), config.context, width)(ids_tensor(every_row(length)), DType::f32);
  check("pos_emb", positions);
  const Tensor x =
      ops::add(tokens.view({sequences, length, width}), positions).view({sequences * length, width});
  check("x", x);
  const Tensor ln1 = nn::LayerNorm(h0.scope("ln_1"), width, config.norm_eps)(x);
  check("ln1", ln1);
  const Tensor qkv = conv1d("attn.c_attn", width, 3 * width)(ln1);
  check("qkv", qkv);
  const auto part = [&](std::int64_t i) {  // (B, H, T, D)
    return qkv.view({sequences, length, 3, heads, head_dim}).select(2, i).transpose(1, 2).contiguous();
  };
  const Tensor q = part(0), k = part(1), v = part(2);
  check("q", q);
  check("k", k);
  check("v", v);
  Tensor scores = ops::matmul(q, k, {.transpose_b = true}).clone();
  const Tensor att = read_partial(partials, "att");  // masked scores: -inf after the diagonal
  float* score = scores.data<float>().data();
  double worst = 0;
  for (const float reference : floats(att)) {
    if (std::isinf(reference)) {
      *score = reference;
    } else {
      *score /= std::sqrt(static_cast<float>(head_dim));
      worst = std::max(worst, std::abs(static_cast<double>(*score) - static_cast<double>(reference)));
    }
    ++score;
  }
  CHECK(worst <= golden_bound);
  check("attSm", ops::softmax(scores));
  const Tensor y = ops::attention(q, k, v, {.causal = true}).transpose(1, 2).contiguous();
  check("y", y);
  const nn::Linear c_proj = conv1d("attn.c_proj", width, width);
  const Tensor mixed = y.view({sequences * length, width});
  check("yProj", c_proj(mixed));
  const Tensor attended = c_proj(mixed, ops::Activation::none, x);
  check("attnResid", attended);
  const Tensor ln2 = nn::LayerNorm(h0.scope("ln_2"), width, config.norm_eps)(attended);
  check("ln2", ln2);
  const nn::Linear c_fc = conv1d("mlp.c_fc", width, 4 * width);
  const nn::Linear down = conv1d("mlp.c_proj", 4 * width, width);
  check("fc", c_fc(ln2));
  const Tensor inner = c_fc(ln2, ops::Activation::gelu_tanh);
  check("gelu", inner);
  check("mlp", down(inner));
  check("mlpResid", nn::Mlp(c_fc, down, ops::Activation::gelu_tanh)(ln2, attended));

  // The last block's output, which the decoder shows only after the final norm.
  const Tensor block2 = read_partial(partials, "block2").view({sequences * length, width});
  check("ln_f", nn::LayerNorm(weights.scope("ln_f"), width, config.norm_eps)(block2));
}

TEST_CASE("tiny-random: the expected greedy continuations come out", "[models][golden]") {
  const auto dir = models_dir() / "tiny-random";
  if (!have(dir)) return;
  const Decoder decoder = load_decoder(dir);
  const io::Json expected = io::read_json(dir / "expected.json").at("greedy");
  const auto inputs = expected.at("input_ids").get<std::vector<Ids>>();
  const auto outputs = expected.at("output_ids").get<std::vector<Ids>>();
  REQUIRE(inputs.size() == outputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Ids text = inputs[i];
    const Ids more = greedy(decoder, text, static_cast<std::int64_t>(outputs[i].size() - text.size()));
    text.insert(text.end(), more.begin(), more.end());
    CHECK(text == outputs[i]);
  }
}

TEST_CASE("tiny-gpt2: the directory as it is on the hub loads and gives finite logits", "[models][golden]") {
  const auto dir = models_dir() / "tiny-gpt2";
  if (!have(dir)) return;
  const Decoder decoder = load_decoder(dir);
  CHECK(decoder.config().vocab_size == 50257);
  CHECK(decoder.config().head_dim == 1);
  const Outputs out = run(decoder, {50256, 0, 17, 50000});
  for (const float value : floats(out.logits)) REQUIRE(std::isfinite(value));
}
