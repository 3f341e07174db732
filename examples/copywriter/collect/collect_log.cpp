// Events, and the way of all kinds whose rows are cells.
#include "copywriter/collect/behaviour_log.h"
#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/sniff.h"

namespace adlib::copywriter {

std::span<const FlatField> flat_fields(FileKind kind) {
  if (kind == FileKind::events) return event_fields();
  if (kind == FileKind::reviews) return review_fields();
  if (kind == FileKind::copy) return past_copy_fields();
  return {};
}

void for_each_row_of_cells(FileJob& job, std::span<const FlatField> fields,
                           const std::function<void(const CsvTable&)>& check_header, const TakeCells& take) {
  SniffBuffer buffer(job.in);
  std::istream stream(&buffer);
  if (looks_like_json_lines(buffer.head(), job.where)) {
    for_each_flat_object(stream, job.where, fields, job.names, take, job.on_bad);
    return;
  }
  CsvOptions options;
  options.delimiter = job.delimiter;
  CsvTable table(stream, job.where, options);
  job.result.unmapped = job.names.apply(table);
  check_header(table);
  for_each_flat_row(table, fields, job.names, take, job.on_bad);
}

void collect_events(FileJob& job) {
  const std::string currency = job.log_currency();
  Statement insert = job.store.prepare(
      "INSERT OR IGNORE INTO event(user, time, product, behaviour, price) VALUES (?, ?, ?, ?, ?)");
  const auto check_header = [&](const CsvTable& table) {
    if (is_behaviour_log(table, job.names)) return;
    fail(ErrorCode::bad_format, table.place(),
         ": the header must name a user, an item, a behaviour and a time (用户ID, 商品ID, 行为类型, 时间戳); "
         "--map "
         "tells what the shop calls them");
  };
  for_each_row_of_cells(
      job, event_fields(), check_header, [&](std::span<const std::string_view> cells, std::int64_t line) {
        const LogEvent event = event_of_cells(cells, {job.where, line}, currency);
        job.begin_row();
        const auto user = job.people.find_or_add(event.user, line);
        if (!user) {
          ++job.result.forgotten;
          return;
        }
        const std::int64_t product = job.products.of_event(event);
        std::optional<std::string_view> price;
        if (event.event.price) price = event.event.price->amount;
        job.result.new_rows +=
            insert.run(*user, *event.event.time, product, static_cast<int>(event.behaviour), price);
      });
}

}  // namespace adlib::copywriter
