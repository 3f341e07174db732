// copywriter/publish/webhook.h: texts sent one by one to a receiver that fails, hangs and repeats.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "copywriter/publish/http.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct WebhookOptions {
  std::string url = {};     ///< its query is never stored
  std::string secret = {};  ///< of the signature, at least 16 bytes; never stored
  bool allow_http = false;  ///< to other machines
  bool retry_dead = false;  ///< begin again with what was given up
  HttpLimits http = {};
  int attempts = 6;  ///< of one text, then it is dead
  /// A text that is under way is left alone by other publishers for the time limit of its request and this.
  std::chrono::milliseconds lease_margin{5'000};
  /// The wait after attempt n is drawn evenly from 0 to min(most_wait, first_wait * 2^(n - 1)) (full jitter).
  std::chrono::milliseconds first_wait{1'000}, most_wait{60'000};
  /// What has to wait longer, by the receiver's Retry-After, is left for the next call.
  std::chrono::milliseconds patience{300'000};
  /// So many failures in a row that may pass: the receiver is down, the rest is left for the next call.
  int give_up_after = 20;
};

/// Texts that are done (sent or given up), of how many.
using PublishProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// "v1=" and the HMAC-SHA-256 of "TIMESTAMP.BODY", in hexadecimal.
std::string webhook_signature(std::string_view secret, std::int64_t timestamp, std::string_view body);

/// What becomes of a text after an answer.
enum class Verdict { sent, retry, dead };
/// 2xx: sent. No answer, 408, 425, 429 and 5xx: retry. Everything else, redirects too: dead.
Verdict judge(const HttpAnswer& answer);

struct DeliveryResult {
  std::int64_t sent = 0, dead = 0, pending = 0, withdrawn = 0;
  std::string stopped = {};  ///< why it ended early
};

/// Sends the rows of `publication` that wait for this address. Each request is committed before and after:
/// after a kill a row is sent again with the same key, at least once in all, and a receiver that knows its
/// keys takes it once. Of several processes that send at once, one has a row until its request is over or its
/// time is up. `destination` is what `publication` calls the address. `body_of` gives the JSON of a copy, or
/// "" where it is to be withdrawn.
DeliveryResult deliver(const Store& store, const WebhookOptions& options, const std::string& destination,
                       const std::function<std::string(std::int64_t copy, const std::string& key)>& body_of,
                       const PublishProgress& progress);

/// Throws Error(invalid_argument) for options that contradict themselves.
void check_webhook_options(const WebhookOptions& options);

}  // namespace adlib::copywriter
