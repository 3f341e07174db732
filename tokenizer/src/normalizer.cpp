#include "normalizer.h"

#include "limits.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

template <class F>
void for_each_char(std::string_view text, F&& f) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_valid_utf8(text.data() + at);
    f(c.code);
    at += c.size;
  }
}

/// Keeps the characters for which `keep` holds.
template <class F>
void filter(std::string& text, F&& keep) {
  std::string out;
  out.reserve(text.size());
  for_each_char(text, [&](char32_t c) {
    if (keep(c)) append_utf8(out, c);
  });
  text = std::move(out);
}

void to_lower(std::string& text) {
  std::string out;
  out.reserve(text.size());
  for_each_char(text, [&](char32_t c) { append_lower(out, c); });
  text = std::move(out);
}

void clean(std::string& text) {
  std::string out;
  out.reserve(text.size());
  for_each_char(text, [&](char32_t c) {
    const bool plain_space = c == '\t' || c == '\n' || c == '\r';
    if (c == 0 || c == kReplacementCharacter || (!plain_space && is_control_or_format(c))) return;
    append_utf8(out, is_space(c) ? U' ' : c);
  });
  text = std::move(out);
}

void set_ideographs_apart(std::string& text) {
  std::string out;
  out.reserve(text.size());
  for_each_char(text, [&](char32_t c) {
    const bool apart = is_cjk_ideograph(c);
    if (apart) out += ' ';
    append_utf8(out, c);
    if (apart) out += ' ';
  });
  text = std::move(out);
}

}  // namespace

NormalizerStep normalize_to(NormalForm form) {
  return [form](std::string& text) { text = normalize(text, form); };
}

NormalizerStep lowercase() { return to_lower; }

NormalizerStep strip_spaces(bool left, bool right) {
  return [left, right](std::string& text) {
    std::size_t begin = 0;
    std::size_t end = text.size();
    while (left && begin < end) {
      const Utf8Char c = decode_valid_utf8(text.data() + begin);
      if (!is_space(c.code)) break;
      begin += c.size;
    }
    while (right && end > begin) {
      const std::size_t last = previous_char(text, end);
      if (!is_space(decode_valid_utf8(text.data() + last).code)) break;
      end = last;
    }
    text = text.substr(begin, end - begin);
  };
}

NormalizerStep strip_accents() {
  return [](std::string& text) { filter(text, [](char32_t c) { return !is_mark(c); }); };
}

NormalizerStep prepend(std::string prefix) {
  return [prefix = std::move(prefix)](std::string& text) {
    if (!text.empty()) text.insert(0, prefix);
  };
}

NormalizerStep replace(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::string& text) {
    if (from.empty()) return;
    std::string out;
    std::size_t at = 0;
    for (std::size_t hit = text.find(from); hit != std::string::npos; hit = text.find(from, at)) {
      out.append(text, at, hit - at).append(to);
      at = hit + from.size();
    }
    if (at > 0) text = out.append(text, at);
  };
}

NormalizerStep bert_normalizer(const BertOptions& options) {
  return [options](std::string& text) {
    if (options.clean_text) clean(text);
    if (options.handle_chinese_chars) set_ideographs_apart(text);
    if (options.strip_accents) {
      text = normalize(text, NormalForm::nfd);
      filter(text, [](char32_t c) { return !is_nonspacing_mark(c); });
    }
    if (options.lowercase) to_lower(text);
  };
}

std::string Normalizer::operator()(std::string_view text) const {
  std::string out;
  for_each_run(text, [&](std::string_view run, bool valid) {
    std::string piece(run);
    if (valid) {
      for (const NormalizerStep& step : steps) {
        step(piece);
        check_growth(run.size(), piece.size(), "normalizer");
      }
    }
    if (out.empty()) {
      out = std::move(piece);
    } else {
      out += piece;
    }
  });
  return out;
}

}  // namespace adlib::tok
