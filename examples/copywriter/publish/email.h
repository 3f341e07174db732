// copywriter/publish/email.h: messages of RFC 5322, whatever their fields hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace adlib::copywriter {

/// A mailbox: "Shop <shop@example.com>", or the address alone.
struct Mailbox {
  std::string name, address;
  /// Throws Error(invalid_argument) for what is none: an address has letters, digits and .!#$%&'*+/=?^_`{|}~-
  /// on both sides of one @.
  static Mailbox parse(std::string_view text);
  std::string domain() const { return address.substr(address.find('@') + 1); }
};

struct Email {
  Mailbox from;
  std::string to;  ///< an address
  std::string subject, text, html;
  std::string message_id;  ///< without < >
  std::int64_t time = 0;
  std::string list_unsubscribe_url, list_unsubscribe_mailto;  ///< RFC 2369, RFC 8058; may be empty
  std::string language;
  std::string copy;  ///< for X-Adlib-Copy

  /// The message with CRLF: multipart/alternative (RFC 2046) of text and HTML in UTF-8 and base64, header
  /// texts as encoded words (RFC 2047) where they are more than printable ASCII. No field can begin another.
  std::string message() const;
};

/// A header's text: printable ASCII as it is, everything else as encoded words of at most 75 characters, no
/// character cut in two, folded by "\r\n ". `used` is how much of the first line is taken.
std::string header_text(std::string_view text, std::size_t used);
/// "Mon, 30 Nov 2026 12:01:21 +0000"
std::string email_date(std::int64_t unix_seconds);
/// RFC 4648, in lines of 76 characters that end in CRLF.
std::string base64_lines(std::string_view bytes);
std::string base64(std::string_view bytes);

}  // namespace adlib::copywriter
