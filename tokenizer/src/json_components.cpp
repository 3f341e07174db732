// The "normalizer", "pre_tokenizer", "decoder" and "post_processor" of tokenizer.json.
#include "limits.h"
#include "tokenizer_json.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

[[noreturn]] void refuse_type(const Node& node) {
  fail(ErrorCode::unsupported, node.where(), ": type '", node.text("type"), "' is not supported");
}

/// The members of a Sequence, each with its place, whatever their depth; a component of another type is its
/// own list. `key` is the field that holds the members.
template <class F>
void for_each_component(const Json& json, const std::string& where, const char* key, F&& visit, int depth = 0,
                        std::size_t* count = nullptr) {
  constexpr int deepest = 8;
  std::size_t total = 0;
  if (count == nullptr) count = &total;
  const Node node(json, where);
  if (node.text("type") != "Sequence") {
    if (++*count > kMostSteps) {
      fail(ErrorCode::unsupported, where, ": more than ", kMostSteps, " steps are not supported");
    }
    visit(node);
    return;
  }
  if (depth == deepest)
    fail(ErrorCode::unsupported, where, ": a Sequence inside ", deepest, " others is not supported");
  node.allow({"type", key});
  const Json& members = node.array(key);
  for (std::size_t i = 0; i < members.size(); ++i) {
    for_each_component(members[i], concat(node.field(key), '[', i, ']'), key, visit, depth + 1, count);
  }
}

std::string short_text(const Node& node, const char* key) {
  std::string text = node.text(key);
  if (text.size() > kLongestReplacement) {
    fail(ErrorCode::unsupported, node.field(key), " has ", text.size(), " bytes; at most ",
         kLongestReplacement, " are supported");
  }
  return text;
}

/// "pattern": {"String": …} or {"Regex": …}.
struct Pattern {
  std::string text;
  bool regex;
};

Pattern read_pattern(const Node& node) {
  const Node pattern = node.child("pattern");
  pattern.allow({"String", "Regex"});
  const bool regex = pattern.find("Regex") != nullptr;
  return {pattern.text(regex ? "Regex" : "String"), regex};
}

std::function<void(std::string&)> read_replace(const Node& node) {
  node.allow({"type", "pattern", "content"});
  const Pattern pattern = read_pattern(node);
  std::string content = short_text(node, "content");
  if (!pattern.regex) return replace(pattern.text, std::move(content));
  return [regex = Regex(pattern.text, node.field("pattern")), content](std::string& text) {
    text = regex.replace_all(text, content);
  };
}

