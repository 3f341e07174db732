// copywriter/collect/people.h: the rows of users, found by what the shop calls them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/collect/consent.h"
#include "copywriter/collect/consent_rows.h"
#include "copywriter/collect/contact.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// The id under which the store knows a user whom the shop calls `id`: the same, unless that is a phone
/// number, an e-mail address or an ID number. Then "id-" and sixteen digits of its keyed hash.
std::string stored_user_id(const Store& store, std::string_view id);

/// What a file of customers says of one person, without contact data.
struct PersonRecord {
  std::string id;  ///< as the shop writes it
  std::int64_t line = 0;
  io::Json record = io::Json::object();
  std::optional<bool> personalised;  ///< nothing: nothing was said
  std::vector<Consent> consents;
  std::vector<Contact> contacts;
};

/// Finds and adds rows of `user` for one file, inside its transaction.
class People {
 public:
  struct Options {
    std::int64_t source = 0;  ///< the file's row
    bool known_file = false;  ///< it was read before: its answers are no newer than those of the store
    std::int64_t time = 0;    ///< when it was first read, Unix seconds
    bool contact_hashes = false;
  };
  People(const Store& store, const Options& options);

  /// The user's row, made where there is none. Nothing for a person who was erased.
  std::optional<std::int64_t> find_or_add(std::string_view id, std::int64_t line);
  /// Adds what the record has to what is known. False for a person who was erased.
  bool take(PersonRecord&& person);
  std::int64_t added() const { return added_; }
  /// Ids that were contact data.
  std::int64_t hidden_ids() const { return hidden_ids_; }
  /// Consents that were not taken, since the person has refused and no later date stands by them.
  std::int64_t refused_before() const { return refused_before_; }

 private:
  const Store& store_;
  Options options_;
  Statement find_, insert_, read_, update_, contact_, forgotten_;
  ConsentRows consents_;
  bool any_forgotten_;
  std::unordered_map<std::string, std::int64_t> rows_;  // by the shop's id; 0: erased
  std::int64_t added_ = 0, hidden_ids_ = 0, refused_before_ = 0;
};

}  // namespace adlib::copywriter
