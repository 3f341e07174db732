#include "copywriter/collect/field_map.h"

#include <algorithm>
#include <utility>

#include "copywriter/collect/collect_file.h"
#include "copywriter/rules/toml_table.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

// Products and customers may have fields of any name; the rows of the other kinds have those alone.
void check_ours(const TomlTable& table, const toml::node& at, FileKind kind, const std::string& name) {
  const std::span<const FlatField> fields = flat_fields(kind);
  if (fields.empty() || name.empty()) return;
  std::string known;
  for (const FlatField& field : fields) {
    if (field.name() == name) return;
    known += (known.empty() ? "" : ", ") + field.name();
  }
  table.refuse(at, concat("'", first_characters(name, 40), "' is no field of ", to_string(kind),
                          ", expected one of ", known));
}

void read_columns(const TomlTable& table, const toml::node& node, FileKind kind, FieldNames& names) {
  const toml::table* columns = node.as_table();
  if (!columns) table.refuse(node, "'columns' is a table: \"their name\" = \"our name\"");
  for (const auto& [theirs, ours] : *columns) {
    const auto name = ours.value<std::string>();
    if (!name)
      table.refuse(ours, concat("'", theirs.str(), "' is our name in quotes; \"\" leaves the column out"));
    check_ours(table, ours, kind, *name);
    names.ours.emplace(trim(theirs.str()), *name);
  }
}

void read_values(const TomlTable& table, const toml::node& node, FileKind kind, FieldNames& names) {
  const toml::table* values = node.as_table();
  if (!values) table.refuse(node, "'values' is a table: our name = \"what it is in every row\"");
  for (const auto& [name, value] : *values) {
    const auto text = value.value<std::string>();
    if (!text) table.refuse(value, concat("'", name.str(), "' is a text in quotes"));
    check_ours(table, value, kind, std::string(name.str()));
    names.values.emplace(name.str(), *text);
  }
}

}  // namespace

FieldMap FieldMap::read(const std::filesystem::path& file) {
  const toml::table root = read_toml(file);
  TomlTable top(root, file.string(), "the file");
  FieldMap map;
  for (std::size_t i = 0; i < kFileKinds; ++i) {
    const auto kind = static_cast<FileKind>(i);
    const toml::node* node = top.find(to_string(kind));
    if (!node) continue;
    const toml::table* one = node->as_table();
    if (!one) top.refuse(*node, concat("'", to_string(kind), "' is a table"));
    TomlTable table(*one, file.string(), to_string(kind));
    if (const toml::node* columns = table.find("columns")) read_columns(table, *columns, kind, map.names_[i]);
    if (const toml::node* values = table.find("values")) read_values(table, *values, kind, map.names_[i]);
    table.refuse_unknown_keys();
  }
  top.refuse_unknown_keys();
  return map;
}

}  // namespace adlib::copywriter
