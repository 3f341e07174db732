#include "adlib/train/run.h"

#include <sys/resource.h>

#include <csignal>
#include <random>
#include <set>
#include <sstream>

#include "adlib/io/safetensors.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "train/dataset_files.h"
#include "train/models.h"

using namespace adlib;
using namespace adlib::test;
namespace fs = std::filesystem;

namespace {

// A run over a small dataset; every call is a process of its own as far as the library can tell.
struct Setting {
  explicit Setting(Device where = Device::cpu) : device(where), steps(is_emulated(where) ? 3 : 12) {}

  Device device;
  std::int64_t steps;
  TempDir dir;
  train::RunOptions options = {.directory = dir / "run", .evaluate_every = 3, .save_every = 2};
  train::TrainerOptions trainer_options = {
      .schedule = {.peak = 5e-3, .floor = 5e-4, .warmup = 2, .total = steps}, .accumulation = 2, .seed = 5};
  train::TrainableOptions model_options = {.dropout = 0.1f};

  train::Dataset data() const {
    if (!fs::exists(dir / "data.jsonl"))
      write_text(dir / "data.jsonl", completions(is_emulated(device) ? 30 : 60));
    return train::Dataset({dir / "data.jsonl"}, *byte_tokenizer(), {.context = 48, .split_field = "title"});
  }
  train::RunResult run(const train::RunObserver& observer = {}) {
    const train::Split parts = train::split(data(), 0.2);
    train::TrainableDecoder model(small_decoder(DecoderConfig::Family::gpt2, device), model_options);
    const train::LanguageModelling objective;
    train::Trainer trainer(model, objective, trainer_options);
    train::BatchStream stream(parts.train, 60, 5);
    return train::run(trainer, stream, train::BatchPass(parts.validation, 60), options, observer);
  }
  std::string bytes_of(const std::string& file) const { return read_text(options.directory / file); }
  std::string last_checkpoint() const {
    return is_emulated(device) ? "checkpoints/step-00000003/" : "checkpoints/step-00000012/";
  }
};

// The log without what a clock says.
std::vector<std::string> timeless(const fs::path& log) {
  std::vector<std::string> lines;
  const train::TrainingLog kept(log, 1 << 30);
  for (const train::LogEntry& entry : kept.entries()) {
    lines.push_back(concat(entry.step, ' ', entry.loss.value_or(-1), ' ', entry.gradient_norm.value_or(-1),
                           ' ', entry.tokens.value_or(-1), ' ', entry.validation_loss.value_or(-1)));
  }
  return lines;
}

void check_same_end(const Setting& a, const Setting& b) {
  for (const std::string file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    CAPTURE(file);
    const std::string expected = a.bytes_of(a.last_checkpoint() + file);
    CHECK(!expected.empty());
    CHECK((b.bytes_of(b.last_checkpoint() + file) == expected));
  }
  CHECK((b.bytes_of("best.safetensors") == a.bytes_of("best.safetensors")));
  CHECK(timeless(b.options.directory / "log.jsonl") == timeless(a.options.directory / "log.jsonl"));
}

}  // namespace

TEST_CASE("A run that was interrupted ends with the bytes of one that was not", "[train][run][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Setting whole(device), broken(device);
  const train::RunResult expected = whole.run();
  CHECK(expected.state.step == whole.steps);
  CHECK(expected.state.best_step > 0);
  CHECK_FALSE(expected.interrupted);

  SECTION("on request, which saves") {
    broken.options.interrupted = [] { return true; };
    for (std::int64_t step = 1; step < whole.steps; ++step) {
      const train::RunResult part = broken.run();
      CHECK(part.state.step == step);
      CHECK(part.interrupted);
    }
    CHECK_FALSE(broken.run().interrupted);
  }
  SECTION("in the middle of anything, which loses the steps since the last checkpoint") {
    std::mt19937 random(3);
    int calls = 0;
    for (bool done = false; !done;) {
      int left = 1 + static_cast<int>(random() % 7);
      const auto die = [&] {
        ++calls;
        if (--left == 0) throw std::runtime_error("killed");
      };
      try {
        broken.run({.started = {},
                    .stepped = [&](const train::StepReport&, double) { die(); },
                    .evaluated = [&](std::int64_t, const train::Totals&, bool) { die(); },
                    .saved = [&](const fs::path&) { die(); }});
        done = true;
      } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()) == "killed");
        // What a killed process may leave behind.
        fs::create_directories(broken.options.directory / "checkpoints/step-99999999.unfinished");
        if (fs::exists(broken.options.directory / "log.jsonl"))
          std::ofstream(broken.options.directory / "log.jsonl", std::ios::app) << "{\"step\": 3, \"lo";
      }
    }
    CHECK(calls > whole.steps);
  }
  check_same_end(whole, broken);
  CHECK_FALSE(fs::exists(broken.options.directory / "checkpoints/step-99999999.unfinished"));
  CHECK(std::distance(fs::directory_iterator(broken.options.directory / "checkpoints"), {}) == 2);
  CHECK_THAT(broken.bytes_of("loss.svg"), ContainsSubstring("<svg"));
}

