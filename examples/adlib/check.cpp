// adlib check: texts held against law, language, facts and the channel.
#include <algorithm>
#include <array>
#include <istream>
#include <iterator>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "adlib/core/error.h"
#include "app.h"
#include "copywriter/collect/read.h"
#include "copywriter/collect/sniff.h"
#include "copywriter/collect/text.h"
#include "copywriter/polish/check.h"
#include "copywriter/polish/report.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

constexpr const char* kByteOrderMark = "\xEF\xBB\xBF";
constexpr int kMostFixRounds = 8;  // fixes make room for others; that many never were needed

struct Options {
  std::vector<std::string> files;
  std::string language, channel, tone, product, products, customers, currency;
  std::vector<std::string> kinds, packs, without;
  std::string field = "text", format = "text", level = "style", fail_on = "error", rules, output;
  bool lines = false, generated = false, fix = false;
  bool list_rules = false, list_channels = false, test_rules = false;
};

// One text of the input, and what its record says about it.
struct Text {
  cw::TextSource source;
  std::string text;
  std::string language, channel, tone, product, customer;
  bool generated = false, unpersonalised = false;
};

template <class Record>
class ById {
 public:
  ById(const std::vector<Record>& records, std::string file, const char* what)
      : file_(std::move(file)), what_(what) {
    for (const Record& record : records) records_.emplace(record.id, &record);
  }
  const Record* find(const std::string& id, const cw::TextSource& source) const {
    if (id.empty() || file_.empty()) return nullptr;
    const auto found = records_.find(id);
    if (found == records_.end())
      fail(ErrorCode::bad_format, source.file, ":", source.line, ": ", what_, " '", id, "' is not in ",
           file_);
    return found->second;
  }

 private:
  std::string file_;
  const char* what_;
  std::unordered_map<std::string, const Record*> records_;
};

bool writes_stdin(const Options& options) {
  return options.fix && std::find(options.files.begin(), options.files.end(), "-") != options.files.end();
}

cw::Checker make_checker(const Options& options, std::span<const cw::Product> catalogue) {
  const std::vector<std::filesystem::path> packs(options.packs.begin(), options.packs.end());
  return cw::Checker(rules_folder(options.rules), packs, catalogue);
}

// Checks texts, one after the other, and reports what it finds.
class Run {
 public:
  Run(const Options& options, const Console& console)
      : options_(options),
        console_(console),
        level_(cw::parse_level(options.level)),
        fail_on_(options.fail_on == "never" ? std::nullopt : std::optional(cw::parse_level(options.fail_on))),
        products_(read<cw::Product>(options.products, cw::read_products)),
        customers_(read<cw::Customer>(options.customers, cw::read_customers)),
        products_by_id_(products_, options.products, "product"),
        customers_by_id_(customers_, options.customers, "customer"),
        checker_(make_checker(options, products_)),
        output_(writes_stdin(options) ? std::string() : options.output),  // which then holds the mended text
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
  const cw::Checker& checker() const { return checker_; }

