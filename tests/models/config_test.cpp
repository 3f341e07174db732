// Every field of config.json that changes the result is honoured or refused by name.
#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;
using Scaling = nn::RopeConfig::Scaling;

namespace {

io::Json gpt2_json() {
  return {{"model_type", "gpt2"}, {"vocab_size", 50257}, {"n_positions", 1024},
          {"n_embd", 768},        {"n_layer", 12},       {"n_head", 12}};
}
io::Json llama_json() {
  return {{"model_type", "llama"},     {"vocab_size", 32000},        {"max_position_embeddings", 4096},
          {"hidden_size", 4096},       {"intermediate_size", 11008}, {"num_hidden_layers", 32},
          {"num_attention_heads", 32}, {"num_key_value_heads", 8}};
}
io::Json qwen2_json() {
  io::Json json = llama_json();
  json["model_type"] = "qwen2";
  return json;
}
io::Json with(io::Json json, const char* field, io::Json value) {
  json[field] = std::move(value);
  return json;
}
io::Json without(io::Json json, const char* field) {
  json.erase(field);
  return json;
}
DecoderConfig read(const io::Json& json) { return decoder_config_from_json(json.dump(), "config.json"); }

}  // namespace

TEST_CASE("a minimal GPT-2 configuration means what transformers takes it for", "[models][config]") {
  const DecoderConfig config = read(gpt2_json());
  CHECK(config.family == DecoderConfig::Family::gpt2);
  CHECK(config.vocab_size == 50257);
  CHECK(config.context == 1024);
  CHECK(config.head_dim == 64);
  CHECK(config.kv_heads == 12);
  CHECK(config.mlp_width == 3072);
  CHECK(config.norm == nn::Norm::Kind::layer);
  CHECK(config.norm_eps == 1e-5f);
  CHECK(config.positions == DecoderConfig::Positions::learned);
  CHECK(config.mlp == DecoderConfig::Mlp::plain);
  CHECK(config.activation == ops::Activation::gelu_tanh);
  CHECK(config.qkv_bias);
  CHECK(config.attention_out_bias);
  CHECK(config.mlp_bias);
  CHECK(config.tied_embeddings);
  CHECK(config.scale_attention);
  CHECK_FALSE(config.scale_attention_by_inverse_layer);
  CHECK(parameter_count(config) == 124439808);  // the published size of GPT-2 small
}

TEST_CASE("GPT-2's optional fields are honoured", "[models][config]") {
  CHECK(read(with(gpt2_json(), "n_inner", 100)).mlp_width == 100);
  CHECK(read(with(gpt2_json(), "n_inner", nullptr)).mlp_width == 3072);
  CHECK(read(with(gpt2_json(), "layer_norm_epsilon", 1e-6)).norm_eps == 1e-6f);
  CHECK_FALSE(read(with(gpt2_json(), "tie_word_embeddings", false)).tied_embeddings);
  CHECK_FALSE(read(with(gpt2_json(), "scale_attn_weights", false)).scale_attention);
  CHECK(read(with(gpt2_json(), "scale_attn_by_inverse_layer_idx", true)).scale_attention_by_inverse_layer);
  CHECK(read(with(without(gpt2_json(), "n_positions"), "n_ctx", 77)).context == 77);
  // In f32 sums it changes nothing.
  CHECK(read(with(gpt2_json(), "reorder_and_upcast_attn", true)) == read(gpt2_json()));

  const auto [name, activation] = GENERATE(table<const char*, ops::Activation>({
      {"gelu_new", ops::Activation::gelu_tanh},
      {"gelu_pytorch_tanh", ops::Activation::gelu_tanh},
      {"gelu_fast", ops::Activation::gelu_tanh},
      {"gelu", ops::Activation::gelu_erf},
      {"silu", ops::Activation::silu},
      {"swish", ops::Activation::silu},
      {"relu", ops::Activation::relu},
  }));
  CHECK(read(with(gpt2_json(), "activation_function", name)).activation == activation);
}

