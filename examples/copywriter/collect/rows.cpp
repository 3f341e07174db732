#include "copywriter/collect/rows.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "copywriter/shop/customer.h"
#include "copywriter/shop/fields.h"
#include "copywriter/shop/product.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 28> kChineseNames{{
    {"用户ID", "id"},
    {"客户ID", "id"},
    {"姓名", "name"},
    {"年龄", "age"},
    {"性别", "gender"},
    {"兴趣", "interests"},
    {"浏览", "browsing"},
    {"收藏", "favourites"},
    {"购物车", "cart"},
    {"购买", "purchases"},
    {"评价", "reviews"},
    {"会员等级", "member_level"},
    {"消费金额", "spend"},
    {"币种", "currency"},
    {"商品ID", "id"},
    {"商品名称", "title"},
    {"标题", "title"},
    {"品牌", "brand"},
    {"商品类别", "category"},
    {"类别", "category"},
    {"售价", "price"},
    {"价格", "price"},
    {"原价", "compare_at_price"},
    {"描述", "description"},
    {"标签", "tags"},
    {"属性", "attributes"},
    {"城市", "city"},
    {"语言", "language"},
}};

// A scalar as the text that a cell of CSV would hold.
std::string cell_of(const io::Json& value, std::string_view name, const std::string& where) {
  if (value.is_null()) return "";
  if (value.is_string()) return std::string(trim(value.get_ref<const std::string&>()));
  if (value.is_structured())
    fail(ErrorCode::bad_format, where, ": field '", name, "' is a list or an object, expected text");
  return value.dump();
}

}  // namespace

std::ifstream open_rows(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    fail(ErrorCode::io, path.string(), " is a directory, expected a file of JSON Lines or CSV");
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (!std::filesystem::exists(path, error))
      fail(ErrorCode::not_found, path.string(), ": there is no such file");
    fail(ErrorCode::io, path.string(), ": the file cannot be read; check its permissions");
  }
  return in;
}

std::vector<std::string> FieldNames::apply(CsvTable& table) const {
  std::vector<std::string> missing;
  for (const auto& [theirs, name] : ours) {
    const std::array names{std::string_view(theirs)};
    if (const auto column = table.find(names))
      table.rename(*column, name);
    else
      missing.push_back(theirs);
  }
  return missing;
}

void FieldNames::apply(io::Json& object, const std::string& where) const {
  io::Json::object_t renamed;
  for (const auto& [theirs, name] : ours) {
    const auto found = object.find(theirs);
    if (found == object.end()) continue;
    if (!name.empty() && !renamed.emplace(name, std::move(*found)).second)
      fail(ErrorCode::bad_format, where, ": two fields mean '", name, "'");
    object.erase(found);
  }
  for (auto& [name, value] : renamed) {
    if (object.contains(name)) fail(ErrorCode::bad_format, where, ": two fields mean '", name, "'");
    object[name] = std::move(value);
  }
  for (const auto& [name, value] : values) {
    if (!object.contains(name)) object[name] = value;
  }
}

std::span<const std::pair<std::string_view, std::string_view>> chinese_names() { return kChineseNames; }

std::string RecordFields::ours(const std::string& name) const {
  if (names.contains(name)) return name;
  for (const auto& [chinese, meant] : kChineseNames) {
    if (equal_ignoring_case(name, chinese)) return std::string(meant);
  }
  const auto known =
      std::find_if(names.begin(), names.end(), [&](const std::string& one) { return same_name(one, name); });
  return known == names.end() ? name : *known;
}

void RecordFields::rename(io::Json& object) const {
  std::vector<std::pair<std::string, std::string>> changes;
  for (const auto& [name, value] : object.items()) {
    std::string meant = ours(name);
    if (meant != name && names.contains(meant) && !object.contains(meant))
      changes.emplace_back(name, std::move(meant));
  }
  for (const auto& [name, meant] : changes) {
    if (object.contains(meant)) continue;  // two names for one thing: the first is taken
    object[meant] = std::move(object[name]);
    object.erase(name);
  }
}

