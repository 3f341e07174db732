#include "copywriter/audit/audit.h"

#include <array>
#include <string>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

OrderedJson text_or_null(const Statement& row, int column) {
  return row.is_null(column) ? OrderedJson() : OrderedJson(std::string(row.text(column)));
}
OrderedJson integer_or_null(const Statement& row, int column) {
  return row.is_null(column) ? OrderedJson() : OrderedJson(row.integer(column));
}
OrderedJson parsed(const Statement& row, int column, const std::string& where) {
  return OrderedJson(io::parse_json(row.text(column), where));
}

}  // namespace

Audit::Audit(const Store& store)
    : store_(store),
      copy_(store.prepare(
          "SELECT u.shop_id, p.shop_id, l.scene, l.channel, l.language, c.arm, c.status, c.text, "
          "c.written, c.prompt, c.request, c.seed, c.guarded, c.personalised, r.id, r.started, "
          "r.version, r.settings FROM copy c JOIN placement l ON l.id = c.placement "
          "JOIN product p ON p.id = l.product JOIN run r ON r.id = c.run "
          "LEFT JOIN user u ON u.id = l.user WHERE c.id = ?")),
      findings_(store.prepare(
          "SELECT rule, level, first, last, message, basis, rewrite FROM finding WHERE copy = ? "
          "ORDER BY first, rule")),
      decisions_(store.prepare(
          "SELECT time, who, action, before, after, note FROM decision WHERE copy = ? ORDER BY id")),
      publications_(
          store.prepare("SELECT target, destination, idempotency_key, status, attempts, answer, time "
                        "FROM publication WHERE copy = ? ORDER BY id")),
      assignment_(store.prepare("SELECT a.policy, a.propensity, a.context, a.time, a.copy FROM assignment a "
                                "JOIN copy c ON c.placement = a.placement WHERE c.id = ?")) {}

std::vector<std::int64_t> Audit::copies(bool published_only) const {
  std::vector<std::int64_t> ids;
  Statement rows = store_.prepare(
      published_only ? "SELECT DISTINCT copy FROM publication WHERE status = 'sent' ORDER BY copy"
                     : "SELECT id FROM copy ORDER BY id");
  while (rows.step()) ids.push_back(rows.integer(0));
  return ids;
}

OrderedJson Audit::record(std::int64_t copy) {
  const std::string where = concat(store_.where(), ": copy ", copy);
  if (!copy_.with(copy).step())
    fail(ErrorCode::invalid_argument, store_.where(), ": there is no copy ", copy);
  OrderedJson record{{"copy", copy},
                     {"customer", text_or_null(copy_, 0)},
                     {"product", copy_.text(1)},
                     {"scene", copy_.text(2)},
                     {"channel", copy_.text(3)},
                     {"language", copy_.text(4)},
                     {"arm", copy_.text(5)},
                     {"status", copy_.text(6)},
                     {"text", copy_.text(7)},
                     {"written", copy_.text(8)},
                     {"prompt", copy_.text(9)},
                     {"request", parsed(copy_, 10, where)},
                     {"seed", copy_.integer(11)},
                     {"guarded", copy_.integer(12) != 0},
                     {"personalised", copy_.integer(13) != 0}};
  OrderedJson write{{"run", copy_.integer(14)}, {"time", copy_.integer(15)}, {"adlib", copy_.text(16)}};
  write.update(parsed(copy_, 17, where));
  record["write"] = std::move(write);
  copy_.reset();

  record["assignment"] = OrderedJson();
  if (assignment_.with(copy).step()) {
    record["assignment"] = {{"policy", assignment_.text(0)},
                            {"propensity", assignment_.real(1)},
                            {"context", parsed(assignment_, 2, where)},
                            {"time", assignment_.integer(3)},
                            {"copy", integer_or_null(assignment_, 4)}};
    assignment_.reset();
  }
  OrderedJson findings = OrderedJson::array(), decisions = findings, publications = findings;
  findings_.with(copy);
  while (findings_.step()) {
    findings.push_back({{"rule", findings_.text(0)},
                        {"level", findings_.text(1)},
                        {"begin", findings_.integer(2)},
                        {"end", findings_.integer(3)},
                        {"message", findings_.text(4)},
                        {"basis", findings_.text(5)},
                        {"rewrite", findings_.text(6)}});
  }
  decisions_.with(copy);
  while (decisions_.step()) {
    decisions.push_back({{"time", decisions_.integer(0)},
                         {"who", decisions_.text(1)},
                         {"action", decisions_.text(2)},
                         {"before", text_or_null(decisions_, 3)},
                         {"after", text_or_null(decisions_, 4)},
                         {"note", decisions_.text(5)}});
  }
  publications_.with(copy);
  while (publications_.step()) {
    publications.push_back({{"target", publications_.text(0)},
                            {"destination", publications_.text(1)},
                            {"idempotency_key", publications_.text(2)},
                            {"status", publications_.text(3)},
                            {"attempts", publications_.integer(4)},
                            {"answer", publications_.text(5)},
                            {"time", publications_.integer(6)}});
  }
  record["findings"] = std::move(findings);
  record["decisions"] = std::move(decisions);
  record["publications"] = std::move(publications);
  return record;
}

}  // namespace adlib::copywriter
