// Any text: a config.json is read or refused with Error, and one that is read can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "adlib/models/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<adlib::DecoderConfig> config;
  try {
    config = adlib::decoder_config_from_json({reinterpret_cast<const char*>(data), size}, "config.json");
  } catch (const adlib::Error&) {
    return 0;
  }
  const auto text = adlib::decoder_config_to_json(*config, adlib::DType::f32);
  if (adlib::decoder_config_from_json(text, "written") != *config) std::abort();
  return 0;
}
