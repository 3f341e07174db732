// What customers wrote, and what the shop wrote to them.
#include <charconv>
#include <utility>

#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/contact.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

enum class ReviewField { user, product, title, text, rating, time };
enum class CopyField {
  id,
  text,
  product,
  language,
  scene,
  channel,
  sent,
  opened,
  clicked,
  converted,
  unsubscribed
};

// Hashes of rows are SQLite's signed integers.
std::int64_t signed_hash(const StableHash& hash) { return static_cast<std::int64_t>(hash.value()); }

[[noreturn]] void bad_cell(const std::string& place, const char* field, std::string_view cell,
                           const char* expected) {
  fail(ErrorCode::bad_format, place, ": field '", field, "' is '", first_characters(cell, 40), "', expected ",
       expected);
}

std::optional<double> read_rating(std::string_view cell, const std::string& place) {
  if (cell.empty()) return {};
  double rating = -1;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), rating);
  const std::string_view rest(end, static_cast<std::size_t>(cell.data() + cell.size() - end));
  if (error != std::errc() || !(rest.empty() || rest == "星" || rest == "分") ||
      !(rating >= 0 && rating <= 5))
    bad_cell(place, "rating", cell, "a number from 0 to 5");
  return rating;
}

// "215", and "215.0" as spreadsheets write it.
std::optional<std::int64_t> read_count(std::string_view cell, const char* field, const std::string& place) {
  if (cell.empty()) return {};
  std::string_view digits = cell;
  if (const std::size_t dot = digits.find('.'); dot != std::string_view::npos) {
    if (digits.find_first_not_of('0', dot + 1) == std::string_view::npos) digits = digits.substr(0, dot);
  }
  std::int64_t count = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size() || count < 0)
    bad_cell(place, field, cell, "a whole number from 0 on");
  return count;
}

}  // namespace

std::span<const FlatField> review_fields() {
  static constexpr std::array<FlatField, 6> fields{{
      {{"user", "用户ID", "user_id", "user id", "customer", "customer_id", "客户ID", "买家ID"}, true},
      {{"product", "商品ID", "product_id", "item", "item_id", "item id", "sku"}},
      {{"product_title", "商品名称", "title", "product_name"}},
      {{"text", "评价内容", "review", "评价", "评论", "评论内容", "comment", "content", "内容"}, true},
      {{"rating", "评分", "stars", "score", "星级", "打分"}},
      {{"time", "评价时间", "时间", "时间戳", "timestamp", "date", "created_at", "日期"}},
  }};
  return fields;
}

std::span<const FlatField> past_copy_fields() {
  static constexpr std::array<FlatField, 11> fields{{
      {{"id", "编号", "campaign_id", "copy_id"}},
      {{"text", "文案", "copy", "subject", "内容", "标题"}, true},
      {{"product", "商品ID", "product_id", "item"}},
      {{"language", "语言", "lang"}},
      {{"scene", "场景"}},
      {{"channel", "渠道"}},
      {{"sent", "发送", "发送数", "delivered", "deliveries", "impressions", "曝光", "曝光数"}},
      {{"opened", "打开", "打开数", "opens"}},
      {{"clicked", "点击", "点击数", "clicks"}},
      {{"converted", "转化", "转化数", "conversions", "orders"}},
      {{"unsubscribed", "退订", "退订数", "unsubscribes"}},
  }};
  return fields;
}

