#include "trie.h"

#include <utility>

#include "adlib/core/error.h"

namespace adlib::tok {

void Trie::insert(std::uint64_t key, Node node) {
  std::size_t at = slot_of(key);
  while (edges_[at].key != 0) at = (at + 1) & (edges_.size() - 1);
  edges_[at] = {key, node};
}

void Trie::add(std::string_view key, std::int32_t value, std::string_view where) {
  if (key.size() > kLongestKey) {
    fail(ErrorCode::unsupported, where, ": a token of ", key.size(), " bytes; at most ", kLongestKey,
         " are supported here");
  }
  Node node = kRoot;
  for (const char c : key) {
    Node next = child(node, c);
    if (next == kNone) {
      next = static_cast<Node>(values_.size());
      values_.push_back(-1);
      if (2 * values_.size() > edges_.size()) {
        const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(2 * edges_.size()));
        for (const Edge& e : old) {
          if (e.key != 0) insert(e.key, e.node);
        }
      }
      insert(key_of(node, c), next);
    }
    node = next;
  }
  values_[node] = value;
}

Trie::Node Trie::walk(std::string_view key) const {
  Node node = kRoot;
  for (std::size_t i = 0; i < key.size() && node != kNone; ++i) node = child(node, key[i]);
  return node;
}

}  // namespace adlib::tok
