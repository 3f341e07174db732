// adlib quantize, and --weights of the commands that load a model.
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

Finished quantize(const fs::path& from, const std::string& format, const fs::path& to,
                  std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"quantize", from.string(), "--to", format, "--output", to.string()});
  return adlib_tool(more);
}

std::string written_by(const fs::path& model, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"generate", model.string(), "Once upon", "--max-new-tokens", "12",
                             "--temperature", "1", "--seed", "3"});
  const Finished finished = adlib_tool(more);
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  return finished.out;
}

std::vector<std::string> files_of(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path new_model(const fs::path& dir, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"init", dir.string(), "--context", "64"});
  REQUIRE(adlib_tool(more).exit_code == 0);
  return dir;
}

}  // namespace

TEST_CASE("a quantised directory loads and writes the text of the same format while loading",
          "[cli][quantize]") {
  const std::string family = GENERATE("gpt2", "qwen2");
  const std::string format = GENERATE("int8", "int4:64");
  const TempDir dir;
  const fs::path model = new_model(dir / "m", {"--family", family});
  const Finished made = quantize(model, format, dir / "q");
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(files_of(dir / "q") == files_of(model));
  CHECK(fs::file_size(dir / "q/model.safetensors") * 3 < fs::file_size(model / "model.safetensors"));
  CHECK(written_by(dir / "q") == written_by(model, {"--weights", format}));
  CHECK(written_by(dir / "q", {"--weights", format}) == written_by(dir / "q"));
  for (const char* file : {"generation_config.json", "vocab.json", "merges.txt"})
    CHECK(read_text(dir / "q" / file) == read_text(model / file));
  // What config.json says besides stays.
  Json config = Json::parse(read_text(dir / "q/config.json"));
  CHECK(config["quantization_config"]["weights"] == format);
  config.erase("quantization_config");
  CHECK(config == Json::parse(read_text(model / "config.json")));
}

TEST_CASE("quantize reports bytes and errors as text and JSON", "[cli][quantize]") {
  const TempDir dir;
  const fs::path model = new_model(dir / "m");
  const Finished text = quantize(model, "int4", dir / "a");
  REQUIRE(text.exit_code == 0);
  CHECK(text.err.empty());
  CHECK_THAT(text.out, ContainsSubstring("token embedding") && ContainsSubstring("int4:32") &&
                           ContainsSubstring("relative error"));
  const Finished json = quantize(model, "int4", dir / "b", {"--json"});
  REQUIRE(json.exit_code == 0);
  const Json report = Json::parse(json.out);
  CHECK(report["format"] == "int4:32");
  CHECK(report["output"] == (dir / "b").string());
  std::int64_t weights = 0, after = 0, before = 0;
  for (const Json& part : report["parts"]) {
    CAPTURE(part.dump());
    weights += part["weights"].get<std::int64_t>();
    before += part["bytes_before"].get<std::int64_t>();
    after += part["bytes_after"].get<std::int64_t>();
    if (part["part"] == "mlp up") {
      CHECK(part["format"] == "int4:32");
      CHECK(part["bytes_a_weight"] == 0.5 + 2.0 / 32);
      CHECK(part["relative_error"].get<double>() > 0.05);
      CHECK(part["relative_error"].get<double>() < 0.1);
    } else if (part["part"] == "token embedding") {
      CHECK(part["format"] == "int8");
      CHECK(part["bytes_a_weight"] == 1 + 2.0 / 64);
      CHECK(part["relative_error"].get<double>() < 0.01);
    } else if (part["part"] == "norms" || part["part"] == "biases" || part["part"] == "positions") {
      CHECK(part["format"] == "f32");
      CHECK(part["bytes_a_weight"] == 4.0);
      CHECK_FALSE(part.contains("relative_error"));
    }
  }
  const Json plain = inspect(model, 0);
  CHECK(report["weights"] == plain["parameters"]);
  CHECK(weights == plain["parameters"]);
  CHECK(before == plain["dtypes"]["f32"]["bytes"]);
  CHECK(report["bytes_before"] == before);
  CHECK(report["bytes_after"] == after);
  // The same directory, whatever the report.
  CHECK((read_text(dir / "a/model.safetensors") == read_text(dir / "b/model.safetensors")));
}

TEST_CASE("inspect counts the weights of a quantised directory and finds it whole", "[cli][quantize]") {
  const TempDir dir;
  const fs::path model = new_model(dir / "m", {"--family", "qwen2"});
  REQUIRE(quantize(model, "int4:64", dir / "q").exit_code == 0);
  const Json plain = inspect(model, 0), report = inspect(dir / "q", 0);
  CHECK(plain["format"] == "same");
  CHECK(report["format"] == "int4:64");
  CHECK(report["parameters"] == plain["parameters"]);
  CHECK(report["untrained"] == true);
  std::int64_t values = 0, bytes = 0;
  for (const auto& [name, total] : report["dtypes"].items()) {
    values += total["values"].get<std::int64_t>();
    bytes += total["bytes"].get<std::int64_t>();
  }
  CHECK(values == plain["parameters"]);
  CHECK(bytes < static_cast<std::int64_t>(fs::file_size(dir / "q/model.safetensors")));
  CHECK(report["dtypes"].contains("int4:64"));
  CHECK(report["dtypes"].contains("int8"));
  CHECK_THAT(adlib_tool({"inspect", (dir / "q").string()}).out,
             ContainsSubstring("int4:64, embedding and head int8") && ContainsSubstring("bytes a parameter"));

  std::map<std::string, adlib::Tensor> tensors;
  {
    const auto opened = adlib::io::SafetensorsFile::open(dir / "q/model.safetensors");
    for (const auto& info : opened.tensors()) tensors[info.name] = opened.tensor(info.name).clone();
  }
  tensors.erase("model.layers.0.mlp.up_proj.weight_scale");
  adlib::io::save_safetensors(dir / "q/model.safetensors", tensors);
  CHECK(inspect(dir / "q", 1)["missing"] == Json::array({"model.layers.0.mlp.up_proj.weight_scale"}));
}

