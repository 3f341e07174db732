#include "adlib/io/weights.h"

#include <cmath>

#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "error_of.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using test::TempDir;
using test::write_text;

namespace {

float element(const Tensor& tensor, std::size_t index) { return tensor.data<float>()[index]; }

const std::map<std::string, Tensor>& some_tensors() {
  static const std::map<std::string, Tensor> tensors = {
      {"wte.weight", Tensor::from<float>({1, 2, 3, 4, 5, 6}, {3, 2})},
      {"h.0.ln_1.weight", Tensor::from<float>({1, 1}, {2})},
      {"h.0.ln_1.bias", Tensor::from<float>({0.1f, -0.1f}, {2})},
      {"h.0.attn.bias", Tensor::from<std::uint8_t>({1, 0, 1, 1}, {1, 1, 2, 2})},
  };
  return tensors;
}

void write_checkpoint(const TempDir& dir) { io::save_safetensors(dir / "model.safetensors", some_tensors()); }

/// Two shards and their index, as transformers writes them.
void write_shards(const TempDir& dir, const std::map<std::string, std::string>& weight_map) {
  const auto& all = some_tensors();
  io::save_safetensors(dir / "model-00001-of-00002.safetensors", {{"wte.weight", all.at("wte.weight")}});
  io::save_safetensors(
      dir / "model-00002-of-00002.safetensors",
      {{"h.0.ln_1.weight", all.at("h.0.ln_1.weight")}, {"h.0.ln_1.bias", all.at("h.0.ln_1.bias")}});
  write_text(dir / "model.safetensors.index.json",
             io::Json{{"metadata", {{"total_size", 40}}}, {"weight_map", weight_map}}.dump(2));
}

const std::string shard1 = "model-00001-of-00002.safetensors";
const std::string shard2 = "model-00002-of-00002.safetensors";

}  // namespace

TEST_CASE("weights are taken by scope, and what is left over is known", "[io][weights]") {
  TempDir dir;
  write_checkpoint(dir);
  const Weights weights = Weights::open(dir.path());
  CHECK(weights.origin() == dir.path().string());
  CHECK(weights.names() ==
        std::vector<std::string>{"h.0.attn.bias", "h.0.ln_1.bias", "h.0.ln_1.weight", "wte.weight"});
  const Weights norm = weights.scope("h.0").scope("ln_1");
  CHECK(norm.contains("weight"));
  CHECK_FALSE(norm.contains("wte.weight"));
  CHECK(norm.shape_of("bias") == Shape{2});
  CHECK(element(norm.take("bias", {2}), 1) == -0.1f);
  CHECK(element(weights.scope("").take("wte.weight", {3, 2}), 5) == 6);
  CHECK(weights.take("wte.weight", {3, 2}).numel() == 6);  // twice: tied weights
  CHECK(weights.untaken() == std::vector<std::string>{"h.0.attn.bias", "h.0.ln_1.weight"});
  CHECK_ERROR(weights.expect_all_taken({}), ErrorCode::bad_format,
              "2 tensors that this model does not use: 'h.0.attn.bias', 'h.0.ln_1.weight'");
  CHECK_ERROR(weights.expect_all_taken([](std::string_view name) { return name.ends_with("attn.bias"); }),
              ErrorCode::bad_format, "1 tensors that this model does not use: 'h.0.ln_1.weight'");
  norm.take("weight", {2});
  CHECK_NOTHROW(weights.expect_all_taken([](std::string_view name) { return name.ends_with("attn.bias"); }));
}

TEST_CASE("a missing tensor is named in full with the nearest names", "[io][weights]") {
  const Weights weights = Weights::from(some_tensors(), "memory");
  CHECK_ERROR(weights.scope("h.0.ln_1").take("wieght", {2}), ErrorCode::not_found,
              "memory: there is no tensor 'h.0.ln_1.wieght'; the nearest of 4 names: 'h.0.ln_1.weight'");
  CHECK_ERROR(weights.take("transformer.wte.weight", {3, 2}), ErrorCode::not_found, "names: 'wte.weight'");
  CHECK_ERROR(weights.shape_of("x"), ErrorCode::not_found, "no tensor 'x'");
  CHECK_ERROR(Weights::from({}).take("x", {1}), ErrorCode::not_found, "holds no tensor at all");
}

