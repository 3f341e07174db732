// train/tokenise.h: from an input file to its token cache.
#pragma once

#include <filesystem>

#include "adlib/train/token_cache.h"
#include "train/example.h"

namespace adlib::train {

/// True for a file of plain text, false for JSON Lines, by the end of its name. Throws
/// Error(invalid_argument) for other names.
bool is_plain_text(const std::filesystem::path& file);

/// The fingerprint of a file's bytes, read once from front to back.
Fingerprint fingerprint_of_file(const std::filesystem::path& file);

/// Tokenises `file` into `target` on the pool, a few MB of text at a time: memory does not grow with the
/// file.
void tokenise(const std::filesystem::path& file, const std::filesystem::path& target, const Fingerprint& key,
              const ExampleEncoder& encoder, std::int64_t vocab_size, const DatasetOptions& options);

}  // namespace adlib::train
