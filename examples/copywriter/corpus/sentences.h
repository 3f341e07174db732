// copywriter/corpus/sentences.h: the texts that a vocabulary is learned from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "copywriter/corpus/lexicon.h"
#include "copywriter/corpus/world.h"

namespace adlib::copywriter::corpus {

/// Calls `take` for every sentence with words in its slots, every title, value, list entry and name, and the
/// words and characters that prompts are made of; nothing of the files that are held out. Each comes once: in
/// the joined corpus whole sentences come so often that they would become tokens.
void for_each_sentence(const Lexicon& zh, const Lexicon& en, const WorldOptions& held_out, std::uint64_t seed,
                       const std::function<void(const std::string& text)>& take);

}  // namespace adlib::copywriter::corpus
