#include "copywriter/publish/webhook.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kAnswerCharacters = 200;  // that are kept for people

struct Waiting {
  Clock::time_point due;
  std::int64_t row = 0;
  std::optional<std::int64_t> not_before;  // as the row said, which has been waited for
  bool operator>(const Waiting& other) const { return std::pair(due, row) > std::pair(other.due, other.row); }
};

std::string summary(const HttpAnswer& answer) {
  if (answer.status == 0)
    return "no answer: " + first_characters(clean_text(answer.error), kAnswerCharacters);
  std::string text = "HTTP " + std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400) text += " (redirects are not followed)";
  if (!answer.body.empty()) text += ": " + first_characters(clean_text(answer.body), kAnswerCharacters);
  return text;
}

class Delivery {
 public:
  Delivery(const Store& store, const WebhookOptions& options, const std::string& destination,
           const std::function<std::string(std::int64_t, const std::string&)>& body_of,
           const PublishProgress& progress)
      : store_(store),
        options_(options),
        destination_(destination),
        body_of_(body_of),
        progress_(progress),
        client_(options.url, options.allow_http, options.http),
        random_((static_cast<std::uint64_t>(std::random_device{}()) << 32) ^ std::random_device{}()),
        select_(store.prepare(
            "SELECT copy, idempotency_key, attempts, next_attempt FROM publication WHERE id = ? AND status = "
            "'pending'")),
        // Two processes see the same row; the one that changes it first has it.
        begin_(
            store.prepare("UPDATE publication SET attempts = ?1 + 1, next_attempt = ?2, time = ?3 WHERE id = "
                          "?4 AND attempts = ?1 AND next_attempt IS ?5 AND status = 'pending'")),
        // Nothing is said about a row that somebody else has taken since.
        end_(store.prepare("UPDATE publication SET status = ?, next_attempt = ?, answer = ?, time = ? WHERE "
                           "id = ? AND attempts = ? AND status = 'pending'")),
        published_(
            store.prepare("UPDATE copy SET status = 'published' WHERE id = ? AND status = 'approved'")),
        drop_(store.prepare("DELETE FROM publication WHERE id = ? AND attempts = 0 AND status = 'pending'")) {
  }

  DeliveryResult run() {
    queue();
    const auto total = static_cast<std::int64_t>(waiting_.size());
    while (!waiting_.empty() && result_.stopped.empty()) {
      const Waiting next = waiting_.top();
      const Clock::time_point due = std::max(next.due, not_before_);
      if (due > Clock::now() + options_.patience) {
        result_.stopped = "the receiver asks for a longer wait";
        break;
      }
      waiting_.pop();
      std::this_thread::sleep_until(due);
      send(next);
      if (progress_) progress_(total - static_cast<std::int64_t>(waiting_.size()), total);
    }
    result_.pending = static_cast<std::int64_t>(waiting_.size());
    return result_;
  }

 private:
  void queue() {
    Statement rows = store_.prepare(
        "SELECT id, next_attempt FROM publication WHERE target = 'webhook' AND destination = ? AND status = "
        "'pending' ORDER BY id");
    rows.with(destination_);
    while (rows.step())
      wait_for(rows.integer(0), rows.is_null(1) ? std::nullopt : std::optional(rows.integer(1)));
  }
  void wait_for(std::int64_t row, std::optional<std::int64_t> not_before) {
    const std::int64_t wait = std::max<std::int64_t>(0, not_before.value_or(0) - now());
    waiting_.push({Clock::now() + std::chrono::seconds(wait), row, not_before});
  }

  void send(const Waiting& next) {
    const std::int64_t row = next.row;
    std::string key;
    std::int64_t copy = 0, before = 0;
    std::optional<std::int64_t> not_before;
    if (select_.with(row).step()) {
      copy = select_.integer(0);
      key = select_.text(1);
      before = select_.integer(2);
      if (!select_.is_null(3)) not_before = select_.integer(3);
    }
    select_.with(nullptr);
    if (key.empty()) return;  // somebody was forgotten, or another process has sent it
    if (not_before != next.not_before) return wait_for(row, not_before);  // another process has it
    const std::string body = body_of_(copy, key);
    if (body.empty()) return withdraw(row, before);

    // Committed: a kill from here on leaves a row that says that it was tried.
    const auto lease = options_.http.timeout + options_.lease_margin;
    const std::int64_t until = now() + 1 + std::chrono::ceil<std::chrono::seconds>(lease).count();
    if (begin_.run(before, until, now(), row, not_before) == 0) return wait_for(row, until);
    const std::int64_t attempt = before + 1;
    const std::int64_t timestamp = now();
    const HttpAnswer answer =
        client_.post(body, {"Content-Type: application/json; charset=utf-8", "Idempotency-Key: " + key,
                            "X-Adlib-Timestamp: " + std::to_string(timestamp),
                            "X-Adlib-Signature: " + webhook_signature(options_.secret, timestamp, body)});
    settle(row, copy, attempt, answer);
  }

