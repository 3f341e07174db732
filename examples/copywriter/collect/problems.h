// copywriter/collect/problems.h: what is wrong, of which people can read some.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace adlib::copywriter {

/// Collects reasons, of which twenty are told.
class Problems {
 public:
  void add(std::string_view why) {
    if (++count_ > kMost) return;
    if (count_ > 1) text_ += '\n';
    text_ += why;
  }
  bool empty() const { return count_ == 0; }
  /// One a line, and "and 7 more".
  std::string text() const {
    return count_ > kMost ? text_ + "\nand " + std::to_string(count_ - kMost) + " more" : text_;
  }

 private:
  static constexpr std::size_t kMost = 20;
  std::size_t count_ = 0;
  std::string text_;
};

}  // namespace adlib::copywriter
