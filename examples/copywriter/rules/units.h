// copywriter/rules/units.h: units.txt, a class of units that mean the same on each line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "copywriter/shop/lines.h"

namespace adlib::copywriter {

/// The units of a line: they stand between spaces.
inline std::vector<std::string> unit_class_of(const std::string& line) {
  const auto units = split(line, ' ');
  return {units.begin(), units.end()};
}

/// For a UnitSet. Throws as read_lines().
inline std::vector<std::vector<std::string>> read_unit_classes(const std::filesystem::path& file) {
  std::vector<std::vector<std::string>> classes;
  read_lines(file,
             [&](const std::string& line, const std::string&) { classes.push_back(unit_class_of(line)); });
  return classes;
}

}  // namespace adlib::copywriter
