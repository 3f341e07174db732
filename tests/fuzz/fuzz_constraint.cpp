// Texts pushed piece by piece under rules drawn from the same bytes; plain search must find every rule kept.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/generate/constraint.h"
#include "adlib/tokenizer/utf8_stream.h"
#include "generate/plain_check.h"

namespace {

using namespace adlib;

void expect(bool holds, const std::string& what, const std::string& text) {
  if (holds) return;
  std::cerr << what << ": " << text << '\n';
  std::abort();
}

// The bytes between two 0xFF, made whole characters.
std::vector<std::string> fields(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == 0xFF) {
      out.emplace_back();
    } else {
      out.back() += static_cast<char>(data[i]);
    }
  }
  for (std::string& field : out) {
    Utf8Stream whole;
    field = whole.push(field) + whole.finish();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > 2000) return 0;
  const std::uint8_t flags = data[0];
  ConstraintRules rules;
  rules.unit = static_cast<LengthUnit>(data[1] % 7);
  rules.max_length = data[2];
  rules.no_repeat = data[3] % 8;
  rules.sentences = (flags & 1) != 0;
  if (flags & 2) rules.full_stop = ".";
  std::vector<std::string> pieces = fields(data + 4, size - 4);
  const auto take = [&](std::vector<std::string>& into, std::size_t count) {
    for (; count > 0 && pieces.size() > 1; --count, pieces.erase(pieces.begin()))
      into.push_back(pieces.front());
    std::erase_if(into, [](const std::string& text) { return folded(text).empty(); });
  };
  std::vector<std::string> forbidden, exceptions, numbers;
  take(forbidden, flags >> 2 & 3);
  take(exceptions, flags >> 4 & 1);
  take(rules.required, flags >> 5 & 1);
  take(rules.ending, flags >> 6 & 1);
  if (flags & 128) take(numbers, 1), rules.numbers = numbers;
  rules.forbidden = std::make_shared<PhraseSet>(forbidden, exceptions);
  std::unique_ptr<Constraint> constraint;
  try {
    constraint = std::make_unique<Constraint>(rules);
  } catch (const Error&) {
    return 0;  // they contradict each other
  }
  ConstrainedText growing(*constraint);
  for (const std::string& piece : pieces) {
    const std::string before = growing.text(), ending = growing.finish();
    if (growing.push(piece) == ConstrainedText::Verdict::accepted) continue;
    expect(growing.text() == before && growing.finish() == ending, "a piece that was refused left something",
           piece);
  }
  const std::string text = growing.finish();
  expect(!test::plainly_holds(text, forbidden, exceptions), "a forbidden phrase", text);
  if (rules.max_length > 0) {
    expect(test::plain_length(text, rules.unit) <= rules.max_length, "too long", text);
  }
  for (const std::string& phrase : rules.required) {
    expect(text.find(phrase) != std::string::npos, "without what is required", text);
  }
  for (const std::string& phrase : rules.ending) expect(text.ends_with(phrase), "without its ending", text);
  if (rules.numbers) {
    std::vector<std::string> known;
    for (const auto* from : {&numbers, &rules.required, &rules.ending}) {
      for (const std::string& source : *from) {
        for (const auto& number : test::plain_numbers(source)) known.push_back(number.digits);
      }
    }
    for (const auto& number : test::plain_numbers(text)) {
      expect(std::find(known.begin(), known.end(), number.digits) != known.end(), "an unknown number", text);
    }
  }
  if (rules.no_repeat > 0) {
    std::vector<std::string> exempt = rules.required;
    exempt.insert(exempt.end(), rules.ending.begin(), rules.ending.end());
    expect(test::plain_repetition(text, static_cast<std::size_t>(rules.no_repeat), exempt).empty(),
           "a run twice", text);
  }
  return 0;
}
