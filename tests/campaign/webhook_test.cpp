#include <sys/wait.h>

#include <csignal>
#include <set>

#include "adlib/io/json.h"
#include "campaign/http_server.h"
#include "campaign/publish_support.h"
#include "copywriter/publish/publish.h"
#include "copywriter/review/review.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using namespace std::chrono_literals;
using adlib::test::channels;
using adlib::test::http_answer;
using adlib::test::HttpRequest;
using adlib::test::HttpServer;
using adlib::test::NewStore;

const std::string kSecret = "a secret that only the two of us know";

std::vector<std::int64_t> add_approved(const Store& store, int count) {
  store.database().execute("PRAGMA synchronous = OFF");  // a test may lose its files with the power
  const auto run = test::add_run(store);
  const auto product = test::add_product(store, "q2");
  std::vector<std::int64_t> copies;
  for (int i = 0; i < count; ++i) {
    const auto user = test::add_user(store, "c-" + std::to_string(i));
    copies.push_back(test::add_copy(store, {.user = user,
                                            .product = product,
                                            .run = run,
                                            .text = "静谷 Q2，续航30小时。" + std::to_string(i),
                                            .status = "ready"}));
  }
  approve(store, copies, {"editor"});
  return copies;
}

PublishOptions options_for(const std::string& url) {
  PublishOptions options;
  options.target = "webhook";
  options.webhook.url = url;
  options.webhook.secret = kSecret;
  options.webhook.first_wait = 1ms;
  options.webhook.most_wait = 4ms;
  options.webhook.attempts = 12;
  options.webhook.give_up_after = 1000;
  options.webhook.http.timeout = 2s;
  options.webhook.lease_margin = 0ms;
  return options;
}

std::int64_t count(const Store& store, const std::string& where) {
  return store.database().integer("SELECT count(*) FROM publication WHERE " + where);
}

// A receiver that keeps its promise: what it has seen a key of, it does not do again.
struct Receiver {
  std::map<std::string, int> effects;  // by key
  std::map<std::string, std::string> bodies;
  bool signatures_hold = true;

  void process(const HttpRequest& request) {
    const std::string& key = request.headers.at("idempotency-key");
    const std::string signature =
        webhook_signature(kSecret, std::stoll(request.headers.at("x-adlib-timestamp")), request.body);
    signatures_hold = signatures_hold && request.headers.at("x-adlib-signature") == signature &&
                      io::parse_json(request.body, "body").at("id") == key;
    if (bodies.emplace(key, request.body).second)
      ++effects[key];
    else
      signatures_hold = signatures_hold && bodies[key] == request.body;  // the same key, the same text
  }
};

