// Byte-level BPE on any bytes: what goes in comes out, ids are those of the plainest BPE that can be written,
// the hand-written patterns cut as PCRE2 does, and streaming gives the same text. The first byte picks the
// tokenizer.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../../tokenizer/src/pretokenizer.h"
#include "../../tokenizer/src/regex.h"
#include "../../tokenizer/src/utf8.h"
#include "adlib/tokenizer/byte_bpe.h"
#include "adlib/tokenizer/tokenizer_json.h"
#include "adlib/tokenizer/utf8_stream.h"

using namespace adlib;
using Json = nlohmann::json;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

struct Subject {
  std::string_view pattern;
  bool nfc;
  std::shared_ptr<const Tokenizer> tokenizer;
  tok::NextPiece fast;
  std::shared_ptr<const tok::Regex> regex;
};

/// Merges in order of rank, as bytes. "aa" and its doublings make long words merge in many ways.
const std::vector<std::pair<std::string, std::string>>& merges() {
  static const std::vector<std::pair<std::string, std::string>> list = {
      {"a", "a"},   {"aa", "aa"},   {" ", "a"},       {"b", "a"},           {"a", "b"},
      {"ab", "a"},  {"aaaa", "aa"}, {"\xe4", "\xb8"}, {"\xe4\xb8", "\xad"}, {" ", " "},
      {"  ", "  "}, {"\n", "\n"},   {"1", "2"},       {"'", "s"},           {"\xff", "\xff"}};
  return list;
}

Subject make(std::string_view pattern, bool nfc) {
  Json vocab = Json::object();
  for (int b = 0; b < 256; ++b) vocab[bytes_to_token(std::string(1, static_cast<char>(b)))] = b;
  Json merge_list = Json::array();
  for (const auto& [left, right] : merges()) {
    vocab.emplace(bytes_to_token(left + right), vocab.size());
    merge_list.push_back({bytes_to_token(left), bytes_to_token(right)});
  }
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  const Json json = {{"normalizer", nfc ? Json{{"type", "NFC"}} : Json()},
                     {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}}},
                     {"decoder", byte_level},
                     {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merge_list}}}};
  return {pattern, nfc, tokenizer_from_json(json.dump()), tok::fast_pattern(pattern),
          std::make_shared<tok::Regex>(pattern, "fuzz")};
}

/// BPE as it is told: merge the pair of lowest rank, the leftmost of equals, until none is left.
void plain_bpe(std::string_view piece, const Tokenizer& tokenizer, std::vector<TokenId>& out) {
  std::vector<std::string> symbols;
  for (const char c : piece) symbols.emplace_back(1, c);
  for (;;) {
    std::size_t best_rank = merges().size();
    std::size_t best = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (std::size_t rank = 0; rank < best_rank; ++rank) {
        if (symbols[i] != merges()[rank].first || symbols[i + 1] != merges()[rank].second) continue;
        best_rank = rank;
        best = i;
      }
    }
    if (best_rank == merges().size()) break;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  for (const std::string& s : symbols) out.push_back(tokenizer.token_to_id(bytes_to_token(s)).value());
}

std::vector<TokenId> plain_encode(const Subject& subject, std::string_view text) {
  std::vector<TokenId> out;
  tok::for_each_run(text, [&](std::string_view run, bool valid) {
    std::vector<tok::Range> pieces;
    if (valid) {
      subject.regex->find_all(run, pieces);
    } else {
      pieces.push_back({0, run.size()});
    }
    std::size_t at = 0;
    for (const tok::Range& p : pieces) {
      expect(p.begin == at);
      if (valid && subject.fast != nullptr) expect(subject.fast(run, at) == p.end);
      plain_bpe(run.substr(p.begin, p.end - p.begin), *subject.tokenizer, out);
      at = p.end;
    }
    expect(at == run.size());
  });
  return out;
}

std::string replaced(std::string_view bytes) {
  Utf8Stream stream;
  std::string out = stream.push(bytes);
  return out + stream.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<Subject, 4> subjects = {
      make(tok::kGpt2Pattern, false), make(tok::kLlama3Pattern, false), make(tok::kQwen2Pattern, true),
      make(R"(\p{N}{1,2}|\s+|[^\s\p{N}]+)", false)};
  if (size == 0) return 0;
  const Subject& subject = subjects[data[0] % subjects.size()];
  const Tokenizer& tokenizer = *subject.tokenizer;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const std::vector<TokenId> ids = tokenizer.encode(text);
  const std::string decoded = tokenizer.decode(ids, false);
  if (!subject.nfc) expect(decoded == text);
  if (text.size() < 2000) expect(ids == plain_encode(subject, decoded));  // decoded: the normalised text
  expect(tokenizer.encode(text) == ids);                                  // now from the cache

  IncrementalDecoder decoder(tokenizer, false);
  std::string streamed;
  for (const TokenId id : ids) {
    const std::string piece = decoder.push(id);
    expect(replaced(piece) == piece);
    streamed += piece;
  }
  expect(streamed + decoder.finish() == replaced(decoded));
  return 0;
}
