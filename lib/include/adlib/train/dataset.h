// adlib/train/dataset.h: examples of training, tokenised once, read at random from disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"
#include "adlib/train/token_batch.h"
#include "adlib/train/token_cache.h"

namespace adlib::train {

/// Where tokenising one file stands.
struct DatasetProgress {
  const std::filesystem::path& file;
  std::int64_t bytes;        ///< of the file, done
  std::int64_t total_bytes;  ///< of the file
  std::int64_t documents;    ///< made of it
};

struct DatasetOptions {
  /// The most tokens that a document may feed to the model.
  std::int64_t context = 1024;
  /// BOS before a document; unset: as the tokenizer's encode_with_special() does.
  std::optional<bool> bos = {};
  /// EOS behind a completion or text, as something to learn, where the tokenizer has one.
  bool eos = true;
  /// Special tokens and tags written out in a prompt or text become their ids, as a template wants. A
  /// completion is data always: nothing in it becomes one (Tokenizer::encode_text).
  bool parse_special = true;
  /// The field whose value decides the side of a split, such as "title". Empty: "prompt" or "text". A line
  /// without the field is refused; files of plain text have no fields, there each window decides for itself.
  std::string split_field = {};
  /// Where token caches are kept, one a file, named by what they depend on; created if missing. Empty, or a
  /// tokenizer without fingerprint: a temporary file that vanishes with the Dataset.
  std::filesystem::path cache_directory = {};
  /// Called now and then on the calling thread; what it throws stops the work and is passed on.
  std::function<void(const DatasetProgress&)> progress = {};
};

struct DatasetSummary {
  std::int64_t units = 0;                  ///< examples; a preference pair is one
  std::int64_t documents = 0;              ///< units, or twice as many for pairs
  std::int64_t tokens = 0;                 ///< that one epoch feeds to the model
  std::int64_t counted = 0;                ///< targets that the loss counts in one epoch
  std::int64_t longest_unit = 0;           ///< tokens of the longest
  std::int64_t truncated_prompts = 0;      ///< examples whose prompt lost tokens at its left
  std::int64_t truncated_completions = 0;  ///< examples whose completion lost its end
  std::int64_t files_tokenised = 0;        ///< those that no cache was at hand for
};

/// Examples from files, in their order. A line of JSON is {"prompt", "completion"}, {"text"}, or {"prompt",
/// "chosen", "rejected"}, all lines of a dataset being pairs or none; other fields are ignored. A file of
/// plain text
/// (.txt) is one stream of tokens. A copy is cheap and shares the caches; const, so threads may share one.
///
/// The loss counts the completion and its EOS; in a text, every token but the first. A text of more than
/// `context` tokens becomes several documents, each going on where the one before ended. A prompt and
/// completion that are too long together lose the prompt's oldest tokens (never BOS); a completion too long
/// by itself also loses its end. The two documents of a pair are cut to the same prompt.
class Dataset {
 public:
  /// Tokenises the files on the pool, or takes their caches. Throws Error(bad_format) "file:line: …" for a
  /// line that is no example, such as one with an empty completion; Error(not_found), Error(io).
  Dataset(const std::vector<std::filesystem::path>& files, const Tokenizer& tokenizer,
          const DatasetOptions& options = {});

  std::int64_t size() const { return summary_.units; }  ///< units
  bool pairs() const { return documents_per_unit_ == 2; }
  const DatasetSummary& summary() const { return summary_; }
  /// Of all ids and options that they depend on: equal examples, equal digits.
  std::string fingerprint() const;
  /// How many tokens unit `index` of [0, size()) feeds to the model.
  std::int64_t tokens(std::int64_t index) const;
  /// The hash of the unit's split field: uniform in 64 bits.
  std::uint64_t key(std::int64_t index) const;
  /// Adds the unit's documents to a batch.
  void append_to(TokenBatch& batch, std::int64_t index) const;

 private:
  struct Place {
    const TokenCache& cache;
    std::int64_t document;  // the unit's first
  };
  Place find(std::int64_t index) const;

  std::vector<std::shared_ptr<const TokenCache>> caches_;
  std::vector<std::int64_t> ends_;  // units up to and with each cache
  std::int64_t documents_per_unit_ = 1;
  DatasetSummary summary_;
};

}  // namespace adlib::train
