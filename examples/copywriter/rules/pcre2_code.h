// copywriter/rules/pcre2_code.h: what those share that run PCRE2. For .cpp files only.
#pragma once

#include <array>
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

/// A pcre2_code with JIT where there is one. Null for an expression that is none, with what is wrong in
/// `error`.
inline std::shared_ptr<void> compile_pcre2(std::string_view expression, std::uint32_t options,
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
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where there is none, PCRE2 interprets
  return {code, [](void* one) { pcre2_code_free(static_cast<pcre2_code*>(one)); }};
}

}  // namespace adlib::copywriter
