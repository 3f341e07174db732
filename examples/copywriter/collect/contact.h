// copywriter/collect/contact.h: data by which a person can be reached or identified, found by name and by
// value.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/rules/folded_text.h"

namespace adlib::copywriter {

enum class ContactKind { phone, email, address, id_number, card, account };  ///< account: WeChat, QQ
/// "phone", …, as the table `contact` has it.
const char* to_string(ContactKind kind);

struct Contact {
  ContactKind kind = ContactKind::phone;
  Range where;  ///< in the text
  /// One spelling for all: a phone number's digits with the country code (86 where none is written and the
  /// number is a Chinese one), an e-mail address in lower case, other kinds without spaces.
  std::string value;
};

/// The contact data in a text, in order, without overlaps: Chinese mobile numbers and landlines, British
/// mobile numbers, North American numbers in groups, +CC numbers (ITU-T E.164), e-mail addresses, Chinese ID
/// numbers (GB 11643, with its check digit), US Social Security numbers in groups, what is called a passport
/// number, cards (ISO/IEC 7812 prefix and Luhn digit), IBANs (ISO 13616, with their check digits), Chinese
/// and English street addresses, and what is called a WeChat or QQ number. Full-width letters, invisible
/// characters and spaces between Chinese ones hide nothing.
std::vector<Contact> find_contacts(std::string_view text);
/// The text with "[…]" in the place of each; counts them in `removed`.
std::string without_contacts(std::string_view text, std::int64_t& removed);

/// The kind of contact data that a field of this name holds: "Customer_Phone", 收货地址.
std::optional<ContactKind> contact_of_name(std::string_view field);

/// A phone number, an e-mail address or an ID number and nothing else: what may stand for a user as an id, in
/// one spelling.
std::optional<std::string> contact_id(std::string_view id);

/// What was taken out of a record.
struct RemovedContacts {
  std::int64_t count = 0;
  std::vector<Contact> whole;  ///< of fields that held nothing else: the person's own. `where` is unset.
};
/// Takes contact data out of an object, at any depth: fields of such a name, where `by_name`; fields that are
/// nothing else; pieces of texts, in whose place "[…]" stands, as it does for a whole `text` or `title`.
/// `keep` are fields of the top that are left alone.
void remove_contacts(io::Json& object, bool by_name, const std::set<std::string>& keep,
                     RemovedContacts& removed);

}  // namespace adlib::copywriter
