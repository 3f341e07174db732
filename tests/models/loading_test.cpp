// Checkpoint directories as people have them, and those that are broken.
#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

namespace {

using Tensors = std::map<std::string, Tensor>;

Decoder decoder_of(const std::string& golden, Tensors tensors) {
  return Decoder(read_config(golden_dir(golden)), Weights::from(std::move(tensors)));
}

/// The message that loading ends with.
std::string refusal(const std::string& golden, const Tensors& tensors) {
  try {
    decoder_of(golden, tensors);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

void copy_config(const std::string& golden, const std::filesystem::path& dir) {
  std::filesystem::copy_file(golden_dir(golden) / "config.json", dir / "config.json");
}

bool same_tensors(const Decoder& a, const Decoder& b) {
  const auto x = a.named_tensors();
  const auto y = b.named_tensors();
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& left, const auto& right) {
    return left.first == right.first && same_bytes(left.second, right.second);
  });
}

}  // namespace

TEST_CASE("names with and without the prefix load to the same decoder", "[models][golden]") {
  const auto [name, root] =
      GENERATE(table<const char*, const char*>({{"gpt2-d32-square", "transformer."}, {"llama2", "model."}}));
  const Tensors prefixed = read_tensors(golden_dir(name));
  Tensors bare;
  for (const auto& [key, tensor] : prefixed) {
    bare[key.starts_with(root) ? key.substr(std::string(root).size()) : key] = tensor;
  }
  REQUIRE(bare.size() == prefixed.size());
  CHECK(same_tensors(decoder_of(name, prefixed), decoder_of(name, bare)));
}

TEST_CASE("a missing tensor is named", "[models][golden]") {
  const auto [name, tensor] = GENERATE(table<const char*, const char*>({
      {"gpt2-d32-square", "transformer.wpe.weight"},
      {"gpt2-d32-square", "transformer.h.2.attn.c_attn.bias"},
      {"gpt2-d32-square", "transformer.h.0.ln_2.weight"},
      {"gpt2-d32-square", "transformer.ln_f.bias"},
      {"gpt2-d64-untied-f16", "lm_head.weight"},
      {"qwen2", "model.layers.1.self_attn.k_proj.bias"},
      {"llama2", "model.layers.0.mlp.gate_proj.weight"},
      {"llama2", "lm_head.weight"},
      {"llama2", "model.norm.weight"},
  }));
  CAPTURE(name, tensor);
  Tensors tensors = read_tensors(golden_dir(name));
  REQUIRE(tensors.erase(tensor) == 1);
  CHECK_THAT(refusal(name, tensors), ContainsSubstring(concat("no tensor '", tensor, "'")));
}

TEST_CASE("an embedding that is missing is named, whatever the prefix", "[models][golden]") {
  Tensors tensors = read_tensors(golden_dir("gpt2-d32-square"));
  tensors.erase("transformer.wte.weight");
  CHECK_THAT(refusal("gpt2-d32-square", tensors), ContainsSubstring("wte.weight"));
}

TEST_CASE("a tensor of another shape is refused with both shapes", "[models][golden]") {
  Tensors tensors = read_tensors(golden_dir("gpt2-d32-square"));
  Tensor& weight = tensors.at("transformer.h.1.attn.c_attn.weight");
  weight = weight.transpose(0, 1).contiguous();
  const std::string message = refusal("gpt2-d32-square", tensors);
  CHECK_THAT(message, ContainsSubstring("transformer.h.1.attn.c_attn.weight"));
  CHECK_THAT(message, ContainsSubstring("[192, 64], expected [64, 192]"));
}

