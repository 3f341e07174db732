// tokenizer/src/trie.h: all tokens of a vocabulary by their bytes, for finding those that begin at a place.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace adlib::tok {

/// A byte trie whose edges live in one open-addressing table.
class Trie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = 0xFFFFFFFF;
  /// A search costs this much for each byte of the text, so longer keys are refused.
  static constexpr std::size_t kLongestKey = 1024;

  Trie() : edges_(16), values_{-1} {}
  /// Throws Error(unsupported) for a key longer than kLongestKey. A later value replaces an earlier one.
  void add(std::string_view key, std::int32_t value, std::string_view where);
  Node child(Node node, char byte) const {
    const std::uint64_t key = key_of(node, byte);
    for (std::size_t at = slot_of(key);; at = (at + 1) & (edges_.size() - 1)) {
      if (edges_[at].key == key) return edges_[at].node;
      if (edges_[at].key == 0) return kNone;
    }
  }
  /// The node that `key` leads to from the root, or kNone.
  Node walk(std::string_view key) const;
  /// The value of the key that ends at `node`, or -1.
  std::int32_t value(Node node) const { return values_[node]; }
  bool empty() const { return values_.size() == 1; }

 private:
  struct Edge {
    std::uint64_t key = 0;  // 0: no edge
    Node node = 0;
  };
  static std::uint64_t key_of(Node node, char byte) {
    return (std::uint64_t{node} << 8 | static_cast<unsigned char>(byte)) + 1;
  }
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> 24) & (edges_.size() - 1);
  }
  void insert(std::uint64_t key, Node node);

  std::vector<Edge> edges_;           // a power of two, at most half full
  std::vector<std::int32_t> values_;  // by node
};

}  // namespace adlib::tok
