// The batches of a run of `adlib train`, as JSON Lines: what another library needs to learn from the same
// examples in the same order. train_quality.py reads them.
//
//   bench_train_batches RUN_DIR STEPS
//
// A line is {"step": 1, "ids": [[…], …], "targets": [[…], …]}, a list a document; target -1 does not count.
// As many lines a step as the run accumulates, then the validation batches as step 0.
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "adlib/io/json.h"
#include "adlib/models/checkpoint.h"
#include "adlib/tokenizer/tokenizer.h"
#include "adlib/train/batch_stream.h"

namespace adlib::bench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files(const io::Json& run, const char* name) {
  std::vector<fs::path> paths;
  for (const io::Json& file : run.at(name)) paths.emplace_back(file.get<std::string>());
  return paths;
}

void print(std::int64_t step, const train::TokenBatch& batch) {
  io::Json line = {{"step", step}, {"ids", io::Json::array()}, {"targets", io::Json::array()}};
  for (std::size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    const auto [begin, end] = std::pair{batch.offsets[i], batch.offsets[i + 1]};
    line["ids"].push_back(std::vector(batch.ids.begin() + begin, batch.ids.begin() + end));
    line["targets"].push_back(std::vector(batch.targets.begin() + begin, batch.targets.begin() + end));
  }
  std::cout << line.dump() << '\n';
}

void print_batches(const fs::path& directory, std::int64_t steps) {
  const io::Json run = io::read_json(directory / "run.json");
  const fs::path model = run.at("from").get<std::string>();
  require(
      !model.empty(), (directory / "run.json").string(),
      ": the run began from no --from directory; make the model with 'adlib init', so that both begin with "
      "the same weights");
  const auto tokenizer = Tokenizer::from_directory(model);
  train::DatasetOptions options;
  const auto max_tokens = run.at("max_tokens").get<std::int64_t>();
  options.context = max_tokens > 0 ? max_tokens : read_config(model).context;
  options.eos = !run.at("no_eos").get<bool>();
  options.split_field = run.at("split_by").get<std::string>();
  options.cache_directory = directory / "tokens";

  const train::Dataset data(files(run, "data"), *tokenizer, options);
  std::string fingerprint = data.fingerprint();
  train::Subset training(data);
  std::optional<train::Subset> validation;
  if (const auto share = run.at("validation").get<double>(); share > 0) {
    const train::Split sides = train::split(data, share);
    training = sides.train;
    validation = sides.validation;
  } else if (const auto held_out = files(run, "validation_data"); !held_out.empty()) {
    const train::Dataset others(held_out, *tokenizer, options);
    fingerprint.append("/").append(others.fingerprint());
    validation.emplace(others);
  }
  require(fingerprint == run.at("data_fingerprint").get<std::string>(), (directory / "run.json").string(),
          ": the data or the tokenizer changed since the run");

  const auto tokens = run.at("batch_tokens").get<std::int64_t>();
  train::BatchStream stream(training, tokens, run.at("seed").get<std::uint64_t>());
  for (std::int64_t step = 1; step <= steps; ++step)
    for (auto left = run.at("accumulate").get<std::int64_t>(); left > 0; --left) print(step, stream.next());
  if (!validation) return;
  train::BatchPass pass(*validation, tokens);
  for (train::TokenBatch batch; pass.next(batch);) print(0, batch);
}

}  // namespace
}  // namespace adlib::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bench_train_batches RUN_DIR STEPS\n";
    return 2;
  }
  try {
    adlib::bench::print_batches(argv[1], std::stoll(argv[2]));
  } catch (const std::exception& error) {
    std::cerr << "bench_train_batches: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
