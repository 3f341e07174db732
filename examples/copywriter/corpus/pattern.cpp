#include "copywriter/corpus/pattern.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "adlib/core/error.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr std::array<std::string_view, kSlots> kSlotNames{
    "name",   "brand", "category", "price", "was",    "fact",  "value",    "about", "interest", "interest2",
    "bought", "viewed", "cart",    "saved", "review", "level", "customer", "city",  "model"};
constexpr std::array<std::string_view, kLists> kListNames{"moment", "wish", "joy", "with", "doing", "care", "place"};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) all.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

// The digits behind the point: 2 of "0.25".
int decimals(const std::string& number) {
  const std::size_t point = number.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(number.size() - point - 1);
}

std::string draw_number(const std::vector<std::string>& arguments, Random& random) {
  if (arguments[0] == "pick") return arguments[static_cast<std::size_t>(1 + random.below(arguments.size() - 1))];
  const int digits = std::max(decimals(arguments[1]), decimals(arguments[2]));
  const double scale = std::pow(10.0, digits);
  const auto low = std::llround(std::stod(arguments[1]) * scale), high = std::llround(std::stod(arguments[2]) * scale);
  std::string text = std::to_string(random.between(low, high));
  if (digits == 0) return text;
  const auto places = static_cast<std::size_t>(digits);
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  text.insert(text.size() - places, 1, '.');
  return text;
}

}  // namespace

std::optional<List> parse_list(std::string_view name) {
  const auto found = std::find(kListNames.begin(), kListNames.end(), name);
  if (found == kListNames.end()) return std::nullopt;
  return static_cast<List>(found - kListNames.begin());
}

struct Pattern::Parser {
  std::string_view text;
  const std::string& where;
  std::size_t at = 0;

  [[noreturn]] void refuse(const std::string& why) const { fail(ErrorCode::bad_format, where, ": ", why, ": ", text); }

  std::string_view until(char close) {
    const std::size_t end = text.find(close, at);
    if (end == std::string_view::npos) refuse(std::string("a '") + close + "' is missing");
    const std::string_view inside = text.substr(at, end - at);
    at = end + 1;
    return inside;
  }

  Node slot_or_number(std::string_view inside) {
    Node node;
    const std::vector<std::string> parts = words(inside);
    const std::string name = parts.empty() ? "" : parts[0];
    if (name == "int" || name == "dec" || name == "pick") {
      if (parts.size() < 2 || (name != "pick" && parts.size() != 3)) refuse("'{" + std::string(inside) + "}' lacks numbers");
      node.kind = Node::Kind::number;
      node.arguments = parts;
      return node;
    }
    const auto found = std::find(kSlotNames.begin(), kSlotNames.end(), name);
    if (found == kSlotNames.end()) refuse("there is no slot {" + std::string(inside) + "}");
    node.kind = Node::Kind::slot;
    node.slot = static_cast<Slot>(found - kSlotNames.begin());
    return node;
  }

  // Up to the end of the text, or inside brackets up to '|' or ']', which stay.
  Pattern sequence(bool inside) {
    Pattern pattern;
    std::string literal;
    const auto flush = [&] {
      if (literal.empty()) return;
      Node node;
      node.text = std::move(literal);
      literal.clear();
      pattern.nodes_.push_back(std::move(node));
    };
    while (at < text.size() && !(inside && (text[at] == '|' || text[at] == ']'))) {
      const char c = text[at++];
      if (c == '{') {
        flush();
        pattern.nodes_.push_back(slot_or_number(until('}')));
      } else if (c == '<') {
        flush();
        const std::string_view name = until('>');
        const std::optional<List> list = parse_list(name);
        if (!list) refuse("there is no list <" + std::string(name) + ">");
        Node node;
        node.kind = Node::Kind::list;
        node.list = *list;
        pattern.nodes_.push_back(std::move(node));
      } else if (c == '[') {
        flush();
        Node node;
        node.kind = Node::Kind::choice;
        do {
          node.options.push_back(sequence(true));
          if (at == text.size()) refuse("a ']' is missing");
        } while (text[at++] == '|');
        pattern.nodes_.push_back(std::move(node));
      } else if (c == ']' || c == '}' || c == '>') {
        refuse(std::string("a '") + c + "' closes nothing");
      } else {
        literal += c;
      }
    }
    flush();
    pattern.measure();
    return pattern;
  }
};

Pattern::Pattern(std::string_view text, const std::string& where) {
  Parser parser{text, where};
  *this = parser.sequence(false);
  text_ = text;
}

void Pattern::measure() {
  for (const Node& node : nodes_) {
    if (node.kind == Node::Kind::slot) needs_ |= mask(node.slot);
    if (node.kind == Node::Kind::list) needs_lists_ |= mask(node.list);
    if (node.kind != Node::Kind::choice) continue;
    SlotMask all = ~SlotMask{0};
    ListMask all_lists = ~ListMask{0};
    for (const Pattern& option : node.options) {
      all &= option.needs_;
      all_lists &= option.needs_lists_;
      uses_ |= option.uses_;
    }
    needs_ |= all;
    needs_lists_ |= all_lists;
  }
  uses_ |= needs_;
}

void Pattern::expand(const Scope& scope, Random& random, std::string& out, SlotMask& used) const {
  for (const Node& node : nodes_) {
    switch (node.kind) {
      case Node::Kind::text: out += node.text; break;
      case Node::Kind::number: out += draw_number(node.arguments, random); break;
      case Node::Kind::slot:
        out += scope.slots[static_cast<std::size_t>(node.slot)];
        used |= mask(node.slot);
        break;
      case Node::Kind::list:
        random.pick(*scope.lists[static_cast<std::size_t>(node.list)]).expand(scope, random, out, used);
        break;
      case Node::Kind::choice: {
        std::vector<const Pattern*> possible;
        for (const Pattern& option : node.options) {
          if (option.possible(scope)) possible.push_back(&option);
        }
        if (!possible.empty()) random.pick(possible)->expand(scope, random, out, used);
        break;
      }
    }
  }
}

}  // namespace adlib::copywriter::corpus
