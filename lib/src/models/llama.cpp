#include "adlib/models/llama.h"

#include "config_fields.h"

namespace adlib::models {
namespace {

using Scaling = nn::RopeConfig::Scaling;

Scaling read_scaling(const io::JsonFields& rope) {
  // transformers wrote "type" before 4.43 and "rope_type" since.
  const std::string type = rope.string_or("rope_type", rope.string_or("type", "default"));
  if (type == "default") return Scaling::none;
  if (type == "linear") return Scaling::linear;
  if (type == "llama3") return Scaling::llama3;
  if (type == "yarn") return Scaling::yarn;
  fail(ErrorCode::unsupported, rope.where(), ": rope_type = \"", type,
       "\" is not supported; expected default, linear, llama3 or yarn");
}

const char* scaling_name(Scaling scaling) {
  switch (scaling) {
    case Scaling::none:
      return "default";
    case Scaling::linear:
      return "linear";
    case Scaling::llama3:
      return "llama3";
    case Scaling::yarn:
      return "yarn";
  }
  return "default";
}

// `rope` is rope_scaling (transformers 4) or rope_parameters (transformers 5), where theta stands inside.
void read_rope(const io::JsonFields& fields, const io::JsonFields& rope, DecoderConfig& config) {
  nn::RopeConfig& out = config.rope;
  out.theta = rope.number_or("rope_theta", out.theta);
  out.scaling = read_scaling(rope);
  for (const auto& [name, value] : rope.object().items()) {
    // One dictionary for each kind of layer, or a list of sections or factors.
    refuse_if(value.is_structured(), rope, name.c_str(), "every layer and dimension is scaled alike");
  }
  refuse_if(rope.number_or("partial_rotary_factor", 1.0) != 1.0, rope, "partial_rotary_factor",
            "Llama and Qwen2 rotate the whole head");
  if (out.scaling == Scaling::none) return;
  out.factor = rope.number("factor");
  if (out.scaling == Scaling::linear) return;
  out.original_context = rope.integer_or(
      "original_max_position_embeddings",
      fields.integer_or("original_max_position_embeddings", config.context, 1, max_context), 1, max_context);
  if (out.scaling == Scaling::llama3) {
    out.low_freq_factor = rope.number("low_freq_factor");
    out.high_freq_factor = rope.number("high_freq_factor");
    return;
  }
  out.beta_fast = rope.number_or("beta_fast", 32.0);
  out.beta_slow = rope.number_or("beta_slow", 1.0);
  out.attention_factor = rope.number_or("attention_factor", 0.0);
  out.truncate = rope.boolean_or("truncate", true);
  for (const char* name : {"mscale", "mscale_all_dim"}) {
    refuse_if(rope.number_or(name, 0.0) != 0.0, rope, name, "DeepSeek's variant of YaRN");
  }
}

io::Json write_rope(const nn::RopeConfig& rope) {
  io::Json out = {{"rope_type", scaling_name(rope.scaling)}, {"rope_theta", rope.theta}};
  if (rope.scaling != Scaling::none) out["factor"] = rope.factor;
  if (rope.scaling == Scaling::llama3) {
    out["low_freq_factor"] = rope.low_freq_factor;
    out["high_freq_factor"] = rope.high_freq_factor;
    out["original_max_position_embeddings"] = rope.original_context;
  }
  if (rope.scaling == Scaling::yarn) {
    out["beta_fast"] = rope.beta_fast;
    out["beta_slow"] = rope.beta_slow;
    out["truncate"] = rope.truncate;
    out["original_max_position_embeddings"] = rope.original_context;
    if (rope.attention_factor > 0) out["attention_factor"] = rope.attention_factor;
  }
  return out;
}

}  // namespace

const DecoderNames& llama_names() {
  static const DecoderNames names{
      .root = "model",
      .token_embedding = "embed_tokens",
      .position_embedding = "",
      .layer = "layers",
      .attention_norm = "input_layernorm",
      .qkv = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
      .attention_out = "self_attn.o_proj",
      .mlp_norm = "post_attention_layernorm",
      .mlp_gate = "mlp.gate_proj",
      .mlp_up = "mlp.up_proj",
      .mlp_down = "mlp.down_proj",
      .final_norm = "norm",
      .head = "lm_head",
      .layout = nn::Linear::Layout::out_in,
  };
  return names;
}

DecoderConfig read_llama_config(const io::JsonFields& fields) {
  const bool qwen2 = fields.string("model_type") == "qwen2";
  DecoderConfig config;
  config.family = qwen2 ? DecoderConfig::Family::qwen2 : DecoderConfig::Family::llama;
  config.vocab_size = fields.integer("vocab_size", 1, max_vocab);
  config.context = fields.integer("max_position_embeddings", 1, max_context);
  config.width = fields.integer("hidden_size", 1, max_width);
  config.layers = fields.integer("num_hidden_layers", 1, max_layers);
  config.heads = fields.integer("num_attention_heads", 1, max_width);
  config.kv_heads = fields.integer_or("num_key_value_heads", config.heads, 1, max_width);
  if (!fields.has("head_dim") && config.width % config.heads != 0) {
    fail(ErrorCode::bad_format, fields.where(), ": hidden_size ", config.width,
         " does not divide by num_attention_heads ", config.heads);
  }
  config.head_dim =
      fields.integer_or("head_dim", std::max<std::int64_t>(config.width / config.heads, 1), 1, max_width);
  config.mlp_width = fields.integer("intermediate_size", 1, max_width);
  config.norm = nn::Norm::Kind::rms;
  config.norm_eps = static_cast<float>(fields.number_or("rms_norm_eps", 1e-6));
  config.positions = DecoderConfig::Positions::rope;
  config.mlp = DecoderConfig::Mlp::gated;
  config.activation = read_activation(fields, "hidden_act", "silu");
  refuse_if(config.activation != ops::Activation::silu, fields, "hidden_act", "the gated mlp uses silu");
  config.qkv_bias = qwen2 || fields.boolean_or("attention_bias", false);
  config.attention_out_bias = !qwen2 && fields.boolean_or("attention_bias", false);
  config.mlp_bias = !qwen2 && fields.boolean_or("mlp_bias", false);
  config.tied_embeddings = fields.boolean_or("tie_word_embeddings", false);
  refuse_if(fields.boolean_or("use_sliding_window", false), fields, "use_sliding_window",
            "every layer attends to the whole context");
  if (fields.has("layer_types")) {
    const io::Json& types = fields.at("layer_types");
    if (!types.is_array()) {
      fail(ErrorCode::bad_format, fields.where(), ": field 'layer_types' is ", types.dump(),
           ", expected a list of names");
    }
    for (const io::Json& type : types) {
      refuse_if(type != "full_attention", fields, "layer_types", "every layer attends to the whole context");
    }
  }

  refuse_if(fields.number_or("partial_rotary_factor", 1.0) != 1.0, fields, "partial_rotary_factor",
            "Llama and Qwen2 rotate the whole head");
  config.rope.rotary_dim = config.head_dim;
  config.rope.theta = fields.number_or("rope_theta", 10000.0);
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    if (!fields.has(name)) continue;
    read_rope(fields, io::JsonFields(fields.at(name), fields.where() + ": " + name), config);
    break;  // transformers takes the first, too
  }
  return config;
}