  /// The text, with --fix mended.
  std::string take(const Text& text) {
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
      if (writes_stdin(options_)) {
        console_.note(changes);
      } else if (options_.format == "text") {
        output_.write(changes);
      }
    }
    report(text, now, findings);
    return now;
  }
  int finish() {
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

 private:
  template <class Record>
  std::vector<Record> read(const std::string& file,
                           std::vector<Record> (*from_file)(const std::filesystem::path&,
                                                            const cw::ReadOptions&)) const {
    return file.empty() ? std::vector<Record>{} : from_file(file, {.currency = options_.currency});
  }
  // A field of channels.toml, or one of the channels that `adlib write` knows.
  void set_channel(const std::string& name, const cw::ChannelField*& field, std::string& family) const {
    const auto& all = checker_.channels();
    const bool is_family =
        std::any_of(all.begin(), all.end(), [&](const cw::ChannelField& one) { return one.family == name; });
    if (is_family) family = name;
    const bool is_field =
        std::any_of(all.begin(), all.end(), [&](const cw::ChannelField& one) { return one.id == name; });
    if (is_field || !is_family) field = &cw::find_channel(all, name);
  }
  // By its id, else the product with the longest title that stands in the text.
  const cw::Product* product_of(const Text& text) const {
    const std::string& id = options_.product.empty() ? text.product : options_.product;
    if (!id.empty()) return products_by_id_.find(id, text.source);
    const cw::Product* best = nullptr;
    for (const cw::Product& product : products_) {
      const bool longer = !best || product.title.size() > best->title.size();
      if (longer && text.text.find(product.title) != std::string::npos) best = &product;
    }
    return best;
  }
  std::vector<cw::Finding> check(const Text& text, std::string_view now, const cw::Product* product) const {
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
  void report(const Text& text, std::string_view now, const std::vector<cw::Finding>& findings) {
    ++texts_;
    findings_ += std::ssize(findings);
    for (const cw::Finding& finding : findings) {
      ++counts_[static_cast<std::size_t>(finding.level)];
      failed_ = failed_ || (fail_on_ && finding.level >= *fail_on_);
      if (options_.format == "text") {
        const std::string shown = cw::to_text(finding, now, text.source);
        if (writes_stdin(options_)) {
          console_.note(shown);
        } else {
          output_.write(shown);
        }
      }
    }
    if (options_.format == "json") output_.write(cw::to_line(cw::to_json(findings, now, text.source)));
    if (options_.format == "sarif") sarif_.add(findings, now, text.source);
  }

  const Options& options_;
  const Console& console_;
  cw::Level level_;
  std::optional<cw::Level> fail_on_;
  std::vector<cw::Product> products_;
  std::vector<cw::Customer> customers_;
  ById<cw::Product> products_by_id_;
  ById<cw::Customer> customers_by_id_;
  cw::Checker checker_;
  Output output_;
  cw::SarifLog sarif_;
  const cw::ChannelField* field_ = nullptr;
  std::string family_;
  std::int64_t texts_ = 0, findings_ = 0, fixed_ = 0, unnamed_ = 0;
  std::array<std::int64_t, 5> counts_{};
  bool failed_ = false;
};

std::string text_field(const io::JsonFields& record, const char* name) {
  if (!record.has(name)) return "";
  const io::Json& value = record.at(name);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Behind the string of JSON that begins at a quotation mark.
std::size_t behind_string(const std::string& json, std::size_t at) {
  for (++at; json[at] != '"'; ++at) at += json[at] == '\\' ? 1 : 0;
  return at + 1;
}

// A record with another text in one field. All else keeps its bytes: numbers, escapes, order. `line` has been
// parsed.
std::string with_field(const std::string& line, const std::string& field, const std::string& text) {
  int depth = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    depth += line[at] == '{' || line[at] == '[' ? 1 : line[at] == '}' || line[at] == ']' ? -1 : 0;
    if (line[at] != '"') continue;
    const std::size_t end = behind_string(line, at), colon = line.find_first_not_of(" \t", end);
    if (depth == 1 && line[colon] == ':' && io::Json::parse(line.substr(at, end - at)) == field) {
      const std::size_t value = line.find('"', colon);
      return line.substr(0, value) + io::Json(text).dump() + line.substr(behind_string(line, value));
    }
    at = end - 1;
  }
  return line;
}

// Takes every text of a file and gives the file with what take() made of them.
std::string check_file(std::istream& in, const std::string& where, const Options& options, Run& run) {
  cw::SniffBuffer buffer(in);
  std::istream all(&buffer);
  const bool records = cw::looks_like_json_lines(buffer.head(), where);
  std::string mended;
  if (!records && !options.lines) {
    const std::string text{std::istreambuf_iterator<char>(all), {}};
    if (!cw::is_utf8(text)) fail(ErrorCode::bad_format, where, ": is not UTF-8; save the file as UTF-8");
    // The last line's end belongs to the file.
    const std::size_t end = text.find_last_not_of("\r\n");
    const std::size_t length = end == std::string::npos ? 0 : end + 1;
    return run.take({{where, 1, false}, text.substr(0, length), "", "", "", "", "", false, false}) +
           text.substr(length);
  }
  std::string line;
  for (std::int64_t number = 1; std::getline(all, line); ++number) {
    const std::string place = where + ":" + std::to_string(number);
    if (!cw::is_utf8(line)) fail(ErrorCode::bad_format, place, ": is not UTF-8; save the file as UTF-8");
    const bool carriage = line.ends_with('\r');
    if (carriage) line.pop_back();
    const std::string end = (carriage ? "\r" : "") + std::string(all.eof() ? "" : "\n");
    if (cw::trim(line).empty()) {
      mended += line + end;
      continue;
    }
    if (!records) {
      mended += run.take({{where, number, false}, line, "", "", "", "", "", false, false}) + end;
      continue;
    }
    const io::Json object = io::parse_json(line, place);
    const io::JsonFields record(object, place);
    Text text{{where, number, true}, record.string(options.field.c_str()), "", "", "", "", "", false, false};
    text.language = text_field(record, "language");
    text.channel = text_field(record, "channel");
    text.tone = text_field(record, "tone");
    text.product = text_field(record, "product");
    text.customer = text_field(record, "customer");
    text.generated = record.has("model");
    text.unpersonalised = text_field(record, "personalised") == "false";
    const std::string now = run.take(text);
    if (now == text.text) {
      mended += line + end;
    } else {
      mended += with_field(line, options.field, now) + end;
    }
  }
  return mended;
}

int list_rules(const cw::Checker& checker, const std::string& path) {
  Output output(path);
  for (const cw::RulePack& pack : checker.packs()) {
    output.write(pack.id + " (" + pack.title + ", " + pack.version + ")\n");
    for (const cw::Rule& rule : pack.rules) {
      output.write(std::string("  ") + rule.id + "  " + cw::to_string(rule.level) + "  " + rule.message +
                   (rule.basis.empty() ? "" : "  " + rule.basis) + "\n");
    }
  }
  output.commit();
  return 0;
}

int list_channels(const cw::Checker& checker, const std::string& path) {
  Output output(path);
  for (const cw::ChannelField& channel : checker.channels()) {
    output.write(channel.id + "  " + channel.family + "  " + channel.title);
    if (channel.limit > 0)
      output.write("  " + std::to_string(channel.limit) + " " + cw::to_string(channel.unit));
    output.write("  " + channel.source + "\n");
  }
  output.commit();
  return 0;
}

int test_rules(const cw::Checker& checker, const std::string& path, const Console& console) {
  Output output(path);
  std::size_t examples = 0, failed = 0;
  for (const cw::RulePack& pack : checker.packs()) {
    for (const cw::Rule& rule : pack.rules) examples += rule.bad.size() + rule.good.size();
    for (const std::string& line : pack.failed_examples()) {
      output.write(line + "\n");
      ++failed;
    }
  }
  output.commit();
  console.note(std::to_string(examples) + " examples, " + std::to_string(failed) + " misjudged");
  return failed > 0 ? 1 : 0;
}

int run_check(const Options& options, const Console& console) {
  if (options.list_rules || options.list_channels || options.test_rules) {
    const cw::Checker checker = make_checker(options, {});
    if (options.list_rules) return list_rules(checker, options.output);
    if (options.list_channels) return list_channels(checker, options.output);
    return test_rules(checker, options.output, console);
  }
  if (options.files.empty()) throw UsageError("name the files to check; '-' is stdin");
  if (!options.product.empty() && options.products.empty())
    throw UsageError("--product needs --products FILE, in which it is looked up");
  if (!options.customers.empty() && options.products.empty())
    throw UsageError(
        "--customers needs --products FILE: what is told of a customer is checked with the facts");
  if (!options.currency.empty() && !cw::is_currency(options.currency))
    throw UsageError("--currency is '" + options.currency + "', expected an ISO 4217 code such as CNY");
  const bool from_stdin = std::find(options.files.begin(), options.files.end(), "-") != options.files.end();
  if (from_stdin && options.fix && (options.files.size() > 1 || options.format != "text"))
    throw UsageError("--fix writes what came from stdin to stdout: give '-' alone, and no other --format");
  if (options.fail_on != "never" && cw::parse_level(options.level) > cw::parse_level(options.fail_on))
    throw UsageError("--level " + options.level + " hides what --fail-on " + options.fail_on +
                     " fails for; give --level at most that level, or --fail-on never");
  Run run(options, console);
  // No file is changed before all of them have been read and checked.
  std::vector<std::pair<std::string, std::string>> changed;
  for (const std::string& file : options.files) {
    with_input(file, [&](std::istream& in, const std::string& where) {
      std::string mended = check_file(in, where, options, run);
      if (!options.fix) return;
      if (file == "-") {
        Output output(options.output);
        output.write(mended);
        output.commit();
        return;
      }
      const std::string before = io::read_file(file);
      if (before.starts_with(kByteOrderMark)) mended.insert(0, kByteOrderMark);  // reading leaves it out
      if (mended != before) changed.emplace_back(file, std::move(mended));
    });
  }
  for (const auto& [file, mended] : changed) io::write_file(file, mended);
  return run.finish();
}

}  // namespace

