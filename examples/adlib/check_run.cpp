#include "check_run.h"

#include <algorithm>
#include <filesystem>

#include "adlib/core/error.h"
#include "copywriter/collect/read.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

constexpr int kMostFixRounds = 8;  // fixes make room for others; that many never were needed

template <class Record>
std::vector<Record> read(const std::string& file, const CheckOptions& options,
                         std::vector<Record> (*from_file)(const std::filesystem::path&,
                                                          const cw::ReadOptions&)) {
  return file.empty() ? std::vector<Record>{} : from_file(file, {.currency = options.currency});
}

}  // namespace

bool CheckOptions::mends_stdin() const {
  return fix && std::find(files.begin(), files.end(), "-") != files.end();
}

cw::Checker make_checker(const CheckOptions& options, std::span<const cw::Product> catalogue) {
  const std::vector<std::filesystem::path> packs(options.packs.begin(), options.packs.end());
  return cw::Checker(rules_folder(options.rules), packs, catalogue);
}

CheckRun::CheckRun(const CheckOptions& options, const Console& console)
    : options_(options),
      console_(console),
      level_(cw::parse_level(options.level)),
      fail_on_(options.fail_on == "never" ? std::nullopt : std::optional(cw::parse_level(options.fail_on))),
      products_(read<cw::Product>(options.products, options, cw::read_products)),
      customers_(read<cw::Customer>(options.customers, options, cw::read_customers)),
      products_by_id_(products_, options.products, "product"),
      customers_by_id_(customers_, options.customers, "customer"),
      checker_(make_checker(options, products_)),
      output_(options.mends_stdin() ? std::string() : options.output),  // which then holds the mended text
      sarif_(version) {
  try {
    if (!options.channel.empty()) set_channel(options.channel, field_, family_);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  for (const std::string& kind : options.kinds) {
    const std::vector<std::string> known = checker_.kinds().names();
    if (std::find(known.begin(), known.end(), kind) != known.end()) continue;
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    throw UsageError("--kind '" + kind + "' is unknown, expected one of " + names);
  }
}

std::string CheckRun::take(const CheckText& text) {
  std::string now = text.text;
  const cw::Product* product = product_of(text);
  unnamed_ += !products_.empty() && !product ? 1 : 0;
  std::vector<cw::Finding> findings = check(text, now, product);
  for (int round = 0; options_.fix && round < kMostFixRounds; ++round) {
    const std::string next = cw::fixed(now, findings);
    if (next == now) break;
    now = next;
    findings = check(text, now, product);
  }
  if (options_.fix) {
    const std::string changes = cw::diff(text.text, now, text.source);
    fixed_ += changes.empty() ? 0 : 1;
    // The fixed text itself goes to stdout where the input came from stdin.
    if (options_.mends_stdin()) {
      console_.note(changes);
    } else if (options_.format == "text") {
      output_.write(changes);
    }
  }
  report(text, now, findings);
  return now;
}

int CheckRun::finish() {
  if (options_.format == "sarif") output_.write(sarif_.document(checker_.packs()).dump(2) + "\n");
  output_.commit();
  std::string levels;
  for (std::size_t i = counts_.size(); i-- > 0;) {
    if (counts_[i] == 0) continue;
    levels += (levels.empty() ? ": " : ", ") + std::to_string(counts_[i]) + " " +
              cw::to_string(static_cast<cw::Level>(i));
  }
  std::string summary = counted(texts_, "text") + ", " + counted(findings_, "finding") + levels;
  if (options_.fix) summary += "; " + counted(fixed_, "text") + " mended";
  console_.note(summary);
  if (unnamed_ > 0) {
    console_.warn(counted(unnamed_, "text") + " without a product of " + options_.products +
                  ", by id or title: facts were not checked; name it with --product");
  }
  return failed_ ? 1 : 0;
}

// A field of channels.toml, or one of the channels that `adlib write` knows.
void CheckRun::set_channel(const std::string& name, const cw::ChannelField*& field,
                           std::string& family) const {
  const auto& all = checker_.channels();
  const bool is_family =
      std::any_of(all.begin(), all.end(), [&](const cw::ChannelField& one) { return one.family == name; });
  if (is_family) family = name;
  const bool is_field =
      std::any_of(all.begin(), all.end(), [&](const cw::ChannelField& one) { return one.id == name; });
  if (is_field || !is_family) field = &cw::find_channel(all, name);
}

// By its id, else the product with the longest title that stands in the text.
const cw::Product* CheckRun::product_of(const CheckText& text) const {
  const std::string& id = options_.product.empty() ? text.product : options_.product;
  if (!id.empty()) return products_by_id_.find(id, text.source);
  const cw::Product* best = nullptr;
  for (const cw::Product& product : products_) {
    const bool longer = !best || product.title.size() > best->title.size();
    if (longer && text.text.find(product.title) != std::string::npos) best = &product;
  }
  return best;
}

std::vector<cw::Finding> CheckRun::check(const CheckText& text, std::string_view now,
                                         const cw::Product* product) const {
  cw::Subject subject;
  subject.text = now;
  const std::string& language = options_.language.empty() ? text.language : options_.language;
  subject.language = language.empty() ? cw::language_of(now) : cw::parse_language(language);
  subject.kinds = options_.kinds;
  subject.channel = field_;
  subject.channel_family = family_;
  if (options_.channel.empty() && !text.channel.empty()) {
    try {
      set_channel(text.channel, subject.channel, subject.channel_family);
    } catch (const Error& error) {
      fail(ErrorCode::bad_format, text.source.file, ":", text.source.line, ": ", error.what());
    }
  }
  subject.tone = options_.tone.empty() ? text.tone : options_.tone;
  subject.generated = options_.generated || text.generated;
  subject.product = product;
  subject.customer = customers_by_id_.find(text.customer, text.source);
  subject.unpersonalised = text.unpersonalised || (subject.customer && !subject.customer->personalised);
  std::vector<cw::Finding> findings = checker_.check(subject);
  std::erase_if(findings, [&](const cw::Finding& finding) {
    const std::string pack = finding.rule.substr(0, finding.rule.find('/'));
    return finding.level < level_ ||
           std::find(options_.without.begin(), options_.without.end(), pack) != options_.without.end();
  });
  return findings;
}

void CheckRun::report(const CheckText& text, std::string_view now, const std::vector<cw::Finding>& findings) {
  ++texts_;
  findings_ += std::ssize(findings);
  for (const cw::Finding& finding : findings) {
    ++counts_[static_cast<std::size_t>(finding.level)];
    failed_ = failed_ || (fail_on_ && finding.level >= *fail_on_);
  }
  if (options_.format == "text" && !findings.empty()) {
    const std::string shown = cw::to_text(findings, now, text.source);
    if (options_.mends_stdin()) {
      console_.note(shown);
    } else {
      output_.write(shown);
    }
  }
  if (options_.format == "json") output_.write(cw::to_line(cw::to_json(findings, now, text.source)));
  if (options_.format == "sarif") sarif_.add(findings, now, text.source);
}

}  // namespace adlib::cli
