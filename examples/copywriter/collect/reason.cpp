#include "copywriter/collect/reason.h"

#include <algorithm>
#include <array>

#include "adlib/core/error.h"
#include "copywriter/collect/contact.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {

std::string reason_of(std::string_view message, const std::string& where) {
  if (message.starts_with(where)) message.remove_prefix(where.size());
  while (!message.empty() && (message.front() == ':' || message.front() == ' ' ||
                              (message.front() >= '0' && message.front() <= '9'))) {
    message.remove_prefix(1);
  }
  const std::size_t expected = message.rfind(", expected ");
  if (expected != std::string_view::npos) {
    std::string_view before = message.substr(0, expected);
    const std::size_t is = std::min(before.find(" is "), before.find("got "));
    before = is == std::string_view::npos ? std::string_view() : trim(before.substr(0, is));
    // In the name of a field that the file chose itself stands whatever the file likes.
    const bool ours =
        before.find('"') == std::string_view::npos && before.size() < 60 && find_contacts(before).empty();
    return concat(ours ? before : "", ours && !before.empty() ? ": " : "", "expected ",
                  message.substr(expected + std::string_view(", expected ").size()));
  }
  constexpr std::array known{std::string_view("not UTF-8"),
                             std::string_view("not valid UTF-8"),
                             std::string_view("ends in the middle"),
                             std::string_view("control character"),
                             std::string_view("number is too large"),
                             std::string_view("NUL byte"),
                             std::string_view("is empty"),
                             std::string_view("is missing"),
                             std::string_view("is there twice"),
                             std::string_view("the row has"),
                             std::string_view("closing quote"),
                             std::string_view("inside an unquoted cell"),
                             std::string_view("more than"),
                             std::string_view("neither '"),
                             std::string_view("another row of its handle"),
                             std::string_view("has no title"),
                             std::string_view("; did you mean '"),
                             std::string_view("two fields mean"),
                             std::string_view("is a list or an object")};
  const auto found = std::find_if(known.begin(), known.end(), [&](std::string_view one) {
    return message.find(one) != std::string_view::npos;
  });
  if (found == known.end()) return "this is no row of the format";
  if (*found == "is there twice") return "a key is there twice";
  if (*found == "has no title") return "the handle begins with a row that has no title";
  if (*found == "two fields mean") return "two fields mean the same";
  return std::string(message);
}

}  // namespace adlib::copywriter
