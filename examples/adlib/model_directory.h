// examples/adlib/model_directory.h: making directories in the Hugging Face layout.
#pragma once

#include <filesystem>

namespace adlib::cli {

/// Copies what stands beside the weights of a checkpoint: tokenizers, settings, texts; not config.json.
void copy_companions(const std::filesystem::path& from, const std::filesystem::path& to);
/// Throws Error unless `output` may get a model whose files come from `source`: it is not there, empty, or
/// the user insists; it is not `source` itself, and holds no tokenizer.json that would be read before the new
/// files.
void check_output(const std::filesystem::path& source, const std::filesystem::path& output, bool force);

}  // namespace adlib::cli