TEST_CASE("Llama's and Qwen2's optional fields are honoured", "[models][config]") {
  const DecoderConfig llama = read(llama_json());
  CHECK(llama.norm == nn::Norm::Kind::rms);
  CHECK(llama.norm_eps == 1e-6f);
  CHECK(llama.positions == DecoderConfig::Positions::rope);
  CHECK(llama.mlp == DecoderConfig::Mlp::gated);
  CHECK(llama.head_dim == 128);
  CHECK(llama.kv_heads == 8);
  CHECK(llama.rope.theta == 10000.0);
  CHECK(llama.rope.rotary_dim == 128);
  CHECK(llama.rope.scaling == Scaling::none);
  CHECK_FALSE(llama.qkv_bias);
  CHECK_FALSE(llama.attention_out_bias);
  CHECK_FALSE(llama.mlp_bias);
  CHECK_FALSE(llama.tied_embeddings);

  const DecoderConfig biased = read(with(with(llama_json(), "attention_bias", true), "mlp_bias", true));
  CHECK(biased.qkv_bias);
  CHECK(biased.attention_out_bias);
  CHECK(biased.mlp_bias);
  CHECK(read(with(llama_json(), "head_dim", 64)).head_dim == 64);
  CHECK(read(with(llama_json(), "head_dim", 64)).rope.rotary_dim == 64);
  CHECK(read(without(llama_json(), "num_key_value_heads")).kv_heads == 32);
  CHECK(read(with(llama_json(), "num_key_value_heads", nullptr)).kv_heads == 32);
  CHECK(read(with(llama_json(), "rms_norm_eps", 1e-5)).norm_eps == 1e-5f);
  CHECK(read(with(llama_json(), "tie_word_embeddings", true)).tied_embeddings);
  CHECK(read(with(llama_json(), "rope_theta", 500000)).rope.theta == 500000.0);
  CHECK(read(with(llama_json(), "rope_scaling", nullptr)) == llama);
  CHECK(read(with(llama_json(), "pretraining_tp", 2)) == llama);  // splits the same sums

  // Qwen2 has biases on queries, keys and values whatever the file says, and nowhere else.
  const DecoderConfig qwen2 = read(with(qwen2_json(), "attention_bias", false));
  CHECK(qwen2.family == DecoderConfig::Family::qwen2);
  CHECK(qwen2.qkv_bias);
  CHECK_FALSE(qwen2.attention_out_bias);
  CHECK_FALSE(qwen2.mlp_bias);
  CHECK(read(with(with(qwen2_json(), "use_sliding_window", false), "sliding_window", 32768)) ==
        read(qwen2_json()));
  CHECK(read(with(qwen2_json(), "layer_types", {"full_attention", "full_attention"})) == read(qwen2_json()));
}

TEST_CASE("RoPE fields of transformers 4 and 5 read as the same configuration", "[models][config]") {
  const io::Json llama3 = {{"rope_type", "llama3"},
                           {"factor", 32.0},
                           {"low_freq_factor", 1.0},
                           {"high_freq_factor", 4.0},
                           {"original_max_position_embeddings", 8192}};
  const DecoderConfig old_style =
      read(with(with(llama_json(), "rope_theta", 500000.0), "rope_scaling", llama3));
  const DecoderConfig new_style =
      read(with(llama_json(), "rope_parameters", with(llama3, "rope_theta", 500000.0)));
  CHECK(old_style == new_style);
  CHECK(old_style.rope.scaling == Scaling::llama3);
  CHECK(old_style.rope.theta == 500000.0);
  CHECK(old_style.rope.factor == 32.0);
  CHECK(old_style.rope.low_freq_factor == 1.0);
  CHECK(old_style.rope.high_freq_factor == 4.0);
  CHECK(old_style.rope.original_context == 8192);

  const DecoderConfig linear = read(with(llama_json(), "rope_scaling", {{"type", "linear"}, {"factor", 2}}));
  CHECK(linear.rope.scaling == Scaling::linear);
  CHECK(linear.rope.factor == 2.0);

  const DecoderConfig yarn = read(with(qwen2_json(), "rope_scaling",
                                       {{"type", "yarn"},
                                        {"factor", 4.0},
                                        {"original_max_position_embeddings", 32768},
                                        {"beta_fast", 16},
                                        {"beta_slow", 2},
                                        {"attention_factor", 1.5},
                                        {"truncate", false}}));
  CHECK(yarn.rope.scaling == Scaling::yarn);
  CHECK(yarn.rope.beta_fast == 16.0);
  CHECK(yarn.rope.beta_slow == 2.0);
  CHECK(yarn.rope.attention_factor == 1.5);
  CHECK_FALSE(yarn.rope.truncate);
  // Without it, the context that the weights were trained for is the file's own.
  CHECK(read(with(qwen2_json(), "rope_scaling", {{"type", "yarn"}, {"factor", 4.0}})).rope.original_context ==
        4096);
  // Both: transformers takes rope_scaling.
  CHECK(read(with(with(llama_json(), "rope_scaling", {{"type", "linear"}, {"factor", 2}}), "rope_parameters",
                  {{"rope_type", "default"}, {"rope_theta", 10000.0}}))
            .rope.scaling == Scaling::linear);
}

