// copywriter/collect/forget.h: the right to be forgotten.
#pragma once

#include <string_view>

#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Erases all that the store has of a person: their record, events, reviews, consents, contacts, features,
/// copies, outcomes, and every byte of them in the file and its log. What is left is a keyed hash of the id,
/// so that no later file brings them back. `id` is the shop's, or the one that the store shows. Doing so
/// again is harmless. Returns false for one who had been erased before. Throws Error(not_found) for one who
/// was never there, and Error(io) when another process keeps the log in use: the rows are gone then, and
/// their bytes go with the next call.
bool forget(const Store& store, std::string_view id);

}  // namespace adlib::copywriter
