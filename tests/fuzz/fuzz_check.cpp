// Any bytes: the checker finds what it finds inside the text, its reports can be made, and its fixes come to
// an end.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "copywriter/polish/check.h"
#include "copywriter/polish/report.h"

using namespace adlib::copywriter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Product> products = {product_from_json(
      adlib::io::parse_json(
          R"({"id":"p","title":"静谷 Q2","brand":"静谷","category":"耳机","price":"399","currency":"CNY","compare_at_price":"459","attributes":{"续航":"30小时","material":"steel"}})",
          "p"),
      {"p", 1})};
  static const Checker checker(std::filesystem::path(ADLIB_SOURCE_DIR) / "examples/copywriter/rules", {},
                               products);
  if (size == 0) return 0;
  Subject subject;
  subject.language = data[0] & 1 ? Language::en : Language::zh;
  subject.product = data[0] & 2 ? &products[0] : nullptr;
  subject.channel = data[0] & 4 ? &checker.channels()[data[0] / 8 % checker.channels().size()] : nullptr;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (int round = 0;; ++round) {
    if (round == 20) std::abort();
    subject.text = text;
    const std::vector<Finding> findings = checker.check(subject);
    SarifLog log("1");
    log.add(findings, text, {"t", 1, false});
    (void)to_line(log.document(checker.packs()));
    (void)to_line(to_json(findings, text, {"t", 1, false}));
    for (const Finding& finding : findings) {
      if (finding.where.begin > finding.where.end || finding.where.end > text.size()) std::abort();
    }
    (void)to_text(findings, text, {"t", 1, false});
    const std::string next = fixed(text, findings);
    (void)diff(text, next, {"t", 1, false});
    if (next == text) return 0;
    text = next;
  }
}
