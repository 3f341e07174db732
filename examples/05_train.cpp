// 05: teach a small model from nothing, step by step, and let it write. Usage: 05_train DIR, which gets the
// model. The facts stand in the prompt, and the text repeats them: what is learned is to copy, not to
// remember.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "adlib/adlib.h"
#include "adlib/tokenizer/byte_bpe.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: 05_train DIR\n"), 2;
  try {
    const std::filesystem::path dir = argv[1];
    std::filesystem::create_directories(dir);
    adlib::write_byte_level_files(dir);  // a tokenizer whose ids are bytes
    {
      std::ofstream examples(dir / "examples.jsonl");
      const std::string colours[] = {"red", "blue", "green", "white"}, things[] = {"lamp", "mug", "chair"};
      for (const std::string& colour : colours)
        for (const std::string& thing : things)
          examples << R"({"prompt": ")" << colour << ' ' << thing << R"(:", "completion": " the )" << colour
                   << ' ' << thing << " for you.\"}\n";
    }
    const auto tokenizer = adlib::Tokenizer::from_directory(dir);
    const adlib::train::Dataset data({dir / "examples.jsonl"}, *tokenizer, {.context = 64});
    adlib::train::BatchStream stream(adlib::train::Subset(data), /*tokens=*/512, /*seed=*/1);

    adlib::DecoderConfig config;  // GPT-2, tiny
    config.vocab_size = tokenizer->vocab_size();
    config.context = 64, config.width = 64, config.layers = 2, config.mlp_width = 256;
    config.heads = config.kv_heads = 4, config.head_dim = 16;
    adlib::train::TrainableDecoder model(adlib::Decoder(config, adlib::random_weights(config, /*seed=*/1)));
    const adlib::train::LanguageModelling objective;
    adlib::train::Trainer trainer(model, objective,
                                  {.schedule = {.peak = 5e-3, .floor = 5e-4, .warmup = 10, .total = 150}});
    for (int step = 1; step <= 150; ++step) {
      const adlib::train::StepReport report = trainer.step([&] { return stream.next(); });
      if (step % 30 == 0 || step == 1) std::printf("step %3d  loss %.3f\n", step, report.totals.mean_loss());
    }

    const adlib::Decoder trained(config, adlib::Weights::from(model.named_tensors()));
    adlib::save(trained, dir);  // adlib and transformers both open the directory
    adlib::GenerationConfig greedy;
    greedy.max_new_tokens = 40;
    greedy.eos_token_id = {*tokenizer->eos_id()};
    const adlib::Generator generator = adlib::Generator::from_directory(dir);
    std::printf("green mug:%s\n", generator.generate("green mug:", greedy).text().c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "05_train: %s\n", error.what()), 1;
  }
}