TEST_CASE("a wrong shape shows both shapes and tells a transposed matrix", "[io][weights]") {
  const Weights weights = Weights::from(some_tensors(), "memory");
  CHECK_ERROR(weights.take("wte.weight", {2, 3}), ErrorCode::invalid_argument,
              "'wte.weight' has shape [3, 2], expected [2, 3]; it fits transposed");
  CHECK_ERROR(weights.take("wte.weight", {3, 3}), ErrorCode::invalid_argument,
              "has shape [3, 2], expected [3, 3]; does config.json belong");
  CHECK_ERROR(weights.take("h.0.ln_1.weight", {2, 1}), ErrorCode::invalid_argument,
              "has shape [2], expected [2, 1]");
  CHECK(weights.untaken().size() == 4);
}

TEST_CASE("take converts floating tensors to the dtype of open() and leaves integers alone",
          "[io][weights]") {
  TempDir dir;
  write_checkpoint(dir);
  CHECK(Weights::open(dir.path()).take("h.0.ln_1.bias", {2}).dtype() == DType::f32);
  const Weights weights = Weights::open(dir.path(), Device::cpu, DType::bf16);
  const Tensor bias = weights.take("h.0.ln_1.bias", {2});
  REQUIRE(bias.dtype() == DType::bf16);
  CHECK(bias.data<bfloat16>()[0].bits == bfloat16(0.1f).bits);
  CHECK(weights.take("h.0.attn.bias", {1, 1, 2, 2}).dtype() == DType::u8);
  const Weights norm = weights.scope("h.0").scope("ln_1");
  CHECK(norm.full_name("bias") == "h.0.ln_1.bias");
  CHECK(norm.dtype_of("bias") == DType::bf16);
  CHECK(norm.take_as_stored("bias", {2}).dtype() == DType::f32);
  CHECK(element(norm.take_as_stored("bias", {2}), 0) == 0.1f);
  CHECK_ERROR(norm.take_as_stored("bias", {3}), ErrorCode::invalid_argument,
              "'h.0.ln_1.bias' has shape [2], expected [3]");
  CHECK_ERROR(Weights::open(dir.path(), Device::cpu, DType::i8), ErrorCode::invalid_argument, "dtype i8");
}

TEST_CASE("released tensors read the file again, and small ones are copies", "[io][weights]") {
  TempDir dir;
  const std::int64_t large = 64 << 10;  // f32: over the bytes up to which tensors are copied
  Tensor numbers = Tensor::empty({large});
  for (std::size_t i = 0; i < static_cast<std::size_t>(large); ++i) {
    numbers.data<float>()[i] = static_cast<float>(i);
  }
  io::save_safetensors(dir / "model.safetensors", {{"large", numbers}, {"small", numbers.slice(0, 0, 9)}});
  const Weights weights = Weights::open(dir.path());
  Tensor mapped = weights.take("large", {large}), copy = weights.take("small", {9});
  mapped.data<float>()[1000] = copy.data<float>()[5] = -1;
  CHECK(element(weights.take("large", {large}), 1000) == -1);  // one mapping
  CHECK(element(weights.take("small", {9}), 5) == 5);
  weights.release_pages();
  for (std::size_t i = 0; i < static_cast<std::size_t>(large); ++i) {
    REQUIRE(element(mapped, i) == static_cast<float>(i));
  }
  CHECK(element(copy, 5) == -1);
}

TEST_CASE("progress counts each tensor once, up to how many there are", "[io][weights]") {
  TempDir dir;
  write_checkpoint(dir);
  std::vector<std::pair<std::int64_t, std::int64_t>> seen;
  const Weights weights =
      Weights::open(dir.path(), Device::cpu, std::nullopt,
                    [&](std::int64_t done, std::int64_t total) { seen.emplace_back(done, total); });
  weights.take("wte.weight", {3, 2});
  weights.take("wte.weight", {3, 2});
  weights.take("h.0.ln_1.bias", {2});
  CHECK(seen == std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 4}, {2, 4}});
}

TEST_CASE("shards are read through their index", "[io][weights]") {
  TempDir dir;
  write_shards(dir, {{"wte.weight", shard1}, {"h.0.ln_1.weight", shard2}, {"h.0.ln_1.bias", shard2}});
  const Weights weights = Weights::open(dir.path());
  CHECK(weights.names() == std::vector<std::string>{"h.0.ln_1.bias", "h.0.ln_1.weight", "wte.weight"});
  CHECK(element(weights.take("wte.weight", {3, 2}), 0) == 1);
  CHECK(element(weights.take("h.0.ln_1.bias", {2}), 0) == 0.1f);
}

