// examples/adlib/model_flags.h: the shape of a fresh model, for the commands that make one.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "adlib/models/decoder.h"

namespace adlib::cli {

struct ModelFlags {
  std::string family = "gpt2";
  std::string size = "tiny";
  std::int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, context = 0,
               mlp_width = 0;  ///< 0: the size's own
};
void add_model_flags(CLI::App& command, ModelFlags& flags);
/// Throws UsageError for flags that contradict each other.
DecoderConfig make_config(const ModelFlags& flags, std::int64_t vocab_size);

}  // namespace adlib::cli
