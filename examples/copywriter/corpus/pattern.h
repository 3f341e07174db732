// copywriter/corpus/pattern.h: one entry of a corpus file: text with alternatives, slots, lists and numbers.
// The syntax is told in README.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "copywriter/corpus/random.h"

namespace adlib::copywriter::corpus {

enum class Slot {
  // of a product
  name,
  brand,
  category,
  price,
  was,
  fact,
  value,
  about,
  // of a customer
  interest,
  interest2,
  bought,
  viewed,
  cart,
  saved,
  review,
  level,
  customer,
  city,
  // of titles
  model,
};
inline constexpr std::size_t kSlots = static_cast<std::size_t>(Slot::model) + 1;
using SlotMask = std::uint32_t;
/// "interest2"
std::string_view name_of(Slot slot);
constexpr SlotMask mask(Slot slot) { return SlotMask{1} << static_cast<unsigned>(slot); }
/// The slots that say something of the customer.
inline constexpr SlotMask kCustomerSlots = mask(Slot::interest) | mask(Slot::interest2) | mask(Slot::bought) |
                                           mask(Slot::viewed) | mask(Slot::cart) | mask(Slot::saved) |
                                           mask(Slot::review) | mask(Slot::level) | mask(Slot::customer) |
                                           mask(Slot::city);

/// The lists that sentences share.
enum class List { moment, wish, joy, with, doing, care, place };
inline constexpr std::size_t kLists = static_cast<std::size_t>(List::place) + 1;
/// Nothing for a name that is no list.
std::optional<List> parse_list(std::string_view name);
using ListMask = std::uint32_t;
constexpr ListMask mask(List list) { return ListMask{1} << static_cast<unsigned>(list); }

class Pattern;

/// What is there to fill patterns with.
struct Scope {
  std::array<std::string, kSlots> slots;                    ///< the texts of the slots in `there`
  SlotMask there = 0;                                       ///< slots that a pattern may use
  std::array<const std::vector<Pattern>*, kLists> lists{};  ///< none empty; null for those that are not there

  bool has(Slot slot) const { return (there & mask(slot)) != 0; }
  const std::string& operator[](Slot slot) const { return slots[static_cast<std::size_t>(slot)]; }
  void set(Slot slot, std::string text) {
    slots[static_cast<std::size_t>(slot)] = std::move(text);
    there |= mask(slot);
  }
};

/// Immutable once parsed.
class Pattern {
 public:
  /// Throws Error(bad_format) "where: …" for brackets that do not close, a name that is unknown, or a range
  /// of numbers that is none.
  Pattern(std::string_view text, const std::string& where);

  /// The slots and lists that it cannot do without.
  SlotMask needs() const { return needs_; }
  ListMask needs_lists() const { return needs_lists_; }
  /// Those that it can use, in alternatives too.
  SlotMask uses() const { return uses_; }
  ListMask uses_lists() const { return uses_lists_; }
  bool uses_numbers() const { return uses_numbers_; }

  /// True when `scope` has all that one way through the alternatives asks for.
  bool possible(const Scope& scope) const;
  /// Appends the pattern, filled, to `out` and the slots it used to `used`. Alternatives that ask for what
  /// `scope` lacks are left out. Only for patterns that are possible().
  void expand(const Scope& scope, Random& random, std::string& out, SlotMask& used) const;
  std::string expand(const Scope& scope, Random& random) const;

  const std::string& text() const { return text_; }

 private:
  struct Node;
  struct Parser;
  Pattern() = default;
  void measure();

  std::string text_;
  std::vector<Node> nodes_;
  SlotMask needs_ = 0, uses_ = 0;
  ListMask needs_lists_ = 0, uses_lists_ = 0;
  bool uses_numbers_ = false;
};

struct Pattern::Node {
  enum class Kind { text, slot, list, choice, number };
  Kind kind = Kind::text;
  std::string text;
  Slot slot{};
  List list{};
  std::vector<Pattern> options;    // of a choice
  std::int64_t low = 0, high = 0;  // of a number, in units of its last decimal place, both included
  std::size_t places = 0;          // behind the decimal point
};

}  // namespace adlib::copywriter::corpus
