#include "copywriter/collect/name_check.h"

#include <algorithm>

#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/file_kind.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostTold = 20;

}  // namespace

void NameCheck::check_kind(std::span<const std::string> names, std::int64_t line) const {
  const auto kind = kind_of_fields(names);
  if (!kind || *kind == kind_) return;
  const auto called = [&](const FlatField& field) {
    return mapping_.values.contains(field.name()) || has_field(names, field);
  };
  const auto fields = flat_fields(kind_);
  const bool all_there =
      !fields.empty() && std::all_of(fields.begin(), fields.end(),
                                     [&](const FlatField& field) { return !field.needed || called(field); });
  // 标题 may be a title of a product as well as a text that was sent.
  const bool titles = kind_ == FileKind::copy && *kind == FileKind::products &&
                      std::none_of(names.begin(), names.end(), [](const std::string& name) {
                        return equal_ignoring_case(name, "text") || equal_ignoring_case(name, "copy") ||
                               equal_ignoring_case(name, "subject") || name == "文案";
                      });
  const bool reviews = kind_ == FileKind::copy && *kind == FileKind::reviews;
  if (all_there && !titles && !reviews) return;
  fail(ErrorCode::invalid_argument, where_, ":", line, ": this looks like a file of ", kind_name(*kind),
       " and none of ", kind_name(kind_), "; give it with --", to_string(*kind));
}

void NameCheck::tell(const std::vector<Slip>& slips, std::int64_t line, const char* what) {
  for (Slip slip : slips) {
    slip.name = clean_text(slip.name);
    if (slip.vital) {
      const bool deeper = slip.name.find('.') != std::string::npos;
      fail(ErrorCode::bad_format, where_, ":", line, ": nobody reads the ", what, " '", slip.name,
           "'; did you mean '", slip.meant, "'? Rename it",
           deeper ? concat(".")
                  : concat(", or say with --map what it is: [", to_string(kind_), ".columns] \"", slip.name,
                           "\" = \"", slip.meant, "\", or \"\" to leave it out",
                           flat_fields(kind_).empty() ? ", or its own name to keep it" : ""));
    }
    if (told_.size() >= kMostTold || !told_.insert(slip.name).second) continue;
    if (on_slip_) on_slip_(where_, line, slip);
  }
}

void NameCheck::look(const CsvTable& table) {
  if (!(kind_ == FileKind::products && is_shopify_export(table))) check_kind(table.header(), table.line());
  tell(slips_.find(table.header()), table.line(), "column");
}

void NameCheck::look(const io::Json& object, std::int64_t line) {
  if (first_) {
    std::vector<std::string> names;
    for (const auto& [name, value] : object.items()) names.push_back(name);
    check_kind(names, line);
    first_ = false;
  }
  tell(slips_.find(object), line, "field");
}

}  // namespace adlib::copywriter
