// copywriter/publish/http.h: one POST at a time over libcurl, to a receiver that is not trusted.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::copywriter {

struct HttpLimits {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{30'000};  ///< of the whole request
  std::size_t max_answer_bytes = 16 * 1024;   ///< of the body; what comes after is not read
};

struct HttpAnswer {
  int status = 0;                                   ///< 0: none came, or it broke off
  std::string body;                                 ///< its beginning
  std::string error;                                ///< the reason where status is 0
  std::optional<std::chrono::seconds> retry_after;  ///< RFC 9110, 10.2.3, as a number of seconds or a date
};

/// Keeps its connection open from one request to the next. Certificates are verified, redirects not followed,
/// nothing but https and http spoken. Not for several threads at once.
class HttpClient {
 public:
  /// Throws Error(invalid_argument) for an address that check_webhook_url() refuses.
  HttpClient(std::string url, bool allow_http, HttpLimits limits);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// `headers` are "Name: value", without ends of lines.
  HttpAnswer post(std::string_view body, const std::vector<std::string>& headers);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Scheme, host and path of an address: what may be kept of it, since its query may hold a secret.
std::string without_query(std::string_view url);
/// Throws Error(invalid_argument) for an address that is none, holds a user or password (it is stored), or is
/// http: to another machine, unless `allow_http`.
void check_webhook_url(const std::string& url, bool allow_http);

}  // namespace adlib::copywriter
