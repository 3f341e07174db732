// Megabytes of UTF-8 a second on one core.
//
//   bench_tokenizer [--english=FILE] [--chinese=FILE] [--benchmark_…]
//
// Byte-level BPE runs with the real GPT-2 vocabulary where ../shared has it (else with the small one of
// tests/data, and the names say so). Without files, the text comes from a seeded generator: words drawn by
// Zipf's law from a vocabulary of 20,000 made-up words, which is harder on the cache than real prose of the
// same length. SentencePiece is measured through adlib and by itself, on the same texts, one sentence a call.
#include <benchmark/benchmark.h>
#include <sentencepiece_processor.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "adlib/tokenizer/sentencepiece.h"
#include "adlib/tokenizer/tokenizer.h"

namespace {

namespace fs = std::filesystem;
using adlib::Tokenizer;

const fs::path kRoot = ADLIB_SOURCE_DIR;
constexpr std::size_t kBytes = 4'000'000;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The rank, from 0, of a word drawn by Zipf's law (probability ~ 1 / rank) from `count` words.
std::size_t zipf(std::mt19937_64& random, std::size_t count) {
  const double u = static_cast<double>(random() >> 11) / 9007199254740992.0;
  return static_cast<std::size_t>(std::pow(static_cast<double>(count + 1), u)) - 1;
}

std::string english_text() {
  std::mt19937_64 random(1);
  const std::string consonants = "tnshrdlcmwfgypbvk", vowels = "eaoiu";
  std::vector<std::string> words(20000);
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t n = 1 + random() % (i < 100 ? 2 : 4); n > 0; --n) {
      words[i] += consonants[zipf(random, consonants.size())];
      words[i] += vowels[zipf(random, vowels.size())];
      if (random() % 3 == 0) words[i] += consonants[zipf(random, consonants.size())];
    }
  }
  std::string out;
  while (out.size() < kBytes) {
    for (std::size_t n = 5 + random() % 15; n > 0; --n) {
      out += words[zipf(random, words.size())];
      out += n == 1 ? ". " : random() % 10 == 0 ? ", " : " ";
    }
    if (random() % 5 == 0) out += "\n";
  }
  return out;
}

void append_ideograph(std::string& out, std::size_t index) {
  const auto c = static_cast<char32_t>(0x4E00 + index * 7919 % 20000);
  out += static_cast<char>(0xE0 | c >> 12);
  out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
  out += static_cast<char>(0x80 | (c & 0x3F));
}

std::string chinese_text() {
  std::mt19937_64 random(2);
  std::string out;
  while (out.size() < kBytes) {
    for (std::size_t n = 4 + random() % 16; n > 0; --n) append_ideograph(out, zipf(random, 4000));
    out += random() % 3 == 0 ? "。" : "，";
  }
  return out;
}

/// Sentences of about `bytes`, as a caller would pass them.
std::vector<std::string> cut(const std::string& text, std::size_t bytes) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.size(), at + bytes);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

void set_rate(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

void encode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  if (tokenizer.kind() == "byte_bpe" && tokenizer.decode(tokenizer.encode(text)) != text) {
    state.SkipWithError("the text does not come back");
    return;
  }
  std::size_t ids = 0;
  for (auto _ : state) ids = tokenizer.encode(text).size();
  set_rate(state, text.size());
  state.counters["bytes_per_id"] = static_cast<double>(text.size()) / static_cast<double>(ids);
}

void decode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  const auto ids = tokenizer.encode(text);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = tokenizer.decode(ids).size();
  set_rate(state, bytes);
}

void sentencepiece_through_adlib(benchmark::State& state, const Tokenizer& tokenizer,
                                 const std::vector<std::string>& lines, std::size_t bytes) {
  for (auto _ : state) {
    for (const std::string& line : lines) benchmark::DoNotOptimize(tokenizer.encode(line));
  }
  set_rate(state, bytes);
}

void sentencepiece_alone(benchmark::State& state, const sentencepiece::SentencePieceProcessor& processor,
                         const std::vector<std::string>& lines, std::size_t bytes) {
  for (auto _ : state) {
    for (const std::string& line : lines) {
      std::vector<int> ids;
      if (!processor.Encode(line, &ids).ok()) state.SkipWithError("SentencePiece failed");
      benchmark::DoNotOptimize(ids);
    }
  }
  set_rate(state, bytes);
}

void register_all(const std::string& english, const std::string& chinese) {
  const auto unit = benchmark::kMillisecond;
  const auto add_texts = [&](const std::string& name, const std::shared_ptr<const Tokenizer>& tokenizer) {
    for (const auto& [language, text] : {std::pair("english", &english), std::pair("chinese", &chinese)}) {
      const std::string suffix = "/" + name + "/" + language;
      benchmark::RegisterBenchmark(("encode" + suffix).c_str(), [tokenizer,
                                                                 text = text](benchmark::State& state) {
        encode(state, *tokenizer, *text);
      })->Unit(unit);
      benchmark::RegisterBenchmark(("decode" + suffix).c_str(), [tokenizer,
                                                                 text = text](benchmark::State& state) {
        decode(state, *tokenizer, *text);
      })->Unit(unit);
    }
  };
  const fs::path real = kRoot.parent_path() / "shared/vectors/gpt2-tokenizer";
  if (fs::exists(real)) add_texts("gpt2", Tokenizer::from_directory(real));
  for (const char* variant : {"gpt2", "llama3", "qwen2", "deepseek", "llama2", "bert_lower", "unigram"}) {
    add_texts(std::string("small_") + variant,
              Tokenizer::from_directory(kRoot / "tests/data/tokenizer" / variant));
  }

  const fs::path models = kRoot.parent_path() / "shared/vectors/sentencepiece";
  for (const auto& [name, text] :
       {std::pair("t5_tokenizer_base", &english), std::pair("chinese_vocab", &chinese),
        std::pair("test_sentencepiece_bpe", &english)}) {
    const fs::path path = models / (std::string(name) + ".model");
    if (!fs::exists(path)) continue;
    const auto tokenizer = adlib::sentencepiece_from_bytes(read(path));
    const auto processor = std::make_shared<sentencepiece::SentencePieceProcessor>();
    if (!processor->Load(path.string()).ok()) continue;
    const auto lines = std::make_shared<std::vector<std::string>>(cut(text->substr(0, kBytes / 4), 200));
    std::size_t bytes = 0;
    for (const std::string& line : *lines) bytes += line.size();
    // Interleaved repetitions of the two, and the medians, tell the overhead of the wrapper from the
    // machine's noise.
    benchmark::RegisterBenchmark(
        (std::string("sentencepiece/adlib/") + name).c_str(),
        [=](benchmark::State& state) { sentencepiece_through_adlib(state, *tokenizer, *lines, bytes); })
        ->Unit(unit);
    benchmark::RegisterBenchmark(
        (std::string("sentencepiece/alone/") + name).c_str(),
        [=](benchmark::State& state) { sentencepiece_alone(state, *processor, *lines, bytes); })
        ->Unit(unit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string english;
  std::string chinese;
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg.starts_with("--english=")) {
      english = read(arg.substr(10));
    } else if (arg.starts_with("--chinese=")) {
      chinese = read(arg.substr(10));
    } else {
      rest.push_back(argv[i]);
    }
  }
  if (english.empty()) english = english_text();
  if (chinese.empty()) chinese = chinese_text();
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
  register_all(english, chinese);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
