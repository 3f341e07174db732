#include "copywriter/store/shop_names.h"

namespace adlib::copywriter {

std::vector<std::string> shop_names(const Store& store) {
  Statement find = store.prepare("SELECT value FROM setting WHERE name = 'shop_names'");
  if (!find.step()) return {};
  return io::parse_json(find.text(0), store.where() + ": setting 'shop_names'")
      .get<std::vector<std::string>>();
}

void set_shop_names(const Store& store, const std::vector<std::string>& names) {
  store.prepare("INSERT INTO setting VALUES ('shop_names', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1")
      .run(io::Json(names).dump());
}

}  // namespace adlib::copywriter
