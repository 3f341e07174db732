#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "adlib/core/error.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

// PCRE2's \s still holds U+180E, and its \w lacks marks. These are Oniguruma's; outside of a class, its \w
// takes the characters below U+0100 from a Latin-1 table, which counts ²³¹¼½¾ in.
constexpr std::string_view kSpace = R"(\p{Z}\x09-\x0d\x85)";
constexpr std::string_view kWord = R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24B6}-\x{24E9})"
                                   R"(\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
constexpr std::string_view kLatin1Word = R"(\xB2\xB3\xB9\xBC-\xBE)";

[[noreturn]] void refuse(std::string_view where, std::string_view pattern, std::string_view what) {
  fail(ErrorCode::unsupported, where, ": pattern '", pattern, "' uses ", what, ", which is not supported");
}

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* p) const { Free(p); }
};
using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data, pcre2_match_data_free>>;
using MatchContext =
    std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context, pcre2_match_context_free>>;
using CompileContext =
    std::unique_ptr<pcre2_compile_context, Freed<pcre2_compile_context, pcre2_compile_context_free>>;

}  // namespace

std::string to_pcre2(std::string_view pattern, std::string_view where) {
  std::string out;
  bool in_class = false;
  std::size_t class_start = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\') {
      ++i;
      if (next == 's' || next == 'w') {
        const std::string_view members = next == 's' ? kSpace : kWord;
        out += in_class ? std::string(members) : concat('[', members, next == 'w' ? kLatin1Word : "", ']');
      } else if (next == 'S' || next == 'W') {
        if (in_class) refuse(where, pattern, concat('\\', next, " inside a class"));
        out += next == 'S' ? concat("[^", kSpace, ']') : concat("[^", kWord, kLatin1Word, ']');
      } else if (next == 'u') {
        if (i + 4 >= pattern.size()) refuse(where, pattern, "an unfinished \\u");
        out += concat("\\x{", pattern.substr(i + 1, 4), '}');
        i += 4;
      } else if (next == 'h' || next == 'H') {
        refuse(where, pattern, "\\h, a hexadecimal digit in Oniguruma");
      } else if (next == 'Q' || next == 'C' || next == 'g' || next == 'k' || next == 'K') {
        refuse(where, pattern, concat('\\', next));
      } else {
        out += c;
        if (next != '\0') out += next;
      }
      continue;
    }
    if (in_class) {
      if (c == '[' && next != ':') refuse(where, pattern, "a class inside a class");
      if (c == '[') {  // [:alpha:]
        const std::size_t close = pattern.find(":]", i + 2);
        if (close == std::string_view::npos) refuse(where, pattern, "an unfinished [: :]");
        out += pattern.substr(i, close + 2 - i);
        i = close + 1;
        continue;
      }
      if (c == '&' && next == '&') refuse(where, pattern, "the class intersection &&");
      if (c == ']' && i > class_start) in_class = false;
    } else if (c == '[') {
      in_class = true;
      class_start = i + 1 + (next == '^');  // a ']' in first place is literal
    } else if (c == '}' && next == '+') {
      const std::size_t open = pattern.rfind('{', i);
      const bool interval =
          open != std::string_view::npos && open > 0 && open + 1 < i &&
          pattern.substr(open + 1, i - open - 1).find_first_not_of("0123456789,") == std::string_view::npos;
      if (interval) refuse(where, pattern, "{n,m}+, possessive in PCRE2 but a repetition in Oniguruma");
    } else if (c == '(' && next == '?' && i + 2 < pattern.size()) {
      for (std::size_t j = i + 2; j < pattern.size() && (std::isalpha(pattern[j]) || pattern[j] == '-');
           ++j) {
        if (pattern[j] != 'i' && pattern[j] != 'x' && pattern[j] != '-') {
          refuse(where, pattern, concat("the inline option '", pattern[j], "'"));
        }
      }
      if (pattern[i + 2] == '&' || pattern[i + 2] == '~' || pattern[i + 2] == 'R' ||
          std::isdigit(pattern[i + 2])) {
        refuse(where, pattern, "recursion");
      }
    } else if (c == '(' && next == '*') {
      refuse(where, pattern, "a (*VERB)");
    }
    out += c;
  }
  return out;
}

Regex::Regex(std::string_view pattern, std::string_view where) : pattern_(pattern) {
  constexpr std::size_t longest = 16384;
  if (pattern.size() > longest) {
    fail(ErrorCode::unsupported, where, ": a pattern of ", pattern.size(), " bytes; at most ", longest,
         " are supported");
  }
  const std::string translated = to_pcre2(pattern, where);
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Ruby's ^ and $ always match at line ends: MULTILINE. NEVER_BACKSLASH_C keeps matches on character
  // boundaries.
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                                   &offset, context.get());
  if (code == nullptr) {
    fail(ErrorCode::bad_format, where, ": pattern '", pattern, "' does not compile: ", pcre2_message(error));
  }
  code_ = std::shared_ptr<void>(code, [](void* p) { pcre2_code_free(static_cast<pcre2_code*>(p)); });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without a JIT, pcre2_match interprets
}

void Regex::find_all(std::string_view text, std::vector<Range>& out) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const MatchData data(pcre2_match_data_create_from_pattern(code, nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  if (!data || !context) throw std::bad_alloc();
  const std::size_t steps = std::min<std::size_t>(10'000'000 + 16 * text.size(), UINT32_MAX);
  pcre2_set_match_limit(context.get(), static_cast<std::uint32_t>(steps));
  pcre2_set_depth_limit(context.get(), static_cast<std::uint32_t>(steps));
  pcre2_set_heap_limit(context.get(), 512 * 1024);  // KiB

  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  std::size_t from = 0;
  bool after_match = false;
  while (from <= text.size()) {
    int rc = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data.get(), context.get());
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
      // The JIT has 32 KiB of stack; the interpreter keeps its backtracking on the heap.
      rc = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(),
                       context.get());
    }
    if (rc == PCRE2_ERROR_NOMATCH) return;
    if (rc < 0) {
      fail(ErrorCode::invalid_argument, "encode: pattern '", pattern_, "' failed at byte ", from, " of ",
           text.size(), ": ", pcre2_message(rc), "; the pattern backtracks too much on this text");
    }
    const PCRE2_SIZE* match = pcre2_get_ovector_pointer(data.get());
    const Range range{match[0], match[1]};
    if (range.begin == range.end && after_match && range.end == out.back().end) {
      if (from == text.size()) return;
      from += decode_valid_utf8(text.data() + from).size;
      continue;
    }
    out.push_back(range);
    after_match = true;
    from = range.end;
  }
}

std::string Regex::replace_all(std::string_view text, std::string_view content) const {
  std::vector<Range> matches;
  find_all(text, matches);
  std::string out;
  std::size_t at = 0;
  for (const Range& m : matches) {
    out.append(text, at, m.begin - at).append(content);
    at = m.end;
  }
  return out.append(text, at);
}

}  // namespace adlib::tok
