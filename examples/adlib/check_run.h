// examples/adlib/check_run.h: the texts of `adlib check`, held against the rules and reported.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app.h"
#include "copywriter/polish/check.h"
#include "copywriter/polish/report.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"

namespace adlib::cli {

/// What the command line asks for.
struct CheckOptions {
  std::vector<std::string> files;
  std::string language, channel, tone, product, products, customers, currency;
  std::vector<std::string> kinds, packs, without;
  std::string field = "text", format = "text", level = "style", fail_on = "error", rules, output;
  bool lines = false, generated = false, fix = false;
  bool list_rules = false, list_channels = false, test_rules = false;

  /// Whether --fix mends what comes from stdin: the mended text then is the output.
  bool mends_stdin() const;
};
copywriter::Checker make_checker(const CheckOptions& options, std::span<const copywriter::Product> catalogue);

/// One text of the input, and what its record says about it.
struct CheckText {
  copywriter::TextSource source;
  std::string text;
  std::string language, channel, tone, product, customer;
  bool generated = false, unpersonalised = false;
};

/// Records of a file, by their ids.
template <class Record>
class ById {
 public:
  ById(const std::vector<Record>& records, std::string file, const char* what)
      : file_(std::move(file)), what_(what) {
    for (const Record& record : records) records_.emplace(record.id, &record);
  }
  const Record* find(const std::string& id, const copywriter::TextSource& source) const {
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

/// Checks texts, one after the other, and reports what it finds.
class CheckRun {
 public:
  /// Both must outlive it. Throws UsageError for a channel or kind that there is none of.
  CheckRun(const CheckOptions& options, const Console& console);

  /// The text, with --fix mended.
  std::string take(const CheckText& text);
  /// Writes what is left, and gives the exit status.
  int finish();

 private:
  void set_channel(const std::string& name, const copywriter::ChannelField*& field,
                   std::string& family) const;
  const copywriter::Product* product_of(const CheckText& text) const;
  std::vector<copywriter::Finding> check(const CheckText& text, std::string_view now,
                                         const copywriter::Product* product) const;
  void report(const CheckText& text, std::string_view now, const std::vector<copywriter::Finding>& findings);

  const CheckOptions& options_;
  const Console& console_;
  copywriter::Level level_;
  std::optional<copywriter::Level> fail_on_;
  std::vector<copywriter::Product> products_;
  std::vector<copywriter::Customer> customers_;
  ById<copywriter::Product> products_by_id_;
  ById<copywriter::Customer> customers_by_id_;
  copywriter::Checker checker_;
  Output output_;
  copywriter::SarifLog sarif_;
  const copywriter::ChannelField* field_ = nullptr;
  std::string family_;
  std::int64_t texts_ = 0, findings_ = 0, fixed_ = 0, unnamed_ = 0;
  std::array<std::int64_t, 5> counts_{};
  bool failed_ = false;
};

}  // namespace adlib::cli
