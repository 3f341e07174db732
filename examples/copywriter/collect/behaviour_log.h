// copywriter/collect/behaviour_log.h: logs of what users did, one event a row, as Taobao's data sets write
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "copywriter/collect/csv.h"
#include "copywriter/collect/rows.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

enum class Behaviour { view, favourite, cart, buy };  // pv, fav, cart, buy in the file

struct LogEvent {
  std::string user;
  std::string brand_id;
  std::string category_id;
  Behaviour behaviour = Behaviour::view;
  Event event;  ///< item, title, brand, category, price and time
  Source source;
};

/// The fields of an event in the order of event_fields().
enum class EventField { user, item, brand, brand_id, title, category, category_id, behaviour, time, price };
inline constexpr std::size_t kEventFields = 10;
std::span<const FlatField> event_fields();

/// True when the header, or the values of `names`, name a user, an item, a behaviour and a time, in Chinese
/// (用户ID, 商品ID, 行为类型, 时间戳) or in English.
bool is_behaviour_log(const CsvTable& table, const FieldNames& names = {});

/// One event of the cells of event_fields(). Throws Error(bad_format) "file:line: …".
LogEvent event_of_cells(std::span<const std::string_view> cells, const Source& source,
                        const std::string& currency);

/// Calls `take` for every event, in file order. Throws Error(bad_format) "file:line: …".
void for_each_event(CsvTable& table, const std::string& where, const std::string& currency,
                    const std::function<void(LogEvent&&)>& take);

/// One customer for each user, in order of first appearance: events sorted by time into browsing, favourites,
/// cart and purchases; interests are the categories of all events, most frequent first; spend is the sum of
/// the purchases.
std::vector<Customer> customers_of_log(CsvTable& table, const std::string& where,
                                       const std::string& currency);
/// One product for each item, in order of first appearance, as its latest event describes it.
std::vector<Product> products_of_log(CsvTable& table, const std::string& where, const std::string& currency);

}  // namespace adlib::copywriter
