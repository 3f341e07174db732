// GPT-2's byte alphabet and the tokenizer without merges that a fresh model starts with.
#include "adlib/tokenizer/byte_bpe.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "adlib/core/error.h"
#include "byte_alphabet.h"
#include "utf8.h"
#include "write_file.h"

namespace adlib {
namespace tok {

const std::array<char32_t, 256>& byte_alphabet() {
  static const auto table = [] {
    std::array<char32_t, 256> t{};
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      t[b] = printable ? b : next++;
    }
    return t;
  }();
  return table;
}

std::optional<std::string> from_byte_alphabet(std::string_view token) {
  // The 68 bytes that are not themselves, by their letter's distance from U+0100.
  static const auto moved = [] {
    std::array<char, 68> t{};
    for (unsigned b = 0; b < 256; ++b) {
      if (byte_alphabet()[b] >= 0x100) t[byte_alphabet()[b] - 0x100] = static_cast<char>(b);
    }
    return t;
  }();
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const Utf8Char c = decode_utf8(token, at);
    if (c.status != Utf8Status::valid) return std::nullopt;
    if (c.code >= 0x100 && c.code < 0x100 + moved.size()) {
      bytes += moved[c.code - 0x100];
    } else if (c.code < 0x100 && byte_alphabet()[c.code] == c.code) {
      bytes += static_cast<char>(c.code);
    } else {
      return std::nullopt;
    }
    at += c.size;
  }
  return bytes;
}

std::string to_byte_alphabet(std::string_view text) {
  std::string out;
  for (const char c : text) append_utf8(out, byte_alphabet()[static_cast<unsigned char>(c)]);
  return out;
}

}  // namespace tok

std::string bytes_to_token(std::string_view bytes) { return tok::to_byte_alphabet(bytes); }

std::optional<std::string> token_to_bytes(std::string_view token) { return tok::from_byte_alphabet(token); }

void write_byte_level_files(const std::filesystem::path& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) fail(ErrorCode::io, dir.string(), ": could not be created: ", error.message());

  // GPT-2's order: the bytes that are their own letter first, then the others.
  nlohmann::ordered_json vocab;
  for (const bool moved : {false, true}) {
    for (unsigned b = 0; b < 256; ++b) {
      if ((tok::byte_alphabet()[b] >= 0x100) != moved) continue;
      vocab[bytes_to_token(std::string(1, static_cast<char>(b)))] = vocab.size();
    }
  }
  constexpr auto end_of_text = "<|endoftext|>";
  vocab[end_of_text] = vocab.size();
  const nlohmann::ordered_json config = {
      {"tokenizer_class", "GPT2Tokenizer"}, {"add_prefix_space", false},
      {"bos_token", end_of_text},           {"eos_token", end_of_text},
      {"unk_token", end_of_text},           {"clean_up_tokenization_spaces", false}};
  tok::write_file(dir / "vocab.json", vocab.dump() + "\n");
  tok::write_file(dir / "merges.txt", "#version: 0.2\n");
  tok::write_file(dir / "tokenizer_config.json", config.dump(2) + "\n");
}

}  // namespace adlib
