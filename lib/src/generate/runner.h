// A decoder and its cache, fed with ids and asked for scores.
#pragma once

#include <cstdint>
#include <span>

#include "adlib/models/decoder.h"
#include "adlib/tokenizer/tokenizer.h"

namespace adlib::generate {

class Runner {
 public:
  /// The next tokens of one sequence of the cache.
  struct Piece {
    std::int64_t sequence = 0;
    std::span<const TokenId> ids;  ///< at least one
  };
  /// Activations are held for this many tokens at a time: long prompts are fed in chunks, with the same
  /// result.
  static constexpr std::int64_t chunk_tokens = 512;

  Runner(const Decoder& decoder, std::int64_t sequences, std::int64_t capacity)
      : decoder_(&decoder), cache_(decoder.make_cache(sequences, capacity)) {}

  /// Feeds all pieces, each to a sequence of its own. -> the scores after the last token of each, (P, V) f32
  /// on the CPU, for the caller to overwrite.
  Tensor feed(std::span<const Piece> pieces);
  void copy_sequence(std::int64_t from, std::int64_t to) { cache_.copy_sequence(from, to); }

 private:
  const Decoder* decoder_;
  Cache cache_;
};

/// The row of scores of one sequence.
inline std::span<float> row(Tensor& scores, std::size_t index) {
  const auto width = static_cast<std::size_t>(scores.size(1));
  return scores.data<float>().subspan(index * width, width);
}

}  // namespace adlib::generate
