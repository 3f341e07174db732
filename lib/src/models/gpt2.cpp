#include "adlib/models/gpt2.h"

#include "config_fields.h"

namespace adlib::models {

const DecoderNames& gpt2_names() {
  static const DecoderNames names{
      .root = "transformer",
      .token_embedding = "wte",
      .position_embedding = "wpe",
      .layer = "h",
      .attention_norm = "ln_1",
      .qkv = {"attn.c_attn"},
      .attention_out = "attn.c_proj",
      .mlp_norm = "ln_2",
      .mlp_gate = "",
      .mlp_up = "mlp.c_fc",
      .mlp_down = "mlp.c_proj",
      .final_norm = "ln_f",
      .head = "lm_head",
      .layout = nn::Linear::Layout::in_out,
  };
  return names;
}

DecoderConfig read_gpt2_config(const io::JsonFields& fields) {
  DecoderConfig config;
  config.family = DecoderConfig::Family::gpt2;
  config.vocab_size = fields.integer("vocab_size", 1, max_vocab);
  config.context = fields.integer(fields.has("n_positions") ? "n_positions" : "n_ctx", 1, max_context);
  config.width = fields.integer("n_embd", 1, max_width);
  config.layers = fields.integer("n_layer", 1, max_layers);
  config.heads = fields.integer("n_head", 1, max_width);
  config.kv_heads = config.heads;
  if (config.width % config.heads != 0) {
    fail(ErrorCode::bad_format, fields.where(), ": n_embd ", config.width, " does not divide by n_head ",
         config.heads);
  }
  config.head_dim = config.width / config.heads;
  config.mlp_width = fields.integer_or("n_inner", 4 * config.width, 1, max_width);
  config.norm = nn::Norm::Kind::layer;
  config.norm_eps = static_cast<float>(fields.number_or("layer_norm_epsilon", 1e-5));
  config.positions = DecoderConfig::Positions::learned;
  config.mlp = DecoderConfig::Mlp::plain;
  config.activation = read_activation(fields, "activation_function", "gelu_new");
  config.tied_embeddings = fields.boolean_or("tie_word_embeddings", true);
  config.scale_attention = fields.boolean_or("scale_attn_weights", true);
  config.scale_attention_by_inverse_layer = fields.boolean_or("scale_attn_by_inverse_layer_idx", false);
  refuse_if(fields.boolean_or("add_cross_attention", false), fields, "add_cross_attention",
            "the decoder has no encoder to attend to");
  refuse_if(fields.has("pruned_heads") && !fields.at("pruned_heads").empty(), fields, "pruned_heads",
            "every layer has the same heads");
  return config;
}

io::Json write_gpt2_config(const DecoderConfig& config) {
  return {
      {"model_type", "gpt2"},
      {"architectures", {"GPT2LMHeadModel"}},
      {"vocab_size", config.vocab_size},
      {"n_positions", config.context},
      {"n_ctx", config.context},
      {"n_embd", config.width},
      {"n_layer", config.layers},
      {"n_head", config.heads},
      {"n_inner", config.mlp_width},
      {"activation_function", activation_name(config.activation)},
      {"layer_norm_epsilon", shortest(config.norm_eps)},
      {"tie_word_embeddings", config.tied_embeddings},
      {"scale_attn_weights", config.scale_attention},
      {"scale_attn_by_inverse_layer_idx", config.scale_attention_by_inverse_layer},
      {"reorder_and_upcast_attn", false},
      {"add_cross_attention", false},
      {"resid_pdrop", 0.0},
      {"embd_pdrop", 0.0},
      {"attn_pdrop", 0.0},
      {"bos_token_id", nullptr},  // the generator's affair: generation_config.json
      {"eos_token_id", nullptr},
  };
}

}  // namespace adlib::models
