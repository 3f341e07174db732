// adlib write STORE: copy for the customers and products of a campaign.
#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "adlib/generate/engine.h"
#include "copywriter/write/guarded_writer.h"
#include "copywriter/write/stored_copies.h"
#include "copywriter/write/text_writer.h"
#include "write_options.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

cw::CopyPlan copy_plan(const WriteOptions& options, const std::filesystem::path& rules) {
  cw::CopyPlan plan;
  plan.scenes.clear();
  plan.languages.clear();
  plan.tones.clear();
  for (const std::string& scene : options.scenes) plan.scenes.push_back(cw::parse_scene(scene));
  for (const std::string& language : options.languages)
    plan.languages.push_back(cw::parse_language(language));
  for (const std::string& tone : options.tones) plan.tones.emplace_back(cw::parse_tone(tone));
  if (plan.tones.empty()) plan.tones.emplace_back(std::nullopt);
  const std::vector<cw::ChannelField> known = cw::read_channels(rules / "channels.toml");
  if (options.channels.empty())
    throw UsageError("--channel is missing: where the copy is shown, such as mi-push or email-body");
  for (const std::string& id : options.channels) {
    try {
      plan.channels.push_back(cw::find_channel(known, id));
    } catch (const Error& error) {
      throw UsageError(std::string("--channel: ") + error.what());
    }
  }
  plan.variants = options.variants;
  plan.products = options.product_ids;
  plan.customers = options.customer_ids;
  plan.top = options.top;
  plan.limit = options.limit;
  plan.seed = options.generation.seed.value_or(0);
  return plan;
}

// "zh:（AI生成）" closes Chinese copy; without a language in front, copy of each.
std::map<cw::Language, std::vector<std::string>> endings(const WriteOptions& options) {
  std::map<cw::Language, std::vector<std::string>> out;
  for (const std::string& ending : options.ending) {
    const bool one = ending.starts_with("zh:") || ending.starts_with("en:");
    for (const cw::Language language : {cw::Language::zh, cw::Language::en}) {
      if (!one) {
        out[language].push_back(ending);
      } else if (ending.starts_with(cw::to_string(language))) {
        out[language].push_back(ending.substr(3));
      }
    }
  }
  return out;
}

// All that decides over the bytes of a text beside its request: what `adlib reproduce` holds against itself.
io::Json settings_of(const WriteOptions& options, const GenerationConfig& config,
                     const std::filesystem::path& rules) {
  return {{"model", std::filesystem::absolute(options.model).lexically_normal().string()},
          {"model_digest", cw::hexadecimal(cw::sha256_of_directory(options.model))},
          {"rules_digest", cw::hexadecimal(cw::sha256_of_directory(rules))},
          {"weights", options.load.weights},
          {"dtype", options.load.dtype},
          {"generation", io::parse_json(generation_config_to_json(config), "generation")},
          {"allow", options.allow},
          {"attempts", cw::GuardedWriter::kAttempts},
          {"seed", options.generation.seed.value_or(0)}};
}

void report(const cw::StoredCopySummary& summary, double seconds, const Console& console) {
  std::ostringstream out;
  out << counted(summary.written, "text");
  if (summary.there > 0) out << " (" << summary.there << " were there already)";
  out << ", " << summary.prompt_tokens << " prompt tokens, " << summary.generated_tokens << " written, "
      << std::fixed << std::setprecision(2) << seconds << " s";
  console.note(out.str());
}

}  // namespace

int write_to_store(const WriteOptions& options, const Console& console) {
  const std::filesystem::path rules = rules_folder(options.rules);
  const cw::Privacy privacy = make_privacy(rules, options.allow);
  const cw::CopyPlan plan = copy_plan(options, rules);
  const auto rule_set = options.no_guard ? nullptr : std::make_shared<cw::RuleSet>(rules);
  const cw::Store store(options.store, cw::Store::Mode::write);

  const std::filesystem::path directory = prompt_templates(options.templates, options.model);
  cw::Templates templates;
  if (!directory.empty()) {
    cw::CopyOptions wanted;
    wanted.scenes = plan.scenes;
    wanted.languages = plan.languages;
    templates = cw::load_templates(directory, wanted);
  }
  std::optional<cw::Checker> checker;
  std::vector<cw::Product> catalogue;
  if (!options.no_guard) {
    catalogue = cw::catalogue_of(store, cw::read_stored_products(store));
    checker.emplace(rule_set, catalogue);
  }
  std::optional<Generator> generator;  // loaded where there is something to write
  cw::ShortenPrompt shorten;
  cw::StoredCopies copies(store, privacy, plan,
                          {.guarded = !options.no_guard,
                           .ending = endings(options),
                           .rewrite = options.rewrite,
                           .templates = directory.empty() ? nullptr : &templates,
                           .checker = checker ? &*checker : nullptr,
                           .shorten = [&](cw::TaggedPrompt& prompt) { return !shorten || shorten(prompt); }});
  const cw::StoredCopySummary& counts = copies.counts();
  if (counts.refused > 0)
    console.note("nothing is written to " + counted(counts.refused, "customer") + " who refused the channel");
  if (counts.without_product > 0)
    console.note(counted(counts.without_product, "customer") + " got no recommendation");
  if (counts.other_ending > 0)
    console.note(counted(counts.other_ending, "text") + " that somebody decided on keep another --ending");
  if (copies.size() == 0) {
    report(counts, 0, console);
    return 0;
  }

  generator.emplace(Generator::from_directory(options.model, load_options(options.load, console)));
  const GenerationConfig config = copy_generation(options.generation, *generator);
  shorten = shortener(*generator, config);
  check_model(options, config, !options.no_guard, console);
  if (options.no_guard) console.warn("without the guard: these texts can never be published");
  console.note(counted(copies.size(), "text") + " to write, seed " + std::to_string(plan.seed));

  cw::Run run(store, "write", settings_of(options, config, rules));
  EngineProgress progress(console, options.engine.progress, copies.size());
  const auto start = std::chrono::steady_clock::now();
  const cw::TextWriter writer(*generator, config, engine_options(options.engine, progress));
  cw::GuardedWriter guarded(writer, rule_set, asking(config));
  const auto begin = [&](const cw::CopyRequest& request, const cw::GuardedWriter::Judge& judge) {
    return guarded.begin(request, judge);
  };
  const cw::StoredCopySummary summary =
      copies.write(run, begin, writer.ahead(), [&](std::int64_t texts) { progress.done(texts); });
  run.finish();
  progress.finish();
  warn_of_long(summary.too_long, console);
  if (summary.erased > 0) console.note(counted(summary.erased, "customer") + " was erased meanwhile");
  report(summary, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), console);
  return 0;
}

}  // namespace adlib::cli
