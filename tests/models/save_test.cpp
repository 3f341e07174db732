// save() and loading again; transformers' view of what save() writes is tests/data/models/check_saved.py.
#include <cstdlib>

#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("a decoder that is saved and loaded is the same, bit for bit", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE_COPY(from_range(golden_names(device)));
  CAPTURE(name);
  const Golden golden(name);
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  const TempDir dir;
  save(decoder, dir / "nested/model");
  const Decoder again = load_decoder(dir / "nested/model", {.device = device});

  CHECK(again.config() == decoder.config());
  CHECK(again.dtype() == decoder.dtype());
  const auto before = decoder.named_tensors();
  const auto after = again.named_tensors();
  REQUIRE(before.size() == after.size());
  for (const auto& [key, tensor] : before) {
    CAPTURE(key);
    REQUIRE(after.count(key) == 1);
    CHECK(same_bytes(tensor, after.at(key)));
  }
  CHECK(same_bytes(run(decoder, golden.ids).logits, run(again, golden.ids).logits));

  // Every weight of the golden's own file is there, unchanged.
  const auto original = io::SafetensorsFile::open(golden.dir / "model.safetensors");
  const std::string root = std::string(names_of(decoder.config().family).root) + ".";
  std::size_t matched = 0;
  for (const auto& info : original.tensors()) {
    if (is_known_extra(decoder.config(), info.name)) continue;
    const auto found = after.find(after.count(info.name) ? info.name : root + info.name);
    CAPTURE(info.name);
    REQUIRE(found != after.end());
    CHECK(same_bytes(original.tensor(info.name), found->second));
    ++matched;
  }
  CHECK(matched == after.size());

  // The same decoder writes the same files.
  const std::string weights = read_text(dir / "nested/model/model.safetensors");
  const std::string config = read_text(dir / "nested/model/config.json");
  save(again, dir / "nested/model");
  CHECK(read_text(dir / "nested/model/model.safetensors") == weights);
  CHECK(read_text(dir / "nested/model/config.json") == config);
}

TEST_CASE("saving over the directory that a decoder was loaded from keeps both whole",
          "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Golden golden("qwen2");
  const TempDir dir;
  for (const char* file : {"config.json", "model.safetensors"})
    std::filesystem::copy_file(golden.dir / file, dir / file);
  const Decoder decoder =
      load_decoder(dir.path(), {.device = device});  // its tensors are views of the mapped file
  const Tensor before = run(decoder, golden.ids).logits;
  save(decoder, dir.path());
  CHECK(same_bytes(run(decoder, golden.ids).logits, before));
  CHECK(same_bytes(run(load_decoder(dir.path(), {.device = device}), golden.ids).logits, before));
}

TEST_CASE("save says why it cannot write", "[models][golden]") {
  const TempDir dir;
  write_text(dir / "file", "in the way");
  const Decoder decoder = load_decoder(golden_dir("gpt2-relu-unscaled"));
  CHECK_THROWS_WITH(save(decoder, dir / "file"), ContainsSubstring("file"));
}

// Hidden: writes $ADLIB_SAVE_DIR for check_saved.py: every golden and a fresh model of each family, saved,
// with the logits that adlib computes in outputs.safetensors.
TEST_CASE("write saved directories for check_saved.py", "[.save]") {
  const char* target = std::getenv("ADLIB_SAVE_DIR");
  if (target == nullptr) FAIL("set ADLIB_SAVE_DIR to the directory to write");
  const auto write = [&](const Decoder& decoder, const std::string& name, const Ids& ids) {
    const std::filesystem::path dir = std::filesystem::path(target) / name;
    save(decoder, dir);
    io::save_safetensors(dir / "outputs.safetensors",
                         {{"ids", ids_tensor(ids)}, {"logits", run(decoder, ids).logits}});
  };
  for (const std::string& name : golden_names()) {
    const Golden golden(name);
    write(load_decoder(golden.dir), name, golden.ids);
  }
  for (const char* name : {"gpt2-relu-unscaled", "llama3-wide-biased", "qwen2-yarn-f16"}) {
    const DecoderConfig config = read_config(golden_dir(name));
    write(Decoder(config, random_weights(config, 5)), "fresh-" + std::string(to_string(config.family)),
          {1, 2, 3, 4});
  }
}
