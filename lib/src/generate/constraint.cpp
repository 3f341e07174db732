#include "adlib/generate/constraint.h"

#include <algorithm>
#include <utility>

#include "adlib/core/error.h"

namespace adlib {
namespace {

constexpr std::u32string_view sentence_marks = U"。！？!?…．｡";
constexpr std::u32string_view closing_marks = U"”’」』）)】》\"'";
constexpr std::u32string_view clause_marks = U"，、；：,;:—～~";
constexpr std::u32string_view opening_marks = U"“‘「『（(【[《<¥￥$#@&+-/";

bool is_one_of(char32_t c, std::u32string_view marks) { return marks.find(c) != std::u32string_view::npos; }

bool ends_sentence(std::string_view text) {
  std::u32string points = code_points(text);
  while (!points.empty() && is_one_of(points.back(), closing_marks)) points.pop_back();
  return !points.empty() && (points.back() == '.' || is_one_of(points.back(), sentence_marks));
}

// FNV-1a (Fowler, Noll, Vo) over code points.
std::uint64_t hash(std::u32string_view letters) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (const char32_t c : letters) h = (h ^ c) * 0x100000001B3u;
  return h ^ h >> 32;
}

// Of no script, and so no part of a word. "㎏" and "𝐁" are among them: what they stand for is a word by
// itself.
bool stands_alone(char32_t c) { return script_of(c) == Script::common; }

// "¥5" has the unit of "5元"; nothing when what stands before and behind contradict each other.
std::optional<int> unit_of(const Quantity& number) {
  if (number.unit == UnitSet::none) return number.prefix;
  if (number.prefix != UnitSet::none && number.prefix != number.unit) return std::nullopt;
  return number.unit;
}

}  // namespace

Constraint::Constraint(ConstraintRules rules) : rules_(std::move(rules)) {
  require(rules_.max_length >= 0 && rules_.min_length >= 0 && rules_.no_repeat >= 0,
          "constraint: lengths must be at least 0");
  require(rules_.max_length == 0 || rules_.min_length <= rules_.max_length, "constraint: min_length ",
          rules_.min_length, " is more than max_length ", rules_.max_length);
  const auto n = static_cast<std::size_t>(rules_.no_repeat);
  for (const auto* texts : {&rules_.required, &rules_.ending}) {
    for (const std::string& text : *texts) {
      require(!text.empty(), "constraint: a phrase that is required is empty");
      const std::u32string letters = folded(text);
      for (std::size_t i = 0; n > 0 && i + n <= letters.size(); ++i) {
        exempt_.insert(hash(std::u32string_view(letters).substr(i, n)));
      }
    }
  }
  if (rules_.numbers) {
    std::vector<std::string> sources = *rules_.numbers;
    sources.insert(sources.end(), rules_.required.begin(), rules_.required.end());
    sources.insert(sources.end(), rules_.ending.begin(), rules_.ending.end());
    for (const std::string& source : sources) {
      for (const Quantity& number : quantities(source, rules_.units.get())) {
        if (const auto unit = unit_of(number)) numbers_.emplace(number.digits, *unit);
      }
    }
  }
  require(rules_.foreign.empty() || !rules_.scripts.empty(),
          "constraint: foreign without scripts: name those of the text");
  std::u32string run;
  const auto end = [&] {
    if (!run.empty()) foreign_.insert(std::exchange(run, {}));
  };
  for (const std::string& text : rules_.foreign) {
    for (const char32_t c : code_points(text)) {
      if (is_part_of_previous(c)) continue;
      std::u32string letters;
      append_folded(letters, c);
      if (stands_alone(c)) end();
      for (const char32_t letter : letters) is_foreign(letter) ? run.push_back(letter) : end();
      if (stands_alone(c)) end();
    }
    end();
  }
  ConstrainedText empty(*this);
  require(
      empty.places_[ConstrainedText::word].reached,
      "constraint: what is required and what ends the text already break the other rules (length, forbidden "
      "phrases, numbers, scripts or repetition): '",
      empty.closing(ConstrainedText::word), "'");
}

bool Constraint::is_foreign(char32_t c) const {
  const std::vector<Script>& scripts = rules_.scripts;
  if (scripts.empty()) return false;
  const Script script = script_of(c);
  return script != Script::common && std::find(scripts.begin(), scripts.end(), script) == scripts.end();
}