TEST_CASE("an unexpected tensor is an error that names it", "[models][golden]") {
  const auto [name, tensor] = GENERATE(table<const char*, const char*>({
      {"gpt2-d32-square", "transformer.h.0.attn.c_attn.lora_A"},
      {"gpt2-d32-square", "transformer.h.3.ln_1.weight"},          // one layer too many
      {"gpt2-d32-square", "transformer.h.0.rotary_emb.inv_freq"},  // an extra of another family
      {"gpt2-d32-square", "score.attn.bias"},
      {"gpt2-d32-square", "transformer.h.x.attn.bias"},
      {"llama2", "model.layers.0.self_attn.q_proj.bias"},  // the configuration says there is none
      {"llama2", "model.layers.0.attn.bias"},
      {"qwen2", "model.layers.0.self_attn.q_norm.weight"},
      {"qwen2", "score.weight"},
  }));
  CAPTURE(name, tensor);
  Tensors tensors = read_tensors(golden_dir(name));
  tensors[tensor] = Tensor::zeros({4});
  CHECK_THAT(refusal(name, tensors), ContainsSubstring(concat("'", tensor, "'")));
}

TEST_CASE("known extras are ignored, and only for the family that has them", "[models][golden]") {
  const DecoderConfig gpt2 = read_config(golden_dir("gpt2-d16-hub"));
  const DecoderConfig untied = read_config(golden_dir("gpt2-d64-untied-f16"));
  const DecoderConfig llama = read_config(golden_dir("llama3-scaled"));
  CHECK(is_known_extra(gpt2, "h.0.attn.bias"));
  CHECK(is_known_extra(gpt2, "transformer.h.11.attn.bias"));
  CHECK(is_known_extra(gpt2, "h.2.attn.masked_bias"));
  CHECK(is_known_extra(gpt2, "lm_head.weight"));
  CHECK(is_known_extra(llama, "model.layers.0.self_attn.rotary_emb.inv_freq"));
  CHECK(is_known_extra(llama, "model.rotary_emb.inv_freq"));
  CHECK(is_known_extra(llama, "lm_head.weight"));
  CHECK_FALSE(is_known_extra(untied, "lm_head.weight"));
  CHECK_FALSE(is_known_extra(gpt2, "h.0.attn.c_attn.bias"));
  CHECK_FALSE(is_known_extra(gpt2, "lm_head.bias"));
  CHECK_FALSE(is_known_extra(gpt2, "model.layers.0.self_attn.rotary_emb.inv_freq"));
  CHECK_FALSE(is_known_extra(llama, "h.0.attn.bias"));

  // The files of these goldens have them.
  const Tensors hub = read_tensors(golden_dir("gpt2-d16-hub"));
  REQUIRE(hub.at("h.0.attn.bias").shape() == Shape{1, 1, 80, 80});
  REQUIRE(hub.count("h.2.attn.masked_bias") == 1);
  REQUIRE(hub.count("lm_head.weight") == 0);
  REQUIRE(read_tensors(golden_dir("llama2")).count("model.layers.0.self_attn.rotary_emb.inv_freq") == 1);
  REQUIRE(read_tensors(golden_dir("llama3-scaled")).count("lm_head.weight") == 1);
  for (const char* name : {"gpt2-d16-hub", "llama2", "llama3-scaled"}) {
    for (const auto& [tensor, value] : load_decoder(golden_dir(name)).named_tensors()) {
      CHECK_FALSE(is_known_extra(read_config(golden_dir(name)), tensor));
    }
  }
}

TEST_CASE("a head that differs from the embedding that it should be tied to is refused", "[models][golden]") {
  Tensors tensors = read_tensors(golden_dir("llama3-scaled"));
  tensors.at("lm_head.weight").data<float>()[5] += 1.0f;
  const std::string message = refusal("llama3-scaled", tensors);
  CHECK_THAT(message, ContainsSubstring("lm_head.weight"));
  CHECK_THAT(message, ContainsSubstring("tie_word_embeddings"));
}

TEST_CASE("tensors of several types are refused unless one is asked for", "[models][golden]") {
  Tensors tensors = read_tensors(golden_dir("gpt2-d32-square"));
  Tensor& gain = tensors.at("transformer.ln_f.weight");
  gain = gain.to(DType::bf16);
  const std::string message = refusal("gpt2-d32-square", tensors);
  CHECK_THAT(message, ContainsSubstring("transformer.ln_f.weight"));
  CHECK_THAT(message, ContainsSubstring("bf16"));

  const TempDir dir;
  copy_config("gpt2-d32-square", dir.path());
  io::save_safetensors(dir / "model.safetensors", tensors);
  CHECK(load_decoder(dir.path(), {.dtype = DType::f32}).dtype() == DType::f32);
  CHECK_THROWS_WITH(load_decoder(dir.path()), ContainsSubstring("transformer.ln_f.weight"));
}

