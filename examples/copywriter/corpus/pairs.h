// copywriter/corpus/pairs.h: products and customers that no model has seen, to measure one on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "copywriter/corpus/example.h"

namespace adlib::copywriter::corpus {

/// The product names, brands and values of attributes in the prompts of a corpus. Throws Error(bad_format)
/// "file:line: …" for a line without a prompt, Error(not_found) when there is no such file.
std::set<std::string> facts_of(const std::filesystem::path& corpus);

struct PairOptions {
  Language language = Language::zh;
  std::int64_t count = 0;
  std::uint64_t seed = 0;
  std::set<std::string> unlike;  ///< no product has a name, brand or value of these
};

/// Writes products.jsonl and customers.jsonl, the n-th customer for the n-th product, as `adlib write` reads
/// them, and corpus-copies.jsonl: the copies that the corpus's own sentences make for them. Throws
/// Error(invalid_argument) when nearly all that is drawn is in `unlike`.
void write_pairs(const ExampleMaker& maker, const PairOptions& options,
                 const std::filesystem::path& directory);

}  // namespace adlib::copywriter::corpus
