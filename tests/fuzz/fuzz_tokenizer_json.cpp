// Any tokenizer.json is loaded or refused with an Error, and a loaded one encodes and decodes any text or
// says why not. A NUL in the input ends the JSON; what follows is the text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "adlib/core/error.h"
#include "adlib/tokenizer/tokenizer_json.h"
#include "adlib/tokenizer/utf8_stream.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

void use(const adlib::Tokenizer& tokenizer, std::string_view text) {
  try {
    const auto ids = tokenizer.encode(text);
    tokenizer.encode_with_special(text);
    for (const adlib::TokenId id : ids) {
      expect(id >= 0 && id < tokenizer.vocab_size());
      tokenizer.id_to_token(id);
    }
    tokenizer.decode(ids, false);
    adlib::IncrementalDecoder decoder(tokenizer);
    for (std::size_t i = 0; i < ids.size() && i < 64; ++i) decoder.push(ids[i]);
    decoder.finish();
  } catch (const adlib::Error&) {  // a text that the tokenizer's own rules forbid
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view json = input.substr(0, input.find('\0'));
  std::shared_ptr<const adlib::Tokenizer> tokenizer;
  try {
    tokenizer = adlib::tokenizer_from_json(json, "fuzz.json");
  } catch (const adlib::Error& e) {
    expect(std::string_view(e.what()).find("fuzz.json") != std::string_view::npos);
    return 0;
  }
  if (json.size() < input.size()) use(*tokenizer, input.substr(json.size() + 1));
  use(*tokenizer, "Hello  it's 12 \u4e2d\u6587 e\u0301\xff\xe4\xb8 <unk>\n");
  return 0;
}
