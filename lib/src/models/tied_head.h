// lib/src/models/tied_head.h: a head that a file repeats although the configuration ties it to the embedding.
#pragma once

#include "adlib/models/decoder.h"

namespace adlib::models {

/// Takes the copy of the token embedding `table` (V, C) that some files hold as the head. One that differs is
/// a head of its own, which would be lost without a word: throws Error(bad_format).
void take_tied_copy(const DecoderConfig& config, const Weights& weights, const Tensor& table);

}  // namespace adlib::models
