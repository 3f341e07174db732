#include "copywriter/polish/polish.h"

#include <algorithm>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kCopiesPerCommit = 256;
constexpr int kRounds = 5;  // a fix can show something else to fix

const char* condition(Polish::Which which) {
  return which == Polish::Which::written ? "status = 'written'" : "1";
}

// A name stands as the shop writes it: its marks and spaces are not looked at.
bool is_of_marks(const Finding& finding) {
  return finding.rule.starts_with("typography/") || finding.rule.starts_with("grammar/");
}

}  // namespace

Polish::Polish(const Store& store, const std::filesystem::path& rules,
               std::span<const std::filesystem::path> packs)
    : Polish(store, std::make_shared<RuleSet>(rules, packs)) {}

Polish::Polish(const Store& store, std::shared_ptr<const RuleSet> rules)
    : Polish(store, std::move(rules), read_stored_products(store)) {}

Polish::Polish(const Store& store, std::shared_ptr<const RuleSet> rules,
               std::vector<StoredProduct>&& products)
    : store_(store),
      catalogue_(catalogue_of(store, products)),
      checker_(std::move(rules), catalogue_),
      customers_(store, std::move(products)),
      find_(store.prepare(
          "SELECT p.user, p.product, p.channel, p.language, c.tone, c.text, c.personalised, "
          "c.status, CASE WHEN json_valid(c.request) THEN json_extract(c.request, '$.ending') END "
          "FROM copy c JOIN placement p ON p.id = c.placement WHERE c.id = ?")),
      update_(store.prepare("UPDATE copy SET text = ?, status = ? WHERE id = ?")),
      drop_findings_(store.prepare("DELETE FROM finding WHERE copy = ?")),
      add_finding_(
          store.prepare("INSERT INTO finding(copy, rule, level, first, last, message, basis, rewrite) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")),
      add_decision_(store.prepare("INSERT INTO decision(copy, time, who, action, before, after, note) "
                                  "VALUES (?, ?, 'polish', ?, ?, ?, ?)")) {}

std::int64_t Polish::count(Which which) const {
  return store_.database().integer(concat("SELECT count(*) FROM copy WHERE ", condition(which)));
}

Polish::Summary Polish::run(Which which, const std::function<void(std::int64_t copies)>& done) {
  std::vector<std::int64_t> copies;
  Statement rows = store_.prepare(concat("SELECT id FROM copy WHERE ", condition(which), " ORDER BY id"));
  while (rows.step()) copies.push_back(rows.integer(0));
  Summary summary;
  std::vector<Row> batch;
  std::vector<Mended> results;
  for (std::size_t begin = 0; begin < copies.size(); begin += kCopiesPerCommit) {
    const std::size_t end = std::min(copies.size(), begin + kCopiesPerCommit);
    Transaction transaction(store_.database());
    batch.clear();
    for (std::size_t i = begin; i < end; ++i) batch.push_back(read(copies[i]));
    results.assign(batch.size(), {});
    parallel_for(num_threads(), std::ssize(batch), [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      results[at] = mend(batch[at]);
    });
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Outcome outcome = save(batch[i], results[i]);
      ++summary.copies;
      ++(outcome.blocked ? summary.blocked : summary.ready);
      if (outcome.fixed) ++summary.fixed;
      if (outcome.withdrawn) ++summary.withdrawn;
    }
    transaction.commit();
    done(static_cast<std::int64_t>(end - begin));
  }
  return summary;
}

bool Polish::polish(std::int64_t copy) {
  const Row row = read(copy);
  return !save(row, mend(row)).blocked;
}

std::vector<Finding> Polish::findings(std::int64_t copy) {
  const Row row = read(copy);
  return check(row, row.before);
}

std::vector<Finding> Polish::title_findings(std::string_view title, Language language,
                                            const ChannelField* channel, const Product& product) const {
  Subject subject;
  subject.text = title;
  subject.language = language;
  subject.channel = channel;
  subject.kinds = checker_.kinds().of(product.category + "\n" + product.title);
  std::vector<Finding> findings = checker_.check(subject);
  std::erase_if(findings, is_of_marks);
  return findings;
}

