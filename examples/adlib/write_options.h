// examples/adlib/write_options.h: what `adlib write` is told, with files and with a store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app.h"
#include "copywriter/write/guarded_writer.h"
#include "copywriter/write/privacy.h"
#include "copywriter/write/write_copy.h"
#include "engine_flags.h"
#include "generation_flags.h"

namespace adlib::cli {

struct WriteOptions {
  std::string store;
  std::string model;
  std::vector<std::string> scenes = {"recommendation"};
  std::vector<std::string> languages = {"zh"};
  std::vector<std::string> channels, tones;
  std::string templates;
  std::string rules;
  std::vector<std::string> allow;
  bool no_guard = false;
  std::vector<std::string> ending;
  std::int64_t limit = 0;
  LoadFlags load;
  GenerationFlags generation;
  EngineFlags engine;
  // With files.
  std::string products, customers;
  std::string pairing = "all";
  std::string fit;
  std::string currency;
  std::string output;
  bool resume = false;
  // With a store.
  std::vector<std::string> product_ids, customer_ids;
  std::int64_t top = 1, variants = 1;
  bool rewrite = false;
};

/// The settings of the model's directory with the flags. Copy is drawn unless that is switched off: different
/// customers should not all read the likeliest sentence.
GenerationConfig copy_generation(GenerationFlags flags, const Generator& generator);
/// How often, and over what, texts are asked for again: --logprob-threshold, else what fits adlib's own
/// model.
copywriter::GuardedWriter::Options asking(const GenerationConfig& config);
/// Cuts tagged prompts to the room that the model has beside --max-new-tokens; none where --too-long asks for
/// something else or that room is less than half of the context. `generator` must outlive it.
copywriter::ShortenPrompt shortener(const Generator& generator, const GenerationConfig& config);
void warn_of_long(std::int64_t texts, const Console& console);
/// Throws UsageError for a name that --allow does not know.
copywriter::Privacy make_privacy(const std::filesystem::path& rules, const std::vector<std::string>& allow);
/// Throws UsageError where the guard cannot be kept, warns where the weights are noise.
void check_model(const WriteOptions& options, const GenerationConfig& config, bool guarded,
                 const Console& console);

/// `adlib write STORE`.
int write_to_store(const WriteOptions& options, const Console& console);

}  // namespace adlib::cli
