// Any valid UTF-8 through the model that `adlib tokenizer train` made for the tests: it comes back byte for
// byte, and as data it never holds a tag. The first byte says how often tags are put between the others.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"
#include "adlib/tokenizer/utf8_stream.h"

using namespace adlib;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto tokenizer = Tokenizer::from_directory(ADLIB_SOURCE_DIR "/tests/data/tokenizer/spm");
  static const std::vector<std::string> names = {"<title>", "<text>", "¶", "<s>", "</s>", "<pad>", "<unk>"};
  if (size == 0) return 0;
  const std::size_t every = data[0] % 16u + 1;
  std::string raw;
  for (std::size_t i = 1; i < size; ++i) {
    raw += static_cast<char>(data[i]);
    if (data[0] >= 128 && i % every == 0) raw += names[data[i] % names.size()];
  }
  Utf8Stream repair;  // what is not UTF-8 becomes U+FFFD
  std::string text = repair.push(raw);
  text += repair.finish();

  const std::vector<TokenId> ids = tokenizer->encode(text);
  expect(tokenizer->decode(ids, false) == text);
  const std::vector<TokenId> plain = tokenizer->encode_text(text);
  expect(tokenizer->decode(plain, true) == text);
  for (const std::string& name : names) {
    const auto tag = tokenizer->token_to_id(name);
    expect(tag.has_value() && std::find(plain.begin(), plain.end(), *tag) == plain.end());
  }
  return 0;
}
