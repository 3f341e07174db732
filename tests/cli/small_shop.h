// tests/cli/small_shop.h: a small campaign for the commands behind `write`, made without a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/program.h"
#include "support/files.h"

namespace adlib::test {

/// A store that collect, prepare, recommend and polish have worked on: the demonstration's products and
/// customers, with a push message in two variants for each of twelve customers (copies 1 to 24), a push
/// message that the law forbids (copy 25) and a headline for everybody (copy 26). The clock stands at
/// 2026-11-01.
class SmallShop {
 public:
  static constexpr int kCustomers = 12, kCopies = 26, kBlocked = 25, kHeadline = 26;
  SmallShop();

  /// Runs the tool; the argument "STORE" is the store's file, and one that begins with "DIR/" is a file
  /// beside it.
  Finished run(std::vector<std::string> arguments, RunOptions options = {}) const;
  /// The same for a call that has to succeed.
  std::string output_of(const std::vector<std::string>& arguments) const;
  /// The first number of a query.
  std::int64_t count(const std::string& sql) const;
  void execute(const std::string& sql) const;
  std::filesystem::path operator/(const std::string& name) const { return directory_ / name; }

 private:
  TempDir directory_;
};

}  // namespace adlib::test