void collect_reviews(FileJob& job) {
  Statement insert = job.store.prepare(
      "INSERT OR IGNORE INTO review(user, product, time, rating, text, hash) VALUES (?, ?, ?, ?, ?, ?)");
  for_each_row_of_cells(
      job, review_fields(), [&](std::span<const std::string_view> cells, std::int64_t line) {
        const auto cell = [&](ReviewField field) { return cells[static_cast<std::size_t>(field)]; };
        const std::string place = concat(job.where, ":", line);
        if (cell(ReviewField::user).empty()) fail(ErrorCode::bad_format, place, ": the user is empty");
        const auto rating = read_rating(cell(ReviewField::rating), place);
        std::optional<std::int64_t> time;
        if (!cell(ReviewField::time).empty()) {
          time = parse_time(cell(ReviewField::time));
          if (!time)
            bad_cell(place, "time", cell(ReviewField::time),
                     "Unix seconds or a date such as 2025-11-02 08:30:00");
        }
        std::int64_t removed = 0;
        const std::string text = without_contacts(cell(ReviewField::text), removed);
        if (text.empty() && !rating)
          fail(ErrorCode::bad_format, place, ": neither 'text' nor 'rating' is there");
        job.begin_row();
        job.result.contacts += removed;
        const auto user = job.people.find_or_add(cell(ReviewField::user), line);
        if (!user) {
          ++job.result.forgotten;
          return;
        }
        std::optional<std::int64_t> product;
        if (!cell(ReviewField::product).empty())
          product = job.products.find_or_add(cell(ReviewField::product), cell(ReviewField::title), line);
        StableHash hash;
        hash.add(static_cast<std::uint64_t>(*user)).add(static_cast<std::uint64_t>(product.value_or(0)));
        hash.add(static_cast<std::uint64_t>(time.value_or(-1))).add(rating ? concat(*rating) : "").add(text);
        job.result.new_rows += insert.run(*user, product, time, rating, text, signed_hash(hash));
      });
}

void collect_past_copy(FileJob& job) {
  Statement insert = job.store.prepare(
      "INSERT INTO past_copy(hash, product, language, scene, channel, text, sent, opened, clicked, "
      "converted, "
      "unsubscribed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT(hash) DO UPDATE SET "
      "product = ?2, language = ?3, scene = ?4, channel = ?5, text = ?6, sent = ?7, opened = ?8, clicked = "
      "?9, "
      "converted = ?10, unsubscribed = ?11");
  Statement known = job.store.prepare("SELECT 1 FROM past_copy WHERE hash = ?");
  const auto fields = past_copy_fields();
  for_each_row_of_cells(job, fields, [&](std::span<const std::string_view> cells, std::int64_t line) {
    const auto cell = [&](CopyField field) { return cells[static_cast<std::size_t>(field)]; };
    const std::string place = concat(job.where, ":", line);
    std::int64_t removed = 0;
    const std::string text = without_contacts(cell(CopyField::text), removed);
    if (text.empty()) fail(ErrorCode::bad_format, place, ": the text is empty");
    const std::string_view language = cell(CopyField::language);
    if (!language.empty() && language != "zh" && language != "en")
      bad_cell(place, "language", language, "zh or en");
    const auto count = [&](CopyField field) {
      return read_count(cell(field), fields[static_cast<std::size_t>(field)].names.front().data(), place);
    };
    const auto sent = count(CopyField::sent), opened = count(CopyField::opened),
               clicked = count(CopyField::clicked), converted = count(CopyField::converted),
               unsubscribed = count(CopyField::unsubscribed);
    job.begin_row();
    job.result.contacts += removed;
    std::optional<std::int64_t> product;
    if (!cell(CopyField::product).empty())
      product = job.products.find_or_add(cell(CopyField::product), "", line);
    // One that has an id is the same copy with newer numbers; without one, rows that are alike are one.
    StableHash hash;
    if (!cell(CopyField::id).empty()) {
      hash.add("id").add(cell(CopyField::id));
    } else {
      hash.add(text);
      for (std::size_t i = static_cast<std::size_t>(CopyField::product); i < cells.size(); ++i)
        hash.add(cells[i]);
    }
    const std::int64_t key = signed_hash(hash);
    if (!known.with(key).step()) ++job.result.new_rows;
    const auto text_or_null = [](std::string_view one) {
      return one.empty() ? std::nullopt : std::optional(std::string(one));
    };
    insert.run(key, product, text_or_null(language), text_or_null(cell(CopyField::scene)),
               text_or_null(cell(CopyField::channel)), text, sent, opened, clicked, converted, unsubscribed);
  });
}

}  // namespace adlib::copywriter
