// copywriter/publish/select.h: which texts may go out, and which have.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "copywriter/publish/last_check.h"
#include "copywriter/publish/publish.h"
#include "copywriter/store/consents.h"

namespace adlib::copywriter {

/// Reads the items of a format from a store.
class Selector {
 public:
  /// Everything must outlive this. `destination` is that of `publication`.
  Selector(const Store& store, const std::vector<ChannelField>& channels, const PublishOptions& options,
           const Format& format, LastCheck& check, std::string destination);

  /// Calls `take` for every item of which something is fresh, and counts into `result`.
  void for_each(PublishResult& result, const std::function<void(const Item& item)>& take);
  /// The item of one copy, as it was when its publication got that key; nothing where it must not go out now.
  std::optional<Item> find(std::int64_t copy, const std::string& key);
  /// Whether for_each() would give this text again, as it was: allowed, wanted, unchanged, and in the same
  /// `row` of publication or none.
  bool still_goes_out(std::int64_t copy, std::int64_t row, const std::string& key, bool fresh);

 private:
  struct Row;
  struct History;
  Row read(std::int64_t copy);
  bool is_held_out(const Row& row) const;
  bool wants(const Row& row);
  std::string key(std::int64_t copy, std::string_view text, std::size_t round) const;
  History history(std::int64_t placement);
  void set_state(const Row& row, const History& history, Candidate& candidate) const;
  void add_placement(const std::vector<Row>& rows, Item& item, PublishResult& result);
  Item new_item(const Row& row) const;
  Candidate candidate_of(const Row& row) const;
  bool may_go_out(std::int64_t copy);

  const Store& store_;
  const std::vector<ChannelField>& channels_;
  const PublishOptions& options_;
  const Format& format_;
  LastCheck& check_;
  std::string destination_;
  bool webhook_;
  const std::unordered_map<std::int64_t, Product>& products_;
  Consents consents_;
  Statement read_, history_, allowed_;
};

}  // namespace adlib::copywriter
