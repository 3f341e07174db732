// copywriter/corpus/pattern.h: one entry of a corpus file: text with alternatives, slots, lists and numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/corpus/random.h"

namespace adlib::copywriter::corpus {

enum class Slot {
  name, brand, category, price, was, fact, value, about,                                             // product
  interest, interest2, bought, viewed, cart, saved, review, level, customer, city,                   // customer
  model,                                                                                             // titles
};
inline constexpr std::size_t kSlots = 19;
using SlotMask = std::uint32_t;
constexpr SlotMask mask(Slot slot) { return SlotMask{1} << static_cast<unsigned>(slot); }
/// The slots that say something of the customer.
inline constexpr SlotMask kCustomerSlots = mask(Slot::interest) | mask(Slot::interest2) | mask(Slot::bought) |
                                           mask(Slot::viewed) | mask(Slot::cart) | mask(Slot::saved) |
                                           mask(Slot::review) | mask(Slot::level) | mask(Slot::customer) |
                                           mask(Slot::city);

/// The lists that sentences share.
enum class List { moment, wish, joy, with, doing, care, place };
inline constexpr std::size_t kLists = 7;
/// Nothing for a name that is no list.
std::optional<List> parse_list(std::string_view name);
using ListMask = std::uint32_t;
constexpr ListMask mask(List list) { return ListMask{1} << static_cast<unsigned>(list); }

class Pattern;

/// What is there to fill patterns with.
struct Scope {
  std::array<std::string, kSlots> slots;  ///< the texts of the slots in `there`
  SlotMask there = 0;                     ///< slots that a pattern may use
  std::array<const std::vector<Pattern>*, kLists> lists{};
  ListMask lists_there = 0;
  bool capitals = false;  ///< a sentence begins with a capital letter (English)

  void set(Slot slot, std::string text) {
    slots[static_cast<std::size_t>(slot)] = std::move(text);
    there |= mask(slot);
  }
};

class Pattern {
 public:
  /// Throws Error(bad_format) "where: …" for brackets that do not close or a name that is unknown.
  Pattern(std::string_view text, const std::string& where);

  /// What it needs in any case: alternatives that need more are left out where that is missing.
  SlotMask needs() const { return needs_; }
  ListMask needs_lists() const { return needs_lists_; }
  /// What it can use, alternatives included.
  SlotMask uses() const { return uses_; }
  bool possible(const Scope& scope) const {
    return (needs_ & ~scope.there) == 0 && (needs_lists_ & ~scope.lists_there) == 0;
  }
  /// Appends the filled pattern to `out` and the slots it used to `used`.
  void expand(const Scope& scope, Random& random, std::string& out, SlotMask& used) const;
  const std::string& text() const { return text_; }

 private:
  struct Node;
  using Sequence = std::vector<Node>;
  struct Needs;
  struct Parser;
  struct Node {
    enum class Kind { text, slot, list, choice, number };
    Kind kind = Kind::text;
    std::string text;
    Slot slot{};
    List list{};
    std::vector<Pattern> options;        // of a choice
    std::vector<std::string> arguments;  // of a number: {int 1 9}
  };
  Pattern() = default;
  void measure();

  std::string text_;
  Sequence nodes_;
  SlotMask needs_ = 0, uses_ = 0;
  ListMask needs_lists_ = 0;
};

}  // namespace adlib::copywriter::corpus