TEST_CASE("quantize reads shards and writes one file", "[cli][quantize]") {
  const TempDir dir;
  const fs::path model = new_model(dir / "m");
  REQUIRE(quantize(model, "int8", dir / "whole").exit_code == 0);
  std::map<std::string, adlib::Tensor> first, second;
  Json map = Json::object();
  {
    const auto opened = adlib::io::SafetensorsFile::open(model / "model.safetensors");
    for (const auto& info : opened.tensors()) {
      const bool in_first = first.size() <= second.size();
      (in_first ? first : second)[info.name] = opened.tensor(info.name).clone();
      map[info.name] = in_first ? "model-1.safetensors" : "model-2.safetensors";
    }
  }
  fs::remove(model / "model.safetensors");
  adlib::io::save_safetensors(model / "model-1.safetensors", first);
  adlib::io::save_safetensors(model / "model-2.safetensors", second);
  write_text(model / "model.safetensors.index.json", Json({{"weight_map", map}}).dump());
  REQUIRE(quantize(model, "int8", dir / "shards").exit_code == 0);
  CHECK(files_of(dir / "shards") == files_of(dir / "whole"));  // neither shards nor their index
  CHECK(written_by(dir / "shards") == written_by(dir / "whole"));
}

TEST_CASE("quantize names the directory after the format and replaces nothing unasked", "[cli][quantize]") {
  const TempDir dir;
  const fs::path model = new_model(dir / "m");
  const std::vector<std::string> command = {"quantize", model.string() + "/", "--to", "int8:64"};
  REQUIRE(adlib_tool(command).exit_code == 0);
  REQUIRE(fs::exists(dir / "m-int8-64/config.json"));
  write_text(dir / "m-int8-64/note.txt", "mine");
  const Finished refused = adlib_tool(command);
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.err, ContainsSubstring("--force"));
  std::vector<std::string> forced = command;
  forced.push_back("--force");
  CHECK(adlib_tool(forced).exit_code == 0);
  CHECK(read_text(dir / "m-int8-64/note.txt") == "mine");

  const Finished itself = quantize(model, "int8", model, {"--force"});
  CHECK(itself.exit_code == 2);
  CHECK_THAT(itself.err, ContainsSubstring("is the checkpoint itself"));
  CHECK(inspect(model, 0)["problems"].empty());

  // It would be read before the vocab.json that comes with the model.
  write_text(dir / "m-int8-64/tokenizer.json", "another model's");
  const Finished kept = adlib_tool(forced);
  CHECK(kept.exit_code == 1);
  CHECK_THAT(kept.err, ContainsSubstring("tokenizer.json"));
}

TEST_CASE("quantize says what is wrong and leaves nothing behind", "[cli][quantize]") {
  const TempDir dir;
  const fs::path model = new_model(dir / "m");
  const auto wrong_use = [&](const char* format, const char* message) {
    const Finished finished = quantize(model, format, dir / "q");
    CAPTURE(format, finished.err);
    CHECK(finished.exit_code == 2);
    CHECK_THAT(finished.err, ContainsSubstring(message));
  };
  wrong_use("int5", "'int5' is not one of int8, int8:G");
  wrong_use("int8:48", "'int8:48' is not one of int8, int8:G");
  wrong_use("bf16", "'bf16' is not one of int8, int8:G");
  CHECK(adlib_tool({"quantize", model.string()}).exit_code == 2);
  CHECK(adlib_tool({"generate", model.string(), "x", "--weights", "int5"}).exit_code == 2);

  CHECK(quantize(dir / "none", "int8", dir / "q").exit_code == 1);
  REQUIRE(quantize(model, "int8", dir / "once").exit_code == 0);
  const Finished twice = quantize(dir / "once", "int4", dir / "q");
  CHECK(twice.exit_code == 1);
  CHECK_THAT(twice.err, ContainsSubstring("once: the weights are int8 already"));
  const Finished other = adlib_tool({"generate", (dir / "once").string(), "x", "--weights", "int4"});
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.err, ContainsSubstring("are int8 already and cannot become int4:32"));

  fs::resize_file(model / "model.safetensors", fs::file_size(model / "model.safetensors") - 1);
  CHECK(quantize(model, "int8", dir / "q").exit_code == 1);
  CHECK_FALSE(fs::exists(dir / "q"));
}