io::Json write_llama_config(const DecoderConfig& config) {
  const bool qwen2 = config.family == DecoderConfig::Family::qwen2;
  io::Json out = {
      {"model_type", qwen2 ? "qwen2" : "llama"},
      {"architectures", {qwen2 ? "Qwen2ForCausalLM" : "LlamaForCausalLM"}},
      {"vocab_size", config.vocab_size},
      {"max_position_embeddings", config.context},
      {"hidden_size", config.width},
      {"intermediate_size", config.mlp_width},
      {"num_hidden_layers", config.layers},
      {"num_attention_heads", config.heads},
      {"num_key_value_heads", config.kv_heads},
      {"hidden_act", activation_name(config.activation)},
      {"rms_norm_eps", shortest(config.norm_eps)},
      {"tie_word_embeddings", config.tied_embeddings},
      {"rope_theta", config.rope.theta},
      {"rope_parameters", write_rope(config.rope)},
      {"bos_token_id", nullptr},  // the generator's affair: generation_config.json
      {"eos_token_id", nullptr},
  };
  // Both spellings: transformers 4 reads rope_theta and rope_scaling, transformers 5 rope_parameters.
  out["rope_scaling"] = config.rope.scaling == Scaling::none ? io::Json(nullptr) : write_rope(config.rope);
  if (qwen2) {
    out["use_sliding_window"] = false;
  } else {
    out["head_dim"] = config.head_dim;
    out["attention_bias"] = config.qkv_bias;
    out["mlp_bias"] = config.mlp_bias;
  }
  if (qwen2 && config.head_dim * config.heads != config.width) out["head_dim"] = config.head_dim;
  return out;
}

}  // namespace adlib::models