TEST_CASE("an index that does not fit its shards is refused", "[io][weights]") {
  TempDir dir;
  const auto open = [&] { return Weights::open(dir.path()); };
  write_shards(dir, {{"wte.weight", shard2}, {"h.0.ln_1.weight", shard2}});
  CHECK_ERROR(open(), ErrorCode::bad_format, "tensor 'wte.weight' is said to be in " + shard2);
  write_shards(dir, {{"wte.weight", shard1}, {"h.0.ln_1.weight", "model-00003-of-00003.safetensors"}});
  CHECK_ERROR(open(), ErrorCode::not_found, "shard 'model-00003-of-00003.safetensors' is missing");
  write_shards(dir, {});
  CHECK_ERROR(open(), ErrorCode::bad_format, "'weight_map' is missing or empty");
  write_text(dir / "model.safetensors.index.json", R"({"weight_map": {"a": 7}})");
  CHECK_ERROR(open(), ErrorCode::bad_format, "the shard of 'a' is not a file name");
  write_text(dir / "model.safetensors.index.json", R"({"weight_map": )");
  CHECK_ERROR(open(), ErrorCode::bad_format, "model.safetensors.index.json:1:");
  write_shards(dir, {{"wte.weight", shard1}, {"h.0.ln_1.weight", shard2}});
  io::save_safetensors(dir / shard2, some_tensors());
  CHECK_ERROR(open(), ErrorCode::bad_format, "tensor 'wte.weight' is in an earlier shard too");
}

TEST_CASE("an index cannot reach outside its directory", "[io][weights]") {
  TempDir dir;
  const std::string name =
      GENERATE("../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".", "", "..\\x");
  CAPTURE(name);
  write_shards(dir, {{"wte.weight", name}});
  CHECK_ERROR(Weights::open(dir.path()), ErrorCode::bad_format, "is not a plain file name");
}

TEST_CASE("a directory without weights says what it holds and what was expected", "[io][weights]") {
  TempDir dir;
  CHECK_ERROR(Weights::open(dir.path()), ErrorCode::not_found, "the directory is empty");
  write_text(dir / "config.json", "{}");
  write_text(dir / "flax_model.msgpack", "");
  CHECK_ERROR(Weights::open(dir.path()), ErrorCode::not_found, "it holds config.json, flax_model.msgpack");
  CHECK_ERROR(Weights::open(dir.path()), ErrorCode::not_found, "expected model.safetensors");
  CHECK_ERROR(Weights::open(dir / "none"), ErrorCode::not_found, "does not exist");
  CHECK_ERROR(Weights::open(dir / "config.json"), ErrorCode::invalid_argument, "expected the directory");
}

TEST_CASE("pytorch_model.bin and its shards are opened when there is no safetensors file", "[io][weights]") {
  TempDir dir;
  const auto data = test::data_dir() / "io";
  std::filesystem::copy_file(data / "torch_small.bin", dir / "pytorch_model.bin");
  CHECK(element(Weights::open(dir.path()).take("w", {2, 2}), 3) == 4);
  std::filesystem::rename(dir / "pytorch_model.bin", dir / "pytorch_model-00001-of-00001.bin");
  write_text(dir / "pytorch_model.bin.index.json",
             R"({"weight_map": {"w": "pytorch_model-00001-of-00001.bin"}})");
  CHECK(element(Weights::open(dir.path()).take("w", {2, 2}), 3) == 4);
  write_checkpoint(dir);  // now safetensors come first
  CHECK(Weights::open(dir.path()).contains("wte.weight"));
}

TEST_CASE("the trained checkpoints beside the project open", "[io][weights][golden]") {
  const auto dir = test::shared_dir() / "vectors/models/capp";
  if (!test::have(dir / "model.safetensors")) return;
  const Weights weights = Weights::open(dir);
  const std::string name = weights.contains("wte.weight") ? "wte.weight" : "transformer.wte.weight";
  CHECK(weights.shape_of(name) == Shape{53, 64});
  CHECK(io::count_non_finite(weights.take(name, {53, 64})) == 0);
}
