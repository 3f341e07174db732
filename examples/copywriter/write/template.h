// copywriter/write/template.h: prompt templates that a marketer can edit. The syntax is told in
// docs/copywriter.md.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/shop/customer.h"
#include "copywriter/shop/language.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

/// A record as templates see it: its fields in the words of one language, and where it was read.
struct TemplateRecord {
  io::Json fields;
  std::string where;                                 ///< "customers.jsonl:17"
  bool personalised = true;                          ///< as of the customer
  std::map<std::string, std::string> withheld = {};  ///< the same
};
/// Fields that are missing are not in the object. An amount gets its currency, a gender its word, a time its
/// date.
TemplateRecord template_record(const Customer& customer, Language language);
TemplateRecord template_record(const Product& product, Language language);

/// A parsed template; immutable, shared by threads.
class Template {
 public:
  /// `where` is the file's name for messages. Throws Error(bad_format) "where:line:column: …" for a tag or
  /// section that is not closed, an unknown filter, or a field that no record can have.
  Template(std::string_view text, std::string where, Language language);
  static Template from_file(const std::filesystem::path& path, Language language);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// The prompt, without blanks at its ends. A field that is missing outside a section of its name throws
  /// Error(not_found) "customers.jsonl:17: field 'first_name' is missing but the template uses it …", for one
  /// that Privacy withheld with what would allow it.
  std::string render(const TemplateRecord& customer, const TemplateRecord& product) const;

  /// A field of a template that is none of adlib's own: some record must bring it along.
  struct ExtraField {
    std::string root;  ///< "customer" or "product"
    std::string name;
    std::string place;       ///< "file:line:column"
    std::string suggestion;  ///< the known field that differs least, "" when none is near
  };
  const std::vector<ExtraField>& extra_fields() const;
  Language language() const;
  const std::string& where() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// `directory`/zh/recommendation.txt for (zh, recommendation). Throws Error(not_found) that names the file.
Template load_template(const std::filesystem::path& directory, Language language, Scene scene);

}  // namespace adlib::copywriter