TEST_CASE("what cannot be honoured is refused by name", "[models][config]") {
  struct Refused {
    io::Json json;
    const char* message;
  };
  const auto scaled = [](io::Json rope) { return with(llama_json(), "rope_scaling", std::move(rope)); };
  const std::vector<Refused> cases{
      {with(gpt2_json(), "activation_function", "quick_gelu"), "activation_function = \"quick_gelu\""},
      {with(gpt2_json(), "add_cross_attention", true), "add_cross_attention = true"},
      {with(gpt2_json(), "is_encoder_decoder", true), "is_encoder_decoder = true"},
      {with(gpt2_json(), "quantization_config", {{"bits", 4}}), "quantization_config"},
      {with(gpt2_json(), "pruned_heads", {{"0", {1}}}), "pruned_heads"},
      {with(gpt2_json(), "model_type", "mistral"), "model_type = \"mistral\""},
      {with(llama_json(), "hidden_act", "gelu"), "hidden_act = \"gelu\""},
      {with(llama_json(), "partial_rotary_factor", 0.5), "partial_rotary_factor = 0.5"},
      {with(qwen2_json(), "use_sliding_window", true), "use_sliding_window = true"},
      {with(qwen2_json(), "layer_types", {"full_attention", "sliding_attention"}), "layer_types"},
      {scaled({{"rope_type", "dynamic"}, {"factor", 2.0}}), "rope_type = \"dynamic\""},
      {scaled({{"type", "dynamic"}, {"factor", 2.0}}), "\"dynamic\""},
      {scaled({{"rope_type", "longrope"}, {"short_factor", {1.0}}, {"long_factor", {1.0}}}), "\"longrope\""},
      {scaled({{"rope_type", "yarn"}, {"factor", 2.0}, {"mscale", 0.7}}), "mscale = 0.7"},
      {scaled({{"rope_type", "default"}, {"partial_rotary_factor", 0.25}}), "partial_rotary_factor = 0.25"},
      {scaled({{"rope_type", "default"}, {"mrope_section", {16, 24, 24}}}), "mrope_section"},
      {with(llama_json(), "rope_parameters",
            {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 1e6}}}}),
       "full_attention"},
  };
  for (const Refused& refused : cases) {
    CAPTURE(refused.message);
    try {
      read(refused.json);
      FAIL_CHECK("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::unsupported);
      CHECK_THAT(error.what(), ContainsSubstring(refused.message));
      CHECK_THAT(error.what(), ContainsSubstring("config.json"));
    }
  }
}

