// copywriter/store/consents.h: whom a campaign may write to.
#pragma once

#include <cstdint>

#include "copywriter/rules/channels.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// What people said about being written to: the one place that stages ask.
class Consents {
 public:
  /// `store` must outlive this.
  explicit Consents(const Store& store);

  enum class Answer { none, granted, refused };
  /// Of a user, for a channel: a refusal of it, of its family or of every channel counts, whatever else was
  /// granted.
  Answer of(std::int64_t user, const ChannelField& channel);
  bool refuses(std::int64_t user, const ChannelField& channel) {
    return of(user, channel) == Answer::refused;
  }

 private:
  Statement find_;
};

}  // namespace adlib::copywriter
