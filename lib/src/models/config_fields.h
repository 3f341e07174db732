// What the readers of config.json share. The limits keep products of the numbers far from 64-bit overflow, so
// that a hostile file gets a message and not a huge allocation.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "adlib/io/json.h"
#include "adlib/ops.h"

namespace adlib::models {

inline constexpr std::int64_t max_vocab = std::int64_t{1} << 24;
inline constexpr std::int64_t max_context = std::int64_t{1} << 24;
inline constexpr std::int64_t max_width = std::int64_t{1} << 20;
inline constexpr std::int64_t max_layers = 4096;

/// Throws Error(unsupported) naming the field and its value.
inline void refuse_if(bool condition, const io::JsonFields& fields, const char* name,
                      std::string_view reason) {
  if (!condition) return;
  fail(ErrorCode::unsupported, fields.where(), ": ", name, " = ", fields.at(name).dump(),
       " is not supported: ", reason);
}

/// Hugging Face's names of activations. gelu_fast and gelu_pytorch_tanh are gelu_new computed in another
/// order.
inline ops::Activation read_activation(const io::JsonFields& fields, const char* name, const char* fallback) {
  const std::string value = fields.string_or(name, fallback);
  if (value == "gelu_new" || value == "gelu_pytorch_tanh" || value == "gelu_fast")
    return ops::Activation::gelu_tanh;
  if (value == "gelu") return ops::Activation::gelu_erf;
  if (value == "silu" || value == "swish") return ops::Activation::silu;
  if (value == "relu") return ops::Activation::relu;
  fail(ErrorCode::unsupported, fields.where(), ": ", name, " = \"", value,
       "\" is not supported; expected gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, silu, swish or relu");
}

inline const char* activation_name(ops::Activation activation) {
  switch (activation) {
    case ops::Activation::gelu_tanh:
      return "gelu_new";
    case ops::Activation::gelu_erf:
      return "gelu";
    case ops::Activation::silu:
      return "silu";
    case ops::Activation::relu:
      return "relu";
    case ops::Activation::none:
      break;
  }
  fail(ErrorCode::unsupported, "config: this activation has no name in config.json");
}

/// The double with the shortest text that reads back to the same float: 1e-5f is written 1e-05,
/// not 9.99999974e-06.
inline double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double out = 0;
  std::from_chars(text, end, out);
  return out;
}

}  // namespace adlib::models