namespace {

// With the fields beside the record's own that some stage reads.
std::set<std::string> with(std::set<std::string> names, std::initializer_list<const char*> more) {
  names.insert(more.begin(), more.end());
  return names;
}

}  // namespace

const RecordFields& product_fields() {
  static const RecordFields fields{with(product_field_names(), {"language"}), {"tags"}};
  return fields;
}

const RecordFields& customer_fields() {
  static const RecordFields fields{with(customer_field_names(), {"city", "language", "price_sensitivity"}),
                                   {"interests", "browsing", "favourites", "cart", "purchases", "reviews"}};
  return fields;
}

void for_each_json_object(std::istream& in, const std::string& where, const TakeObject& take,
                          const OnBadRow& on_bad) {
  io::for_each_json_line(
      in, where,
      [&](io::Json&& object, std::int64_t line) {
        guard_row(on_bad, line, [&] { take(std::move(object), line); });
      },
      [&](std::int64_t line, const std::string& message) {
        if (on_bad) on_bad(line, Error(ErrorCode::bad_format, message));
        return on_bad != nullptr;
      });
}

void for_each_csv_object(CsvTable& table, const RecordFields& fields, const TakeObject& take,
                         const OnBadRow& on_bad) {
  std::vector<std::string> names;
  for (const std::string& column : table.header()) {
    names.push_back(fields.ours(column));
    if (!names.back().empty() && std::count(names.begin(), names.end(), names.back()) > 1) {
      fail(ErrorCode::bad_format, table.place(), ": two columns mean '", names.back(), "'");
    }
  }
  for_each_row(table, on_bad, [&] {
    io::Json object = io::Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string_view cell = trim(table.cell(i));
      if (cell.empty() || names[i].empty()) continue;
      if (fields.lists.contains(names[i])) {
        object[names[i]] = split_list(cell);
      } else if (names[i] == "age" && cell.size() <= 9 &&
                 std::all_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        object["age"] = std::stoi(std::string(cell));
      } else {
        object[names[i]] = std::string(cell);
      }
    }
    if (!object.empty()) take(std::move(object), table.line());
  });
}

void for_each_flat_row(CsvTable& table, std::span<const FlatField> fields, const FieldNames& names,
                       const TakeCells& take, const OnBadRow& on_bad) {
  std::vector<std::optional<std::size_t>> columns;
  std::vector<std::string_view> missing;  // what a cell is that is empty
  for (const FlatField& field : fields) {
    columns.push_back(find_column(table, field));
    const auto value = names.values.find(field.name());
    missing.push_back(value == names.values.end() ? std::string_view() : std::string_view(value->second));
  }
  std::vector<std::string_view> cells(fields.size());
  for_each_row(table, on_bad, [&] {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = trim(table.cell(columns[i]));
      if (cells[i].empty()) cells[i] = missing[i];
    }
    take(cells, table.line());
  });
}

void for_each_flat_object(std::istream& in, const std::string& where, std::span<const FlatField> fields,
                          const FieldNames& names, const TakeCells& take, const OnBadRow& on_bad,
                          const LookAtObject& look) {
  for_each_json_object(
      in, where,
      [&](io::Json&& object, std::int64_t line) {
        const std::string place = concat(where, ":", line);
        names.apply(object, place);
        if (look) look(object, line);
        std::vector<std::string> texts(fields.size());
        for (std::size_t i = 0; i < fields.size(); ++i) {
          for (const std::string_view name : fields[i].names) {
            if (name.empty() || !texts[i].empty()) break;
            for (const auto& [key, value] : object.items()) {
              if (same_name(key, name)) texts[i] = cell_of(value, name, place);
            }
          }
        }
        const std::vector<std::string_view> cells(texts.begin(), texts.end());
        take(cells, line);
      },
      on_bad);
}

std::optional<std::size_t> find_column(const CsvTable& table, const FlatField& field) {
  const auto& header = table.header();
  for (const std::string_view name : field.names) {
    if (name.empty()) break;
    const auto found = std::find_if(header.begin(), header.end(),
                                    [&](const std::string& column) { return same_name(column, name); });
    if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
  }
  return {};
}

}  // namespace adlib::copywriter
