#include "adlib/train/dataset.h"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <system_error>

#include "adlib/core/error.h"
#include "io/system_error.h"
#include "train/tokenise.h"

namespace adlib::train {
namespace {

/// Of all that the ids of a cache depend on. To be raised when the same text may give other documents.
constexpr int format_of_documents = 1;

Fingerprint cache_key(const std::filesystem::path& file, const ExampleEncoder& encoder,
                      const Tokenizer& tokenizer, const DatasetOptions& options) {
  const auto id = [](std::optional<TokenId> token) { return token ? concat(*token) : std::string("none"); };
  const std::string all =
      concat(format_of_documents, '\n', tokenizer.fingerprint(), '\n', tokenizer.vocab_size(), '\n',
             id(encoder.bos()), '\n', id(encoder.eos()), '\n', options.parse_special, '\n', options.context,
             '\n', is_plain_text(file), '\n', fingerprint_of_file(file).hex(), '\n', options.split_field);
  const XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
  return {hash.high64, hash.low64};
}

/// The cache at `path` if it is there, whole and the right one.
std::shared_ptr<const TokenCache> find_cache(const std::filesystem::path& path, const Fingerprint& key) {
  if (!std::filesystem::exists(path)) return nullptr;
  try {
    auto cache = std::make_shared<const TokenCache>(TokenCache::open(path));
    return cache->info().key == key ? cache : nullptr;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_format) throw;
    return nullptr;  // a damaged file is replaced
  }
}

void make_directories(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) io::fail_system("create", directory, error.value());
}

}  // namespace

Dataset::Dataset(const std::vector<std::filesystem::path>& files, const Tokenizer& tokenizer,
                 const DatasetOptions& options) {
  require(!files.empty(), "Dataset: no file is given");
  const ExampleEncoder encoder(tokenizer, options);
  const bool keep = !options.cache_directory.empty() && !tokenizer.fingerprint().empty();
  const auto directory = keep ? options.cache_directory : std::filesystem::temp_directory_path();
  if (keep) make_directories(directory);
  for (const auto& file : files) {
    is_plain_text(file);  // a wrong name is refused before anything is read
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(file, error);
    if (error) io::fail_system("open", file, error.value());
    std::shared_ptr<const TokenCache> cache;
    if (keep) {
      const Fingerprint key = cache_key(file, encoder, tokenizer, options);
      const auto path = directory / concat(file.stem().string(), '-', key.hex(), ".tokens");
      cache = find_cache(path, key);
      if (cache == nullptr) {
        tokenise(file, path, key, encoder, tokenizer.vocab_size(), options);
        if (std::filesystem::last_write_time(file) != changed) {
          std::filesystem::remove(path);
          fail(ErrorCode::io, file.string(),
               ": the file changed while it was read; start again when it is complete");
        }
        cache = std::make_shared<const TokenCache>(TokenCache::open(path));
        ++summary_.files_tokenised;
      }
    } else {
      static std::atomic<int> next{0};
      const auto path = directory / concat("adlib-", ::getpid(), '-', next++, ".tokens");
      tokenise(file, path, {}, encoder, tokenizer.vocab_size(), options);
      cache = std::make_shared<const TokenCache>(TokenCache::open(path));
      std::filesystem::remove(path);  // the mapping keeps its bytes
      ++summary_.files_tokenised;
    }
    if (caches_.empty()) documents_per_unit_ = cache->info().documents_per_unit;
    if (cache->info().documents_per_unit != documents_per_unit_) {
      fail(ErrorCode::bad_format, file.string(), ": the file holds ",
           cache->info().documents_per_unit == 2 ? "" : "no ", "preference pairs, unlike ",
           files.front().string(), "; train on one kind at a time");
    }
    caches_.push_back(std::move(cache));
    summary_.units += caches_.back()->documents() / documents_per_unit_;
    summary_.documents += caches_.back()->documents();
    summary_.truncated_prompts += caches_.back()->info().truncated_prompts;
    summary_.truncated_completions += caches_.back()->info().truncated_completions;
    ends_.push_back(summary_.units);
  }
  for (const auto& cache : caches_) {
    std::int64_t unit = 0;
    for (std::int64_t d = 0; d < cache->documents(); ++d) {
      const TokenSpan span = cache->document(d);
      if (d % documents_per_unit_ == 0) unit = 0;
      unit += span.length - 1;
      summary_.tokens += span.length - 1;
      summary_.counted += span.length - std::max<std::uint32_t>(span.prompt, 1);
      summary_.longest_unit = std::max(summary_.longest_unit, unit);
    }
  }
}

Dataset::Place Dataset::find(std::int64_t index) const {
  require(index >= 0 && index < size(), "Dataset: unit ", index, " is outside the dataset of ", size());
  const auto cache = std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin();
  const std::int64_t before = cache == 0 ? 0 : ends_[static_cast<std::size_t>(cache) - 1];
  return {*caches_[static_cast<std::size_t>(cache)], (index - before) * documents_per_unit_};
}

std::int64_t Dataset::tokens(std::int64_t index) const {
  const Place place = find(index);
  std::int64_t sum = 0;
  for (std::int64_t d = 0; d < documents_per_unit_; ++d)
    sum += place.cache.document(place.document + d).length - 1;
  return sum;
}

std::uint64_t Dataset::key(std::int64_t index) const {
  const Place place = find(index);
  return place.cache.document(place.document).key;
}

std::string Dataset::fingerprint() const {
  std::string all;
  for (const auto& cache : caches_) {
    if (!all.empty()) all += '+';
    all += cache->info().key.hex();
  }
  return all;
}

void Dataset::append_to(TokenBatch& batch, std::int64_t index) const {
  const Place place = find(index);
  for (std::int64_t d = 0; d < documents_per_unit_; ++d) {
    const TokenSpan span = place.cache.document(place.document + d);
    for (std::uint32_t t = 0; t + 1 < span.length; ++t) {
      batch.ids.push_back(place.cache.id(span.begin + t));
      batch.targets.push_back(t + 1 < span.prompt ? -1 : place.cache.id(span.begin + t + 1));
    }
    batch.offsets.push_back(batch.tokens());
    batch.examples.push_back(index * documents_per_unit_ + d);
  }
}

}  // namespace adlib::train