TEST_CASE("weights convert to the type that is asked for", "[models][golden]") {
  const DType dtype = GENERATE(DType::f32, DType::bf16, DType::f16);
  const Decoder decoder = load_decoder(golden_dir("gpt2-d16-hub"), {.dtype = dtype});
  CHECK(decoder.dtype() == dtype);
  for (const auto& [name, tensor] : decoder.named_tensors()) CHECK(tensor.dtype() == dtype);
}

TEST_CASE("progress counts every tensor that is taken", "[models][golden]") {
  std::vector<std::int64_t> done;
  std::int64_t total = 0;
  load_decoder(golden_dir("gpt2-d16-hub"), {.progress = [&](std::int64_t n, std::int64_t of) {
                 done.push_back(n);
                 total = of;
               }});
  REQUIRE(!done.empty());
  for (std::size_t i = 0; i < done.size(); ++i) CHECK(done[i] == static_cast<std::int64_t>(i + 1));
  CHECK(total >= done.back());
}

TEST_CASE("shards named by an index load as one file does", "[models][golden]") {
  const std::string name = GENERATE("gpt2-d32-square", "qwen2");
  const Tensors tensors = read_tensors(golden_dir(name));
  std::array<Tensors, 3> shards;
  io::Json map = io::Json::object();
  std::size_t i = 0;
  for (const auto& [key, tensor] : tensors) {
    const std::size_t shard = i++ % shards.size();
    shards[shard][key] = tensor;
    map[key] = "model-0000" + std::to_string(shard + 1) + "-of-00003.safetensors";
  }
  const TempDir dir;
  copy_config(name, dir.path());
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    io::save_safetensors(dir / ("model-0000" + std::to_string(shard + 1) + "-of-00003.safetensors"),
                         shards[shard]);
  }
  write_text(dir / "model.safetensors.index.json", io::Json{{"weight_map", map}}.dump());
  CHECK(same_tensors(load_decoder(dir.path()), load_decoder(golden_dir(name))));

  std::filesystem::remove(dir / "model-00002-of-00003.safetensors");
  CHECK_THROWS_WITH(load_decoder(dir.path()), ContainsSubstring("model-00002-of-00003.safetensors"));
}

TEST_CASE("pytorch_model.bin loads as model.safetensors does", "[models][golden]") {
  const std::string name = "qwen2-yarn-f16";
  const TempDir dir;
  copy_config(name, dir.path());
  std::filesystem::copy_file(golden_dir(name) / "pytorch_model.bin", dir / "pytorch_model.bin");
  const Decoder decoder = load_decoder(dir.path());
  CHECK(decoder.dtype() == DType::f16);
  CHECK(same_tensors(decoder, load_decoder(golden_dir(name))));
}

TEST_CASE("a directory without weights or configuration says what is missing", "[models][golden]") {
  const TempDir dir;
  CHECK_THROWS_WITH(load_decoder(dir.path()), ContainsSubstring("config.json"));
  copy_config("llama2", dir.path());
  CHECK_THROWS_WITH(load_decoder(dir.path()), ContainsSubstring("model.safetensors"));
  CHECK_THROWS_WITH(load_decoder(dir / "nothing"), ContainsSubstring("nothing"));
}

TEST_CASE("the configuration of another model is refused by the first tensor that does not fit",
          "[models][golden]") {
  const TempDir dir;
  copy_config("llama2", dir.path());
  std::filesystem::copy_file(golden_dir("qwen2") / "model.safetensors", dir / "model.safetensors");
  CHECK_THROWS_WITH(load_decoder(dir.path()), ContainsSubstring("model.embed_tokens.weight"));
}