TEST_CASE("a webhook's signature is the HMAC of time and body", "[publish][webhook]") {
  // python3: hmac.new(b"key", b'1700000000.{"a":1}', "sha256").hexdigest()
  CHECK(webhook_signature("key", 1'700'000'000, "{\"a\":1}") ==
        "v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
}

TEST_CASE("what becomes of a text is told by the status of the answer", "[publish][webhook]") {
  const auto verdict = [](int status) {
    HttpAnswer answer;
    answer.status = status;
    return judge(answer);
  };
  for (const int status : {200, 201, 202, 204, 299}) CHECK(verdict(status) == Verdict::sent);
  for (const int status : {0, 408, 425, 429, 500, 502, 503, 504, 599})
    CHECK(verdict(status) == Verdict::retry);
  for (const int status : {301, 302, 307, 308, 400, 401, 403, 404, 409, 410, 413, 422})
    CHECK(verdict(status) == Verdict::dead);
}

TEST_CASE("addresses that leak are refused", "[publish][webhook]") {
  const auto [url, says] = GENERATE(table<std::string, std::string>({
      {"http://shop.example/hook", "is not encrypted"},
      {"https://user:password@shop.example/hook", "user or password"},
      {"ftp://shop.example/hook", "does not begin with https://"},
      {"file:///etc/passwd", "does not begin with https://"},
      {"https://shop.example/\r\nX: y", "is none"},
      {"", "is none"},
      {"shop.example", "is none"},
  }));
  CAPTURE(url);
  CHECK_THAT(test::error_of([&, &address = url] { check_webhook_url(address, false); }),
             Catch::Contains(says));
  CHECK_NOTHROW(check_webhook_url("https://shop.example/hook?a=b", false));
  CHECK_NOTHROW(check_webhook_url("http://127.0.0.1:8080/hook", false));
  CHECK_NOTHROW(check_webhook_url("http://shop.example/hook", true));
}

TEST_CASE("every approved text is sent once, signed, and not again", "[publish][webhook]") {
  const NewStore store;
  Receiver receiver;
  HttpServer server([&](const HttpRequest& request) {
    receiver.process(request);
    return http_answer("200 OK");
  });
  const auto copies = add_approved(*store, 5);
  PublishOptions options = options_for(server.url());
  CHECK(publish(*store, channels(), options).items == 5);
  CHECK(receiver.effects.size() == 5);
  CHECK(receiver.signatures_hold);
  CHECK(server.count() == 5);
  const HttpRequest first = server.requests().front();
  CHECK(first.line == "POST /hook HTTP/1.1");
  CHECK(first.headers.at("content-type") == "application/json; charset=utf-8");
  const io::Json body = io::parse_json(first.body, "body");
  CHECK(body.at("user") == "c-0");
  CHECK(body.at("product") == "q2");
  CHECK(body.at("channel") == "mi-push");
  CHECK(body.at("text") == "静谷 Q2，续航30小时。0");
  CHECK(store->database().integer("SELECT count(*) FROM copy WHERE status = 'published'") == 5);

  const PublishResult second = publish(*store, channels(), options);
  CHECK(second.items == 0);
  CHECK(second.before == 5);
  CHECK(server.count() == 5);

  options.again = true;  // on purpose, and so with other keys
  CHECK(publish(*store, channels(), options).items == 5);
  CHECK(receiver.effects.size() == 10);
  CHECK(count(*store, "status = 'sent' AND attempts = 1") == 10);
}

TEST_CASE("a receiver that fails, hangs, drops, repeats and lies gets every text, and each once",
          "[publish][webhook]") {
  const NewStore store;
  Receiver receiver;
  const int kTexts = 22;
  const auto copies = add_approved(*store, kTexts);
  std::map<std::string, int> tries;
  std::map<std::string, int> order;
  HttpServer server([&](const HttpRequest& request) -> std::string {
    const std::string& key = request.headers.at("idempotency-key");
    const int attempt = tries[key]++;
    const int number = order.emplace(key, static_cast<int>(order.size())).first->second;
    // Two texts in a row meet each mood, on their first two attempts.
    const bool moody = attempt < 2;
    switch (moody ? number / 2 : -1) {
      case 0:
        return http_answer("500 Internal Server Error", "no");
      case 1:
        std::this_thread::sleep_for(150ms);  // longer than the client waits
        return http_answer("200 OK");
      case 2:
        receiver.process(request);
        return {};  // done, and not a word
      case 3:
        receiver.process(request);
        return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nhalf";
      case 4:
        return "garbage that is no HTTP\r\n\r\nConnection: close";
      case 5:
        return http_answer("429 Too Many Requests", "", "Retry-After: 0\r\n");
      case 6:
        receiver.process(request);
        return http_answer("503 Service Unavailable", "it was done, though");
      case 7:
        return "HTTP/1.1 200 OK\r\nContent-Length: -5\r\nConnection: close\r\n\r\n";
      case 8:
        return "HTTP/1.1 2";  // and then silence
      case 9:
        receiver.process(request);
        return http_answer("200 OK", std::string(3 << 20, 'x'), "Connection: close\r\n");
      default:
        receiver.process(request);
        return http_answer("200 OK");
    }
  });
  PublishOptions options = options_for(server.url());
  options.webhook.http.timeout = 60ms;
  PublishResult result = publish(*store, channels(), options);
  CHECK(result.items == kTexts);
  CHECK(result.dead == 0);
  CHECK(result.pending == 0);
  CHECK(count(*store, "status = 'sent'") == kTexts);
  REQUIRE(receiver.effects.size() == static_cast<std::size_t>(kTexts));
  for (const auto& [key, times] : receiver.effects) CHECK(times == 1);
  CHECK(receiver.signatures_hold);
  // The bodies are those of the copies: nothing was lost, and nothing came under another's key.
  std::set<std::int64_t> arrived;
  for (const auto& [key, body] : receiver.bodies)
    arrived.insert(io::parse_json(body, "body").at("copy").get<std::int64_t>());
  CHECK(arrived == std::set<std::int64_t>(copies.begin(), copies.end()));
  CHECK(server.count() >= static_cast<std::size_t>(kTexts) + 36);
  CHECK(store->database().integer("SELECT max(length(answer)) FROM publication") < 500);
}

TEST_CASE("redirects are not followed, and refusals are not repeated", "[publish][webhook]") {
  const NewStore store;
  std::atomic<int> elsewhere{0};
  HttpServer other([&](const HttpRequest&) {
    ++elsewhere;
    return http_answer("200 OK");
  });
  std::atomic<int> number{0};
  HttpServer server([&](const HttpRequest&) {
    if (number++ == 0) return http_answer("307 Temporary Redirect", "", "Location: " + other.url() + "\r\n");
    return http_answer("422 Unprocessable Content", "\x1b[31munknown user\x1b[0m");
  });
  add_approved(*store, 2);
  PublishOptions options = options_for(server.url());
  const PublishResult result = publish(*store, channels(), options);
  CHECK(result.items == 0);
  CHECK(result.dead == 2);
  CHECK(elsewhere == 0);
  CHECK(server.count() == 2);
  CHECK(store->database().integer("SELECT count(*) FROM copy WHERE status = 'approved'") == 2);
  CHECK(count(*store, "answer LIKE 'HTTP 307 (redirects are not followed)%'") == 1);
  CHECK(count(*store, "answer LIKE 'HTTP 422: %unknown user%' AND instr(answer, char(27)) = 0") == 1);
}

TEST_CASE("what fails too often is a dead letter, which can be tried again with its key",
          "[publish][webhook]") {
  const NewStore store;
  std::atomic<bool> up{false};
  Receiver receiver;
  HttpServer server([&](const HttpRequest& request) {
    if (!up) return http_answer("500 Internal Server Error");
    receiver.process(request);
    return http_answer("204 No Content", "");
  });
  add_approved(*store, 1);
  PublishOptions options = options_for(server.url());
  options.webhook.attempts = 3;
  PublishResult result = publish(*store, channels(), options);
  CHECK(result.dead == 1);
  CHECK(server.count() == 3);
  up = true;
  result = publish(*store, channels(), options);  // nothing is tried on its own
  CHECK(result.items + result.dead + result.pending == 0);
  CHECK(server.count() == 3);
  options.webhook.retry_dead = true;
  CHECK(publish(*store, channels(), options).items == 1);
  std::set<std::string> keys;
  for (const HttpRequest& request : server.requests()) keys.insert(request.headers.at("idempotency-key"));
  CHECK(keys.size() == 1);
  CHECK(publish(*store, channels(), options).items == 0);
}

TEST_CASE("Retry-After is honoured for all texts, and a long one is left for the next call",
          "[publish][webhook]") {
  const NewStore store;
  std::atomic<int> number{0};
  std::vector<std::chrono::steady_clock::time_point> times;
  SECTION("one second") {
    HttpServer server([&](const HttpRequest&) {
      times.push_back(std::chrono::steady_clock::now());
      return number++ == 0 ? http_answer("429 Too Many Requests", "", "Retry-After: 1\r\n")
                           : http_answer("200 OK");
    });
    add_approved(*store, 3);
    CHECK(publish(*store, channels(), options_for(server.url())).items == 3);
    REQUIRE(times.size() == 4);
    CHECK(times[1] - times[0] >= 950ms);  // no other text goes ahead
  }
  SECTION("an hour") {
    HttpServer server([&](const HttpRequest&) {
      return http_answer("503 Service Unavailable", "", "Retry-After: 3600\r\n");
    });
    add_approved(*store, 3);
    const std::int64_t before = now();
    PublishOptions options = options_for(server.url());
    const PublishResult result = publish(*store, channels(), options);
    CHECK(result.pending == 3);
    CHECK(result.dead == 0);
    CHECK_THAT(result.stopped, Catch::Contains("longer wait"));
    CHECK(server.count() == 1);
    CHECK(count(*store, "status = 'pending' AND next_attempt >= " + std::to_string(before + 3600)) == 1);
  }
}

TEST_CASE("a receiver that is down is left alone, and the texts wait", "[publish][webhook]") {
  const NewStore store;
  std::string url;
  {
    const HttpServer gone([](const HttpRequest&) { return std::string(); });
    url = gone.url();
  }  // nobody listens there now
  add_approved(*store, 40);
  PublishOptions options = options_for(url);
  options.webhook.give_up_after = 10;
  const PublishResult result = publish(*store, channels(), options);
  CHECK(result.dead == 0);
  CHECK(result.pending == 40);
  CHECK_THAT(result.stopped, Catch::Contains("10 requests in a row failed"));
  CHECK(count(*store, "status = 'pending' AND attempts > 0") == 10);
}

TEST_CASE("what waits is not sent when it is no longer approved or wanted", "[publish][webhook]") {
  const NewStore store;
  std::atomic<bool> up{false};
  Receiver receiver;
  HttpServer server([&](const HttpRequest& request) {
    if (!up) return http_answer("503 Service Unavailable", "", "Retry-After: 3600\r\n");
    receiver.process(request);
    return http_answer("200 OK");
  });
  const auto copies = add_approved(*store, 4);
  PublishOptions options = options_for(server.url());
  CHECK(publish(*store, channels(), options).pending == 4);
  const std::int64_t rejected[] = {copies[1]};
  reject(*store, rejected, {"editor"});
  store
      ->prepare(
          "INSERT INTO consent(user, channel, granted, time) VALUES ((SELECT id FROM user WHERE shop_id = "
          "'c-2'), 'push', 0, 1)")
      .run();
  store->prepare("DELETE FROM user WHERE shop_id = 'c-3'").run();
  store->prepare("UPDATE publication SET next_attempt = NULL").run();
  up = true;
  const PublishResult result = publish(*store, channels(), options);
  CHECK(result.items == 1);
  CHECK(result.withdrawn == 2);
  CHECK(receiver.effects.size() == 1);
}

TEST_CASE("a publisher that is killed at any request loses nothing and repeats nothing",
          "[publish][webhook]") {
  // The server processes a request, and then the publisher is killed before it hears of that.
  const int kTexts = 12;
  const int kill_at = GENERATE(1, 5, 12);
  CAPTURE(kill_at);
  const NewStore original;
  add_approved(*original, kTexts);
  // The child opens another file: SQLite must not meet a connection of the parent's after fork().
  const auto file = original.directory() / "copy.db";
  original->database().execute("VACUUM INTO '" + file.string() + "'");

  Receiver receiver;
  std::atomic<pid_t> child{0};
  std::atomic<int> served{0};
  HttpServer server([&](const HttpRequest& request) -> std::string {
    receiver.process(request);
    if (++served == kill_at && child != 0) {
      ::kill(child, SIGKILL);
      return {};
    }
    return http_answer("200 OK");
  });
  const PublishOptions options = options_for(server.url());
  int gate[2];
  REQUIRE(::pipe(gate) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    char go = 0;
    if (::read(gate[0], &go, 1) == 1) {
      try {
        const Store store(file, Store::Mode::write);
        publish(store, channels(), options);
      } catch (...) {
      }
    }
    ::_exit(0);
  }
  child = pid;
  REQUIRE(::write(gate[1], "x", 1) == 1);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  child = 0;
  ::close(gate[0]);
  ::close(gate[1]);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(static_cast<int>(receiver.effects.size()) == kill_at);

  const Store store(file, Store::Mode::write);
  CHECK(count(store, "status = 'sent'") == kill_at - 1);
  CHECK(count(store, "status = 'pending' AND attempts = 1 AND next_attempt > time") == 1);
  store.database().execute("UPDATE publication SET next_attempt = NULL");  // its time is up
  const PublishResult result = publish(store, channels(), options);
  CHECK(result.items == kTexts - kill_at + 1);
  CHECK(count(store, "status = 'sent'") == kTexts);
  CHECK(static_cast<int>(receiver.effects.size()) == kTexts);
  for (const auto& [key, times] : receiver.effects) CHECK(times == 1);
  CHECK(served == kTexts + 1);  // one request came twice, with the same key
  CHECK(receiver.signatures_hold);
}

TEST_CASE("of two publishers at once, one sends a text, and the answer that came is kept",
          "[publish][webhook]") {
  const NewStore first;
  const int kTexts = 8;
  add_approved(*first, kTexts);
  Receiver receiver;
  HttpServer server([&](const HttpRequest& request) {
    receiver.process(request);
    std::this_thread::sleep_for(20ms);  // the other one comes in between
    return http_answer("200 OK", "{}", "Connection: close\r\n");
  });
  PublishOptions options = options_for(server.url());
  options.webhook.http.timeout = 900ms;
  std::int64_t sent = 0;
  std::thread other([&] {
    const Store second(first.file(), Store::Mode::write);
    sent = publish(second, channels(), options).items;
  });
  const std::int64_t own = publish(*first, channels(), options).items;
  other.join();
  CHECK(own + sent == kTexts);
  CHECK(server.count() == kTexts);
  CHECK(count(*first, "status = 'sent' AND attempts = 1") == kTexts);
}

TEST_CASE("an answer that comes after another publisher took the text changes nothing",
          "[publish][webhook]") {
  const NewStore store;
  add_approved(*store, 1);
  HttpServer server([&](const HttpRequest&) {
    // What another process does after the lease: it sends the text, and has its answer first.
    const Store other(store.file(), Store::Mode::write);
    other.database().execute("UPDATE publication SET status = 'sent', attempts = 2, answer = 'theirs'");
    return http_answer("422 Unprocessable Content", "seen");
  });
  const PublishResult result = publish(*store, channels(), options_for(server.url()));
  CHECK(result.dead == 0);
  CHECK(count(*store, "status = 'sent' AND attempts = 2 AND answer = 'theirs'") == 1);
}

TEST_CASE("what stands behind the ? of an address is sent and never stored", "[publish][webhook]") {
  const NewStore store;
  add_approved(*store, 1);
  std::string line;
  HttpServer server([&](const HttpRequest& request) {
    line = request.line;
    return http_answer("200 OK");
  });
  CHECK(publish(*store, channels(), options_for(server.url() + "?token=SECRET")).items == 1);
  CHECK_THAT(line, Catch::Contains("?token=SECRET"));
  CHECK(count(*store, concat("destination = '", server.url(), "'")) == 1);
  CHECK(store->database().integer("SELECT count(*) FROM run WHERE settings LIKE '%SECRET%'") == 0);
  CHECK(publish(*store, channels(), options_for(server.url() + "?token=OTHER")).before == 1);
}

TEST_CASE("a secret that is too short is refused, and none is stored", "[publish][webhook]") {
  const NewStore store;
  HttpServer server([](const HttpRequest&) { return http_answer("200 OK"); });
  add_approved(*store, 1);
  PublishOptions options = options_for(server.url());
  options.webhook.secret = "short";
  CHECK_THAT(test::error_of([&] { publish(*store, channels(), options); }),
             Catch::Contains("expected at least 16"));
  options.webhook.secret = kSecret;
  publish(*store, channels(), options);
  CHECK(store->database().integer("SELECT count(*) FROM run WHERE instr(settings, 'only the two') > 0") == 0);
}

}  // namespace
