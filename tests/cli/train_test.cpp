// adlib train from the command line.
#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {

// Made-up copy: what is asked for is what is in the prompt.
std::string examples(int count) {
  std::mt19937 random(1);
  const std::array names = {"lamp", "kettle", "jacket", "mug"};
  const std::array colours = {"red", "blue", "green"};
  std::string lines;
  for (int i = 0; i < count; ++i) {
    const std::string name = names[random() % names.size()], colour = colours[random() % colours.size()];
    const Json line = {{"prompt", std::to_string(i) + " " + colour + " " + name + ":"},
                       {"completion", " a " + colour + " " + name + " for you"},
                       {"title", std::to_string(i % 20)}};
    lines += line.dump() + "\n";
  }
  return lines;
}

std::string pairs(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    const std::string thing = i % 2 == 0 ? "lamp" : "mug";
    lines += Json{{"prompt", thing + " " + std::to_string(i) + ":"},
                  {"chosen", " yes " + thing},
                  {"rejected", " no " + thing}}
                 .dump() +
             "\n";
  }
  return lines;
}

struct Shop {
  TempDir dir;
  fs::path data = dir / "copy.jsonl";

  Shop() { write_text(data, examples(120)); }
  Strings arguments(const fs::path& output, Strings more = {}) const {
    Strings all = {"train",       output.string(),  "--from", tiny_model().string(), "--data",
                   data.string(), "--batch-tokens", "512",    "--max-tokens",        "64"};
    if (std::find(more.begin(), more.end(), "--learning-rate") == more.end())
      more.insert(more.end(), {"--learning-rate", "3e-3"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished train(const fs::path& output, const Strings& more = {}, const RunOptions& options = {}) const {
    return adlib_tool(arguments(output, more), options);
  }
};

std::string bytes(const fs::path& file) { return read_text(file); }

}  // namespace

TEST_CASE("train writes a model that knows its examples, a log and a plot", "[cli][train]") {
  const Shop shop;
  const fs::path out = shop.dir / "mine";
  const Finished done = shop.train(out, {"--validation", "0.2", "--epochs", "12", "--patience", "5"});
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.out.empty());
  CHECK_THAT(done.err, ContainsSubstring("120 examples") && ContainsSubstring("best so far") &&
                           ContainsSubstring("wrote " + out.string()));
  for (const char* file : {"config.json", "model.safetensors", "generation_config.json", "vocab.json",
                           "run.json", "log.jsonl", "loss.svg", "best.safetensors"}) {
    CAPTURE(file);
    CHECK(fs::exists(out / file));
  }
  std::vector<double> losses, validation;
  for (const std::string& line : lines_of(bytes(out / "log.jsonl"))) {
    const Json entry = Json::parse(line);
    if (entry.contains("loss")) losses.push_back(entry["loss"]);
    if (entry.contains("validation_loss")) validation.push_back(entry["validation_loss"]);
  }
  CHECK(losses.front() > 5);
  CHECK(losses.back() < 1.5);
  CHECK(validation.back() < validation.front() / 2);

  const Finished inspected = adlib_tool({"inspect", out.string(), "--json"});
  CHECK(inspected.exit_code == 0);
  const Finished text = adlib_tool({"generate", out.string(), "7 red mug:", "--max-new-tokens", "30"});
  CHECK_THAT(text.out, ContainsSubstring("a"));
  CHECK(text.err.find("untrained") == std::string::npos);

  const Finished again = adlib_tool({"train", out.string(), "--resume"});
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK_THAT(again.err, ContainsSubstring("resuming after step"));
}

TEST_CASE("train killed at any moment and resumed ends with the same bytes", "[cli][train]") {
  const Shop shop;
  const Strings more = {"--validation", "0.2", "--split-by",   "title", "--epochs",         "3",
                        "--dropout",    "0.1", "--save-every", "2",     "--evaluate-every", "3",
                        "--seed",       "9"};
  const fs::path whole = shop.dir / "whole", broken = shop.dir / "broken";
  REQUIRE(shop.train(whole, more).exit_code == 0);
  const auto go_on = [&](const RunOptions& options) {
    const bool begun = fs::exists(broken / "run.json");
    return begun ? adlib_tool({"train", broken.string(), "--resume"}, options)
                 : shop.train(broken, more, options);
  };
  std::mt19937 random(std::random_device{}());
  int kills = 0;
  bool done = false;
  for (int attempt = 0; !done && attempt < 60; ++attempt) {
    const RunOptions options = {
        .input = {}, .environment = {}, .kill_after_ms = 20 + 5 * attempt + static_cast<int>(random() % 250)};
    const Finished finished = go_on(options);
    INFO(finished.err);
    REQUIRE((finished.exit_code == 0 || finished.exit_code == 128 + 9));
    done = finished.exit_code == 0;
    kills += done ? 0 : 1;
  }
  if (!done) REQUIRE(go_on({}).exit_code == 0);
  INFO("killed " << kills << " times");
  for (const char* file : {"model.safetensors", "best.safetensors", "config.json"}) {
    CAPTURE(file);
    CHECK((bytes(broken / file) == bytes(whole / file)));
  }
  for (const auto& checkpoint : fs::directory_iterator(whole / "checkpoints")) {
    for (const auto& file : fs::directory_iterator(checkpoint)) {
      CAPTURE(file.path().string());
      CHECK((bytes(broken / "checkpoints" / checkpoint.path().filename() / file.path().filename()) ==
             bytes(file.path())));
    }
  }
  CHECK(lines_of(bytes(broken / "log.jsonl")).size() == lines_of(bytes(whole / "log.jsonl")).size());
}

TEST_CASE("train makes fresh models and adapters, in f32 and bf16", "[cli][train]") {
  const Shop shop;
  const fs::path out = shop.dir / "fresh";
  const Finished fresh = adlib_tool({"train",     out.string(), "--tokenizer",    tiny_model().string(),
                                     "--family",  "qwen2",      "--layers",       "1",
                                     "--width",   "32",         "--heads",        "2",
                                     "--context", "64",         "--data",         shop.data.string(),
                                     "--steps",   "3",          "--batch-tokens", "256",
                                     "--dtype",   "bf16"});
  INFO(fresh.err);
  REQUIRE(fresh.exit_code == 0);
  const Json config = Json::parse(bytes(out / "config.json"));
  CHECK(config["model_type"] == "qwen2");
  CHECK(config["torch_dtype"] == "bfloat16");
  CHECK(config["vocab_size"] == 257);
  CHECK(config["eos_token_id"] == 256);
  CHECK(adlib_tool({"generate", out.string(), "a", "--max-new-tokens", "3"}).exit_code == 0);

  const fs::path adapted = shop.dir / "adapted";
  const Finished lora =
      adlib_tool({"train", adapted.string(), "--from", out.string(), "--data", shop.data.string(), "--steps",
                  "3", "--batch-tokens", "256", "--lora-rank", "4", "--lora-targets", "q_proj,down_proj",
                  "--save-dtype", "f32"});
  INFO(lora.err);
  REQUIRE(lora.exit_code == 0);
  const auto before = adlib::io::SafetensorsFile::open(out / "model.safetensors");
  const auto after = adlib::io::SafetensorsFile::open(adapted / "model.safetensors");
  CHECK(before.tensors().size() == after.tensors().size());
  const auto same = [&](const std::string& name) {
    const adlib::Tensor a = before.tensor(name).to(adlib::DType::f32), b = after.tensor(name);
    return std::equal(a.data<float>().begin(), a.data<float>().end(), b.data<float>().begin());
  };
  CHECK(same("model.layers.0.self_attn.k_proj.weight"));
  CHECK_FALSE(same("model.layers.0.self_attn.q_proj.weight"));
}

TEST_CASE("train learns preferences from pairs", "[cli][train]") {
  const Shop shop;
  write_text(shop.data, pairs(40));
  const fs::path out = shop.dir / "preferred";
  const Finished done = shop.train(out, {"--validation", "0.2", "--epochs", "10"});
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK_THAT(done.err, ContainsSubstring("40 pairs") && ContainsSubstring("preferred 100.0%"));
  const Json first = Json::parse(lines_of(bytes(out / "log.jsonl")).front());
  CHECK(first["loss"].get<double>() == Approx(std::log(2.0)).epsilon(1e-4));
  CHECK(fs::exists(out / "reference.safetensors"));
}

TEST_CASE("train says what is wrong, and where", "[cli][train]") {
  const Shop shop;
  const fs::path out = shop.dir / "out";
  const auto refused = [&](const Strings& arguments, int code, const std::string& message) {
    const Finished finished = adlib_tool(arguments);
    CAPTURE(finished.err);
    CHECK(finished.exit_code == code);
    CHECK_THAT(finished.err, ContainsSubstring(message));
    CHECK_FALSE(fs::exists(out / "config.json"));
  };
  const std::string model = tiny_model().string(), data = shop.data.string(), dir = out.string();
  refused({"train", dir, "--from", model}, 2, "--data FILE is required");
  refused({"train", dir, "--data", data}, 2, "--tokenizer DIR for a fresh one");
  refused({"train", dir, "--from", model, "--data", data, "--width", "8"}, 2, "the shape of the model");
  refused({"train", dir, "--from", model, "--data", data, "--steps", "3", "--epochs", "2"}, 2,
          "excludes --epochs");
  refused({"train", dir, "--from", model, "--data", data, "--patience", "2"}, 2, "--patience needs");
  refused({"train", dir, "--from", model, "--data", data, "--optimizer", "muon", "--lora-rank", "2"}, 2,
          "give one of the two");
  refused({"train", dir, "--from", model, "--data", data, "--momentum", "0.9"}, 2, "needs --optimizer muon");
  refused({"train", dir, "--resume"}, 1, "begun in this directory");
  refused({"train", dir, "--from", model, "--data", dir + "/missing.jsonl"}, 1, "missing.jsonl");
  refused({"train", dir, "--from", model, "--data", data, "--lora-rank", "2", "--lora-targets", "q_proj"}, 1,
          "no layer is named 'q_proj'");
  refused({"train", model, "--from", model, "--data", data}, 2, "it would be replaced");
  write_text(shop.dir / "bad.jsonl", examples(3) + R"({"prompt": "x", "completion": ""})" + "\n");
  refused({"train", dir, "--from", model, "--data", (shop.dir / "bad.jsonl").string()}, 1, "bad.jsonl:4");

  REQUIRE(shop.train(out, {"--steps", "1"}).exit_code == 0);
  fs::remove(out / "config.json");
  refused(shop.arguments(out), 1, "--resume goes on with it, --force begins anew");
  refused({"train", dir, "--resume", "--learning-rate", "1"}, 2,
          "--learning-rate cannot be given with --resume");
  write_text(shop.data, examples(119));
  refused({"train", dir, "--resume"}, 1, "changed since the run began");
  CHECK(shop.train(out, {"--steps", "1", "--force"}).exit_code == 0);
}

TEST_CASE("train leaves a run alone when the one in its place cannot begin", "[cli][train]") {
  const Shop shop;
  const fs::path out = shop.dir / "out";
  REQUIRE(shop.train(out, {"--steps", "2"}).exit_code == 0);
  const std::string settings = bytes(out / "run.json"), weights = bytes(out / "model.safetensors");
  const std::string model = tiny_model().string(), data = shop.data.string(), dir = out.string();
  for (const Strings& wrong : std::vector<Strings>{{"--from", model, "--data", "missing.jsonl"},
                                                   {"--from", dir + "/missing", "--data", data},
                                                   {"--from", model, "--data", data, "--batch-tokens", "3"},
                                                   {"--from", model, "--data", data, "--beta2", "1.5"},
                                                   {"--from", model, "--data", data, "--warmup", "9999"}}) {
    Strings arguments = {"train", dir, "--force", "--max-tokens", "64"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    const Finished finished = adlib_tool(arguments);
    CAPTURE(finished.err);
    CHECK(finished.exit_code == 1);
    CHECK(bytes(out / "run.json") == settings);
    CHECK(fs::exists(out / "config.json"));
    CHECK((bytes(out / "model.safetensors") == weights));
  }
  CHECK(adlib_tool({"train", dir, "--resume"}).exit_code == 0);

  const std::string fresh = (shop.dir / "fresh").string();
  CHECK(adlib_tool({"train", fresh, "--from", model + "/missing", "--data", data}).exit_code == 1);
  CHECK_FALSE(fs::exists(fresh));
}

TEST_CASE("train keeps its last checkpoint when the loss is no number", "[cli][train]") {
  const Shop shop;
  const fs::path out = shop.dir / "out";
  const Finished finished = shop.train(
      out, {"--steps", "40", "--learning-rate", "1e6", "--warmup", "0", "--clip", "0", "--save-every", "1"});
  CHECK(finished.exit_code == 1);
  CHECK_THAT(finished.err, ContainsSubstring("the loss is") &&
                               ContainsSubstring("the last checkpoint is whole") &&
                               ContainsSubstring("--resume' goes on from it, with the settings in run.json"));
  CHECK_FALSE(fs::exists(out / "config.json"));
}
