// adlib init, inspect and tokenize.
#include <algorithm>

#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;
namespace fs = std::filesystem;

namespace {

Finished init(const fs::path& dir, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"init", dir.string()});
  return adlib_tool(more);
}

std::string all_bytes(const fs::path& dir) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(dir)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string out;
  for (const fs::path& file : files) out += file.filename().string() + "\n" + read_text(file);
  return out;
}

}  // namespace

TEST_CASE("init makes a directory that inspect finds whole, for every family and type", "[cli]") {
  const std::string family = GENERATE("gpt2", "llama", "qwen2");
  const std::string dtype = GENERATE("f32", "bf16", "f16");
  const TempDir dir;
  const Finished made =
      init(dir / "m", {"--family", family, "--dtype", dtype, "--layers", "1", "--context", "32"});
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(made.out.empty());
  CHECK_THAT(made.err, ContainsSubstring("noise until it is trained"));
  const Json report = inspect(dir / "m", 0);
  CHECK(report["family"] == family);
  CHECK(report["untrained"] == true);
  CHECK(report["config"]["layers"] == 1);
  CHECK(report["config"]["context"] == 32);
  CHECK(report["tokenizer"] == Json({{"kind", "byte_bpe"}, {"vocabulary", 257}}));
  REQUIRE(report["dtypes"].size() == 1);
  CHECK(report["dtypes"][dtype]["values"] == report["parameters"]);
  CHECK(report["dtypes"][dtype]["bytes"] == report["parameters"].get<int>() * (dtype == "f32" ? 4 : 2));
}

TEST_CASE("init gives the same bytes for the same seed and others for another", "[cli]") {
  const TempDir dir;
  REQUIRE(init(dir / "a", {"--seed", "3"}).exit_code == 0);
  REQUIRE(init(dir / "b", {"--seed", "3"}).exit_code == 0);
  REQUIRE(init(dir / "c", {"--seed", "4"}).exit_code == 0);
  CHECK(all_bytes(dir / "a") == all_bytes(dir / "b"));
  CHECK(all_bytes(dir / "a") != all_bytes(dir / "c"));
}

TEST_CASE("init leaves a directory that is not empty alone unless it is forced", "[cli]") {
  const TempDir dir;
  write_text(dir / "note.txt", "mine");
  const Finished refused = init(dir.path());
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.err, ContainsSubstring("--force"));
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
  CHECK(init(dir.path(), {"--force"}).exit_code == 0);
  CHECK(read_text(dir / "note.txt") == "mine");
  CHECK(inspect(dir.path(), 0)["problems"].empty());

  // It would be read before the vocab.json that init writes.
  write_text(dir / "tokenizer.json", "another model's");
  const Finished kept = init(dir.path(), {"--force"});
  CHECK(kept.exit_code == 1);
  CHECK_THAT(kept.err, ContainsSubstring("tokenizer.json"));
  CHECK(read_text(dir / "tokenizer.json") == "another model's");
}

TEST_CASE("inspect reports every kind of problem and exits with 1", "[cli]") {
  const TempDir dir;
  const fs::path model = dir / "m";
  REQUIRE(init(model, {"--layers", "1", "--context", "16"}).exit_code == 0);
  const fs::path file = model / "model.safetensors";
  std::map<std::string, adlib::Tensor> tensors;
  {
    const auto opened = adlib::io::SafetensorsFile::open(file);
    for (const auto& info : opened.tensors()) tensors[info.name] = opened.tensor(info.name).clone();
  }
  const auto problems = [&] { return inspect(model, 1)["problems"].dump(); };

  SECTION("a missing and an unexpected tensor, both by name") {
    tensors["transformer.h.0.mlp.c_fc.extra"] = tensors.at("transformer.ln_f.bias");
    tensors.erase("transformer.h.0.mlp.c_fc.bias");
    adlib::io::save_safetensors(file, tensors);
    const Json report = inspect(model, 1);
    CHECK(report["missing"] == Json::array({"transformer.h.0.mlp.c_fc.bias"}));
    CHECK(report["unexpected"] == Json::array({"transformer.h.0.mlp.c_fc.extra"}));
    CHECK(report["untrained"] == false);  // these weights are no longer those of init
  }
  SECTION("a tensor of another shape") {
    tensors["transformer.ln_f.bias"] = adlib::Tensor::zeros({7});
    adlib::io::save_safetensors(file, tensors);
    CHECK_THAT(problems(), ContainsSubstring("ln_f.bias") && ContainsSubstring("[7]"));
  }
  SECTION("values that are not finite, counted") {
    auto values = tensors.at("transformer.ln_f.weight").data<float>();
    values[0] = std::numeric_limits<float>::quiet_NaN();
    values[1] = -std::numeric_limits<float>::infinity();
    adlib::io::save_safetensors(file, tensors);
    CHECK(inspect(model, 1)["non_finite"] == Json({{"transformer.ln_f.weight", 2}}));
  }
  SECTION("a truncated file") {
    fs::resize_file(file, fs::file_size(file) - 1);
    CHECK_THAT(problems(), ContainsSubstring("model.safetensors"));
  }
  SECTION("a setting that cannot be honoured") {
    Json config = Json::parse(read_text(model / "config.json"));
    config["activation_function"] = "mish";
    write_text(model / "config.json", config.dump());
    CHECK_THAT(problems(), ContainsSubstring("activation_function"));
  }
  SECTION("generation settings out of range, with which generate fails rather than blames its use") {
    write_text(model / "generation_config.json", R"({"top_p": 2})");
    CHECK_THAT(problems(), ContainsSubstring("generation_config.json: generate: top_p is 2"));
    const Finished generated = adlib_tool({"generate", model.string(), "x", "--max-new-tokens", "2"});
    CHECK(generated.exit_code == 1);
    CHECK_THAT(generated.err, ContainsSubstring("generation_config.json: generate: top_p is 2"));
  }
  SECTION("no tokenizer") {
    fs::remove(model / "vocab.json");
    fs::remove(model / "merges.txt");
    CHECK_THAT(problems(), ContainsSubstring("vocab.json"));
  }
}

