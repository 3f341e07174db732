// adlib/models/llama.h: tensor names and configuration of the Llama family: Llama 2 and 3, Qwen2 and Qwen2.5.
#pragma once

#include "adlib/io/json.h"
#include "adlib/models/decoder.h"

namespace adlib::models {

/// Reads a config.json with model_type llama or qwen2: grouped heads, attention_bias, mlp_bias, rope_theta
/// and rope_scaling (linear, llama3, yarn) in the field names of transformers 4 and 5. Refuses by name what
/// it cannot honour: dynamic and longrope scaling, sliding windows, activations other than silu.
DecoderConfig read_llama_config(const io::JsonFields& fields);
/// The config.json that transformers 4 and 5 read back to the same model.
io::Json write_llama_config(const DecoderConfig& config);
const DecoderNames& llama_names();

}  // namespace adlib::models