TEST_CASE("Weights whose loss is no number are not saved, so that the last checkpoint can go on",
          "[train][run]") {
  Setting setting;
  setting.options.save_every = 1;
  setting.options.evaluate_every = GENERATE(0, 1);
  setting.trainer_options.schedule = {.peak = 1e6, .floor = 1e6, .warmup = 0, .total = 40};
  setting.trainer_options.optimizer.adamw.weight_decay = 1;
  setting.trainer_options.max_gradient_norm = 0;
  const std::string error = error_of([&] { setting.run(); });
  CHECK_THAT(error, ContainsSubstring("the loss is") && ContainsSubstring("whose weights are not kept"));
  const auto last = train::latest_checkpoint(setting.options.directory / "checkpoints");
  REQUIRE(last);
  std::int64_t begun = 0, stepped = 0;
  const std::string again = error_of([&] {
    setting.run({.started = [&](const train::TrainingState& state) { begun = state.step; },
                 .stepped = [&](const train::StepReport& report, double) { stepped = report.step; },
                 .evaluated = {},
                 .saved = {}});
  });
  CHECK(again == error);
  CHECK(begun > 0);
  CHECK(stepped == begun + 1);
}

TEST_CASE("A run is one process's alone, and loses what killed ones left half written", "[train][run]") {
  const TempDir dir;
  fs::create_directories(dir / "tokens");
  for (const char* left : {".adlib-tmp-7-0", "tokens/.adlib-tmp-7-1", "tokens/.adlib-spans-x7Fq2a"})
    write_text(dir / left, "half");
  write_text(dir / "tokens/data.tokens", "whole");
  {
    const train::RunLock lock(dir.path());
    CHECK_FALSE(fs::exists(dir / ".adlib-tmp-7-0"));
    CHECK(std::distance(fs::directory_iterator(dir / "tokens"), {}) == 1);
    CHECK_THAT(error_of([&] { train::RunLock second(dir.path()); }), ContainsSubstring("another process"));
  }
  CHECK_NOTHROW(train::RunLock(dir.path()));
  CHECK_THAT(error_of([&] { train::RunLock missing(dir / "none"); }), ContainsSubstring("none"));
}

TEST_CASE("Checkpoints are told by their steps, and copies of them are left alone", "[train][run]") {
  const TempDir dir;
  for (const char* name : {"step-99999999", "step-100000000", "step-00000007", "step-00000008.unfinished",
                           "step-99999999.copy", "step-9", "notes"})
    fs::create_directories(dir / name);
  CHECK(train::latest_checkpoint(dir.path()) == dir / "step-100000000");
  train::prune_checkpoints(dir.path(), 2);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir.path())) names.insert(entry.path().filename().string());
  CHECK(names ==
        std::set<std::string>{"step-99999999", "step-100000000", "step-99999999.copy", "step-9", "notes"});
}

TEST_CASE("LoRA and bf16 runs go on, too", "[train][run][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Setting whole(device), broken(device);
  for (Setting* setting : {&whole, &broken}) {
    setting->model_options.dtype = DType::bf16;
    setting->model_options.lora = train::LoraConfig{.rank = 2, .alpha = 4};
  }
  whole.run();
  broken.options.interrupted = [] { return true; };
  broken.run(), broken.run();
  broken.options.interrupted = {};
  broken.run();
  check_same_end(whole, broken);
}

