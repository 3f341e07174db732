#include "generate/tiny.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using test::error_of;

/// A byte-level vocabulary without merges: GPT-2's 256 letters for bytes, then `more` tokens.
io::Json byte_vocabulary(int more) {
  io::Json vocab;
  int shifted = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const int code = printable ? byte : 256 + shifted++;
    std::string letter;
    if (code < 0x80)
      letter = static_cast<char>(code);
    else
      letter = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    vocab[letter] = byte;
  }
  for (int i = 0; i < more; ++i) vocab["<extra" + std::to_string(i) + ">"] = 256 + i;
  return vocab;
}

/// The tiny model as people have one, with a vocab.json of 256 + `more` tokens.
void write_model(const std::filesystem::path& dir, int more) {
  const std::filesystem::path from = test::generate_data() / "tiny-gpt2";
  for (const char* file : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(from / file, dir / file);
  test::write_text(dir / "vocab.json", byte_vocabulary(more).dump());
  test::write_text(dir / "merges.txt", "#version: 0.2\n");
}

TEST_CASE("a generator loads from a directory and takes its defaults from it", "[generate]") {
  const test::TempDir dir;
  write_model(dir.path(), 44);
  test::write_text(
      dir / "generation_config.json",
      R"({"max_new_tokens": 9, "do_sample": true, "temperature": 0.9, "eos_token_id": [299, 50256]})");
  const Generator generator = Generator::from_directory(dir.path());
  CHECK(generator.defaults().max_new_tokens == 9);
  CHECK(generator.defaults().eos_token_id == test::Ids{299});  // 50256 is beyond this model
  const Result result = generator.generate("Hello 科技");
  CHECK(result.prompt_tokens == 12);
  CHECK(result.completions[0].ids.size() <= 9);
  const auto ids = generator.tokenizer().encode("Hello 科技");
  CHECK(result.completions[0].ids ==
        test::tiny_generator().generate(ids, generator.defaults()).completions[0].ids);
}

TEST_CASE("a tokenizer with more ids than the model is refused before weights load", "[generate]") {
  const test::TempDir dir;
  write_model(dir.path(), 45);
  test::write_text(dir / "model.safetensors", "not even read");
  CHECK_THAT(error_of([&] { Generator::from_directory(dir.path()); }),
             ContainsSubstring("the tokenizer has ids up to 300, but the model's vocabulary is 300"));
}

TEST_CASE("a directory that lacks a file is an error that names it", "[generate]") {
  const test::TempDir dir;
  CHECK_THAT(error_of([&] { Generator::from_directory(dir.path()); }), ContainsSubstring("config.json"));
  write_model(dir.path(), 0);
  std::filesystem::remove(dir / "vocab.json");
  CHECK_THAT(error_of([&] { Generator::from_directory(dir.path()); }), ContainsSubstring("tokenizer"));
}

}  // namespace
}  // namespace adlib
