// examples/adlib/eval_texts.h: the lines that `adlib eval` reads, and what is measured of texts alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adlib/eval/text.h"
#include "eval_report.h"

namespace adlib::cli {

/// A line of a file: {"text"} or {"completion"}, perhaps with "prompt" and "attributes".
struct EvalRecord {
  std::string where;  ///< "file:line"
  std::string text;
  bool completion = false;            ///< the text was the field "completion"
  std::optional<std::string> prompt;  ///< what the text was written from
  std::vector<std::string> values;    ///< of the object "attributes"
};
/// Reads `path`, "-" is stdin. The text is the field `field`, or, without a name, the first of `fields` that
/// a line has. Throws Error(bad_format) "file:line: …" for a line without it, and Error for a file without
/// lines.
std::vector<EvalRecord> read_records(const std::string& path, const std::string& field,
                                     const std::vector<std::string>& fields);

/// `count` of [0, size), drawn without replacement, in ascending order; all of them when there are no more.
/// The same seed draws the same ones anywhere.
std::vector<std::size_t> draw_sample(std::size_t size, std::size_t count, std::uint64_t seed);
template <class T>
std::vector<T> picked(const std::vector<T>& from, const std::vector<std::size_t>& indices) {
  std::vector<T> out;
  for (const std::size_t i : indices) out.push_back(from[i]);
  return out;
}

/// Diversity of the texts; of the references too, and how near the texts come to them, when there are any
/// (one a text); facts kept and invented, when a line has a prompt or attributes. `language`: "auto", "zh",
/// "en". Diversity is also told after a cut to `cut` characters, or 0: to the length of whichever of texts
/// and references is shorter.
void add_text_sections(Report& report, const std::vector<EvalRecord>& texts,
                       const std::vector<EvalRecord>& references, const std::string& language,
                       std::int64_t cut = 0);

}  // namespace adlib::cli
