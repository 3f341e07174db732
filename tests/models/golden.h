// tests/models/golden.h: the goldens of tests/data/models, and what a decoder makes of their inputs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "adlib/models/checkpoint.h"
#include "support/catch.h"
#include "support/devices.h"
#include "support/files.h"

namespace adlib::test {

/// fp32 results stay within this of the float64 reference, as a part of its largest magnitude.
inline constexpr double golden_bound = 2e-5;

using Ids = std::vector<std::int32_t>;

inline const std::vector<std::string>& golden_names() {
  static const std::vector<std::string> names{"gpt2-d16-hub",
                                              "gpt2-d32-square",
                                              "gpt2-d64-untied-f16",
                                              "gpt2-d80-silu-bf16",
                                              "gpt2-erf-inverse-layer",
                                              "gpt2-relu-unscaled",
                                              "llama2",
                                              "llama3-scaled",
                                              "llama3-wide-biased",
                                              "llama-linear-bf16",
                                              "qwen2",
                                              "qwen2-yarn-f16"};
  return names;
}
/// What a test takes of them on a device: where it is emulated, one of each family and of each type.
inline std::vector<std::string> golden_names(Device device) {
  if (is_emulated(device)) return {"gpt2-d32-square", "llama-linear-bf16", "qwen2-yarn-f16"};
  return golden_names();
}
inline std::filesystem::path golden_dir(const std::string& name) { return data_dir() / "models" / name; }

/// What make_goldens.py recorded of one checkpoint.
struct Golden {
  explicit Golden(const std::string& name)
      : dir(golden_dir(name)),
        expected(io::read_json(dir / "expected.json")),
        ids(expected.at("ids").get<Ids>()) {
    const auto file = io::SafetensorsFile::open(dir / "reference.safetensors");
    logits = file.tensor("logits");
    hidden = file.tensor("hidden");
    if (file.contains("logits_half")) {
      logits_half = file.tensor("logits_half").to(DType::f32);
      hidden_half = file.tensor("hidden_half").to(DType::f32);
    }
  }

  std::filesystem::path dir;
  io::Json expected;
  Ids ids;
  Tensor logits;       // (T, V) f32, computed in float64
  Tensor hidden;       // (layers + 1, T, C) f32, computed in float64
  Tensor logits_half;  // (T, V), computed by torch in the checkpoint's 16-bit type; undefined for an f32
                       // checkpoint
  Tensor hidden_half;  // (layers + 1, T, C), likewise
};

/// Every tensor of a directory's model.safetensors, as f32 copies.
inline std::map<std::string, Tensor> read_tensors(const std::filesystem::path& dir) {
  const auto file = io::SafetensorsFile::open(dir / "model.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& info : file.tensors()) tensors[info.name] = file.tensor(info.name).clone().to(DType::f32);
  return tensors;
}

struct Outputs {               // on the CPU
  std::vector<Tensor> hidden;  // as LayerObserver has them, each (T, C) f32
  Tensor logits;               // (T, V) f32
};

inline Ids every_row(std::int64_t count) {
  Ids rows(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int32_t>(i);
  return rows;
}

inline Tensor ids_tensor(std::span<const std::int32_t> ids) {
  return Tensor::from(ids, {static_cast<std::int64_t>(ids.size())});
}

/// One pass over a whole sequence.
inline Outputs run(const Decoder& decoder, const Ids& ids) {
  const auto length = static_cast<std::int64_t>(ids.size());
  Cache cache = decoder.make_cache(1, length, decoder.dtype());  // quantised weights would round it
  const Row row{.sequence = 0, .start = 0, .length = length};
  Outputs out;
  const Tensor last = decoder.hidden({.ids = ids_tensor(ids), .rows = {&row, 1}}, cache,
                                     [&](std::int64_t layer, const Tensor& hidden) {
                                       REQUIRE(layer == static_cast<std::int64_t>(out.hidden.size()));
                                       out.hidden.push_back(hidden.to(DType::f32).to(Device::cpu).clone());
                                     });
  out.logits = decoder.logits(last, every_row(length)).to(DType::f32).to(Device::cpu);
  return out;
}

inline std::span<const float> floats(const Tensor& tensor) { return tensor.data<float>(); }

/// max |a - b|, NaN when either holds one.
inline double max_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = floats(a);
  const auto y = floats(b);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
    if (!(difference <= worst)) worst = difference;  // also when it is NaN
    if (std::isnan(worst)) return worst;
  }
  return worst;
}
inline double max_magnitude(const Tensor& a) {
  double worst = 0;
  for (const float value : floats(a)) worst = std::max(worst, std::abs(static_cast<double>(value)));
  return worst;
}
/// max |out - reference| as a part of max |reference|.
inline double relative_error(const Tensor& out, const Tensor& reference) {
  return max_difference(out, reference) / max_magnitude(reference);
}
/// The largest relative error of the logits and of every layer's hidden state.
inline double worst_error(const Outputs& out, const Golden& golden) {
  double worst = relative_error(out.logits, golden.logits);
  for (std::size_t layer = 0; layer < out.hidden.size(); ++layer) {
    const Tensor reference = golden.hidden.select(0, static_cast<std::int64_t>(layer));
    const double error = relative_error(out.hidden[layer], reference);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor x = a.to(Device::cpu).contiguous();
  const Tensor y = b.to(Device::cpu).contiguous();
  return std::memcmp(x.raw(), y.raw(), static_cast<std::size_t>(a.numel()) * size_of(a.dtype())) == 0;
}

/// The index of the highest score of row `row`, the first when several are equal.
inline std::int32_t best_of(const Tensor& logits, std::int64_t row = 0) {
  const Tensor scores = logits.select(0, row).to(DType::f32).to(Device::cpu).contiguous();
  const auto values = floats(scores);
  return static_cast<std::int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// `count` tokens after `prompt`, each the highest score, decoded one at a time with a cache.
inline Ids greedy(const Decoder& decoder, const Ids& prompt, std::int64_t count) {
  Cache cache = decoder.make_cache(1);
  Ids step = prompt;
  Ids out;
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto length = static_cast<std::int64_t>(step.size());
    const Row row{.sequence = 0, .start = position, .length = length};
    const Tensor hidden = decoder.hidden({.ids = ids_tensor(step), .rows = {&row, 1}}, cache);
    const Ids last{static_cast<std::int32_t>(length - 1)};
    out.push_back(best_of(decoder.logits(hidden, last)));
    position += length;
    step = {out.back()};
  }
  return out;
}

}  // namespace adlib::test
