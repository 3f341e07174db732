// Perplexity against transformers, and what must not change it.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/eval/perplexity.h"
#include "adlib/io/json.h"
#include "adlib/models/checkpoint.h"
#include "support/catch.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "support/files.h"

namespace adlib {
namespace {

using eval::Document;
using Ids = std::vector<TokenId>;

const Decoder& tiny(Device device = Device::cpu) {
  static std::map<std::string, Decoder> decoders;
  const std::string name = to_string(device);
  if (!decoders.contains(name))
    decoders.emplace(name, load_decoder(test::data_dir() / "generate/tiny-gpt2", {.device = device}));
  return decoders.at(name);
}

const io::Json& golden() {
  static const io::Json json = io::read_json(test::data_dir() / "eval/perplexity.json");
  return json;
}

std::vector<Document> documents() {
  std::vector<Document> out;
  for (const io::Json& document : golden().at("documents")) {
    out.push_back({.ids = document.at("ids").get<Ids>(), .given = document.at("given").get<std::int64_t>()});
  }
  return out;
}

/// A byte a token; 256 is BOS, 257 is EOS, which a template may write as "<".
class ByteTokenizer : public Tokenizer {
 public:
  explicit ByteTokenizer(bool puts_bos) : puts_bos_(puts_bos) {}
  std::vector<TokenId> encode(std::string_view text) const override {
    Ids ids;
    for (const char c : text) ids.push_back(c == '<' ? 257 : static_cast<unsigned char>(c));
    return ids;
  }
  std::vector<TokenId> encode_text(std::string_view text) const override {
    Ids ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::vector<TokenId> encode_with_special(std::string_view text) const override {
    Ids ids = encode(text);
    if (!puts_bos_) return ids;
    ids.insert(ids.begin(), 256);
    ids.push_back(257);  // what stands behind a text is not for one that goes on
    return ids;
  }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids) {
      if (id < 256) text += static_cast<char>(id);
    }
    return text;
  }
  std::int64_t vocab_size() const override { return 258; }
  std::optional<TokenId> token_to_id(std::string_view) const override { return std::nullopt; }
  std::string id_to_token(TokenId id) const override { return std::to_string(id); }
  bool is_special(TokenId id) const override { return id >= 256; }
  std::optional<TokenId> bos_id() const override { return 256; }
  std::optional<TokenId> eos_id() const override { return 257; }
  std::string_view kind() const override { return "byte_bpe"; }

 private:
  bool puts_bos_;
};

TEST_CASE("losses are those of transformers in float64, in every kind of window", "[eval][golden][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  CAPTURE(device);
  std::vector<Document> all = documents();
  REQUIRE(all.size() == 7);
  if (test::is_emulated(device)) all.resize(4);
  for (const io::Json& losses : golden().at("losses")) {
    if (test::is_emulated(device) && losses.at("window") != 16) continue;
    const eval::PerplexityOptions options{.window = losses.at("window").get<std::int64_t>(),
                                          .stride = losses.at("stride").get<std::int64_t>()};
    INFO("window " << options.window << ", stride " << options.stride);
    double sum = 0;
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const eval::Perplexity one = eval::perplexity(tiny(device), {&all[i], 1}, options);
      const double expected = losses.at("totals")[i].get<double>();
      INFO("document " << i);
      CHECK(one.total == Approx(expected).epsilon(1e-5));
      CHECK(one.tokens == std::ssize(all[i].ids) - all[i].given);
      sum += expected;
      tokens += one.tokens;
    }
    const eval::Perplexity together = eval::perplexity(tiny(device), all, options);
    CHECK(together.total == Approx(sum).epsilon(1e-5));
    CHECK(together.perplexity() == Approx(std::exp(sum / static_cast<double>(tokens))).epsilon(1e-5));
  }
}

