#include "pretokenizer.h"

#include <algorithm>

#include "unicode.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

struct Part {
  Range range;
  bool match;
};

class SplitStep : public PretokenizerStep {
 public:
  SplitStep(Matcher matcher, SplitBehavior behavior, bool invert)
      : matcher_(std::move(matcher)), behavior_(behavior), invert_(invert) {}

  void apply(Pieces& pieces) const override {
    std::vector<Range> cut;
    std::vector<Range> matches;
    for (const Range& range : pieces.ranges) {
      const std::string_view piece =
          std::string_view(pieces.text).substr(range.begin, range.end - range.begin);
      matches.clear();
      matcher_(piece, matches);
      split_at(piece.size(), matches, behavior_, invert_, range.begin, cut);
    }
    if (cut.empty() || cut.front().begin != pieces.ranges.front().begin) pieces.starts_text = false;
    pieces.ranges = std::move(cut);
  }

 private:
  Matcher matcher_;
  SplitBehavior behavior_;
  bool invert_;
};

/// A step that rewrites the text of each piece.
class RewriteStep : public PretokenizerStep {
 public:
  void apply(Pieces& pieces) const override {
    Pieces out;
    out.starts_text = pieces.starts_text;
    out.text.reserve(pieces.text.size() + pieces.ranges.size());
    bool first = pieces.starts_text;
    for (const Range& range : pieces.ranges) {
      const std::size_t begin = out.text.size();
      rewrite(std::string_view(pieces.text).substr(range.begin, range.end - range.begin), first, out.text);
      if (out.text.size() > begin) out.ranges.push_back({begin, out.text.size()});
      first = false;
    }
    pieces = std::move(out);
  }

 private:
  virtual void rewrite(std::string_view piece, bool first, std::string& out) const = 0;
};

class PrefixSpaceStep : public RewriteStep {
  void rewrite(std::string_view piece, bool, std::string& out) const override {
    if (!piece.starts_with(' ')) out += ' ';
    out += piece;
  }
};

class MetaspaceStep : public RewriteStep {
 public:
  MetaspaceStep(std::string replacement, PrependScheme scheme, bool split)
      : replacement_(std::move(replacement)), scheme_(scheme), split_(split) {}

  void apply(Pieces& pieces) const override {
    RewriteStep::apply(pieces);
    if (split_) SplitStep(match_string(replacement_), SplitBehavior::merged_with_next, false).apply(pieces);
  }

 private:
  void rewrite(std::string_view piece, bool first, std::string& out) const override {
    const bool wanted = scheme_ == PrependScheme::always || (scheme_ == PrependScheme::first && first);
    if (wanted && !piece.starts_with(' ') && !piece.starts_with(replacement_)) out += replacement_;
    for (const char c : piece) {
      if (c == ' ') {
        out += replacement_;
      } else {
        out += c;
      }
    }
  }

  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
};

}  // namespace

void split_at(std::size_t length, const std::vector<Range>& matches, SplitBehavior behavior, bool invert,
              std::size_t offset, std::vector<Range>& out) {
  std::vector<Part> parts;
  parts.reserve(2 * matches.size() + 1);
  std::size_t at = 0;
  for (const Range& m : matches) {
    if (m.begin > at) parts.push_back({{at, m.begin}, invert});
    parts.push_back({m, !invert});
    at = m.end;
  }
  if (at < length) parts.push_back({{at, length}, invert});

  const auto emit = [&](Range r) {
    if (r.end > r.begin) out.push_back({offset + r.begin, offset + r.end});
  };
  switch (behavior) {
    case SplitBehavior::removed:
      for (const Part& p : parts) {
        if (!p.match) emit(p.range);
      }
      return;
    case SplitBehavior::isolated:
      for (const Part& p : parts) emit(p.range);
      return;
    case SplitBehavior::contiguous:
      for (std::size_t i = 0; i < parts.size();) {
        Range r = parts[i].range;
        const bool match = parts[i].match;
        while (++i < parts.size() && parts[i].match == match) r.end = parts[i].range.end;
        emit(r);
      }
      return;
    case SplitBehavior::merged_with_previous:
      // A match joins the part before it, unless that is a match itself.
      for (std::size_t i = 0; i < parts.size(); ++i) {
        Range r = parts[i].range;
        if (!parts[i].match && i + 1 < parts.size() && parts[i + 1].match) r.end = parts[++i].range.end;
        emit(r);
      }
      return;
    case SplitBehavior::merged_with_next:
      for (std::size_t i = 0; i < parts.size(); ++i) {
        Range r = parts[i].range;
        if (parts[i].match && i + 1 < parts.size() && !parts[i + 1].match) r.end = parts[++i].range.end;
        emit(r);
      }
      return;
  }
}

std::unique_ptr<PretokenizerStep> make_split(Matcher matcher, SplitBehavior behavior, bool invert) {
  return std::make_unique<SplitStep>(std::move(matcher), behavior, invert);
}

std::unique_ptr<PretokenizerStep> make_prefix_space() { return std::make_unique<PrefixSpaceStep>(); }

std::unique_ptr<PretokenizerStep> make_metaspace(std::string replacement, PrependScheme scheme, bool split) {
  return std::make_unique<MetaspaceStep>(std::move(replacement), scheme, split);
}

Matcher match_characters(std::function<bool(char32_t)> is_match) {
  return [is_match = std::move(is_match)](std::string_view text, std::vector<Range>& out) {
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Char c = decode_valid_utf8(text.data() + at);
      if (is_match(c.code)) out.push_back({at, at + c.size});
      at += c.size;
    }
  };
}

Matcher match_regex(Regex regex) {
  return [regex = std::move(regex)](std::string_view text, std::vector<Range>& out) {
    regex.find_all(text, out);
  };
}

Matcher match_string(std::string needle) {
  return [needle = std::move(needle)](std::string_view text, std::vector<Range>& out) {
    if (needle.empty()) return;
    for (std::size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at)) {
      out.push_back({at, at + needle.size()});
      at += needle.size();
    }
  };
}

Matcher match_all(NextPiece next) {
  return [next](std::string_view text, std::vector<Range>& out) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = next(text, at);
      out.push_back({at, end});
      at = end;
    }
  };
}

}  // namespace adlib::tok