TEST_CASE("Patience ends a run that no longer gets better, and it stays ended", "[train][run]") {
  Setting setting;
  setting.options.evaluate_every = 1;
  setting.options.patience = 2;
  setting.trainer_options.schedule.peak = 1e-9;  // learns nothing
  setting.trainer_options.schedule.floor = 0;
  setting.trainer_options.optimizer.adamw.weight_decay = 0;
  setting.trainer_options.schedule.warmup = 0;
  setting.trainer_options.schedule.total = 200;
  const train::RunResult result = setting.run();
  CHECK(result.stopped_early);
  CHECK(result.state.step < 200);
  CHECK(result.state.stale_evaluations == 2);
  CHECK(result.state.best_step == result.state.step - 2);
  CHECK(setting.run().state.step == result.state.step);
}

TEST_CASE("A full disk ends the run with a message and leaves the last checkpoint whole", "[train][run]") {
  Setting whole, broken;
  whole.run();
  struct rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  std::string error;
  try {
    broken.run({.started = {},
                .stepped =
                    [&](const train::StepReport& report, double) {
                      if (report.step != 6) return;
                      struct rlimit small = before;
                      small.rlim_cur = 4096;
                      setrlimit(RLIMIT_FSIZE, &small);
                    },
                .evaluated = {},
                .saved = {}});
  } catch (const Error& thrown) {
    error = thrown.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  CHECK_THAT(error, ContainsSubstring("cannot write"));
  const auto last = train::latest_checkpoint(broken.options.directory / "checkpoints");
  REQUIRE(last);
  CHECK(last->filename() == "step-00000004");
  broken.run();
  check_same_end(whole, broken);
}

TEST_CASE("A checkpoint of another model or version is refused by name", "[train][run]") {
  Setting setting;
  setting.options.interrupted = [] { return true; };
  setting.run();
  const fs::path checkpoint = *train::latest_checkpoint(setting.options.directory / "checkpoints");
  SECTION("another model") {
    setting.model_options.lora = train::LoraConfig{};
    CHECK_THAT(error_of([&] { setting.run(); }), ContainsSubstring("lora_A"));
  }
  SECTION("another version") {
    write_text(checkpoint / "state.json", R"({"format": 2})");
    CHECK_THAT(error_of([&] { setting.run(); }),
               ContainsSubstring("state.json") && ContainsSubstring("expected 1"));
  }
  SECTION("a moment is missing") {
    io::save_safetensors(checkpoint / "optimizer.safetensors", {{"x", Tensor::zeros({1})}});
    CHECK_THAT(error_of([&] { setting.run(); }), ContainsSubstring("exp_avg"));
  }
}

TEST_CASE("The plot names both losses and is well-formed", "[train]") {
  std::vector<train::LogEntry> entries;
  CHECK_THAT(train::loss_plot(entries, "a<b & c"), ContainsSubstring("a&lt;b &amp; c"));
  for (int step = 1; step <= 300; ++step) entries.push_back({.step = step, .loss = 5.0 / step + 1});
  entries.push_back({.step = 300, .validation_loss = 1.5});
  const std::string plot = train::loss_plot(entries, "run");
  CHECK_THAT(plot, ContainsSubstring("validation 1.5000 (best 1.5000 at step 300)"));
  CHECK_THAT(plot, !ContainsSubstring("nan") && !ContainsSubstring("inf"));
}

TEST_CASE("The plot's mean does not lag behind the steps", "[train]") {
  std::vector<train::LogEntry> entries;
  for (int step = 1; step <= 300; ++step) entries.push_back({.step = step, .loss = 10 - step / 50.0});
  const std::string plot = train::loss_plot(entries, "run");
  const auto point = [&](const std::string& kind, int index) {
    const std::string head = "class=\"" + kind + "\" points=\"";
    std::istringstream points(plot.substr(plot.find(head) + head.size()));
    std::string at;
    for (int i = 0; i <= index; ++i) points >> at;
    return at;
  };
  CHECK(point("mean", 150) == point("step", 150));
  CHECK(point("mean", 290) == point("step", 290));
}