TEST_CASE("malformed configurations are refused with the field, its value and what fits",
          "[models][config]") {
  struct Malformed {
    io::Json json;
    const char* message;
  };
  const auto scaled = [](io::Json rope) { return with(llama_json(), "rope_scaling", std::move(rope)); };
  const std::vector<Malformed> cases{
      {without(gpt2_json(), "model_type"), "field 'model_type' is missing"},
      {without(gpt2_json(), "n_embd"), "field 'n_embd' is missing"},
      {without(gpt2_json(), "n_positions"), "field 'n_ctx' is missing"},
      {with(gpt2_json(), "n_head", "12"), "field 'n_head' is \"12\""},
      {with(gpt2_json(), "n_head", 0), "field 'n_head' is 0"},
      {with(gpt2_json(), "n_head", 12.5), "field 'n_head' is 12.5"},
      {with(gpt2_json(), "n_layer", -1), "field 'n_layer' is -1"},
      {with(gpt2_json(), "n_layer", std::uint64_t{1} << 63), "field 'n_layer' is 9223372036854775808"},
      {with(gpt2_json(), "n_embd", std::int64_t{1} << 40), "field 'n_embd' is 1099511627776"},
      {with(gpt2_json(), "n_head", 7), "n_embd 768 does not divide by n_head 7"},
      {with(gpt2_json(), "scale_attn_weights", 1), "field 'scale_attn_weights' is 1"},
      {with(gpt2_json(), "layer_norm_epsilon", 0), "epsilon is 0"},
      {with(gpt2_json(), "layer_norm_epsilon", "1e-5"), "field 'layer_norm_epsilon' is \"1e-5\""},
      {with(gpt2_json(), "activation_function", 3), "field 'activation_function' is 3"},
      {with(llama_json(), "num_attention_heads", 30),
       "hidden_size 4096 does not divide by num_attention_heads 30"},
      {with(llama_json(), "num_key_value_heads", 5), "32 heads do not divide by 5"},
      {with(llama_json(), "head_dim", 63), "rotary dimension is 63"},
      {with(llama_json(), "rope_theta", 0.5), "theta is 0.5"},
      {with(llama_json(), "layer_types", "full_attention"), "layer_types"},
      {with(llama_json(), "rope_scaling", "linear"), "rope_scaling"},
      {scaled({{"type", "linear"}}), "field 'factor' is missing"},
      {scaled({{"type", "linear"}, {"factor", 0}}), "factor is 0"},
      {scaled({{"type", "linear"}, {"factor", "2"}}), "field 'factor' is \"2\""},
      {scaled({{"rope_type", "llama3"}, {"factor", 8}, {"high_freq_factor", 4}}),
       "field 'low_freq_factor' is missing"},
      {scaled({{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}),
       "must exceed low_freq_factor 4"},
      {io::Json::array(), "expected a JSON object"},
  };
  for (const Malformed& malformed : cases) {
    CAPTURE(malformed.message);
    try {
      read(malformed.json);
      FAIL_CHECK("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::bad_format);
      CHECK_THAT(error.what(), ContainsSubstring(malformed.message));
      CHECK_THAT(error.what(), ContainsSubstring("config.json"));
    }
  }
  CHECK_THROWS_WITH(decoder_config_from_json("{\"model_type\": \"gpt2\"", "config.json"),
                    ContainsSubstring("config.json:1:"));
  const TempDir dir;
  CHECK_THROWS_WITH(read_config(dir.path()), ContainsSubstring("config.json"));
}

TEST_CASE("a configuration that is written reads back the same", "[models][config][golden]") {
  const std::string name = GENERATE(from_range(golden_names()));
  CAPTURE(name);
  const DecoderConfig config = read_config(golden_dir(name));
  CHECK(decoder_config_from_json(decoder_config_to_json(config, DType::f32), "written") == config);
}

TEST_CASE("validate refuses numbers that do not fit together", "[models][config]") {
  const DecoderConfig good = read(llama_json());
  validate(good);
  const auto broken = [&](auto&& change) {
    DecoderConfig config = good;
    change(config);
    return config;
  };
  CHECK_THROWS_WITH(validate(broken([](auto& c) { c.layers = 0; })), ContainsSubstring("layers is 0"));
  CHECK_THROWS_WITH(validate(broken([](auto& c) { c.kv_heads = 3; })),
                    ContainsSubstring("3 key/value heads"));
  CHECK_THROWS_WITH(validate(broken([](auto& c) { c.rope.rotary_dim = 130; })), ContainsSubstring("130"));
  CHECK_THROWS_WITH(validate(broken([](auto& c) { c.rope.scaling = Scaling::yarn; })),
                    ContainsSubstring("original context"));
  DecoderConfig gpt2 = read(gpt2_json());
  gpt2.kv_heads = 4;
  CHECK_THROWS_WITH(validate(gpt2), ContainsSubstring("gpt2 needs as many key/value heads"));
}
