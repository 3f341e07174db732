// copywriter/rules/pcre2_code.h: what those share that run PCRE2. For .cpp files only.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace adlib::copywriter {

struct FreePcre2Match {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using Pcre2Match = std::unique_ptr<pcre2_match_data, FreePcre2Match>;

inline PCRE2_SPTR pcre2_bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

/// A compiled expression. Const use from many threads is safe. Machine code (JIT) is made for it once it has
/// been used some times: a rule that is seldom asked would not earn it, and it is most of what reading the
/// rules would take.
class Pcre2Code {
 public:
  /// Null for an expression that is none, with what is wrong in `error`.
  static std::shared_ptr<const Pcre2Code> compile(std::string_view expression, std::uint32_t options,
                                                  std::string& error) {
    int number = 0;
    PCRE2_SIZE at = 0;
    pcre2_code* code =
        pcre2_compile(pcre2_bytes(expression), expression.size(), options, &number, &at, nullptr);
    if (!code) {
      std::array<PCRE2_UCHAR, 256> message{};
      pcre2_get_error_message(number, message.data(), message.size());
      error = reinterpret_cast<const char*>(message.data());
      return nullptr;
    }
    return std::shared_ptr<const Pcre2Code>(new Pcre2Code(code));
  }
  ~Pcre2Code() {
    pcre2_code_free(code_);
    pcre2_code_free(fast_.load());
  }
  Pcre2Code(const Pcre2Code&) = delete;
  Pcre2Code& operator=(const Pcre2Code&) = delete;

  /// As pcre2_match(), from a byte on.
  int match(std::string_view text, std::size_t from, std::uint32_t options, pcre2_match_data* data) const {
    const pcre2_code* fast = fast_.load(std::memory_order_acquire);
    if (!fast && uses_.fetch_add(1, std::memory_order_relaxed) == kUsesBeforeJit) {
      // A code must not change while other threads use it: the machine code goes to a copy.
      pcre2_code* copy = pcre2_code_copy(code_);
      if (copy) pcre2_jit_compile(copy, PCRE2_JIT_COMPLETE);  // where there is none, PCRE2 interprets
      fast_.store(copy, std::memory_order_release);
      fast = copy;
    }
    return pcre2_match(fast ? fast : code_, pcre2_bytes(text), text.size(), from, options, data, nullptr);
  }
  const pcre2_code* get() const { return code_; }

 private:
  static constexpr std::uint32_t kUsesBeforeJit = 16;
  explicit Pcre2Code(pcre2_code* code) : code_(code) {}

  pcre2_code* code_;
  mutable std::atomic<pcre2_code*> fast_ = nullptr;
  mutable std::atomic<std::uint32_t> uses_ = 0;
};

}  // namespace adlib::copywriter