TEST_CASE("neither batches nor threads change a bit of the loss", "[eval][threads]") {
  std::vector<Document> all;  // more tokens than are scored at once
  while (all.size() < 28) {
    for (Document& document : documents()) all.push_back(std::move(document));
  }
  const double expected = eval::perplexity(tiny(), all).total;
  CHECK(eval::perplexity(tiny(), all).tokens > 2048);
  for (const std::int64_t batch_tokens : {1, 7, 100, 100'000}) {
    for (const int threads : {1, 2, 3}) {
      INFO(batch_tokens << " tokens, " << threads << " threads");
      set_num_threads(threads);
      CHECK(eval::perplexity(tiny(), all, {.batch_tokens = batch_tokens}).total == expected);
    }
  }
  set_num_threads(0);
}

TEST_CASE("a text counts what can be predicted of it", "[eval]") {
  const ByteTokenizer plain(false), with_bos(true);
  const Document without = eval::text_document(plain, "é茶a");
  CHECK(without.ids.size() == 6);
  CHECK(without.given == 1);
  CHECK(without.bytes == 5);
  CHECK(without.characters == 2);  // é is counted with its first byte, which is given
  const Document with = eval::text_document(with_bos, "é茶a");
  CHECK(with.ids.front() == 256);
  CHECK(with.ids.back() == 'a');  // no EOS behind it
  CHECK(eval::text_document(with_bos, "a", 257).ids == Ids{256, 'a', 257});
  CHECK(with.bytes == 6);
  CHECK(with.characters == 3);
  CHECK(eval::text_document(plain, "").ids == Ids{256});
}

TEST_CASE("a completion counts after its prompt, with the end that it is to have", "[eval]") {
  const ByteTokenizer tokenizer(true);
  const Document document = eval::completion_document(tokenizer, "pq", "茶", 257);
  CHECK(document.ids == Ids{256, 'p', 'q', 0xE8, 0x8C, 0xB6, 257});
  CHECK(document.given == 3);
  CHECK(document.characters == 1);
  CHECK(document.bytes == 3);
  CHECK(eval::completion_document(tokenizer, "", "a").ids == Ids{256, 'a'});
  CHECK(eval::completion_document(tokenizer, "<", "<").ids == Ids{256, 257, '<'});  // a completion is data
  CHECK(eval::completion_document(tokenizer, "p", "").ids.size() == 2);
}

TEST_CASE("bits by character and by byte are the same loss in other units", "[eval]") {
  const eval::Perplexity result{
      .total = 8 * std::log(2.0), .tokens = 4, .characters = 2, .bytes = 6, .documents = 1};
  CHECK(result.loss() == Approx(2 * std::log(2.0)));
  CHECK(result.perplexity() == Approx(4));
  CHECK(result.bits_per_character() == Approx(4));
  CHECK(result.bits_per_byte() == Approx(8.0 / 6));
}

TEST_CASE("a model of zero weights is as perplexed as its vocabulary is large", "[eval]") {
  DecoderConfig config = tiny().config();
  std::map<std::string, Tensor> zeros;
  for (const auto& [name, tensor] : tiny().named_tensors()) zeros[name] = Tensor::zeros(tensor.shape());
  const Decoder decoder(config, Weights::from(zeros));
  const std::vector<Document> all = documents();
  CHECK(eval::perplexity(decoder, all).perplexity() ==
        Approx(static_cast<double>(config.vocab_size)).epsilon(1e-6));
}

TEST_CASE("a model chooses as its scores say, at every position that counts", "[eval]") {
  const std::vector<Document> all = documents();
  const std::vector<eval::Choice> found = eval::choices(tiny(), all);
  CHECK(std::ssize(found) == eval::perplexity(tiny(), all).tokens);
  // The first document in one pass, by softmax in double.
  const Document& first = all.front();
  const auto length = std::ssize(first.ids);
  const Tensor logits = tiny().forward(Tensor::from<std::int32_t>(first.ids, {1, length}));
  const auto vocab = tiny().config().vocab_size;
  for (std::int64_t i = first.given; i < length; ++i) {
    INFO("position " << i);
    std::vector<double> p;
    double sum = 0;
    for (std::int64_t v = 0; v < vocab; ++v) {
      p.push_back(
          std::exp(static_cast<double>(logits.data<float>()[static_cast<std::size_t>((i - 1) * vocab + v)])));
      sum += p.back();
    }
    const auto best = std::max_element(p.begin(), p.end());
    const eval::Choice& choice = found[static_cast<std::size_t>(i - first.given)];
    CHECK(choice.token == best - p.begin());
    const double most = std::exchange(*best, 0.0);
    CHECK(choice.lead == Approx((most - *std::max_element(p.begin(), p.end())) / sum).epsilon(1e-4));
  }
}

TEST_CASE("models agree where they choose alike", "[eval]") {
  const std::vector<eval::Choice> reference = {{1, 0.5f}, {2, 0.01f}, {3, 0.3f}, {4, 0.02f}};
  const std::vector<eval::Choice> other = {{1, 0.1f}, {7, 0.4f}, {5, 0.1f}, {4, 0.9f}};
  const eval::Agreement both = eval::agreement(reference, other);
  CHECK(both.positions == 4);
  CHECK(both.same == 2);
  CHECK(both.clear == 2);
  CHECK(both.clear_same == 1);
  CHECK_THAT(test::error_of([&] { eval::agreement(reference, std::span(other).first(3)); }),
             ContainsSubstring("4 and 3 choices"));
}

TEST_CASE("progress rises to the number of documents", "[eval]") {
  std::vector<std::int64_t> seen;
  const std::vector<Document> all = documents();
  eval::perplexity(tiny(), all, {.batch_tokens = 64, .progress = [&](std::int64_t done, std::int64_t total) {
                                   CHECK(total == 7);
                                   seen.push_back(done);
                                 }});
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(seen.size() > 2);
  CHECK(seen.back() == 7);
}

TEST_CASE("perplexity refuses documents and windows that make no sense", "[eval]") {
  const auto error = [](const Document& document, const eval::PerplexityOptions& options = {}) {
    return test::error_of([&] { eval::perplexity(tiny(), {&document, 1}, options); });
  };
  CHECK_THAT(error({.ids = {1, 2}, .given = 0}), ContainsSubstring("2 tokens, of which 0 are given"));
  CHECK_THAT(error({.ids = {1, 2}, .given = 3}), ContainsSubstring("of which 3 are given"));
  CHECK_THAT(error({.ids = {}, .given = 1}), ContainsSubstring("0 tokens"));
  CHECK_THAT(error({.ids = {1, 300}}), ContainsSubstring("token 300, outside the model's vocabulary of 300"));
  CHECK_THAT(error({.ids = {1}}), ContainsSubstring("no token counts in 1 documents"));
  CHECK_THAT(error({.ids = {1, 2}}, {.window = 129}), ContainsSubstring("context of 128"));
  CHECK_THAT(error({.ids = {1, 2}}, {.window = 1}), ContainsSubstring("window 1"));
  CHECK_THAT(error({.ids = {1, 2}}, {.window = 8, .stride = 8}), ContainsSubstring("stride < window"));
  CHECK_THAT(error({.ids = {1, 2}}, {.batch_tokens = 0}), ContainsSubstring("batch_tokens is 0"));
}

}  // namespace
}  // namespace adlib