  void settle(std::int64_t row, std::int64_t copy, std::int64_t attempt, const HttpAnswer& answer) {
    Verdict verdict = judge(answer);
    failures_ = verdict == Verdict::retry ? failures_ + 1 : 0;
    if (verdict == Verdict::retry && attempt >= options_.attempts) verdict = Verdict::dead;
    const std::string what = summary(answer);
    if (verdict == Verdict::retry) {
      milliseconds wait = jitter(attempt);
      if (answer.retry_after) {
        // Of the receiver, not of the text: the others wait, too. A year is as good as never.
        wait = std::max<milliseconds>(wait, std::min(*answer.retry_after, std::chrono::seconds(366 * 86400)));
        not_before_ = std::max(not_before_, Clock::now() + wait);
      }
      const std::int64_t at = now() + std::chrono::ceil<std::chrono::seconds>(wait).count();
      if (end_.run("pending", at, what, now(), row, attempt) > 0)
        waiting_.push({Clock::now() + wait, row, at});
    } else {
      Transaction transaction(store_.database());
      const bool sent = verdict == Verdict::sent;
      const bool ours = end_.run(sent ? "sent" : "dead", nullptr, what, now(), row, attempt) > 0;
      if (sent) published_.run(copy);
      transaction.commit();
      if (ours) ++(sent ? result_.sent : result_.dead);
    }
    if (failures_ >= options_.give_up_after)
      result_.stopped = concat(failures_, " requests in a row failed, the last with ", what);
  }

  // What was never tried has gone nowhere; what was tried may have arrived.
  void withdraw(std::int64_t row, std::int64_t attempts) {
    result_.withdrawn += attempts == 0
                             ? drop_.run(row)
                             : end_.run("dead", nullptr,
                                        "withdrawn: the copy is no longer approved or allowed, or its user "
                                        "does not want it",
                                        now(), row, attempts);
  }

  milliseconds jitter(std::int64_t attempt) {
    const double most = static_cast<double>(options_.most_wait.count());
    const double ceiling =
        std::min(most, static_cast<double>(options_.first_wait.count()) *
                           std::exp2(static_cast<double>(std::min<std::int64_t>(attempt, 60) - 1)));
    const double share = static_cast<double>(random_() >> 11) * 0x1p-53;
    return milliseconds(static_cast<std::int64_t>(share * ceiling));
  }

  const Store& store_;
  const WebhookOptions& options_;
  const std::string& destination_;
  const std::function<std::string(std::int64_t, const std::string&)>& body_of_;
  const PublishProgress& progress_;
  HttpClient client_;
  std::mt19937_64 random_;
  Statement select_, begin_, end_, published_, drop_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  Clock::time_point not_before_{};
  int failures_ = 0;  // in a row
  DeliveryResult result_;
};

}  // namespace

std::string webhook_signature(std::string_view secret, std::int64_t timestamp, std::string_view body) {
  return "v1=" + hexadecimal(hmac_sha256(std::as_bytes(std::span(secret)), concat(timestamp, '.', body)));
}

Verdict judge(const HttpAnswer& answer) {
  const int status = answer.status;
  if (status >= 200 && status < 300) return Verdict::sent;
  if (status == 0 || status == 408 || status == 425 || status == 429 || status >= 500) return Verdict::retry;
  return Verdict::dead;
}

void check_webhook_options(const WebhookOptions& options) {
  check_webhook_url(options.url, options.allow_http);
  require(options.secret.size() >= 16, "publish: the secret of the webhook has ", options.secret.size(),
          " bytes, expected at least 16; 'openssl rand -hex 32' makes one");
  require(options.attempts >= 1, "publish: ", options.attempts, " attempts, expected at least 1");
  require(options.give_up_after >= 1, "publish: give up after ", options.give_up_after,
          ", expected at least 1");
  require(options.first_wait.count() >= 0 && options.most_wait >= options.first_wait,
          "publish: the waits are ", options.first_wait.count(), " to ", options.most_wait.count(), " ms");
  require(options.lease_margin.count() >= 0, "publish: a lease would end before its request");
  require(options.http.timeout.count() > 0 && options.http.connect_timeout.count() > 0,
          "publish: a time limit of 0 would be none");
}

DeliveryResult deliver(const Store& store, const WebhookOptions& options, const std::string& destination,
                       const std::function<std::string(std::int64_t copy, const std::string& key)>& body_of,
                       const PublishProgress& progress) {
  check_webhook_options(options);
  return Delivery(store, options, destination, body_of, progress).run();
}

}  // namespace adlib::copywriter
