// copywriter/shop/customer.h: what is known of one customer. Every field but the id may be missing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/shop/money.h"

namespace adlib::copywriter {

/// Where a record was read: "file:line" in messages.
struct Source {
  std::string file;
  std::int64_t line = 0;
  std::string text() const { return file + ":" + std::to_string(line); }
};

/// Something that a customer looked at, saved, put in the cart or bought. At least title or category is
/// there.
struct Event {
  std::string item;
  std::string title;
  std::string brand;
  std::string category;
  std::optional<Money> price;
  std::optional<std::int64_t> time;  ///< Unix seconds
};

struct Review {
  std::string text;
  std::optional<double> rating;  ///< 0 to 5
  std::string product;
  std::optional<std::int64_t> time;
};

/// Lists keep the order of the source; those of a behaviour log run from the oldest to the newest event.
struct Customer {
  Source source;
  std::string id;
  bool anonymous = false;  ///< the source has no id; `id` is a hash of the record
  std::string name;
  std::optional<int> age;  ///< 0 to 150
  std::string gender;      ///< "male", "female", "other" or ""
  std::vector<std::string> interests;
  std::vector<Event> browsing;
  std::vector<Event> favourites;
  std::vector<Event> cart;
  std::vector<Event> purchases;
  std::vector<Review> reviews;
  std::string member_level;
  std::optional<Money> spend;
  io::Json extras = io::Json::object();  ///< every other field of the source, for templates
  /// False for a person who opted out of personal marketing: their copy is made of the product alone.
  bool personalised = true;
  /// Fields that Privacy took something out of, and the name that would allow it, "" where none does.
  std::map<std::string, std::string> withheld = {};
  /// Sensitive words in what Privacy let through: they may steer a copy, which must not say them.
  std::vector<std::string> unspoken = {};
};

/// Whether a field of this name says if a person wants personal marketing: "personalised", "Opt-Out", 个性化.
bool tells_personalised(std::string_view name);
/// What a person wants, under any of its names: a name that is spelt a little otherwise ("Opt-Out") counts,
/// since what was asked for must not get lost over a hyphen. Who opts out under one name has opted out.
/// Nothing: no field says so. Throws Error(bad_format) "where: …".
std::optional<bool> personal_wish(const io::Json& object, const std::string& where);
/// The customer with nothing but the id and its source; `personalised` is false.
Customer unpersonalised(const Customer& customer);

/// Under this age nobody is profiled, and copy is made of the product alone.
inline constexpr int kAdult = 18;

/// The names of the fields that customer_from_json() reads, those of tells_personalised() aside; others
/// become extras.
const std::set<std::string>& customer_field_names();

/// Reads one JSON object. Without an id, the customer gets "anon-" and twelve hexadecimal digits of a hash of
/// the object, so that the id does not depend on where in the file it stands. `currency` is used where the
/// object names none. Who opts out under any of the names for it (`personalised`, `opt_out`, …) has opted
/// out. Throws Error(bad_format) "file:line: …".
Customer customer_from_json(const io::Json& object, const Source& source, const std::string& currency = {});

}  // namespace adlib::copywriter
