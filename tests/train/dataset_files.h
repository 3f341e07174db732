// tests/train/dataset_files.h: small files to make datasets of.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adlib/tokenizer/byte_bpe.h"
#include "adlib/train/batch_stream.h"
#include "support/files.h"

namespace adlib::test {

/// A tokenizer whose ids are bytes, in GPT-2's order; 256 is the end of a text. With a fingerprint.
inline std::shared_ptr<const Tokenizer> byte_tokenizer() {
  static const auto tokenizer = [] {
    const TempDir dir;
    write_byte_level_files(dir.path());
    return Tokenizer::from_directory(dir.path());
  }();
  return tokenizer;
}

/// `count` lines of {"prompt", "completion", "title"} of awkward lengths; 7 lines share a title.
inline std::string completions(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += concat(R"({"prompt": ")", std::string(static_cast<std::size_t>(i % 13), 'p'), "#", i,
                    R"(", "completion": ")", std::string(static_cast<std::size_t>(i * 7 % 11 + 1), 'c'),
                    R"(", "title": "title )", i / 7, "\"}\n");
  }
  return lines;
}

/// Document `index` of a batch as text: its ids and, behind a bar, the targets that count.
inline std::string shown(const train::TokenBatch& batch, std::int64_t index) {
  const auto begin = static_cast<std::size_t>(batch.offsets[static_cast<std::size_t>(index)]);
  const auto end = static_cast<std::size_t>(batch.offsets[static_cast<std::size_t>(index) + 1]);
  const Tokenizer& tokenizer = *byte_tokenizer();
  std::vector<TokenId> targets;
  for (std::size_t t = begin; t < end; ++t) {
    if (batch.targets[t] >= 0) targets.push_back(batch.targets[t]);
  }
  return tokenizer.decode(std::span(batch.ids).subspan(begin, end - begin), false) + "|" +
         tokenizer.decode(targets, false);
}

/// Every unit of a dataset, in order.
inline std::vector<std::string> shown(const train::Dataset& dataset) {
  std::vector<std::string> out;
  for (std::int64_t unit = 0; unit < dataset.size(); ++unit) {
    train::TokenBatch batch;
    dataset.append_to(batch, unit);
    for (std::int64_t d = 0; d < batch.documents(); ++d) out.push_back(shown(batch, d));
  }
  return out;
}

}  // namespace adlib::test
