// copywriter/write/template_parser.h: from the text of a template to a tree. Inside the library only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/write/template.h"

namespace adlib::copywriter {

/// One filter of a tag: {{customer.interests|first:3|join:、}} has two.
struct TemplateFilter {
  enum class Kind { join, first, last, unique, chars, quote, drop_end };
  Kind kind = Kind::join;
  std::size_t count = 0;  ///< of first, last and chars
  std::string text;       ///< of join and drop_end
};

struct TemplateNode {
  enum class Kind { text, value, section, inverted };
  Kind kind = Kind::text;
  std::string text;                     ///< of a text node
  std::string root;                     ///< "customer" or "product"
  std::vector<std::string> path;        ///< {"purchases", "title"}
  std::vector<TemplateFilter> filters;  ///< of a value
  std::string place;                    ///< "file:line:column" of the tag
  std::vector<TemplateNode> children;   ///< of a section

  /// "purchases.title"
  std::string field() const;
};

struct ParsedTemplate {
  std::vector<TemplateNode> nodes;
  std::vector<Template::ExtraField> extra_fields;
};

/// Throws Error(bad_format) "where:line:column: …".
ParsedTemplate parse_template(std::string_view text, const std::string& where);

}  // namespace adlib::copywriter
