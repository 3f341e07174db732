#include "copywriter/write/template_parser.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

// What each known field of a record holds below itself: nothing, a record with these names, or any name
// ("*").
using Shape = std::map<std::string, std::set<std::string>, std::less<>>;

const Shape& shape_of(std::string_view root) {
  static const std::set<std::string> event = {"item", "title", "brand", "category", "price", "time"};
  static const std::set<std::string> review = {"text", "rating", "product", "time"};
  static const Shape customer = {
      {"id", {}},           {"name", {}},        {"age", {}},           {"gender", {}},
      {"interests", {}},    {"browsing", event}, {"favourites", event}, {"cart", event},
      {"purchases", event}, {"reviews", review}, {"member_level", {}},  {"spend", {}}};
  static const Shape product = {
      {"id", {}},        {"title", {}},       {"brand", {}},     {"category", {}},
      {"sku", {}},       {"price", {}},       {"price_max", {}}, {"compare_at_price", {}},
      {"currency", {}},  {"description", {}}, {"tags", {}},      {"attributes", {"*"}},
      {"options", {"*"}}};
  return root == "customer" ? customer : product;
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  ParsedTemplate parse() {
    while (at_ < text_.size()) {
      const std::size_t open = text_.find("{{", at_);
      const std::size_t end = std::min(open, text_.size());
      if (const std::size_t stray = text_.substr(at_, end - at_).find("}}");
          stray != std::string_view::npos) {
        fail_at(at_ + stray, "'}}' closes no tag; a tag begins with '{{'");
      }
      add_text(text_.substr(at_, end - at_));
      at_ = end;
      if (open != std::string_view::npos) read_tag();
    }
    if (!open_.empty()) {
      fail(ErrorCode::bad_format, open_.back()->place, ": the section '", name_of(*open_.back()),
           "' is never closed; write {{/", name_of(*open_.back()), "}}");
    }
    return std::move(result_);
  }

 private:
  // file:line:column, both from 1; columns count characters.
  std::string place(std::size_t offset) const {
    std::size_t line = 1, column = 1;
    for (const char c : text_.substr(0, offset)) {
      if (c == '\n') {
        ++line;
        column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        ++column;
      }
    }
    return concat(where_, ":", line, ":", column);
  }

  template <class... Args>
  [[noreturn]] void fail_at(std::size_t offset, const Args&... args) const {
    fail(ErrorCode::bad_format, place(offset), ": ", args...);
  }

  static std::string name_of(const TemplateNode& node) { return node.root + "." + node.field(); }

  std::vector<TemplateNode>& siblings() { return open_.empty() ? result_.nodes : open_.back()->children; }

  void add_text(std::string_view text) {
    if (text.empty()) return;
    TemplateNode node;
    node.text = text;
    siblings().push_back(std::move(node));
  }

  // A section or comment tag that stands alone takes its whole line with it, so that templates can be laid
  // out.
  void drop_line_of_lone_tag(std::size_t begin) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    std::size_t line = begin;
    while (line > 0 && blank(text_[line - 1])) --line;
    if (line > 0 && text_[line - 1] != '\n') return;
    std::size_t end = at_;
    while (end < text_.size() && blank(text_[end])) ++end;
    if (end < text_.size() && text_[end] != '\n') return;
    if (begin > line) {
      std::string& indent = siblings().back().text;
      indent.resize(indent.size() - (begin - line));
    }
    at_ = std::min(end + 1, text_.size());
  }

  void read_tag() {
    const std::size_t begin = at_;
    const std::size_t close = text_.find("}}", begin + 2);
    std::string_view body =
        text_.substr(begin + 2, close == std::string_view::npos ? close : close - begin - 2);
    const bool comment = body.starts_with('!');
    if (close == std::string_view::npos ||
        (!comment && body.find_first_of("{\n") != std::string_view::npos)) {
      fail_at(begin, "the tag that opens here is not closed with '}}' on its line");
    }
    at_ = close + 2;
    if (comment) {
      drop_line_of_lone_tag(begin);
      return;
    }
    const char mark = body.empty() ? '\0' : body.front();
    if (mark != '#' && mark != '^' && mark != '/') {
      siblings().push_back(read_value(body, begin));
      return;
    }
    body = trim(body.substr(1));
    drop_line_of_lone_tag(begin);
    if (mark == '/') {
      close_section(body, begin);
      return;
    }
    if (open_.size() == 64) fail_at(begin, "sections are nested deeper than 64");
    TemplateNode node = read_path(body, begin);
    node.kind = mark == '#' ? TemplateNode::Kind::section : TemplateNode::Kind::inverted;
    siblings().push_back(std::move(node));
    // A parent's list of children does not grow while a child is open, so the pointer stays good.
    open_.push_back(&siblings().back());
  }

  void close_section(std::string_view name, std::size_t begin) {
    if (open_.empty()) fail_at(begin, "the section '", name, "' is closed but never opened");
    if (name_of(*open_.back()) != name) {
      fail_at(begin, "'", name, "' is closed, but the innermost open section is '", name_of(*open_.back()),
              "' (", open_.back()->place, ")");
    }
    open_.pop_back();
  }

  TemplateNode read_value(std::string_view body, std::size_t begin) {
    const std::size_t bar = std::min(body.find('|'), body.size());
    TemplateNode node = read_path(trim(body.substr(0, bar)), begin);
    node.kind = TemplateNode::Kind::value;
    for (body.remove_prefix(bar); !body.empty();) {
      body.remove_prefix(1);
      const std::size_t next = std::min(body.find('|'), body.size());
      node.filters.push_back(read_filter(body.substr(0, next), begin));
      body.remove_prefix(next);
    }
    return node;
  }

  TemplateFilter read_filter(std::string_view text, std::size_t begin) const {
    using Kind = TemplateFilter::Kind;
    const std::size_t colon = text.find(':');
    const bool has_argument = colon != std::string_view::npos;
    const std::string_view name = trim(text.substr(0, colon));
    const std::string_view argument = has_argument ? text.substr(colon + 1) : std::string_view();
    const auto refuse_argument = [&] {
      if (has_argument) fail_at(begin, "the filter '", name, "' takes no argument");
    };
    const auto count = [&] {
      std::size_t value = 0;
      const std::string_view digits = trim(argument);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || end != digits.data() + digits.size() || value == 0 || value > 1'000'000) {
        fail_at(begin, "the filter '", name, "' needs a count from 1 to 1000000, as in ", name, ":3");
      }
      return value;
    };
    if (name == "join" || name == "drop_end") {
      if (argument.empty()) fail_at(begin, "the filter '", name, "' needs a text, as in ", name, ":、");
      return {name == "join" ? Kind::join : Kind::drop_end, 0, std::string(argument)};
    }
    if (name == "first") return {Kind::first, count(), ""};
    if (name == "last") return {Kind::last, count(), ""};
    if (name == "chars") return {Kind::chars, count(), ""};
    if (name == "unique") return refuse_argument(), TemplateFilter{Kind::unique, 0, ""};
    if (name == "quote") return refuse_argument(), TemplateFilter{Kind::quote, 0, ""};
    fail_at(begin, "unknown filter '", name,
            "', expected join, first, last, unique, chars, quote or drop_end");
  }

  TemplateNode read_path(std::string_view name, std::size_t begin) {
    TemplateNode node;
    node.place = place(begin);
    const std::size_t dot = name.find('.');
    node.root = name.substr(0, dot);
    if ((node.root != "customer" && node.root != "product") || dot == std::string_view::npos) {
      fail_at(begin, "unknown field '", name, "'; fields are written customer.NAME or product.NAME");
    }
    for (std::string_view rest = name.substr(dot); !rest.empty();) {
      rest.remove_prefix(1);
      const std::size_t next = std::min(rest.find('.'), rest.size());
      node.path.emplace_back(rest.substr(0, next));
      if (node.path.back().empty()) fail_at(begin, "the field '", name, "' has an empty part");
      rest.remove_prefix(next);
    }
    check_path(node, begin);
    return node;
  }

  void check_path(const TemplateNode& node, std::size_t begin) {
    const Shape& shape = shape_of(node.root);
    const auto known = shape.find(node.path[0]);
    if (known == shape.end()) {
      result_.extra_fields.push_back({node.root, node.path[0], node.place, nearest(shape, node)});
      return;
    }
    if (node.path.size() == 1) return;
    const std::set<std::string>& below = known->second;
    if (below.empty()) {
      fail_at(begin, "unknown field '", name_of(node), "'; '", node.root, ".", node.path[0],
              "' has no parts");
    }
    if (node.path.size() > 2 || (below.count("*") == 0 && below.count(node.path[1]) == 0)) {
      fail_at(begin, "unknown field '", name_of(node), "'; '", node.root, ".", node.path[0], "' has ",
              below.count("*") > 0 ? "names without parts" : listed(below));
    }
  }

  static std::string nearest(const Shape& shape, const TemplateNode& node) {
    std::string best;
    std::size_t least = 3;  // more than two slips of the finger is another word
    for (const auto& [name, below] : shape) {
      const std::size_t distance = edit_distance(name, node.path[0]);
      if (distance < least && distance < name.size() / 2) least = distance, best = node.root + "." + name;
    }
    return best;
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
  ParsedTemplate result_;
  std::vector<TemplateNode*> open_;
};

}  // namespace

std::string TemplateNode::field() const {
  std::string name;
  for (const std::string& part : path) name += (name.empty() ? "" : ".") + part;
  return name;
}

ParsedTemplate parse_template(std::string_view text, const std::string& where) {
  return Parser(text, where).parse();
}

}  // namespace adlib::copywriter
