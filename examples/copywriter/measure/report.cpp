#include "copywriter/measure/report.h"

#include <array>
#include <filesystem>

#include "adlib/core/error.h"
#include "copywriter/measure/report_page.h"
#include "copywriter/measure/results.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

// What is read while it lives is of one moment, whatever other processes write.
class Snapshot {
 public:
  explicit Snapshot(const Database& database) : database_(database) { database_.execute("BEGIN"); }
  ~Snapshot() {
    try {
      database_.execute("ROLLBACK");  // nothing was written
    } catch (const Error&) {          // SQLite ended it already, which is why we are here
    }
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  const Database& database_;
};

std::string tile(const std::string& name, const std::string& value, const std::string& small = {}) {
  return concat("<div><dt>", escaped(name), "</dt><dd>", escaped(value),
                small.empty() ? "" : concat("<small>", escaped(small), "</small>"), "</dd></div>\n");
}

std::string tiles(const Page& page, const Results& results) {
  const auto count = [&](std::string_view sql) { return grouped(page.count(sql)); };
  std::string out = "<dl class=\"tiles\">\n";
  out += tile(page.say("Customers", "客户"), count("SELECT count(*) FROM user"));
  out += tile(page.say("Products", "商品"), count("SELECT count(*) FROM product WHERE listed = 1"));
  out += tile(page.say("Copies written", "生成文案"), count("SELECT count(*) FROM copy"),
              page.say(count("SELECT count(*) FROM copy WHERE status = 'blocked'") + " blocked",
                       "拦下 " + count("SELECT count(*) FROM copy WHERE status = 'blocked'")));
  out += tile(page.say("Sent", "已发布"), count("SELECT count(*) FROM publication WHERE status = 'sent'"));
  const auto add_rate = [&](const std::string& name, const Count& rate_of) {
    const Rate rate(rate_of);
    const std::string range = range_text(page, rate.estimate);
    out += rate.is_telling ? tile(name, percent(rate.estimate.value), range)
                           : tile(name, "–", page.say("too little data: ", "数据太少：") + range);
  };
  if (results.all.clicked.trials > 0) add_rate(page.say("Click rate", "点击率"), results.all.clicked);
  if (results.lift) add_rate(page.say("Conversion", "转化率"), results.lift->got_copy);
  return out + "</dl>\n";
}

}  // namespace

std::string campaign_report(const Store& store, const ReportOptions& options) {
  const Snapshot snapshot(store.database());
  const Page page(store, options.language);
  const Results results = measure(store);
  struct Section {
    const char* id;
    std::string title, content;
  };
  const std::array<Section, 10> sections{{
      {"next", page.say("What to do next", "下一步"), next_section(page, results)},
      {"results", page.say("Results", "效果"), results_section(page, results)},
      {"samples", page.say("Copies to read", "文案样例"), samples_section(page)},
      {"allocation", page.say("Which variants were drawn", "版本分配"), allocation_section(page)},
      {"published", page.say("What went out", "发布情况"), published_section(page)},
      {"reviewed", page.say("Checks and decisions", "检查与审核"), reviewed_section(page)},
      {"written", page.say("What was written", "生成情况"), written_section(page)},
      {"recommended", page.say("Which product for whom", "商品推荐"), recommended_section(page)},
      {"customers", page.say("Who the customers are", "客户画像"), customers_section(page)},
      {"collected", page.say("What was collected", "数据来源"), collected_section(page)},
  }};
  const std::string title = page.say("Campaign report", "营销活动报告");
  const std::string file = std::filesystem::path(store.where()).filename().string();
  std::string out =
      concat("<!DOCTYPE html>\n<html lang=\"", options.language == Language::zh ? "zh-Hans" : "en",
             "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, "
             "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta http-equiv=\""
             "Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
             escaped(title + ": " + file), "</title>\n<style>", page_style(), "</style>\n</head>\n<body>\n");
  out += concat("<a class=\"skip\" href=\"#main\">", escaped(page.say("To the content", "跳到正文")),
                "</a>\n<header>\n<h1>", escaped(title), "</h1>\n<p class=\"soft\">", escaped(file), " · ",
                date_text(options.now), "</p>\n<p class=\"lead\">", escaped(headline(page, results)),
                "</p>\n", tiles(page, results), "</header>\n<nav aria-label=\"",
                escaped(page.say("Sections", "目录")), "\"><ul>\n");
  for (const Section& section : sections)
    out += concat("<li><a href=\"#", section.id, "\">", escaped(section.title), "</a></li>\n");
  out += "</ul></nav>\n<main id=\"main\">\n";
  for (const Section& section : sections) {
    out += concat("<section aria-labelledby=\"", section.id, "\">\n<h2 id=\"", section.id, "\">",
                  escaped(section.title), "</h2>\n", section.content, "</section>\n");
  }
  return out + concat("</main>\n<footer>",
                      escaped(page.say("Made by adlib ", "由 adlib 生成，版本 ") + ADLIB_VERSION),
                      "</footer>\n</body>\n</html>\n");
}

}  // namespace adlib::copywriter
