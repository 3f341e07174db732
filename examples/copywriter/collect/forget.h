// copywriter/collect/forget.h: the right to be forgotten.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Where copies about a person went before they were erased: out of adlib's reach.
struct Elsewhere {
  std::string target;       ///< of publish: sms, email, webhook, …
  std::string destination;  ///< the file, or the address
  std::int64_t copies = 0;
};

/// Erases all that the store has of a person: their record, events, reviews, consents, contacts, features,
/// copies, outcomes, and every byte of them in the file and its log. What is left is a keyed hash of the id,
/// so that no later file brings them back. `id` is the shop's, or the one that the store shows. Doing so
/// again is harmless. Returns false for one who had been erased before. `on_elsewhere` is told, once the rows
/// are gone, what the store knew of files and messages that were published; afterwards nobody knows any more.
/// Throws Error(not_found) for one who was never there, and Error(io) when another process keeps the log in
/// use: the rows are gone then, and their bytes go with the next call.
bool forget(const Store& store, std::string_view id,
            const std::function<void(const Elsewhere&)>& on_elsewhere = {});

}  // namespace adlib::copywriter
