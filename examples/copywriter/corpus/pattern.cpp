#include "copywriter/corpus/pattern.h"

#include <algorithm>
#include <charconv>

#include "adlib/core/error.h"
#include "copywriter/shop/lines.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr std::array<std::string_view, kSlots> kSlotNames{
    "name",   "brand",  "category", "price", "was",    "fact",  "value",    "about", "interest", "interest2",
    "bought", "viewed", "cart",     "saved", "review", "level", "customer", "city",  "model"};
constexpr std::array<std::string_view, kLists> kListNames{"moment", "wish", "joy",  "with",
                                                          "doing",  "care", "place"};

constexpr std::size_t kMostDigits = 9;

std::size_t decimal_places(std::string_view number) {
  const std::size_t point = number.find('.');
  return point == std::string_view::npos ? 0 : number.size() - point - 1;
}

// "0.5" as a count of hundredths, for two places: 50. Nothing for what is no such number.
std::optional<std::int64_t> parse_scaled(std::string_view number, std::size_t places) {
  std::string digits(number);
  if (const std::size_t point = digits.find('.'); point != std::string::npos) digits.erase(point, 1);
  digits.append(places - decimal_places(number), '0');
  const bool plain = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!plain || digits.empty() || digits.size() > kMostDigits || number.ends_with('.')) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string decimal_text(std::int64_t value, std::size_t places) {
  std::string text = std::to_string(value);
  if (places == 0) return text;
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  return text.insert(text.size() - places, 1, '.');
}

}  // namespace

std::string_view name_of(Slot slot) { return kSlotNames[static_cast<std::size_t>(slot)]; }

std::optional<List> parse_list(std::string_view name) {
  const auto found = std::find(kListNames.begin(), kListNames.end(), name);
  if (found == kListNames.end()) return std::nullopt;
  return static_cast<List>(found - kListNames.begin());
}

struct Pattern::Parser {
  std::string_view text;
  const std::string& where;
  std::size_t at = 0;

  template <class... Why>
  [[noreturn]] void refuse(const Why&... why) const {
    fail(ErrorCode::bad_format, where, ": ", why..., ": ", text);
  }

  std::string_view until(char close) {
    const std::size_t end = text.find(close, at);
    if (end == std::string_view::npos) refuse("a '", close, "' is missing");
    const std::string_view inside = text.substr(at, end - at);
    at = end + 1;
    return inside;
  }

  static Node literal(std::string_view text) {
    Node node;
    node.text = text;
    return node;
  }

  Node slot_or_number(std::string_view inside) {
    const std::vector<std::string_view> words = split(inside, ' ');
    const std::string_view name = words.empty() ? "" : words[0];
    if (name == "int" || name == "dec") return range(words, inside);
    if (name == "pick") return pick(words);
    const auto found = std::find(kSlotNames.begin(), kSlotNames.end(), inside);
    if (found == kSlotNames.end()) refuse("there is no slot {", inside, "}");
    Node node;
    node.kind = Node::Kind::slot;
    node.slot = static_cast<Slot>(found - kSlotNames.begin());
    return node;
  }

  Node range(const std::vector<std::string_view>& words, std::string_view inside) {
    if (words.size() != 3) refuse("{", inside, "} needs the lowest and the highest number");
    Node node;
    node.kind = Node::Kind::number;
    node.places = std::max(decimal_places(words[1]), decimal_places(words[2]));
    const std::optional<std::int64_t> low = parse_scaled(words[1], node.places);
    const std::optional<std::int64_t> high = parse_scaled(words[2], node.places);
    if (!low || !high || *low > *high || (words[0] == "int" && node.places > 0)) {
      refuse("{", inside, "} is no range, expected one such as {int 6 60} or {dec 0.5 9.9}");
    }
    node.low = *low;
    node.high = *high;
    return node;
  }

  Node pick(const std::vector<std::string_view>& words) {
    if (words.size() < 2) refuse("{pick} needs something to pick from");
    Node node;
    node.kind = Node::Kind::choice;
    for (std::size_t i = 1; i < words.size(); ++i) {
      Pattern option;
      option.nodes_.push_back(literal(words[i]));
      option.uses_numbers_ = true;
      node.options.push_back(std::move(option));
    }
    return node;
  }

  Node list(std::string_view name) {
    const std::optional<List> list = parse_list(name);
    if (!list) refuse("there is no list <", name, ">");
    Node node;
    node.kind = Node::Kind::list;
    node.list = *list;
    return node;
  }

  Node choice() {
    Node node;
    node.kind = Node::Kind::choice;
    do {
      node.options.push_back(sequence(true));
      if (at == text.size()) refuse("a ']' is missing");
    } while (text[at++] == '|');
    return node;
  }

  // Up to the end of the text, or inside brackets up to '|' or ']', which stay.
  Pattern sequence(bool inside) {
    Pattern pattern;
    std::string plain;
    const auto add = [&](Node node) {
      if (!plain.empty()) pattern.nodes_.push_back(literal(std::exchange(plain, {})));
      pattern.nodes_.push_back(std::move(node));
    };
    while (at < text.size() && !(inside && (text[at] == '|' || text[at] == ']'))) {
      const char c = text[at++];
      switch (c) {
        case '{':
          add(slot_or_number(until('}')));
          break;
        case '<':
          add(list(until('>')));
          break;
        case '[':
          add(choice());
          break;
        case ']':
        case '}':
        case '>':
          refuse("a '", c, "' closes nothing");
        default:
          plain += c;
          break;
      }
    }
    if (!plain.empty()) pattern.nodes_.push_back(literal(plain));
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
    if (node.kind == Node::Kind::number) uses_numbers_ = true;
    if (node.kind != Node::Kind::choice) continue;
    SlotMask all = ~SlotMask{0};
    ListMask all_lists = ~ListMask{0};
    for (const Pattern& option : node.options) {
      all &= option.needs_;
      all_lists &= option.needs_lists_;
      uses_ |= option.uses_;
      uses_lists_ |= option.uses_lists_;
      uses_numbers_ = uses_numbers_ || option.uses_numbers_;
    }
    needs_ |= all;
    needs_lists_ |= all_lists;
  }
  uses_ |= needs_;
  uses_lists_ |= needs_lists_;
}

bool Pattern::possible(const Scope& scope) const {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    switch (node.kind) {
      case Node::Kind::slot:
        return scope.has(node.slot);
      case Node::Kind::list:
        return scope.lists[static_cast<std::size_t>(node.list)] != nullptr;
      case Node::Kind::choice:
        return std::any_of(node.options.begin(), node.options.end(),
                           [&](const Pattern& option) { return option.possible(scope); });
      default:
        return true;
    }
  });
}

void Pattern::expand(const Scope& scope, Random& random, std::string& out, SlotMask& used) const {
  for (const Node& node : nodes_) {
    switch (node.kind) {
      case Node::Kind::text:
        out += node.text;
        break;
      case Node::Kind::number:
        out += decimal_text(random.between(node.low, node.high), node.places);
        break;
      case Node::Kind::slot:
        out += scope[node.slot];
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
        random.pick(possible)->expand(scope, random, out, used);
        break;
      }
    }
  }
}

std::string Pattern::expand(const Scope& scope, Random& random) const {
  std::string text;
  SlotMask used = 0;
  expand(scope, random, text, used);
  return text;
}

}  // namespace adlib::copywriter::corpus