ConstrainedText::ConstrainedText(const Constraint& constraint) : constraint_(&constraint) {
  const ConstraintRules& rules = constraint.rules_;
  if (rules.forbidden) scan_.phrases.emplace(*rules.forbidden);
  scan_.number = NumberScan(rules.units.get());
  scan_.found.resize(rules.required.size());
  remember(word, places_[word]);
}

void ConstrainedText::back(const Mark& mark) {
  scan_ = mark.scan;
  text_.resize(mark.text);
  letters_.resize(mark.letters);
  for (std::size_t i = mark.windows; i < windows_.size(); ++i) seen_.erase(windows_[i]);
  windows_.resize(mark.windows);
}

bool ConstrainedText::allowed(const Quantity& number) const {
  const auto unit = unit_of(number);
  return unit && constraint_->numbers_.count({number.digits, *unit}) > 0;
}

// Whether the number that the text ends with, if it does, can still become one that is allowed.
bool ConstrainedText::may_become_allowed() const {
  const auto number = scan_.number.unfinished();
  if (!number) return true;
  const std::string digits(number->digits);
  if (!number->units.empty()) {
    return std::any_of(number->units.begin(), number->units.end(), [&](int unit) {
      return allowed({digits, unit, number->prefix});
    });
  }
  const auto& all = constraint_->numbers_;
  for (auto at = all.lower_bound({digits, UnitSet::none}); at != all.end() && at->first.starts_with(digits);
       ++at) {
    if (number->prefix == UnitSet::none || number->prefix == at->second) return true;
  }
  return false;
}

// Whether the run of another script goes on like one that is allowed or, before any other character, is one.
bool ConstrainedText::add_foreign(char32_t c, std::u32string_view letters) {
  if (is_part_of_previous(c)) return true;
  if (letters.empty() && constraint_->is_foreign(c)) return false;  // an accent that stands alone
  const auto& all = constraint_->foreign_;
  const auto end = [&] {
    const bool whole = scan_.foreign.empty() || all.count(scan_.foreign) > 0;
    scan_.foreign.clear();
    return whole;
  };
  if (stands_alone(c) && !end()) return false;
  for (const char32_t letter : letters) {
    if (!constraint_->is_foreign(letter)) {
      if (!end()) return false;
      continue;
    }
    scan_.foreign += letter;
    const auto at = all.lower_bound(scan_.foreign);
    if (at == all.end() || !at->starts_with(scan_.foreign)) return false;
  }
  return !stands_alone(c) || end();
}

bool ConstrainedText::add_windows(std::size_t from) {
  const auto n = static_cast<std::size_t>(constraint_->rules_.no_repeat);
  if (n == 0) return true;
  for (std::size_t end = std::max(from + 1, n); end <= letters_.size(); ++end) {
    const std::uint64_t h = hash(std::u32string_view(letters_).substr(end - n, n));
    if (constraint_->exempt_.count(h) > 0) continue;
    if (!seen_.insert(h).second) return false;
    windows_.push_back(h);
  }
  return true;
}

// Adds a character; false, and then the caller goes back, when no text that goes on so is sound.
bool ConstrainedText::add(char32_t c) {
  const ConstraintRules& rules = constraint_->rules_;
  const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
  if (control || c == 0xFFFD) return false;  // U+FFFD: bytes that are no text
  if (rules.unit == LengthUnit::gsm7 && gsm7_septets(c) == 0) return false;
  const std::size_t from = letters_.size();
  text_ += utf8({&c, 1});
  append_folded(letters_, c);
  const std::u32string_view letters = std::u32string_view(letters_).substr(from);
  if (!add_foreign(c, letters)) return false;
  if (scan_.phrases && !scan_.phrases->push(c, letters)) return false;
  if (rules.numbers) {
    for (const Quantity& number : scan_.number.push(c, letters)) {
      if (!allowed(number)) return false;
    }
    if (!may_become_allowed()) return false;
  }
  scan_.length.add(c);
  for (std::size_t i = 0; i < rules.required.size(); ++i) {
    if (!scan_.found[i] && text_.ends_with(rules.required[i])) scan_.found[i] = true;
  }
  if (c == '.' || is_one_of(c, sentence_marks)) {
    scan_.ended = true;
  } else if (!is_white_space(c) && (!is_one_of(c, closing_marks) || is_white_space(scan_.last))) {
    scan_.ended = false;
  }
  scan_.last = c;
  return add_windows(from);
}

