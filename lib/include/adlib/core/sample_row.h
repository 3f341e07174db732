// adlib/core/sample_row.h: how the next token of one row of scores is chosen.
#pragma once

#include <cstdint>

namespace adlib {

/// How the next token of one row of scores is chosen; the fields of GenerationConfig that this takes, and
/// where the text stands. Plain data that a device reads as it is.
struct SampleRow {
  std::uint64_t seed = 0, stream = 0;
  std::uint64_t index = 0;          ///< how many tokens of the text were chosen before: Philox' counter
  std::int64_t history = 0;         ///< where the row's ids, prompt and text, begin
  std::int32_t history_length = 0;  ///< of them; only penalties read them
  std::int32_t prompt_length = 0;   ///< how many of them are the prompt's
  std::int32_t top_k = 0;           ///< keep the k highest; 0 keeps all
  std::int32_t do_sample = 0;       ///< 0: the highest score wins, the lowest id among equals
  float temperature = 1;            ///< > 0 when sampling
  float top_p = 1;                  ///< in (0, 1]
  float min_p = 0;                  ///< in [0, 1]
  float repetition_penalty = 1;     ///< > 0
  float presence_penalty = 0, frequency_penalty = 0;

  constexpr bool has_penalties() const {
    return repetition_penalty != 1 || presence_penalty != 0 || frequency_penalty != 0;
  }
};

namespace sampling {

/// What stands for a token where there is none.
inline constexpr std::int32_t none = -1;        ///< every token is forbidden
inline constexpr std::int32_t not_finite = -2;  ///< a score is NaN or +infinity

}  // namespace sampling
}  // namespace adlib
