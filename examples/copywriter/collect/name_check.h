// copywriter/collect/name_check.h: what a file's columns and fields are called, looked at before they are
// read. Inside the library only.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "copywriter/collect/csv.h"
#include "copywriter/collect/slips.h"

namespace adlib::copywriter {

/// Refuses a file of another kind and one with vital slips, and tells of the other slips.
class NameCheck {
 public:
  using OnSlip = std::function<void(const std::string& file, std::int64_t line, const Slip& slip)>;
  NameCheck(FileKind kind, const FieldNames& mapping, std::string where, OnSlip on_slip)
      : kind_(kind),
        slips_(kind, mapping),
        mapping_(mapping),
        where_(std::move(where)),
        on_slip_(std::move(on_slip)) {}

  /// Throws Error(invalid_argument) "where:line: …" for another kind, Error(bad_format) for a vital slip.
  void look(const CsvTable& table);
  /// The same of one object of JSON Lines; the first one tells the kind.
  void look(const io::Json& object, std::int64_t line);

 private:
  void check_kind(std::span<const std::string> names, std::int64_t line) const;
  void tell(const std::vector<Slip>& slips, std::int64_t line, const char* what);

  FileKind kind_;
  Slips slips_;
  const FieldNames& mapping_;
  std::string where_;
  OnSlip on_slip_;
  bool first_ = true;
  std::set<std::string> told_;
};

}  // namespace adlib::copywriter