bool ConstrainedText::sound_end() const {
  const ConstraintRules& rules = constraint_->rules_;
  if (scan_.phrases && !scan_.phrases->may_end()) return false;
  if (!scan_.foreign.empty() && constraint_->foreign_.count(scan_.foreign) == 0) return false;
  if (rules.numbers) {
    if (const auto last = scan_.number.finish(); last && !allowed(*last)) return false;
  }
  if (rules.max_length > 0 && scan_.length.in(rules.unit) > rules.max_length) return false;
  return std::all_of(scan_.found.begin(), scan_.found.end(), [](bool found) { return found; });
}

// What must come behind the text as it stands.
std::string ConstrainedText::closing(PlaceKind kind) const {
  const ConstraintRules& rules = constraint_->rules_;
  const std::string_view gap = !rules.sentences || rules.full_stop == "." ? " " : "";
  std::string out;
  const auto part = [&](std::string_view text) {
    if (!text_.empty() || !out.empty()) out += gap;
    out += text;
  };
  if (kind != sentence && rules.sentences && !text_.empty()) out += rules.full_stop;
  for (std::size_t i = 0; i < rules.required.size(); ++i) {
    if (scan_.found[i]) continue;
    part(rules.required[i]);
    if (rules.sentences && !ends_sentence(rules.required[i])) out += rules.full_stop;
  }
  for (const std::string& text : rules.ending) part(text);
  return out;
}

void ConstrainedText::remember(PlaceKind kind, Place& place) {
  const ConstraintRules& rules = constraint_->rules_;
  const std::string end = closing(kind);
  const Mark here = mark();
  bool sound = true;
  for (const char32_t c : code_points(end)) sound = sound && add(c);
  if (sound && sound_end()) {
    const double share = rules.max_length > 0 ? scan_.length.share(rules.unit, rules.max_length) : 1;
    place = {here.text, end, share, true};
  }
  back(here);
}

ConstrainedText::Verdict ConstrainedText::push(std::string_view piece) {
  const ConstraintRules& rules = constraint_->rules_;
  const Mark begin = mark();
  Place places[kinds];
  const auto here = [&] { return scan_.ended ? sentence : word; };
  for (const char32_t c : code_points(piece)) {
    const bool in_text = !text_.empty() && !is_white_space(scan_.last);
    if (in_text && is_one_of(c, clause_marks)) {
      remember(clause, places[clause]);
    } else if (in_text && is_white_space(c)) {
      remember(here(), places[here()]);
    }
    if (!add(c)) return back(begin), Verdict::forbidden;
    if (rules.max_length > 0 && scan_.length.in(rules.unit) > rules.max_length) {
      // A character that turns a short message into a long one is not the end of it.
      const bool turned =
          rules.unit == LengthUnit::sms_segments && begin.scan.length.is_gsm7() && !scan_.length.is_gsm7();
      back(begin);
      return turned ? Verdict::forbidden : Verdict::full;
    }
    if (is_one_of(c, sentence_marks)) remember(sentence, places[sentence]);
  }
  const bool hangs = is_white_space(scan_.last) || is_one_of(scan_.last, clause_marks) ||
                     is_one_of(scan_.last, opening_marks);
  if (!piece.empty() && !hangs) remember(here(), places[here()]);
  for (int kind = 0; kind < kinds; ++kind) {
    if (places[kind].reached) places_[kind] = std::move(places[kind]);
  }
  return Verdict::accepted;
}

// The place where the text stands, spaces left out; null when it cannot end here.
const ConstrainedText::Place* ConstrainedText::end_here() const {
  const std::size_t end = text_.find_last_not_of(" \n\t") + 1;
  const auto stands = [&](PlaceKind kind) {
    return places_[kind].reached && places_[kind].text == end && end > 0;
  };
  if (stands(sentence)) return &places_[sentence];
  return !constraint_->rules_.sentences && stands(word) ? &places_[word] : nullptr;
}

bool ConstrainedText::may_end() const {
  const ConstraintRules& rules = constraint_->rules_;
  return scan_.length.in(rules.unit) >= rules.min_length && end_here() != nullptr;
}

std::size_t ConstrainedText::last_place() const {
  std::size_t last = 0;
  for (const Place& place : places_) last = std::max(last, place.text);
  return last;
}

std::string ConstrainedText::finish() const {
  const Place* best = end_here();
  for (int kind = 0; kind < kinds && !best; ++kind) {
    if (places_[kind].reached && places_[kind].share >= 0.5) best = &places_[kind];
  }
  for (int kind = 0; kind < kinds && !best; ++kind) {
    if (places_[kind].reached && places_[kind].text > 0) best = &places_[kind];
  }
  if (!best) best = &places_[word];  // before the first word
  return text_.substr(0, best->text) + best->closing;
}

}  // namespace adlib