void add_check(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("check", "Check any text against law, language, facts and the channel's limits");
  command
      ->add_option("FILE", options->files, "Texts, or JSON Lines as `adlib write` makes them; '-' is stdin")
      ->type_name("FILE");
  const std::string input = "Input";
  command->add_option("--field", options->field, "Of JSON Lines, the field that holds the text")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(input);
  command->add_flag("--lines", options->lines, "Every line of a file is a text of its own")->group(input);
  command
      ->add_option("--language", options->language,
                   "Of the texts; default: the record's, or told from the text")
      ->check(CLI::IsMember({"zh", "en"}))
      ->group(input);
  command
      ->add_option("--channel", options->channel,
                   "Where the texts are shown, with its limits and rules; --list-channels shows them")
      ->type_name("ID")
      ->group(input);
  command->add_option("--tone", options->tone, "How they are meant to sound; default: the record's")
      ->check(CLI::IsMember({"plain", "warm", "playful", "elegant", "energetic", "expert"}))
      ->group(input);
  command
      ->add_option(
          "--kind", options->kinds,
          "What kind of product they are about, such as food; several are separated by commas; default: "
          "told from the product or the text")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->type_name("ID")
      ->group(input);
  command
      ->add_flag("--generated", options->generated,
                 "A model wrote them; records that name a model say so themselves")
      ->group(input);
  const std::string facts = "Facts";
  command
      ->add_option(
          "--products", options->products,
          "The shop's products, in any format that `adlib write` reads: texts must keep to their facts")
      ->type_name("FILE")
      ->group(facts);
  command
      ->add_option("--product", options->product,
                   "The id of the product that all texts are about; default: the record's")
      ->type_name("ID")
      ->group(facts);
  command
      ->add_option("--customers", options->customers,
                   "The customers that records name: what they looked at and bought may be told")
      ->type_name("FILE")
      ->group(facts);
  command
      ->add_option("--currency", options->currency, "Currency of prices whose source names none, such as EUR")
      ->type_name("CODE")
      ->group(facts);
  const std::string rules = "Rules";
  command->add_option("--rules", options->rules, "The folder of rules; default: adlib's own")
      ->type_name("DIR")
      ->group(rules);
  command
      ->add_option("--pack", options->packs,
                   "A file or folder of further rules, such as a brand's house words")
      ->expected(1)
      ->take_all()
      ->type_name("PATH")
      ->group(rules);
  command->add_flag("--list-channels", options->list_channels, "List the channels with their limits, and end")
      ->group(rules);
  command
      ->add_option("--without", options->without,
                   "Leave out the findings of these packs, such as uk-cap; several are separated by commas; "
                   "--list-rules names them")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->type_name("ID")
      ->group(rules);
  command->add_flag("--list-rules", options->list_rules, "List the rules with their statutes, and end")
      ->group(rules);
  command->add_flag("--test-rules", options->test_rules, "Try every rule on its own examples, and end")
      ->group(rules);
  const std::string output = "Output";
  command
      ->add_option("--format", options->format, "text for people, a JSON object a text, or a SARIF 2.1.0 log")
      ->check(CLI::IsMember({"text", "json", "sarif"}))
      ->capture_default_str()
      ->group(output);
  command->add_option("--level", options->level, "Leave out what is milder")
      ->check(CLI::IsMember({"style", "caution", "evidence", "error", "ban"}))
      ->capture_default_str()
      ->group(output);
  command->add_option("--fail-on", options->fail_on, "The mildest level that makes the exit status 1")
      ->check(CLI::IsMember({"style", "caution", "evidence", "error", "ban", "never"}))
      ->capture_default_str()
      ->group(output);
  command
      ->add_flag("--fix", options->fix,
                 "Mend what can be mended, in the files themselves, and show each change as a diff")
      ->group(output);
  command
      ->add_option("-o,--output", options->output,
                   "Write to a file, which appears when all is done; default stdout")
      ->type_name("FILE")
      ->group(output);
  command->footer(
      "Examples:\n"
      "  adlib check copy.txt\n"
      "  adlib check copies.jsonl --products products.csv --format sarif --output findings.sarif\n"
      "  adlib check - --lines --fix < lines.txt > mended.txt\n\n"
      "Levels, from the worst: ban (not allowed), error (wrong: language, facts, length), evidence (only "
      "with proof),\n"
      "caution (allowed on a condition), style. Exit status: 0 nothing at or above --fail-on, 1 something, 2 "
      "wrong\n"
      "use.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_check(*options, session.console); };
  });
}

}  // namespace adlib::cli
