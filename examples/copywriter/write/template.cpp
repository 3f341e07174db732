#include "copywriter/write/template.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/template_parser.h"

namespace adlib::copywriter {
namespace {

using io::Json;

constexpr std::size_t kMaxTemplateBytes = std::size_t{1} << 20;

std::string joined(const std::vector<std::string>& items, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  return text;
}

std::string_view list_separator(Language language) { return language == Language::zh ? "、" : ", "; }

// What a value shows, an item of a list each: clean single lines, none of them empty.
void add_items(const Json& value, Language language, std::vector<std::string>& items) {
  std::string text;
  if (value.is_string()) {
    text = clean_text(value.get_ref<const std::string&>());
  } else if (value.is_number_float() && std::abs(value.get<double>()) < 1e15 &&
             value.get<double>() == std::trunc(value.get<double>())) {
    text = std::to_string(static_cast<long long>(value.get<double>()));  // 5, where JSON would say 5.0
  } else if (value.is_number() || value == true) {
    text = value.dump();
  } else if (value.is_array()) {
    for (const Json& item : value) add_items(item, language, items);
  } else if (value.is_object()) {
    for (const char* name : {"title", "text", "category"}) {  // events and reviews show what they are about
      if (const auto member = value.find(name); member != value.end())
        return add_items(*member, language, items);
    }
    for (const auto& [name, inner] : value.items()) {
      std::vector<std::string> parts;
      add_items(inner, language, parts);
      if (parts.empty()) continue;
      items.push_back(clean_text(name) + (language == Language::zh ? "：" : ": ") +
                      joined(parts, list_separator(language)));
    }
  }
  if (!text.empty()) items.push_back(std::move(text));
}

// The items of the value at a path; through a list, of what each of its items has there.
void add_items_at(const Json& value, const std::vector<std::string>& path, std::size_t from,
                  Language language, std::vector<std::string>& items) {
  if (from == path.size()) {
    add_items(value, language, items);
  } else if (value.is_array()) {
    for (const Json& item : value) add_items_at(item, path, from, language, items);
  } else if (value.is_object()) {
    const auto member = value.find(path[from]);
    if (member != value.end()) add_items_at(*member, path, from + 1, language, items);
  }
}

// Quotes inside become single ones, so that the text cannot end its own quotation.
std::string in_quotes(std::string_view text) {
  std::string out = "“";
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    const bool quote = c == '"' || c == 0x201C || c == 0x201D || c == 0x201E || c == 0x201F || c == 0xFF02;
    append_utf8(out, quote ? U'\'' : c);
  }
  return out + "”";
}

std::string filtered(std::vector<std::string> items, const std::vector<TemplateFilter>& filters,
                     Language language) {
  using Kind = TemplateFilter::Kind;
  std::string separator(list_separator(language));
  for (const TemplateFilter& filter : filters) {
    const std::size_t kept = std::min(filter.count, items.size());
    switch (filter.kind) {
      case Kind::join:
        separator = filter.text;
        break;
      case Kind::first:
        items.resize(kept);
        break;
      case Kind::last:
        items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(kept));
        break;
      case Kind::drop_end:
        for (std::string& item : items) {
          if (item.ends_with(filter.text))
            item = clean_text(item.substr(0, item.size() - filter.text.size()));
        }
        std::erase(items, "");
        break;
      case Kind::chars:
        for (std::string& item : items) item = first_characters(item, filter.count);
        break;
      case Kind::quote:
        for (std::string& item : items) item = in_quotes(item);
        break;
      case Kind::unique: {
        std::vector<std::string> once;
        for (std::string& item : items) {
          if (std::find(once.begin(), once.end(), item) == once.end()) once.push_back(std::move(item));
        }
        items = std::move(once);
        break;
      }
    }
  }
  return joined(items, separator);
}

}  // namespace

struct Template::Impl {
  ParsedTemplate parsed;
  std::string where;
  Language language;

  void render(const std::vector<TemplateNode>& nodes, const TemplateRecord& customer,
              const TemplateRecord& product, std::string& out) const {
    for (const TemplateNode& node : nodes) {
      if (node.kind == TemplateNode::Kind::text) {
        out += node.text;
        continue;
      }
      const TemplateRecord& record = node.root == "customer" ? customer : product;
      std::vector<std::string> items;
      add_items_at(record.fields, node.path, 0, language, items);
      if (node.kind == TemplateNode::Kind::value) {
        if (items.empty()) missing(node, record);
        out += filtered(std::move(items), node.filters, language);
      } else if (items.empty() == (node.kind == TemplateNode::Kind::inverted)) {
        render(node.children, customer, product, out);
      }
    }
  }

  [[noreturn]] static void missing(const TemplateNode& node, const TemplateRecord& record) {
    const std::string name = node.root + "." + node.field();
    std::string why = " is missing but the template uses it", advice = "add the field, or ";
    if (const auto withheld = record.withheld.find(node.path.front()); withheld != record.withheld.end()) {
      why = " is withheld, as the campaign does not allow it, but the template uses it";
      advice = withheld->second.empty() ? "" : "give --allow " + withheld->second + ", or ";
    } else if (!record.personalised) {
      why = " is withheld, as all of a person who opted out or is under 18, but the template uses it";
      advice = "";
    }
    fail(ErrorCode::not_found, record.where, ": field '", node.field(), "'", why, " (", node.place, "); ",
         advice, "put what needs it between {{#", name, "}} and {{/", name, "}}");
  }
};

Template::Template(std::string_view text, std::string where, Language language) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  require(text.size() <= kMaxTemplateBytes, where, ": the template is longer than ", kMaxTemplateBytes,
          " bytes");
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    fail(ErrorCode::bad_format, where, ": the template is not UTF-8 text; save the file as UTF-8");
  }
  std::string lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') lines += text[i];
  }
  ParsedTemplate parsed = parse_template(lines, where);
  impl_ = std::make_unique<const Impl>(Impl{std::move(parsed), std::move(where), language});
}

Template Template::from_file(const std::filesystem::path& path, Language language) {
  return Template(io::read_file(path, kMaxTemplateBytes), path.string(), language);
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const TemplateRecord& customer, const TemplateRecord& product) const {
  std::string out;
  impl_->render(impl_->parsed.nodes, customer, product, out);
  return std::string(trim(out));
}

const std::vector<Template::ExtraField>& Template::extra_fields() const { return impl_->parsed.extra_fields; }
Language Template::language() const { return impl_->language; }
const std::string& Template::where() const { return impl_->where; }

Template load_template(const std::filesystem::path& directory, Language language, Scene scene) {
  const auto path = directory / to_string(language) / (std::string(to_string(scene)) + ".txt");
  if (!std::filesystem::exists(path)) {
    fail(ErrorCode::not_found, path.string(), ": there is no template for scene '", to_string(scene),
         "' in language '", to_string(language), "'");
  }
  return Template::from_file(path, language);
}

}  // namespace adlib::copywriter
