// adlib check: texts held against law, language, facts and the channel.
#include <algorithm>
#include <istream>
#include <iterator>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "app.h"
#include "check_run.h"
#include "copywriter/collect/sniff.h"
#include "copywriter/shop/text.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

constexpr const char* kByteOrderMark = "\xEF\xBB\xBF";

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
std::string check_file(std::istream& in, const std::string& where, const CheckOptions& options,
                       CheckRun& run) {
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
    CheckText text{
        {where, number, true}, record.string(options.field.c_str()), "", "", "", "", "", false, false};
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

int run_check(const CheckOptions& options, const Console& console) {
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
  CheckRun run(options, console);
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
  auto options = std::make_shared<CheckOptions>();
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
