// adlib collect: a shop's files into the store of a campaign.
#include "copywriter/collect/collect.h"
#include "app.h"
#include "copywriter/shop/json_line.h"
#include "copywriter/shop/money.h"
#include "rejected_report.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct CollectOptions {
  std::string store, map, currency, encoding = "auto", contacts = "none", rejected;
  std::vector<std::string> products, customers, events, reviews, copy, shop;
  std::int64_t max_errors = 0;
};

std::vector<cw::CollectOptions::File> files_of(const CollectOptions& options) {
  std::vector<cw::CollectOptions::File> files;
  const auto add = [&](cw::FileKind kind, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) files.push_back({kind, path});
  };
  add(cw::FileKind::products, options.products);
  add(cw::FileKind::customers, options.customers);
  add(cw::FileKind::events, options.events);
  add(cw::FileKind::reviews, options.reviews);
  add(cw::FileKind::copy, options.copy);
  if (files.empty() && options.shop.empty())
    throw UsageError("name a file to read: --products, --customers, --events, --reviews or --copy FILE");
  std::size_t pipes = 0;
  for (const auto& file : files) pipes += file.path == "-" ? 1 : 0;
  if (pipes > 1) throw UsageError("'-' is stdin, which only one of the files can be");
  return files;
}

cw::OrderedJson summary_of(const cw::CollectedFile& file) {
  cw::OrderedJson line;
  line["file"] = file.file;
  line["kind"] = cw::to_string(file.kind);
  line["encoding"] = cw::to_string(file.encoding);
  line["rows"] = file.rows;
  line["new_rows"] = file.new_rows;
  line["rejected"] = file.rejected;
  line["contacts"] = file.contacts;
  line["forgotten"] = file.forgotten;
  return line;
}

void tell(const cw::CollectedFile& file, const Console& console) {
  console.status("");
  std::string text =
      file.file + ": " + counted(file.rows, "row") + ", " + std::to_string(file.new_rows) + " new";
  if (file.rejected > 0) text += ", " + std::to_string(file.rejected) + " rejected";
  if (file.known) text += "; a file with these bytes was read before";
  console.note(text);
  if (file.contacts > 0)
    console.note(file.file + ": " + counted(file.contacts, "piece") + " of contact data taken out");
  if (file.forgotten > 0)
    console.warn(file.file + ": " + counted(file.forgotten, "row") +
                 " left out, of people who were forgotten");
  if (file.refused_before > 0)
    console.warn(
        file.file + ": " + counted(file.refused_before, "consent") +
        " not taken, of people who had refused; a consent counts again with its own, later date, such as "
        "sms_consent_at");
  for (const std::string& column : file.unclear)
    console.warn(
        file.file + ": column '" + column +
        "' may tell whether people can be written to, and was not understood; docs/collect.md has names "
        "that are");
  for (const std::string& column : file.unmapped)
    console.warn(file.file + ": there is no column '" + column + "', which --map names");
}

int run_collect(const CollectOptions& options, const Console& console) {
  cw::CollectOptions collect;
  collect.files = files_of(options);
  if (!options.currency.empty() && !cw::is_currency(options.currency))
    throw UsageError("--currency is '" + options.currency + "', expected an ISO 4217 code such as CNY");
  collect.shop_names = options.shop;
  collect.map = options.map;
  collect.currency = options.currency;
  collect.encoding = options.encoding == "utf-8"     ? cw::Encoding::utf8
                     : options.encoding == "gb18030" ? cw::Encoding::gb18030
                                                     : cw::Encoding::automatic;
  collect.max_errors = options.max_errors;
  collect.contact_hashes = options.contacts == "hash";

  RejectedReport rejected(options.rejected);
  collect.on_rejected = [&](const cw::RejectedRow& row) { rejected.add(row); };
  collect.on_slip = [&](const std::string& file, std::int64_t line, const cw::Slip& slip) {
    console.status("");
    const std::string what = "nobody reads '" + slip.name + "'; did you mean '" + slip.meant + "'?";
    console.warn(file + ": " + what);
    rejected.warn(file, line, what);
  };
  Output output("");
  collect.on_file = [&](const cw::CollectedFile& file) {
    output.write(cw::to_line(summary_of(file)));
    output.flush();
    tell(file, console);
  };
  collect.progress = [&](const std::string& file, std::int64_t rows) {
    console.status(file + ": " + counted(rows, "row"));
  };
  try {
    cw::collect(options.store, collect);
  } catch (const Error&) {
    console.status("");
    rejected.commit();
    throw;
  }
  rejected.commit();
  output.commit();
  return 0;
}

}  // namespace

void add_collect(CLI::App& app, Session& session) {
  auto options = std::make_shared<CollectOptions>();
  CLI::App* command = app.add_subcommand(
      "collect", "Read a shop's products, customers, events, reviews and past copy into a store");
  add_store(*command, options->store, "The campaign's file; made where it is missing");
  const std::string files = "Files";
  const auto add = [&](const char* name, std::vector<std::string>& to, const char* about) {
    command->add_option(name, to, about)->type_name("FILE")->group(files);
  };
  add("--products", options->products, "JSON Lines, CSV, or Shopify's product export; '-' is stdin");
  add("--customers", options->customers, "JSON Lines or CSV, with consents and opt-outs");
  add("--events", options->events,
      "What users viewed, saved, put in the cart and bought: CSV as Taobao's logs, or JSON Lines");
  add("--reviews", options->reviews, "user, product, text, rating, time: CSV or JSON Lines");
  add("--copy", options->copy, "What was sent before, and its counts: CSV or JSON Lines");
  command
      ->add_option(
          "--shop", options->shop,
          "What the shop calls itself: any copy may say it, also where it is a brand; may be repeated, and "
          "replaces what was told before")
      ->type_name("NAME");
  const std::string reading = "Reading";
  command
      ->add_option("--map", options->map,
                   "A TOML file that tells what the shop calls things; docs/collect.md")
      ->type_name("MAPPING.toml")
      ->group(reading);
  command
      ->add_option("--currency", options->currency,
                   "Currency of prices whose source names none, such as EUR; default for events: CNY")
      ->type_name("CODE")
      ->group(reading);
  command
      ->add_option("--encoding", options->encoding,
                   "Of the files; auto: UTF-8 where all of a file is, else GB18030")
      ->check(CLI::IsMember({"auto", "utf-8", "gb18030"}))
      ->capture_default_str()
      ->group(reading);
  command
      ->add_option("--max-errors", options->max_errors,
                   "Bad rows of a file that are left out; one more, and nothing of the file is kept")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}))
      ->type_name("N")
      ->capture_default_str()
      ->group(reading);
  command
      ->add_option(
          "--rejected", options->rejected,
          "Report bad rows and doubtful columns here: file, line, and reason or warning, a JSON object each")
      ->type_name("FILE.jsonl")
      ->group(reading);
  command
      ->add_option("--contacts", options->contacts,
                   "Of customers' phone numbers, addresses and the like keep nothing, or keyed hashes")
      ->check(CLI::IsMember({"none", "hash"}))
      ->capture_default_str()
      ->group(reading);
  command->footer(
      "Examples:\n"
      "  adlib collect shop.db --products products.csv --customers customers.jsonl\n"
      "  adlib collect shop.db --events user_behavior.csv --max-errors 100 --rejected bad.jsonl\n"
      "  adlib collect shop.db --copy subject_lines.csv --map mapping.toml\n\n"
      "Each file is kept whole or not at all, and reading it again changes nothing. Prints a JSON object a "
      "file.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_collect(*options, session.console); };
  });
}

}  // namespace adlib::cli
