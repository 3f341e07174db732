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

/// Perplexity of records with prompt and completion, or of texts; with `eos`, the end of each counts as a
/// token.
void add_perplexity(Report& report, const Generator& generator, const std::vector<EvalRecord>& records,
                    bool eos, std::int64_t window, std::int64_t stride, const Console& console);

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
