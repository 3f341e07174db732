// tokenizer/src/decoder.h: from tokens back to text.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::tok {

/// A token on its way back to text. Verbatim ones (added tokens) are not touched by ByteLevel.
struct DecodedToken {
  std::string text;
  bool verbatim = false;
};
/// One entry of the "decoder" of tokenizer.json; what is left at the end is joined.
using DecoderStep = std::function<void(std::vector<DecodedToken>&)>;

DecoderStep decode_byte_level();
DecoderStep decode_wordpiece(std::string prefix, bool cleanup);
DecoderStep decode_metaspace(std::string replacement, bool strips_first);
/// Runs of <0x..> become their bytes if those are UTF-8, else one U+FFFD a byte.
DecoderStep decode_byte_fallback();
DecoderStep decode_fuse();
/// Takes up to `start` copies of `content` off the front of each token and `stop` off its end.
DecoderStep decode_strip(std::string content, std::size_t start, std::size_t stop);
DecoderStep decode_bpe_suffix(std::string suffix);
/// Rewrites each token.
DecoderStep decode_each(std::function<void(std::string&)> rewrite);
/// No decoder: a space between tokens.
DecoderStep decode_joined_by_spaces();

}  // namespace adlib::tok
