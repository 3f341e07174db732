// examples/adlib/eval_model.h: what `adlib eval` measures with a model.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adlib/generate/generator.h"
#include "app.h"
#include "eval_report.h"
#include "eval_texts.h"

namespace adlib::cli {

struct PerplexityRun {
  bool eos = true;  ///< the end of each text counts as a token
  std::int64_t window = 0, stride = 0;
};
/// Perplexity of records with prompt and completion, or of texts; and, with `against`, how often that model
/// finds the same token likeliest, and its perplexity.
void add_perplexity(Report& report, const Generator& generator, const Decoder* against,
                    const std::vector<EvalRecord>& records, const PerplexityRun& run, const Console& console);

/// The likeliest continuation of each prompt: greedy, without what generation_config.json sets but the end
/// tokens. Throws Error(invalid_argument) "where: …" for a prompt that leaves no room for `max_new_tokens`.
struct GreedyPrompt {
  std::string where;
  std::vector<TokenId> ids;
};
std::vector<std::string> write_greedily(const Generator& generator, const std::vector<GreedyPrompt>& prompts,
                                        std::int64_t max_new_tokens, const Console& console);

struct PersonalisationInput {
  std::string products, customers;
  std::vector<std::string> scenes, languages;
  std::filesystem::path templates;  ///< empty: tagged prompts
  std::string currency;
};
/// One section for each language and scene. All that can be wrong with the input is found by reading it,
/// before a model is asked.
class PersonalisationRun {
 public:
  explicit PersonalisationRun(const PersonalisationInput& input);
  ~PersonalisationRun();
  void add_to(Report& report, const Generator& generator, std::int64_t max_new_tokens,
              const Console& console) const;

 private:
  struct Data;
  std::unique_ptr<const Data> data_;
};

}  // namespace adlib::cli