Polish::Row Polish::read(std::int64_t copy) {
  require(find_.with(copy).step(), store_.where(), ": there is no copy ", copy);
  Row row;
  row.copy = copy;
  row.before = find_.text(5);
  row.status = find_.text(7);
  row.tone = find_.text(4);
  row.product = find_.integer(1);
  if (find_.integer(6) != 0 && !find_.is_null(0)) row.customer = customers_.read(find_.integer(0));
  const auto product = customers_.products().find(row.product);
  row.subject.language = parse_language(find_.text(3));
  row.subject.channel = &find_channel(checker_.channels(), find_.text(2));
  row.subject.generated = true;
  if (!find_.is_null(8)) {
    for (const io::Json& ending : io::parse_json(find_.text(8), store_.where()))
      row.endings.push_back(ending);
  }
  row.subject.unpersonalised = !row.customer;
  find_.reset();
  if (product == customers_.products().end()) return row;
  row.subject.product = &product->second;
  const auto [kinds, fresh] = kinds_.try_emplace(row.product);
  if (fresh) kinds->second = checker_.kinds().of(product->second.category + "\n" + product->second.title);
  row.subject.kinds = kinds->second;
  row.doubtful_name = has_doubtful_name(row.product, row.subject);
  return row;
}

// Whether a text with the product's name can break a rule by that alone. The rules are the same for all of
// its copies, and most names are harmless.
bool Polish::has_doubtful_name(std::int64_t product, const Subject& subject) {
  const auto [at, fresh] = doubtful_names_.try_emplace({product, subject.language, subject.channel}, false);
  if (fresh) {
    const std::string names = subject.product->title + "\n" + subject.product->brand;
    const auto found = title_findings(names, subject.language, subject.channel, *subject.product);
    at->second = std::any_of(found.begin(), found.end(), [](const Finding& finding) {
      return finding.level >= Level::error && finding.where.begin < finding.where.end;
    });
  }
  return at->second;
}

std::vector<Finding> Polish::check(const Row& row, std::string_view text) const {
  Subject subject = row.subject;
  subject.text = text;
  subject.tone = row.tone;
  subject.customer = row.customer ? &*row.customer : nullptr;
  std::vector<Finding> findings = checker_.check(subject);
  // What the shop itself puts behind every text is none of the product's: an address, a telephone number.
  std::size_t end = text.size();
  for (const std::string& ending : row.endings) {
    if (const std::size_t at = text.rfind(ending); at != std::string_view::npos) end = std::min(end, at);
  }
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.rule.starts_with("facts/") && finding.where.begin >= end &&
           finding.where.begin < finding.where.end;
  });
  if (!row.doubtful_name) return findings;

  subject.product = nullptr;  // nobody knows a name, so none is let pass
  for (Finding& finding : checker_.check(subject)) {
    const auto same = [&](const Finding& other) {
      return other.rule == finding.rule && other.where == finding.where;
    };
    if (finding.level < Level::error || is_of_marks(finding) ||
        std::any_of(findings.begin(), findings.end(), same))
      continue;
    finding.rule = "names/" + finding.rule;
    finding.level = Level::evidence;  // most copies have a caution, and are approved by the hundred with it
    finding.message = "the product's name itself holds it: " + finding.message;
    finding.fix.reset();
    findings.push_back(std::move(finding));
  }
  return findings;
}

Polish::Mended Polish::mend(const Row& row) const {
  // What went out is kept as it went, and what nobody wants needs no mending.
  const bool mends = row.status != "published" && row.status != "rejected";
  Mended result{row.before, check(row, row.before)};
  for (int round = 0; mends && round < kRounds; ++round) {
    std::string text = fixed(result.text, result.findings);
    if (text == result.text) break;
    result = {text, check(row, text)};
  }
  return result;
}

Polish::Outcome Polish::save(const Row& row, const Mended& mended) {
  const std::int64_t copy = row.copy;
  const std::string &status = row.status, &text = mended.text;
  const bool was_out = status == "approved" || status == "published";
  Outcome outcome;
  drop_findings_.run(copy);
  for (const Finding& finding : mended.findings) {
    // What could be mended does not take back what is out already.
    outcome.blocked =
        outcome.blocked || (finding.level >= Level::error && !(status == "published" && finding.fix));
    add_finding_.run(copy, finding.rule, to_string(finding.level), finding.where.begin, finding.where.end,
                     finding.message, finding.basis, finding.rewrite);
  }
  outcome.fixed = text != row.before;
  outcome.withdrawn = outcome.blocked && was_out;
  if (outcome.fixed) add_decision_.run(copy, now(), "fix", row.before, text, "");
  if (outcome.withdrawn) {
    add_decision_.run(copy, now(), "reject", nullptr, nullptr,
                      "what the rules and the shop's data say now forbids it");
  }
  const bool stays = status == "rejected" || (was_out && !outcome.blocked && !outcome.fixed);
  update_.run(text, stays ? std::string_view(status) : outcome.blocked ? "blocked" : "ready", copy);
  return outcome;
}

}  // namespace adlib::copywriter
