// 04: several prompts of different lengths in one ragged batch. Usage: 04_batch_of_prompts MODEL_DIR
// No padding, no mask to get wrong: each text is the same, byte for byte, as if its prompt had come alone.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "adlib/adlib.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: 04_batch_of_prompts MODEL_DIR\n"), 2;
  try {
    const auto generator = adlib::Generator::from_directory(argv[1]);
    adlib::GenerationConfig config = generator.defaults();
    config.max_new_tokens = 16;
    const std::vector<std::string> prompts = {"夏日新品上市",
                                              "A gift for the film lover in your life:", "Hi"};

    const std::vector<adlib::Result> together = generator.generate(prompts, config);
    int differences = 0;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const adlib::Result alone = generator.generate(prompts[i], config);
      const bool same =
          alone.text() == together[i].text() && alone.completions[0].ids == together[i].completions[0].ids;
      differences += same ? 0 : 1;
      std::printf("%2lld tokens of '%s' -> %zu more, %s as alone\n",
                  static_cast<long long>(together[i].prompt_tokens), prompts[i].c_str(),
                  together[i].completions[0].ids.size(), same ? "the same" : "NOT the same");
    }
    return differences == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "04_batch_of_prompts: %s\n", error.what()), 1;
  }
}
