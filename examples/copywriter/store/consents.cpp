#include "copywriter/store/consents.h"

namespace adlib::copywriter {

Consents::Consents(const Store& store)
    : find_(store.prepare("SELECT granted FROM consent WHERE user = ? AND channel IN ('', ?, ?, ?)")) {}

Consents::Answer Consents::of(std::int64_t user, const ChannelField& channel) {
  Answer answer = Answer::none;
  find_.with(user, consent_name(channel.family), channel.family, channel.id);
  while (find_.step()) {
    const bool granted = find_.integer(0) != 0;
    if (!granted) answer = Answer::refused;
    if (granted && answer == Answer::none) answer = Answer::granted;
  }
  return answer;
}

}  // namespace adlib::copywriter
