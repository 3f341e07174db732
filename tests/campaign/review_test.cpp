#include <algorithm>
#include <array>
#include <random>
#include <sstream>

#include "campaign/support.h"
#include "copywriter/collect/csv.h"
#include "copywriter/collect/csv_writer.h"
#include "copywriter/collect/input_file.h"
#include "copywriter/polish/polish.h"
#include "copywriter/review/review.h"
#include "copywriter/review/sheet.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;

const Reviewer kEditor{"the editor"};

struct ReviewedShop {
  ReviewedShop() {
    store->database().execute("PRAGMA synchronous = OFF");
  }  // a test may lose its files with the power

  NewStore store;
  std::int64_t run = test::add_run(*store);
  std::int64_t product = test::add_product(*store, "q2");
  int users = 0;

  std::int64_t copy(const std::string& text = "静谷 Q2 降噪耳机，续航30小时。",
                    const std::string& status = "ready", bool guarded = true) {
    const auto user = test::add_user(*store, "c-" + std::to_string(users++));
    return test::add_copy(
        *store,
        {.user = user, .product = product, .run = run, .text = text, .status = status, .guarded = guarded});
  }
  void finding(std::int64_t copy, const std::string& level) {
    store->prepare("INSERT INTO finding VALUES (?, 'law/rule', ?, 0, 3, 'not so', 'a statute', '')")
        .run(copy, level);
  }
  std::string status(std::int64_t copy) {
    Statement find = store->prepare("SELECT status FROM copy WHERE id = ?");
    REQUIRE(find.with(copy).step());
    return std::string(find.text(0));
  }
  std::string text(std::int64_t copy) {
    Statement find = store->prepare("SELECT text FROM copy WHERE id = ?");
    REQUIRE(find.with(copy).step());
    return std::string(find.text(0));
  }
  std::int64_t decisions() { return store->database().integer("SELECT count(*) FROM decision"); }
  // Takes texts with a "!" for breaches, as a rule would.
  CheckCopy check() {
    return [this](std::int64_t copy) {
      const bool blocked = text(copy).find('!') != std::string::npos;
      store->prepare("DELETE FROM finding WHERE copy = ?").run(copy);
      if (blocked) finding(copy, "ban");
      store->prepare("UPDATE copy SET status = ? WHERE id = ?").run(blocked ? "blocked" : "ready", copy);
      return !blocked;
    };
  }
  std::string sheet(const ReviewFilter& filter = {.statuses = {"ready"}}) {
    std::string out;
    export_sheet(*store, filter, [&](std::string_view piece) { out += piece; });
    return out;
  }
  ReviewResult import(const std::string& sheet) {
    std::istringstream in(sheet);
    return import_sheet(*store, in, "sheet.csv", kEditor, check());
  }
};

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const std::string& sheet) {
  std::istringstream in(sheet);
  CsvReader reader(in, "sheet");
  Rows rows;
  for (std::vector<std::string> row; reader.next(row);) rows.push_back(row);
  return rows;
}
// As a spreadsheet program writes what it has read: cells as they are, without a guard of ours.
std::string sheet_of(const Rows& rows, char delimiter = ',', bool mark = true) {
  std::string out = mark ? std::string(kByteOrderMark) : "";
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += delimiter;
      out += '"';
      for (const char c : row[i]) out += c == '"' ? std::string("\"\"") : std::string(1, c);
      out += '"';
    }
    out += "\r\n";
  }
  return out;
}
constexpr std::size_t kText = 7, kDecision = 9, kNewText = 10, kNote = 11;  // columns

