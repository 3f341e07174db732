// tests/campaign/http_server.h: an HTTP/1.1 server in this process that does what a test tells it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace adlib::test {

struct HttpRequest {
  std::string line;                            ///< "POST /hook HTTP/1.1"
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// An answer with a body and its length.
inline std::string http_answer(const std::string& status, const std::string& body = "{}",
                               const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

/// Listens on a port of 127.0.0.1 that the system chooses. `answer` gets each request and returns the bytes
/// that go back, whatever they are; "" drops the connection. One connection after the other, one thread.
class HttpServer {
 public:
  using Answer = std::function<std::string(const HttpRequest&)>;

  explicit HttpServer(Answer answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no local port for the test's server");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t count() const { return requests().size(); }

 private:
  static constexpr int kPollMilliseconds = 5;

  bool readable(int socket) const {
    pollfd wait{socket, POLLIN, 0};
    return ::poll(&wait, 1, kPollMilliseconds) > 0;
  }
  void serve() {
    while (!stop_) {
      if (!readable(listener_)) continue;
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) continue;
      converse(socket);
      ::close(socket);
    }
  }
  // Until the client or the test ends it. A second client waits only as long as the first says nothing.
  void converse(int socket) {
    std::string buffer;
    HttpRequest request;
    while (!stop_) {
      if (!readable(socket)) {
        if (readable(listener_)) return;
        continue;
      }
      char part[4096];
      const ssize_t got = ::recv(socket, part, sizeof part, 0);
      if (got <= 0) return;
      buffer.append(part, static_cast<std::size_t>(got));
      if (!parse(buffer, request)) continue;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      const std::string bytes = answer_(request);
      if (bytes.empty() || !send_all(socket, bytes) || bytes.find("Connection: close") != std::string::npos)
        return;
    }
  }
  static bool parse(std::string& buffer, HttpRequest& request) {
    const std::size_t end = buffer.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    request = {};
    std::size_t at = buffer.find("\r\n");
    request.line = buffer.substr(0, at);
    while (at < end) {
      const std::size_t begin = at + 2, next = buffer.find("\r\n", begin), colon = buffer.find(':', begin);
      std::string name = buffer.substr(begin, colon - begin);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const std::size_t value = buffer.find_first_not_of(' ', colon + 1);
      request.headers[name] = buffer.substr(value, next - value);
      at = next;
    }
    const auto length =
        static_cast<std::size_t>(std::strtoull(request.headers["content-length"].c_str(), nullptr, 10));
    if (buffer.size() < end + 4 + length) return false;
    request.body = buffer.substr(end + 4, length);
    buffer.erase(0, end + 4 + length);
    return true;
  }
  static bool send_all(int socket, const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t sent = ::send(socket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<std::size_t>(sent);
    }
    return true;
  }

  Answer answer_;
  int listener_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

}  // namespace adlib::test
