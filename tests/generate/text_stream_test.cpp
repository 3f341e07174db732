#include "lib/src/generate/text_stream.h"

#include "generate/tiny.h"
#include "support/catch.h"

namespace adlib {
namespace {

using generate::TextStream;
using test::Ids;

/// Each byte is a token.
class ByteTokenizer : public test::TinyTokenizer {
 public:
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids) text += static_cast<char>(id);
    return text;
  }
  std::int64_t vocab_size() const override { return 256; }
};

struct Streamed {
  std::vector<std::string> pieces;
  std::string text;
  bool stopped = false;
};

/// Pushes `text` byte by byte and takes after each.
Streamed stream(const std::string& text, const std::vector<std::string>& stops,
                const std::string& prompt = "") {
  const ByteTokenizer tokenizer;
  TextStream stream(tokenizer, tokenizer.encode(prompt), stops);
  Streamed out;
  const auto take = [&] {
    const std::string piece(stream.take());
    if (!piece.empty()) out.pieces.push_back(piece);
  };
  for (const TokenId id : tokenizer.encode(text)) {
    if (stream.push(id)) break;
    take();
  }
  stream.finish();
  take();
  out.text = stream.text();
  out.stopped = stream.stopped();
  return out;
}

TEST_CASE("a text ends before the first stop string", "[generate][text]") {
  const Streamed out = stream("hello world. The end.", {"end", ". T"});
  CHECK(out.text == "hello world");
  CHECK(out.stopped);
}

TEST_CASE("the beginning of a stop string is held back, then let go if it was none", "[generate][text]") {
  const Streamed out = stream("abcabcabd!", {"abcabd"});
  CHECK(out.text == "abc");
  CHECK(out.pieces ==
        std::vector<std::string>{"abc"});  // as soon as the second "abc" shows that the first is text
  const Streamed missed = stream("aab ab", {"abc"});
  CHECK(missed.text == "aab ab");
  CHECK_FALSE(missed.stopped);
  CHECK(missed.pieces == std::vector<std::string>{"a", "ab ", "ab"});
}

TEST_CASE("every way to part a text around stop strings gives the same text", "[generate][text]") {
  const std::string text = "买一送一,买二送二。xyzxyzw";
  const std::vector<std::vector<std::string>> stop_lists = {
      {}, {"买二"}, {"xyzw"}, {"zzz"}, {"。x", "送二"}, {"一,买二送二。xyzxyzw"}};
  for (const std::vector<std::string>& stops : stop_lists) {
    std::size_t cut = text.size();
    for (const std::string& stop : stops) cut = std::min(cut, text.find(stop));
    const Streamed out = stream(text, stops);
    std::string joined;
    for (const std::string& piece : out.pieces) {
      joined += piece;
      CHECK((static_cast<unsigned char>(piece.front()) & 0xC0u) != 0x80u);  // begins with a character
    }
    CHECK(out.text == text.substr(0, cut));
    CHECK(joined == out.text);
    CHECK(out.stopped == (cut < text.size()));
  }
}

TEST_CASE("a character that the prompt began belongs to the text", "[generate][text]") {
  const std::string character = "科";
  const Streamed out = stream(character.substr(1) + "技", {}, concat("x", character.substr(0, 1)));
  CHECK(out.text == "科技");
}

TEST_CASE("an unfinished character at the end becomes a replacement character", "[generate][text]") {
  const Streamed out = stream("a\xE7\xA7", {});
  CHECK(out.text == "a\xEF\xBF\xBD");
  CHECK(out.pieces == std::vector<std::string>{"a", "\xEF\xBF\xBD"});
}

TEST_CASE("tokens beyond the tokenizer's vocabulary have no text", "[generate][text]") {
  const ByteTokenizer tokenizer;
  const std::vector<std::string> stops;
  TextStream stream(tokenizer, Ids{300}, stops);
  CHECK_FALSE(stream.push('a'));
  CHECK_FALSE(stream.push(1000));
  stream.finish();
  CHECK(stream.text() == "a");
}

}  // namespace
}  // namespace adlib
