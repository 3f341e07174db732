// adlib/tokenizer/byte_bpe.h: GPT-2's byte alphabet, and the byte-level tokenizer that a fresh model starts
// with.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace adlib {

/// `bytes` written as byte-level vocabularies write them: each byte as one printable character, the space as
/// "Ġ", the newline as "Ċ" (the table of GPT-2's encoder.py).
std::string bytes_to_token(std::string_view bytes);
/// The inverse; nothing if `token` has a character outside the alphabet.
std::optional<std::string> token_to_bytes(std::string_view token);

/// Writes `vocab.json` (the 256 bytes in GPT-2's order, then "<|endoftext|>" as id 256), a `merges.txt`
/// without merges and `tokenizer_config.json` into `dir`, which is created if missing.
/// Tokenizer::from_directory and transformers' AutoTokenizer read it and agree. Each file is replaced
/// atomically. Throws Error(io).
void write_byte_level_files(const std::filesystem::path& dir);

}  // namespace adlib
