// tests/campaign/publish_support.h: a shop with approved texts, and readers of what was published.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "adlib/io/json.h"
#include "campaign/support.h"
#include "copywriter/collect/csv.h"
#include "copywriter/publish/publish.h"
#include "copywriter/review/review.h"

namespace adlib::test {

namespace cw = copywriter;

inline const std::vector<copywriter::ChannelField>& channels() {
  static const auto all = cw::read_channels(rules_dir() / "channels.toml");
  return all;
}

inline const io::Json kProduct = {{"title", "静谷 Q2 降噪耳机"},
                                  {"brand", "静谷"},
                                  {"price", "399.00"},
                                  {"currency", "CNY"},
                                  {"description", "安静。"},
                                  {"images", {"https://shop.example/q2.jpg"}},
                                  {"link", "https://shop.example/q2"},
                                  {"availability", "in stock"},
                                  {"condition", "new"}};

/// A store with one product; its texts are approved as they are added.
struct ApprovedShop {
  ApprovedShop() {
    store->database().execute("PRAGMA synchronous = OFF");
  }  // a test may lose its files with the power

  NewStore store;
  std::int64_t run = add_run(*store);
  std::int64_t product = add_product(*store, "q2", kProduct);

  std::filesystem::path file(const std::string& name) const { return store.directory() / name; }
  std::int64_t user(const std::string& id) { return add_user(*store, id); }
  std::int64_t approved(std::optional<std::int64_t> user, const std::string& channel, const std::string& text,
                        const std::string& arm = "warm") {
    const auto copy = add_copy(*store, {.user = user,
                                        .product = product,
                                        .run = run,
                                        .text = text,
                                        .channel = channel,
                                        .arm = arm,
                                        .status = "ready"});
    const std::array ids{copy};
    cw::approve(*store, ids, {"editor"});
    return copy;
  }
  cw::PublishOptions options(const std::string& target, const std::string& name) const {
    cw::PublishOptions out;
    out.target = target;
    out.output = file(name);
    out.format.sender = "静谷商店 <shop@example.com>";
    out.format.unsubscribe_url = "https://shop.example/leave/{token}?u={user}";
    return out;
  }
  cw::PublishResult publish(const cw::PublishOptions& options) {
    return cw::publish(*store, channels(), options);
  }
  std::string status(std::int64_t copy) {
    cw::Statement find = store->prepare("SELECT status FROM copy WHERE id = ?");
    REQUIRE(find.with(copy).step());
    return std::string(find.text(0));
  }
  std::int64_t publications(const std::string& where = "1") {
    return store->database().integer("SELECT count(*) FROM publication WHERE " + where);
  }
};

inline std::vector<io::Json> lines_of(const std::filesystem::path& file) {
  std::vector<io::Json> lines;
  std::istringstream in(read_text(file));
  io::for_each_json_line(in, "lines",
                         [&](io::Json&& object, std::int64_t) { lines.push_back(std::move(object)); });
  return lines;
}

// {column: cell} of each row.
inline std::vector<std::map<std::string, std::string>> table_of(const std::string& text) {
  std::istringstream in(text);
  cw::CsvTable table(in, "table");
  std::vector<std::map<std::string, std::string>> rows;
  while (table.next()) {
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < table.header().size(); ++i) row[table.header()[i]] = table.cell(i);
  }
  return rows;
}

}  // namespace adlib::test
