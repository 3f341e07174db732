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

void for_each_row_of_cells(FileJob& job, std::span<const FlatField> fields, const TakeCells& take) {
  SniffBuffer buffer(job.in);
  std::istream stream(&buffer);
  if (looks_like_json_lines(buffer.head(), job.where)) {
    for_each_flat_object(
        stream, job.where, fields, job.names, take, job.on_bad,
        [&](const io::Json& object, std::int64_t line) { job.name_check.look(object, line); });
    return;
  }
  CsvOptions options;
  options.delimiter = job.delimiter;
  CsvTable table(stream, job.where, options);
  job.result.unmapped = job.names.apply(table);
  job.name_check.look(table);
  for (const FlatField& field : fields) {
    if (!field.needed || find_column(table, field) || job.names.values.contains(field.name())) continue;
    fail(ErrorCode::bad_format, table.place(), ": the header has no column '", field.name(), "' (or ",
         field.names[1], "); --map tells what the shop calls it");
  }
  for_each_flat_row(table, fields, job.names, take, job.on_bad);
}

void collect_events(FileJob& job) {
  const std::string currency = job.log_currency();
  Statement insert = job.store.prepare(
      "INSERT OR IGNORE INTO event(user, time, product, behaviour, price) VALUES (?, ?, ?, ?, ?)");
  for_each_row_of_cells(job, event_fields(), [&](std::span<const std::string_view> cells, std::int64_t line) {
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