TEST_CASE("inspect lists the masks of the hub's GPT-2 as ignored and accepts names without prefix", "[cli]") {
  const TempDir dir;
  const fs::path model = dir / "m";
  REQUIRE(init(model, {"--layers", "1", "--context", "8"}).exit_code == 0);
  std::map<std::string, adlib::Tensor> tensors;
  {
    const auto opened = adlib::io::SafetensorsFile::open(model / "model.safetensors");
    for (const auto& info : opened.tensors()) {
      tensors[info.name.substr(std::string("transformer.").size())] = opened.tensor(info.name).clone();
    }
  }
  tensors["h.0.attn.bias"] = adlib::Tensor::zeros({1, 1, 8, 8});
  adlib::io::save_safetensors(model / "model.safetensors", tensors);
  const Json report = inspect(model, 0);
  CHECK(report["known_extras"] == Json::array({"h.0.attn.bias"}));
  CHECK_THAT(adlib_tool({"inspect", model.string()}).out,
             ContainsSubstring("ignored") && ContainsSubstring("h.0.attn.bias"));
}

TEST_CASE("tokenize writes ids, pieces and JSON, and decodes them", "[cli]") {
  const std::string model = tiny_model().string();
  const std::string text = "Hi, 世界!";
  const Finished ids = adlib_tool({"tokenize", model, text});
  REQUIRE(ids.exit_code == 0);
  CHECK(lines_of(ids.out).size() == 1);
  const Finished back = adlib_tool({"tokenize", model, "--decode", ids.out});
  CHECK(back.out == text + "\n");
  const Finished pieces = adlib_tool({"tokenize", model, text, "--pieces", "--ids"});
  CHECK(lines_of(pieces.out).size() == 11);  // bytes
  const Json json = Json::parse(adlib_tool({"tokenize", model, text, "--json"}).out);
  CHECK(json["text"] == text);
  CHECK(json["ids"].size() == 11);
  CHECK(json["pieces"].size() == 11);
  CHECK(json["pieces"][0] == "H");
}

TEST_CASE("tokenize reads a text a line and checks the round trip", "[cli]") {
  const std::string model = tiny_model().string();
  const Finished two =
      adlib_tool({"tokenize", model, "--input", "-"}, {.input = "one\n\xff\xfe two\n", .environment = {}});
  CHECK(two.exit_code == 0);
  CHECK(lines_of(two.out).size() == 2);
  const Finished check = adlib_tool({"tokenize", model, "--input", "-", "--check"},
                                    {.input = "one\n\xff\xfe two\n", .environment = {}});
  CHECK(check.exit_code == 0);
  CHECK(check.out.empty());
  CHECK_THAT(check.err, ContainsSubstring("2 of 2"));
  const Finished bad =
      adlib_tool({"tokenize", model, "--decode", "--input", "-"}, {.input = "72\n72 x\n", .environment = {}});
  CHECK(bad.exit_code == 1);
  CHECK_THAT(bad.err, ContainsSubstring("stdin:2") && ContainsSubstring("no token id"));
}

TEST_CASE("tokenize --check finds texts that a tokenizer changes", "[cli][golden]") {
  const fs::path vectors = shared_dir() / "vectors/sentencepiece";
  if (!have(vectors)) return;
  const TempDir dir;
  fs::copy_file(vectors / "test_model.model", dir / "tokenizer.model");
  // SentencePiece puts runs of spaces together.
  const Finished check = adlib_tool({"tokenize", dir.path().string(), "--input", "-", "--check"},
                                    {.input = "hello\n  two   spaces\n", .environment = {}});
  INFO(check.err);
  CHECK(check.exit_code == 1);
  CHECK_THAT(check.out, ContainsSubstring("stdin:2"));
}
