#include "copywriter/collect/consent_rows.h"

#include <array>

namespace adlib::copywriter {

ConsentRows::ConsentRows(const Store& store)
    : put_(store.prepare(
          "INSERT INTO consent(user, channel, granted, time, origin) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT(user, channel) DO UPDATE SET granted = excluded.granted, "
          "time = CASE WHEN NOT consent.granted AND NOT excluded.granted "
          "THEN max(consent.time, excluded.time) "
          "ELSE excluded.time END, "
          "origin = CASE WHEN NOT consent.granted AND NOT excluded.granted "
          "AND (consent.origin = 'unsubscribe' OR consent.time >= excluded.time "
          "AND excluded.origin <> 'unsubscribe') "
          "THEN consent.origin ELSE excluded.origin END "
          "WHERE CASE "
          "WHEN excluded.granted AND consent.granted "
          "THEN excluded.origin = 'dated' AND (consent.origin <> 'dated' OR excluded.time > consent.time) "
          "WHEN excluded.granted THEN excluded.origin = 'dated' AND excluded.time > consent.time "
          "WHEN consent.granted THEN consent.origin <> 'dated' OR excluded.time >= consent.time "
          "ELSE excluded.time > consent.time OR (excluded.origin = 'unsubscribe' "
          "AND consent.origin <> 'unsubscribe') END")),
      find_(store.prepare("SELECT granted FROM consent WHERE user = ? AND channel IN ('', ?)")) {}

bool ConsentRows::put(std::int64_t user, std::string_view channel, bool granted, std::int64_t time,
                      Origin origin) {
  constexpr std::array<std::string_view, 3> names{"file", "dated", "unsubscribe"};
  const bool written = put_.run(user, channel, granted, time, names[static_cast<std::size_t>(origin)]) > 0;
  if (written && (!granted || channel.empty())) return true;
  bool refused = false;
  find_.with(user, channel);
  while (find_.step()) refused = refused || find_.integer(0) == 0;
  return refused != granted;
}

}  // namespace adlib::copywriter
