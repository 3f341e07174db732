#include "copywriter/publish/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostHeaderBytes = 64 * 1024;

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { ::curl_url_cleanup(url); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
struct FreeCurl {
  void operator()(CURL* curl) const noexcept { ::curl_easy_cleanup(curl); }
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  const std::string value = text;
  ::curl_free(text);
  return value;
}

// What libcurl's callbacks fill.
struct Received {
  HttpAnswer* answer = nullptr;
  std::size_t limit = 0, header_bytes = 0;
  bool cut = false;  // we stopped reading, the receiver did nothing wrong
};

std::size_t take_body(char* data, std::size_t, std::size_t bytes, void* to) {
  auto& received = *static_cast<Received*>(to);
  const std::size_t room = received.limit - received.answer->body.size();
  received.answer->body.append(data, std::min(room, bytes));
  if (bytes <= room) return bytes;
  received.cut = true;
  return 0;
}

std::size_t take_header(char*, std::size_t, std::size_t bytes, void* to) {
  auto& received = *static_cast<Received*>(to);
  received.header_bytes += bytes;
  return received.header_bytes > kMostHeaderBytes ? 0 : bytes;
}

}  // namespace

std::string without_query(std::string_view url) {
  return std::string(url.substr(0, url.find_first_of("?#")));
}

void check_webhook_url(const std::string& url, bool allow_http) {
  const auto refuse = [&](const std::string& why) {
    fail(ErrorCode::invalid_argument, "publish: the address '",
         first_characters(clean_text(without_query(url)), 80), "' ", why);
  };
  const std::unique_ptr<CURLU, FreeUrl> parsed(::curl_url());
  if (clean_text(url) != url || ::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    refuse("is none; expected such as https://shop.example/adlib");
  const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME),
                    host = url_part(parsed.get(), CURLUPART_HOST);
  if (scheme != "https" && scheme != "http") refuse("does not begin with https://");
  if (!url_part(parsed.get(), CURLUPART_USER).empty() || !url_part(parsed.get(), CURLUPART_PASSWORD).empty())
    fail(ErrorCode::invalid_argument,
         "publish: the address holds a user or password, which the store would keep; "
         "requests are signed by the secret instead");
  const bool local = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
  if (scheme == "http" && !local && !allow_http)
    refuse("is not encrypted; give an https:// address, or --allow-http where nobody can listen");
}

struct HttpClient::Impl {
  std::unique_ptr<CURL, FreeCurl> curl;
  std::string url;
  HttpLimits limits;
  std::array<char, CURL_ERROR_SIZE> error{};

  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode result = ::curl_easy_setopt(curl.get(), option, value);
    if (result != CURLE_OK) fail(ErrorCode::io, "publish: libcurl: ", ::curl_easy_strerror(result));
  }
};

HttpClient::HttpClient(std::string url, bool allow_http, HttpLimits limits)
    : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
  check_webhook_url(url, allow_http);
  Impl& self = *impl_;
  self.curl.reset(::curl_easy_init());
  if (!self.curl) fail(ErrorCode::out_of_memory, "publish: libcurl cannot be started");
  self.url = std::move(url);
  self.limits = limits;
  self.set(CURLOPT_URL, self.url.c_str());
  self.set(CURLOPT_NOSIGNAL, 1L);
  self.set(CURLOPT_FOLLOWLOCATION, 0L);
  self.set(CURLOPT_SSL_VERIFYPEER, 1L);
  self.set(CURLOPT_SSL_VERIFYHOST, 2L);
#if LIBCURL_VERSION_NUM >= 0x075500
  self.set(CURLOPT_PROTOCOLS_STR, "https,http");
#else
  self.set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTPS | CURLPROTO_HTTP));
#endif
  self.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_timeout.count()));
  self.set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout.count()));
  self.set(CURLOPT_ERRORBUFFER, self.error.data());
  self.set(CURLOPT_WRITEFUNCTION, &take_body);
  self.set(CURLOPT_HEADERFUNCTION, &take_header);
  self.set(CURLOPT_USERAGENT, "adlib/" ADLIB_VERSION);
}

HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

HttpAnswer HttpClient::post(std::string_view body, const std::vector<std::string>& headers) {
  Impl& self = *impl_;
  std::unique_ptr<curl_slist, FreeList> list;
  const auto add = [&](const std::string& header) {
    if (header.find_first_of("\r\n") != std::string::npos || header.find('\0') != std::string::npos)
      fail(ErrorCode::invalid_argument, "publish: a header holds the end of a line");
    curl_slist* longer = ::curl_slist_append(list.get(), header.c_str());
    if (!longer) fail(ErrorCode::out_of_memory, "publish: no memory for a header");
    list.release();
    list.reset(longer);
  };
  for (const std::string& header : headers) add(header);
  add("Expect:");  // no second round for a small body

  HttpAnswer answer;
  Received received{&answer, self.limits.max_answer_bytes};
  self.error[0] = '\0';
  self.set(CURLOPT_HTTPHEADER, list.get());
  self.set(CURLOPT_POST, 1L);
  self.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  self.set(CURLOPT_POSTFIELDS, body.data());
  self.set(CURLOPT_WRITEDATA, &received);
  self.set(CURLOPT_HEADERDATA, &received);
  const CURLcode result = ::curl_easy_perform(self.curl.get());
  self.set(CURLOPT_HTTPHEADER, nullptr);

  long status = 0;
  ::curl_easy_getinfo(self.curl.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_off_t wait = 0;
  ::curl_easy_getinfo(self.curl.get(), CURLINFO_RETRY_AFTER, &wait);
  if (wait > 0) answer.retry_after = std::chrono::seconds(wait);
  // An answer that broke off, or that is not HTTP, tells nothing about what the receiver did.
  if (result == CURLE_OK || received.cut) answer.status = static_cast<int>(status);
  if (answer.status == 0)
    answer.error = self.error[0] != '\0' ? self.error.data() : ::curl_easy_strerror(result);
  return answer;
}

}  // namespace adlib::copywriter
