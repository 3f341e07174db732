// adlib/models/gpt2.h: GPT-2's tensor names and configuration; also GPT-2-shaped checkpoints with an untied
// head.
#pragma once

#include "adlib/io/json.h"
#include "adlib/models/decoder.h"

namespace adlib::models {

/// Reads a config.json with model_type gpt2. Honours n_inner, activation_function, scale_attn_weights,
/// scale_attn_by_inverse_layer_idx, tie_word_embeddings, layer_norm_epsilon; reorder_and_upcast_attn changes
/// nothing since scores are always summed in f32. Refuses by name what it cannot honour.
DecoderConfig read_gpt2_config(const io::JsonFields& fields);
/// The config.json that transformers reads back to the same model.
io::Json write_gpt2_config(const DecoderConfig& config);
const DecoderNames& gpt2_names();

}  // namespace adlib::models
