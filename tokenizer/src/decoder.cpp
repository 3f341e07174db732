#include "decoder.h"

#include <array>
#include <charconv>

#include "byte_alphabet.h"
#include "normalizer.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

/// The byte of a token "<0x0A>", or -1.
int fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
  return error == std::errc() && end == token.data() + 5 && value >= 0 ? value : -1;
}

/// Takes away the spaces that joining by spaces put before English punctuation and contractions.
void tidy(std::string& text) {
  static const std::array<NormalizerStep, 11> rules = {
      replace(" .", "."),   replace(" ?", "?"),     replace(" !", "!"),    replace(" ,", ","),
      replace(" ' ", "'"),  replace(" n't", "n't"), replace(" 'm", "'m"),  replace(" do not", " don't"),
      replace(" 's", "'s"), replace(" 've", "'ve"), replace(" 're", "'re")};
  // Each begins with a space and one of these: most words need no rule.
  const std::size_t space = text.rfind(' ');
  if (space == std::string::npos) return;
  if (space == 0 && (text.size() == 1 || std::string_view(".?!,'nd").find(text[1]) == std::string_view::npos))
    return;
  for (const NormalizerStep& rule : rules) rule(text);
}

}  // namespace

DecoderStep decode_byte_level() {
  return [](std::vector<DecodedToken>& tokens) {
    for (DecodedToken& token : tokens) {
      if (token.verbatim) continue;
      if (auto bytes = from_byte_alphabet(token.text)) token.text = std::move(*bytes);
    }
    decode_fuse()(tokens);
  };
}

DecoderStep decode_wordpiece(std::string prefix, bool cleanup) {
  return [prefix = std::move(prefix), cleanup](std::vector<DecodedToken>& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string& text = tokens[i].text;
      if (i > 0) {
        if (text.starts_with(prefix)) {
          text.erase(0, prefix.size());
        } else {
          text.insert(0, 1, ' ');
        }
      }
      if (cleanup) tidy(text);
    }
  };
}

DecoderStep decode_metaspace(std::string replacement, bool strips_first) {
  return [replacement = std::move(replacement), strips_first](std::vector<DecodedToken>& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      replace(replacement, i == 0 && strips_first ? "" : " ")(tokens[i].text);
    }
  };
}

DecoderStep decode_byte_fallback() {
  return [](std::vector<DecodedToken>& tokens) {
    std::vector<DecodedToken> out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (valid_run(bytes, 0) == bytes.size()) {
        out.push_back({bytes});
      } else {
        for (std::size_t i = 0; i < bytes.size(); ++i) out.push_back({"\uFFFD"});
      }
      bytes.clear();
    };
    for (DecodedToken& token : tokens) {
      const int byte = fallback_byte(token.text);
      if (byte >= 0) {
        bytes += static_cast<char>(byte);
      } else {
        flush();
        out.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(out);
  };
}

DecoderStep decode_fuse() {
  return [](std::vector<DecodedToken>& tokens) {
    if (tokens.empty()) return;
    for (std::size_t i = 1; i < tokens.size(); ++i) tokens[0].text += tokens[i].text;
    tokens.resize(1);
  };
}

DecoderStep decode_strip(std::string content, std::size_t start, std::size_t stop) {
  return [content = std::move(content), start, stop](std::vector<DecodedToken>& tokens) {
    if (content.empty()) return;
    for (DecodedToken& token : tokens) {
      std::string_view text = token.text;
      for (std::size_t i = 0; i < start && text.starts_with(content); ++i) text.remove_prefix(content.size());
      for (std::size_t i = 0; i < stop && text.ends_with(content); ++i) text.remove_suffix(content.size());
      token.text = std::string(text);
    }
  };
}

DecoderStep decode_bpe_suffix(std::string suffix) {
  return [suffix = std::move(suffix)](std::vector<DecodedToken>& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      replace(suffix, i + 1 == tokens.size() ? "" : " ")(tokens[i].text);
    }
  };
}

DecoderStep decode_each(std::function<void(std::string&)> rewrite) {
  return [rewrite = std::move(rewrite)](std::vector<DecodedToken>& tokens) {
    for (DecodedToken& token : tokens) rewrite(token.text);
  };
}

DecoderStep decode_joined_by_spaces() {
  return [](std::vector<DecodedToken>& tokens) {
    for (std::size_t i = 1; i < tokens.size(); ++i) tokens[i].text.insert(0, 1, ' ');
  };
}

}  // namespace adlib::tok