NormalizerStep read_normalizer_step(const Node& node) {
  const std::string type = node.text("type");
  const auto plain = [&](NormalizerStep step) {
    node.allow({"type"});
    return step;
  };
  if (type == "NFC") return plain(normalize_to(NormalForm::nfc));
  if (type == "NFD") return plain(normalize_to(NormalForm::nfd));
  if (type == "NFKC") return plain(normalize_to(NormalForm::nfkc));
  if (type == "NFKD") return plain(normalize_to(NormalForm::nfkd));
  if (type == "Lowercase") return plain(lowercase());
  if (type == "StripAccents") return plain(strip_accents());
  if (type == "Replace") return read_replace(node);
  if (type == "Strip") {
    node.allow({"type", "strip_left", "strip_right"});
    return strip_spaces(node.flag("strip_left", true), node.flag("strip_right", true));
  }
  if (type == "Prepend") {
    node.allow({"type", "prepend"});
    return prepend(short_text(node, "prepend"));
  }
  if (type == "BertNormalizer") {
    node.allow({"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
    BertOptions options;
    options.clean_text = node.flag("clean_text", true);
    options.handle_chinese_chars = node.flag("handle_chinese_chars", true);
    options.lowercase = node.flag("lowercase", true);
    options.strip_accents = node.flag("strip_accents", options.lowercase);
    return bert_normalizer(options);
  }
  refuse_type(node);
}

SplitBehavior read_behavior(const Node& node, const char* otherwise) {
  const std::string name = node.text("behavior", otherwise);
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  fail(ErrorCode::unsupported, node.where(), ": behavior '", name, "' is not supported");
}

std::string one_character(const Node& node, const char* key, const char* otherwise) {
  std::string text = otherwise == nullptr ? node.text(key) : node.text(key, otherwise);
  if (text.empty() || decode_utf8(text, 0).size != text.size()) {
    fail(ErrorCode::bad_format, node.field(key), " is '", text, "', expected one character");
  }
  return text;
}

PrependScheme read_prepend_scheme(const Node& node) {
  // Older files say add_prefix_space, which the scheme overrides.
  const std::string scheme =
      node.text("prepend_scheme", node.flag("add_prefix_space", true) ? "always" : "never");
  if (scheme == "always") return PrependScheme::always;
  if (scheme == "first") return PrependScheme::first;
  if (scheme == "never") return PrependScheme::never;
  fail(ErrorCode::unsupported, node.where(), ": prepend_scheme '", scheme, "' is not supported");
}

class PretokenizerReader {
 public:
  void add(const Node& node) {
    if (out_.byte_level) {
      fail(ErrorCode::unsupported, node.where(), ": '", node.text("type"),
           "' after ByteLevel is not supported");
    }
    const std::string type = node.text("type");
    const auto split_characters = [this](std::function<bool(char32_t)> is_match, SplitBehavior behavior) {
      add_split(match_characters(std::move(is_match)), behavior, false);
    };
    if (type == "ByteLevel") {
      node.allow({"type", "add_prefix_space", "trim_offsets", "use_regex"});
      if (node.flag("add_prefix_space", true)) out_.steps.push_back(make_prefix_space());
      if (node.flag("use_regex", true)) {
        add_regex(std::string(kGpt2Pattern), SplitBehavior::isolated, false, node.where());
      }
      out_.byte_level = true;
    } else if (type == "Split") {
      node.allow({"type", "pattern", "behavior", "invert"});
      const Pattern pattern = read_pattern(node);
      const SplitBehavior behavior = read_behavior(node, "");
      const bool invert = node.flag("invert", false);
      if (pattern.regex) {
        add_regex(pattern.text, behavior, invert, node.field("pattern"));
      } else {
        add_split(match_string(pattern.text), behavior, invert);
      }
    } else if (type == "Digits") {
      node.allow({"type", "individual_digits"});
      const bool each = node.flag("individual_digits", false);
      split_characters(is_number, each ? SplitBehavior::isolated : SplitBehavior::contiguous);
    } else if (type == "Punctuation") {
      node.allow({"type", "behavior"});
      split_characters(is_punctuation, read_behavior(node, "Isolated"));
    } else if (type == "WhitespaceSplit") {
      node.allow({"type"});
      split_characters(is_space, SplitBehavior::removed);
    } else if (type == "Whitespace") {
      node.allow({"type"});
      add_split(match_words(), SplitBehavior::removed, true);
    } else if (type == "BertPreTokenizer") {
      node.allow({"type"});
      split_characters(is_space, SplitBehavior::removed);
      split_characters(is_punctuation, SplitBehavior::isolated);
    } else if (type == "CharDelimiterSplit") {
      node.allow({"type", "delimiter"});
      add_split(match_string(one_character(node, "delimiter", nullptr)), SplitBehavior::removed, false);
    } else if (type == "Metaspace") {
      node.allow({"type", "replacement", "str_rep", "prepend_scheme", "add_prefix_space", "split"});
      out_.steps.push_back(make_metaspace(one_character(node, "replacement", "▁"), read_prepend_scheme(node),
                                          node.flag("split", true)));
    } else {
      refuse_type(node);
    }
  }

  Pretokenizer finish() {
    if (out_.steps.size() == 1 && fast_ != nullptr) {
      out_.fast = fast_;
      out_.steps.clear();
    }
    return std::move(out_);
  }

 private:
  void add_split(Matcher matcher, SplitBehavior behavior, bool invert) {
    out_.steps.push_back(make_split(std::move(matcher), behavior, invert));
  }
  void add_regex(const std::string& pattern, SplitBehavior behavior, bool invert, const std::string& where) {
    // The known patterns match all of a text: dropping what lies between the matches drops nothing.
    const bool every_match =
        invert ? behavior == SplitBehavior::removed : behavior == SplitBehavior::isolated;
    fast_ = fast_pattern(pattern);
    if (every_match && fast_ != nullptr) {
      add_split(match_all(fast_), SplitBehavior::isolated, false);
    } else {
      fast_ = nullptr;
      add_split(match_regex(Regex(pattern, where)), behavior, invert);
    }
  }
  /// \w+|[^\w\s]+
  static Matcher match_words() {
    return [](std::string_view text, std::vector<Range>& out) {
      enum Kind { space, word, other };
      Kind last = space;
      for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = decode_valid_utf8(text.data() + at);
        const Kind kind = is_word(c.code) ? word : is_space(c.code) ? space : other;
        if (kind != space && kind == last) {
          out.back().end = at + c.size;
        } else if (kind != space) {
          out.push_back({at, at + c.size});
        }
        last = kind;
        at += c.size;
      }
    };
  }

  Pretokenizer out_;
  NextPiece fast_ = nullptr;
};

DecoderStep read_decoder_step(const Node& node) {
  const std::string type = node.text("type");
  if (type == "ByteLevel") {
    node.allow({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return decode_byte_level();
  }
  if (type == "WordPiece") {
    node.allow({"type", "prefix", "cleanup"});
    return decode_wordpiece(node.text("prefix", "##"), node.flag("cleanup", true));
  }
  if (type == "Metaspace") {
    node.allow({"type", "replacement", "str_rep", "prepend_scheme", "add_prefix_space", "split"});
    return decode_metaspace(one_character(node, "replacement", "▁"),
                            read_prepend_scheme(node) != PrependScheme::never);
  }
  if (type == "ByteFallback") {
    node.allow({"type"});
    return decode_byte_fallback();
  }
  if (type == "Fuse") {
    node.allow({"type"});
    return decode_fuse();
  }
  if (type == "Strip") {
    node.allow({"type", "content", "start", "stop"});
    const std::int64_t start = node.integer("start", 0);
    const std::int64_t stop = node.integer("stop", 0);
    if (start < 0 || stop < 0)
      fail(ErrorCode::bad_format, node.where(), ": start and stop must not be negative");
    return decode_strip(one_character(node, "content", " "), static_cast<std::size_t>(start),
                        static_cast<std::size_t>(stop));
  }
  if (type == "BPEDecoder") {
    node.allow({"type", "suffix"});
    return decode_bpe_suffix(node.text("suffix", "</w>"));
  }
  if (type == "Replace") return decode_each(read_replace(node));
  refuse_type(node);
}

TokenId read_id(const Json& json, const std::string& where) {
  if (!json.is_number_integer())
    fail(ErrorCode::bad_format, where, " is ", json.type_name(), ", expected an id");
  return checked_id(json.get<std::int64_t>(), "", where);
}

/// "sep": ["[SEP]", 102]
TokenId read_token_pair(const Node& node, const char* key) {
  const Json& pair = node.array(key);
  if (pair.size() != 2) fail(ErrorCode::bad_format, node.field(key), ": expected [token, id]");
  return read_id(pair[1], node.field(key));
}

Template read_template(const Node& node) {
  node.allow({"type", "single", "pair", "special_tokens"});
  Template out;
  bool text_seen = false;
  const Json& single = node.array("single");
  for (std::size_t i = 0; i < single.size(); ++i) {
    const Node piece(single[i], concat(node.field("single"), '[', i, ']'));
    piece.allow({"SpecialToken", "Sequence"});
    if (piece.find("Sequence") != nullptr) {
      if (text_seen || piece.child("Sequence").text("id") != "A") {
        fail(ErrorCode::unsupported, piece.where(),
             ": a template with another text than one $A is not supported");
      }
      text_seen = true;
      continue;
    }
    const std::string name = piece.child("SpecialToken").text("id");
    const Node ids = node.child("special_tokens").child(name.c_str());
    for (const Json& id : ids.array("ids")) {
      (text_seen ? out.after : out.before).push_back(read_id(id, ids.field("ids")));
    }
  }
  if (!text_seen)
    fail(ErrorCode::unsupported, node.field("single"), ": a template without $A is not supported");
  return out;
}

}  // namespace

Normalizer read_normalizer(const Json& json, const std::string& where) {
  Normalizer out;
  if (json.is_null()) return out;
  for_each_component(json, where, "normalizers",
                     [&](const Node& node) { out.steps.push_back(read_normalizer_step(node)); });
  return out;
}

Pretokenizer read_pretokenizer(const Json& json, const std::string& where) {
  PretokenizerReader reader;
  if (!json.is_null()) {
    for_each_component(json, where, "pretokenizers", [&](const Node& node) { reader.add(node); });
  }
  return reader.finish();
}

void read_decoder(const Json& json, const std::string& where, PipelineParts& parts) {
  if (json.is_null()) {
    parts.decoder.push_back(decode_joined_by_spaces());
    return;
  }
  bool byte_level = false;
  for_each_component(json, where, "decoders", [&](const Node& node) {
    byte_level = node.text("type") == "ByteLevel";
    parts.decoder.push_back(read_decoder_step(node));
  });
  parts.byte_level_decoder = byte_level && parts.decoder.size() == 1;
}

Template read_post_processor(const Json& json, const std::string& where) {
  Template out;
  if (json.is_null()) return out;
  for_each_component(json, where, "processors", [&](const Node& node) {
    const std::string type = node.text("type");
    Template around;
    if (type == "ByteLevel") {  // moves offsets only
      node.allow({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    } else if (type == "TemplateProcessing") {
      around = read_template(node);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      node.allow({"type", "sep", "cls", "trim_offsets", "add_prefix_space"});
      around = {{read_token_pair(node, "cls")}, {read_token_pair(node, "sep")}};
    } else {
      refuse_type(node);
    }
    out.before.insert(out.before.begin(), around.before.begin(), around.before.end());
    out.after.insert(out.after.end(), around.after.begin(), around.after.end());
  });
  return out;
}

}  // namespace adlib::tok
