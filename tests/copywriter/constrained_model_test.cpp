// What the rules of the product do to the texts of the shipped model: whether any is broken, by a search that
// shares no code with the decoder's automaton, and what they cost, by the model that is free of them.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "adlib/eval/perplexity.h"
#include "adlib/generate/engine.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/guard.h"
#include "corpus_support.h"
#include "generate/plain_check.h"

namespace adlib::copywriter {
namespace {

const std::shared_ptr<const RuleSet>& shared_rules() {
  static const auto set = std::make_shared<const RuleSet>(test::source_dir() / "examples/copywriter/rules");
  return set;
}
const RuleSet& rules() { return *shared_rules(); }

/// A prompt as the product makes it, for a product and a customer that no corpus has.
struct Asked {
  Language language = Language::zh;
  TaggedPrompt fields;
  std::vector<TokenId> ids;
};

std::string_view field(const TaggedPrompt& prompt, std::string_view tag) {
  const auto at = std::find_if(prompt.begin(), prompt.end(), [&](const auto& one) { return one.tag == tag; });
  return at == prompt.end() ? std::string_view() : std::string_view(at->text);
}

/// Of each rule of level ban the phrases that the decoder is held to, for the search by regular expressions.
struct ClosedRule {
  const RulePack* pack;
  const Rule* rule;
  PhraseMatcher matcher;
};
const std::vector<ClosedRule>& closed_rules() {
  static const std::vector<ClosedRule> all = [] {
    std::vector<ClosedRule> out;
    for (const RulePack& pack : rules().packs()) {
      for (const Rule& rule : pack.rules) {
        std::vector<PhraseSource> closed;
        for (const PhraseSource& phrase : rule.phrases)
          if (rule.level == Level::ban && !plain_phrases(phrase).empty()) closed.push_back(phrase);
        if (!closed.empty()) out.push_back({&pack, &rule, PhraseMatcher(closed)});
      }
    }
    return out;
  }();
  return all;
}

/// What is wrong with a text, by plain search; empty when nothing is.
std::string violation(const std::string& text, const Asked& asked, const ConstraintRules& under) {
  const std::string title(field(asked.fields, "<|product|>")), brand(field(asked.fields, "<|brand|>"));
  Occasion occasion{
      .kinds = rules().kinds().of(std::string(field(asked.fields, "<|category|>")) + "\n" + title),
      .channels = {},
      .tone = std::string(trim(field(asked.fields, "<|tone|>"))),
      .generated = true};
  if (const auto channel = field(asked.fields, "<|channel|>"); !channel.empty())
    occasion.channels = {std::string(trim(channel))};
  std::vector<PhraseSource> called;
  for (const std::string& name : {title, brand})
    if (!trim(name).empty()) called.push_back({escaped_phrase(trim(name)), "name"});
  const PhraseMatcher names(called);
  const FoldedText folded_text(text);
  for (const ClosedRule& closed : closed_rules()) {
    if (!closed.pack->is_about(asked.language) || !closed.rule->concerns(occasion)) continue;
    for (const Range range : closed.matcher.find_all(folded_text)) {
      const bool own = closed.rule->outside_names && names.covers(folded_text, range);
      if (!own && !closed.rule->except.covers(folded_text, range)) return closed.rule->id;
    }
  }
  std::set<std::string> numbers, words;
  for (const std::string& source : *under.numbers)
    for (const auto& number : test::plain_numbers(source)) numbers.insert(number.digits);
  for (const auto& number : test::plain_numbers(text))
    if (numbers.count(number.digits) == 0) return "the number " + number.digits;
  const bool latin = asked.language == Language::zh;
  for (const std::string& source : under.foreign)
    for (const std::string& run : test::plain_runs(source, latin)) words.insert(run);
  for (const std::string& run : test::plain_runs(text, latin))
    if (words.count(run) == 0) return "the foreign word " + run;
  for (const std::string& phrase : under.required)
    if (text.find(phrase) == std::string::npos) return "without " + phrase;
  const std::string twice =
      test::plain_repetition(text, static_cast<std::size_t>(under.no_repeat), under.required);
  if (!twice.empty()) return "'" + twice + "' twice";
  const std::string_view end = trim(text);
  static const std::vector<std::string> marks = {"。", "！", "？", ".", "!",  "?",  "…", "”",
                                                 "\"", "’",  "）", ")", "」", "』", "》"};
  if (std::none_of(marks.begin(), marks.end(), [&](const auto& mark) { return end.ends_with(mark); }))
    return "cut off";
  return "";
}

struct Written {
  std::vector<eval::Document> documents;
  std::int64_t broken = 0;  // texts, by their own rules
};

std::string summary(const eval::Perplexity& p) {
  return concat(p.perplexity(), " a token over ", p.documents, " texts of ",
                static_cast<double>(p.tokens) / static_cast<double>(p.documents), " tokens");
}

}  // namespace

// ADLIB_TEXTS=2000 for more texts of each language.
TEST_CASE("the rules cost the shipped model at most a twentieth of its perplexity, and none is broken",
          "[.][copywriter][guard][constrained]") {
  const std::filesystem::path directory = test::source_dir() / "examples/copywriter/model";
  const Generator generator = Generator::from_directory(directory, {.dtype = DType::f32});
  const char* asked_for = std::getenv("ADLIB_TEXTS");
  const std::int64_t count = asked_for ? std::atoi(asked_for) : 500;
  corpus::WorldOptions world = corpus::read_held_out(test::corpus_dir() / "corpus.txt");
  world.invented_values = 1;
  const corpus::ExampleMaker maker = test::example_maker(world);
  std::vector<Asked> prompts;
  for (const Language language : {Language::zh, Language::en}) {
    for (std::int64_t i = 0; i < count; ++i) {
      Asked asked{language, maker.make(77, static_cast<std::uint64_t>(i), language).prompt, {}};
      asked.ids = encode(asked.fields, generator.tokenizer());
      prompts.push_back(std::move(asked));
    }
  }
  const Guard guard(shared_rules());
  const TokenId end = generator.defaults().eos_token_id.front();
  const auto write = [&](const char* how, float temperature, std::optional<Guard::Name> name) {
    Engine engine(generator, {.max_sequences = 32, .max_waiting = std::ssize(prompts)});
    std::vector<Engine::Ticket> tickets;
    std::vector<std::shared_ptr<const Constraint>> constraints;
    for (const Asked& asked : prompts) {
      EngineRequest request{.prompt = asked.ids, .config = generator.defaults()};
      request.config.do_sample = true;
      request.config.temperature = temperature;
      request.config.seed = static_cast<std::uint64_t>(tickets.size());
      // What the rules would have been is held against free texts, too.
      constraints.push_back(
          guard.constraint(asked.fields, asked.language, {}, name.value_or(Guard::Name::required)));
      if (name) request.config.constraint = constraints.back();
      tickets.push_back(engine.submit(std::move(request)));
    }
    std::map<Language, Written> written;
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      const Asked& asked = prompts[i];
      const std::string text = tickets[i].result.get().text();
      Written& all = written[asked.language];
      const std::string wrong = violation(text, asked, constraints[i]->rules());
      all.broken += wrong.empty() ? 0 : 1;
      if (name && !wrong.empty()) UNSCOPED_INFO(wrong << " in: " << text);
      std::vector<TokenId> ids = asked.ids;
      const std::vector<TokenId> copy = generator.tokenizer().encode(text);
      ids.insert(ids.end(), copy.begin(), copy.end());
      ids.push_back(end);
      all.documents.push_back(
          {std::move(ids), std::ssize(asked.ids), std::ssize(code_points(text)), std::ssize(text)});
    }
    std::map<Language, double> out;
    for (const auto& [language, all] : written) {
      const eval::Perplexity p = eval::perplexity(generator.decoder(), all.documents);
      WARN(to_string(language) << ", temperature " << temperature << ", " << how << ": " << summary(p) << "; "
                               << all.broken << " break a rule");
      if (name) CHECK(all.broken == 0);
      out[language] = p.perplexity();
    }
    return out;
  };
  for (const float temperature : {0.6f, 1.0f}) {
    const auto free = write("free", temperature, {});
    const auto ruled = write("under the rules", temperature, Guard::Name::free);
    const auto named = write("under the rules, with the name", temperature, Guard::Name::required);
    for (const auto& [language, before] : free) {
      WARN(to_string(language) << ", temperature " << temperature << ": x" << ruled.at(language) / before
                               << ", with the name x" << named.at(language) / before);
      CHECK(ruled.at(language) <= 1.05 * before);
      CHECK(named.at(language) <= 1.05 * before);
    }
  }
}

}  // namespace adlib::copywriter