TEST_CASE("only what was approved by somebody is approved, and that is written down", "[review]") {
  ReviewedShop shop;
  const auto copy = shop.copy(), other = shop.copy();
  const std::array ids{copy};
  const ReviewResult result = approve(*shop.store, ids, {"the editor", "reads well"});
  CHECK(result.approved == 1);
  CHECK(shop.status(copy) == "approved");
  CHECK(shop.status(other) == "ready");
  Statement row = shop.store->prepare(
      "SELECT copy, who, action, note, before IS NULL, after IS NULL, time FROM decision");
  REQUIRE(row.step());
  CHECK(row.integer(0) == copy);
  CHECK(row.text(1) == "the editor");
  CHECK(row.text(2) == "approve");
  CHECK(row.text(3) == "reads well");
  CHECK(row.integer(4) + row.integer(5) == 2);
  CHECK(row.integer(6) > 1'600'000'000);
  CHECK_FALSE(row.step());
  CHECK(approve(*shop.store, ids, kEditor).unchanged == 1);
  CHECK(shop.decisions() == 1);
}

TEST_CASE("what breaks a law, was written without the guard, or was not checked is never approved",
          "[review]") {
  ReviewedShop shop;
  const auto fine = shop.copy(), banned = shop.copy(), unguarded = shop.copy("静谷 Q2", "ready", false);
  const auto wrong = shop.copy("静谷 Q2", "rejected");
  shop.finding(wrong, "error");
  const auto unchecked = shop.copy("静谷 Q2", "written"), blocked = shop.copy("静谷 Q2", "blocked");
  shop.finding(banned, "ban");
  const auto [copy, says] =
      GENERATE_REF(table<std::int64_t, std::string>({{banned, "level ban: not so [law/rule]"},
                                                     {wrong, "level error: not so [law/rule]"},
                                                     {unguarded, "without the guard"},
                                                     {unchecked, "adlib polish"},
                                                     {blocked, "is blocked"},
                                                     {99, "no copy 99"}}));
  CAPTURE(copy);
  const std::array ids{fine, copy};
  CHECK_THAT(test::error_of([&] { approve(*shop.store, ids, kEditor); }), Catch::Contains(says));
  CHECK(shop.status(fine) == "ready");  // all or nothing
  CHECK(shop.decisions() == 0);
  CHECK(shop.store->database().integer("SELECT count(*) FROM run WHERE stage = 'review'") == 0);
}

TEST_CASE("approving all that is clean leaves out what has findings", "[review]") {
  ReviewedShop shop;
  const auto clean = shop.copy(), style = shop.copy(), caution = shop.copy(), warn = shop.copy(),
             ban = shop.copy();
  const auto unguarded = shop.copy("静谷 Q2", "ready", false), rejected = shop.copy("静谷 Q2", "rejected");
  shop.finding(style, "style");
  shop.finding(caution, "caution");
  shop.finding(warn, "warn");
  shop.finding(ban, "ban");
  ReviewResult result = approve_all_clean(*shop.store, Level::style, kEditor);
  CHECK(result.approved == 2);
  CHECK(result.passed_over == 4);
  CHECK(shop.status(clean) == "approved");
  CHECK(shop.status(style) == "approved");
  CHECK(shop.status(caution) == "ready");
  CHECK(shop.status(rejected) == "rejected");
  result = approve_all_clean(*shop.store, Level::caution, kEditor);
  CHECK(result.approved == 2);
  CHECK(shop.status(ban) == "ready");
  CHECK(shop.status(unguarded) == "ready");
  for (const Level level : {Level::error, Level::ban})
    CHECK_THROWS_AS(approve_all_clean(*shop.store, level, kEditor), Error);
}

TEST_CASE("an edited text is checked again and needs approval again", "[review]") {
  ReviewedShop shop;
  const auto copy = shop.copy();
  const std::array ids{copy};
  approve(*shop.store, ids, kEditor);
  ReviewResult result = edit(*shop.store, copy, "静谷 Q2，\r\n整天安静。", kEditor, shop.check());
  CHECK(result.edited == 1);
  CHECK(result.blocked == 0);
  CHECK(shop.text(copy) == "静谷 Q2，\n整天安静。");
  CHECK(shop.status(copy) == "ready");
  Statement row = shop.store->prepare("SELECT before, after FROM decision WHERE action = 'edit'");
  REQUIRE(row.step());
  CHECK(row.text(0) == "静谷 Q2 降噪耳机，续航30小时。");
  CHECK(row.text(1) == "静谷 Q2，\n整天安静。");
  CHECK(edit(*shop.store, copy, "静谷 Q2，\n整天安静。", kEditor, shop.check()).unchanged == 1);
  result = edit(*shop.store, copy, "最好!", kEditor, shop.check());
  CHECK(result.blocked == 1);
  CHECK(shop.status(copy) == "blocked");
  CHECK_THROWS_AS(approve(*shop.store, ids, kEditor), Error);
  for (const char* text : {"", " \n", "\u200b", "\u3000\u00a0", "a\x01", "a\x1b[31m", "\xff", "a\xc2\x85"})
    CHECK_THROWS_AS(edit(*shop.store, copy, text, kEditor, shop.check()), Error);
  CHECK(shop.text(copy) == "最好!");
}

TEST_CASE("adlib's own rules check an edited text", "[review]") {
  ReviewedShop shop;
  const auto copy = shop.copy();
  Polish polish(*shop.store, test::rules_dir());
  const CheckCopy check = [&](std::int64_t id) { return polish.polish(id); };
  const ReviewResult result = edit(*shop.store, copy, "静谷 Q2，全国第一的降噪耳机。", kEditor, check);
  CHECK(result.blocked == 1);
  CHECK(shop.status(copy) == "blocked");
  CHECK(shop.store->database().integer("SELECT count(*) FROM finding WHERE level = 'ban'") >= 1);
  const std::array ids{copy};
  CHECK_THAT(test::error_of([&] { approve(*shop.store, ids, kEditor); }), Catch::Contains("level ban"));
}

TEST_CASE("to reject and then approve is no way around a rule", "[review]") {
  ReviewedShop shop;
  const auto wrong = shop.copy("静谷 Q2", "blocked"), stale = shop.copy("最好!"), good = shop.copy();
  shop.finding(wrong, "error");
  const std::array ids{wrong, stale, good};
  reject(*shop.store, ids, kEditor);
  const std::array blocked{wrong};
  CHECK_THAT(test::error_of([&] { approve(*shop.store, blocked, kEditor); }), Catch::Contains("level error"));
  // What was clean when it was rejected is held against the rules of now.
  Polish polish(*shop.store, test::rules_dir());
  const CheckCopy check = [&](std::int64_t id) { return polish.polish(id); };
  shop.store->prepare("UPDATE copy SET text = '静谷 Q2，全国第一的降噪耳机。' WHERE id = ?").run(stale);
  const std::array one{stale};
  CHECK_THAT(test::error_of([&] { approve(*shop.store, one, kEditor, check); }),
             Catch::Contains("level ban"));
  Rows rows = rows_of(shop.sheet({.statuses = {"rejected"}}));
  rows[2][kDecision] = "approve";
  std::istringstream in(sheet_of(rows));
  CHECK_THAT(test::error_of([&] { import_sheet(*shop.store, in, "sheet.csv", kEditor, check); }),
             Catch::Contains("level ban"));
  CHECK(shop.status(stale) == "rejected");
  const std::array fine{good};
  shop.store->prepare("UPDATE copy SET text = '静谷 Q2 降噪耳机。' WHERE id = ?").run(good);
  CHECK(approve(*shop.store, fine, kEditor, check).approved == 1);
  CHECK(shop.status(good) == "approved");
}

TEST_CASE("a note is kept with its decision alone, which goes with the person", "[review]") {
  ReviewedShop shop;
  const std::array ids{shop.copy()};
  approve(*shop.store, ids, {"the editor", "she rang us on Monday"});
  CHECK(shop.store->database().integer("SELECT count(*) FROM decision WHERE note LIKE 'she rang%'") == 1);
  CHECK(shop.store->database().integer("SELECT count(*) FROM run WHERE settings LIKE '%rang%'") == 0);
}

TEST_CASE("a sheet that a Chinese spreadsheet program saved as GB18030 is read", "[review][sheet]") {
  ReviewedShop shop;
  const auto copy = shop.copy("Q2");
  Rows rows = rows_of(shop.sheet());
  rows[1][kDecision] = "approve";
  rows[1][kNote] = "(note)";
  std::string sheet = sheet_of(rows, ',', false);
  sheet.replace(sheet.find("(note)"), 6, "\xBA\xC3");  // 好 in GB18030
  const auto file = shop.store.directory() / "sheet.csv";
  test::write_text(file, sheet);
  InputFile input(file, Encoding::automatic);
  CHECK(import_sheet(*shop.store, input.stream(), input.where(), kEditor, shop.check()).approved == 1);
  CHECK(shop.status(copy) == "approved");
  CHECK(shop.store->database().integer("SELECT count(*) FROM decision WHERE note = '好'") == 1);
}

TEST_CASE("a label of several lines, none, and polish's own are refused", "[review]") {
  ReviewedShop shop;
  const std::array ids{shop.copy()};
  for (const char* who : {"", "  ", "a\nb", "polish", "a\x1b[2J"})
    CHECK_THROWS_AS(approve(*shop.store, ids, {who}), Error);
  CHECK(shop.decisions() == 0);
}

TEST_CASE("a sheet goes out and comes back, and the second time changes nothing", "[review][sheet]") {
  ReviewedShop shop;
  const auto yes = shop.copy("静谷 Q2，\n续航30小时，\"安静\"。"), no = shop.copy("=cmd|' /C calc'!A0"),
             edited = shop.copy(), open = shop.copy();
  shop.finding(yes, "caution");
  const std::string exported = shop.sheet();
  CHECK(
      exported.starts_with("\xEF\xBB\xBFid,customer,product,scene,channel,language,arm,text,findings,"
                           "decision,new_text,note,digest\r\n"));
  CHECK(exported == shop.sheet());
  Rows rows = rows_of(exported);
  REQUIRE(rows.size() == 5);
  CHECK(rows[1][kText] == "静谷 Q2，\n续航30小时，\"安静\"。");
  CHECK(rows[1][8] == "caution: not so [law/rule]");
  CHECK(rows[2][kText] == "'=cmd|' /C calc'!A0");
  rows[1][kDecision] = "approve";
  rows[1][kNote] = "'=1+1";
  rows[2][kDecision] = " Reject ";
  rows[3][kDecision] = "修改";
  rows[3][kNewText] = "'-静谷 Q2，安静。";
  const std::string sheet = sheet_of(rows);
  ReviewResult result = shop.import(sheet);
  CHECK(result.approved == 1);
  CHECK(result.rejected == 1);
  CHECK(result.edited == 1);
  CHECK(shop.status(yes) == "approved");
  CHECK(shop.status(no) == "rejected");
  CHECK(shop.status(edited) == "ready");
  CHECK(shop.text(edited) == "-静谷 Q2，安静。");
  CHECK(shop.status(open) == "ready");
  CHECK(shop.store->database().integer("SELECT count(*) FROM decision WHERE note = '=1+1'") == 1);
  const auto decisions = shop.decisions();
  result = shop.import(sheet);
  CHECK(result.approved + result.rejected + result.edited == 0);
  CHECK(result.unchanged == 3);
  CHECK(shop.decisions() == decisions);
  CHECK(shop.store->database().integer("SELECT count(*) FROM run WHERE stage = 'review'") == 1);
}

TEST_CASE("a sheet is overwritten only where the store has all that people wrote into it",
          "[review][sheet]") {
  ReviewedShop shop;
  const auto yes = shop.copy(), no = shop.copy(), edited = shop.copy();
  Rows rows = rows_of(shop.sheet());
  const auto why_not = [&](const std::string& sheet) {
    std::istringstream in(sheet);
    return test::error_of([&] { check_overwrite(*shop.store, in, "sheet.csv"); });
  };
  CHECK(why_not("") == "no error");
  CHECK(why_not(shop.sheet()) == "no error");
  CHECK(why_not(sheet_of(rows, ';')) == "no error");
  CHECK_THAT(why_not("id,name\n1,x\n"), Catch::Contains("no sheet that can be read"));

  SECTION("each cell that people fill in counts") {
    const auto [column, written] = GENERATE(table<std::size_t, const char*>({{kDecision, "approve"},
                                                                             {kDecision, "maybe"},
                                                                             {kDecision, "edit"},
                                                                             {kNewText, "静谷 Q2。"},
                                                                             {kNote, "ask the lawyer"},
                                                                             {kText, "静谷 Q2！"},
                                                                             {0, "77"}}));
    rows[2][column] = written;
    if (column == 0) rows[2][kDecision] = "reject";
    CAPTURE(written);
    CHECK_THAT(why_not(sheet_of(rows)), Catch::Contains("sheet.csv:3: ") && Catch::Contains("1 row holds") &&
                                            Catch::Contains("'adlib review import'") &&
                                            Catch::Contains("--force"));
  }
  SECTION("what was imported does not") {
    rows[1][kDecision] = "approve";
    rows[1][kNote] = "good";
    rows[2][kDecision] = "reject";
    rows[3][kDecision] = "edit";
    rows[3][kNewText] = "静谷 Q2，\n安静。";
    const std::string sheet = sheet_of(rows);
    CHECK_THAT(why_not(sheet), Catch::Contains("3 rows hold"));
    shop.import(sheet);
    CHECK(why_not(sheet) == "no error");
    // Fixed or edited later: the old text in the sheet is nobody's change.
    edit(*shop.store, no, "静谷 Q2，很安静。", kEditor, shop.check());
    Rows old = rows_of(sheet);
    old[2][kDecision].clear();
    CHECK(why_not(sheet_of(old)) == "no error");
    CHECK(shop.status(yes) == "approved");
    CHECK(shop.text(edited) == "静谷 Q2，\n安静。");
  }
}

TEST_CASE("a sheet with semicolons, tabs or without a mark is read, too", "[review][sheet]") {
  ReviewedShop shop;
  const auto copy = shop.copy("一, 二; 三");
  Rows rows = rows_of(shop.sheet());
  rows[1][kDecision] = "通过";
  const auto [delimiter, mark] = GENERATE(table<char, bool>({{',', false}, {';', true}, {'\t', true}}));
  CHECK(shop.import(sheet_of(rows, delimiter, mark)).approved == 1);
  CHECK(shop.status(copy) == "approved");
}

TEST_CASE("a sheet with a mistake changes nothing and names each", "[review][sheet]") {
  ReviewedShop shop;
  const auto good = shop.copy(), bad = shop.copy();
  shop.finding(bad, "ban");
  const Rows exported = rows_of(shop.sheet());
  struct Case {
    std::function<void(Rows&)> change;
    const char* says;
  };
  const auto [change, says] = GENERATE(values<Case>({
      {[](Rows& rows) { rows[2][0] = "77"; }, "there is no copy 77"},
      {[](Rows& rows) { rows[2][0] = "2.0"; }, "expected the number of a copy"},
      {[](Rows& rows) { rows[2] = rows[1]; }, "is in the sheet twice"},
      {[](Rows& rows) { rows[2][kDecision] = "maybe"; }, "expected approve, reject, edit or nothing"},
      {[](Rows& rows) { rows[2][kDecision] = "approve"; }, "level ban"},
      {[](Rows& rows) { rows[2][kDecision] = "edit"; }, "the new text is empty"},
      {[](Rows& rows) { rows[2][kNewText] = "x"; }, "the decision is not 'edit'"},
      {[](Rows& rows) { rows[2][kDecision] = "reject", rows[2][kText] += "x"; },
       "the column text was changed"},
      {[](Rows& rows) { rows[2][kDecision] = "reject", rows[2].back() = "d0"; }, "export it again"},
      {[](Rows& rows) { rows[0][kDecision] = "decisions"; }, "there is no column 'decision'"},
      {[](Rows& rows) { rows[2].pop_back(); }, "the row has 12 cells"},
  }));
  Rows rows = exported;
  rows[1][kDecision] = "approve";
  change(rows);
  CAPTURE(says);
  CHECK_THAT(test::error_of([&] { shop.import(sheet_of(rows)); }), Catch::Contains(says));
  CHECK(shop.status(good) == "ready");
  CHECK(shop.decisions() == 0);
}

TEST_CASE("a text or decision that changed since the export is told", "[review][sheet]") {
  ReviewedShop shop;
  const auto copy = shop.copy();
  Rows rows = rows_of(shop.sheet());
  rows[1][kDecision] = "approve";
  const std::array ids{copy};
  SECTION("edited") { edit(*shop.store, copy, "静谷 Q2。", kEditor, shop.check()); }
  SECTION("approved by this sheet, and rejected since") {
    shop.import(sheet_of(rows));
    reject(*shop.store, ids, {"the lawyer"});
  }
  SECTION("rejected") { reject(*shop.store, ids, {"the lawyer"}); }
  const auto before = shop.decisions();
  CHECK_THAT(test::error_of([&] { shop.import(sheet_of(rows)); }),
             Catch::Contains("since this sheet was exported"));
  CHECK(shop.decisions() == before);
}

TEST_CASE("no cell of a sheet is a formula, and every text comes back as it was", "[review][sheet]") {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"=",
                                           "+",
                                           "-",
                                           "@",
                                           "\t",
                                           "\r",
                                           "\n",
                                           "'",
                                           "\"",
                                           ",",
                                           ";",
                                           " ",
                                           "cmd|' /C calc'!A0",
                                           "＝",
                                           "＠",
                                           "茶",
                                           "a",
                                           "1",
                                           "<b>",
                                           "\r\n",
                                           "HYPERLINK(\"http://x.example\")"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (unsigned n = random() % 5; n-- > 0;) text += pieces[random() % pieces.size()];
    const std::string safe = formula_safe(text);
    REQUIRE(formula_restored(safe) == text);
    const std::array row{text, std::string("end")};
    const std::string line = csv_row(row);
    std::istringstream in(line);
    CsvReader reader(in, "row");
    std::vector<std::string> cells;
    REQUIRE(reader.next(cells));
    REQUIRE(cells.size() == 2);
    REQUIRE(cells[0] == safe);
    // What a spreadsheet looks at: the first character behind spaces.
    const std::size_t first = cells[0].find_first_not_of(' ');
    if (first != std::string::npos)
      REQUIRE(std::string("=+-@\t\r\n").find(cells[0][first]) == std::string::npos);
    REQUIRE_FALSE(reader.next(cells));
  }
}

TEST_CASE("a user's texts cannot act in a sheet", "[review][sheet]") {
  ReviewedShop shop;
  const std::vector<std::string> hostile = {"=HYPERLINK(\"http://x.example\",\"a\")",
                                            "+1",
                                            "-2+3",
                                            "@SUM(A1)",
                                            "'=1",
                                            "''@x",
                                            "a\",\"approve\",\"",
                                            "a\r\n1,c,q2,,,,,,approve,,,",
                                            "\t=1"};
  std::vector<std::int64_t> copies;
  for (const std::string& text : hostile) copies.push_back(shop.copy(text));
  Rows rows = rows_of(shop.sheet());
  REQUIRE(rows.size() == hostile.size() + 1);
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    CHECK(formula_restored(rows[i + 1][kText]) == hostile[i]);
    CHECK(rows[i + 1][kDecision].empty());
    rows[i + 1][kDecision] = "approve";
  }
  CHECK(shop.import(sheet_of(rows)).approved == static_cast<std::int64_t>(hostile.size()));
  for (std::size_t i = 0; i < hostile.size(); ++i) CHECK(shop.text(copies[i]) == hostile[i]);
}

}  // namespace
