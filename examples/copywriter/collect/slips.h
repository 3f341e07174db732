// copywriter/collect/slips.h: fields whose names are nearly those that readers know.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/collect/collect.h"
#include "copywriter/collect/rows.h"

namespace adlib::copywriter {

/// Finds slips in one file's names of fields. A name is nearly another when one letter is wrong, missing, too
/// many or swapped with its neighbour (in names of ten letters or more: two), and it begins with the same
/// letter. Names of four letters may not have a wrong one, shorter ones are not looked at. Chinese names of
/// two characters may be other words, and are never vital. What the file also has under a right name was not
/// meant, consents aside.
class Slips {
 public:
  /// A field that the mapping gives its own name is none. `mapping` must outlive this.
  Slips(FileKind kind, const FieldNames& mapping);

  /// Among the columns of a table.
  std::vector<Slip> find(const std::vector<std::string>& columns);
  /// Among the fields of an object, and those of the events, reviews and variants in it.
  std::vector<Slip> find(const io::Json& object);

 private:
  struct Known {
    std::string name;
    std::u32string letters;
    std::string field;  // names of one thing share it; "" for consents
    bool vital = false;
  };
  using Names = std::vector<Known>;

  static void add(Names& names, std::string_view name, std::string_view field, bool vital);
  void add_record(const RecordFields& fields, std::span<const std::string_view> vital);
  void add_consents();
  const Known* nearest(const std::string& name, const Names& among) const;
  void look(std::span<const std::string> names, const std::string& path, const Names& among,
            std::vector<Slip>& slips);

  FileKind kind_;
  const FieldNames& mapping_;
  Names names_;
  std::map<std::string, Names> inner_;                  // of objects in a list of this name
  std::unordered_map<std::string, const Known*> seen_;  // path and name
};

}  // namespace adlib::copywriter
