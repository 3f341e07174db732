#include "copywriter/write/guarded_writer.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <thread>

#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"

namespace adlib::copywriter {
namespace {

const Generator& generator() {
  static const Generator loaded = Generator::from_directory(test::source_dir() / "examples/copywriter/model");
  return loaded;
}

CopyRequest request(int number) {
  CopyRequest out;
  out.fields = {{"<|zh|>", ""},
                {"<|product|>", "雪峰 双肩包"},
                {"<|interest|>", number % 2 == 0 ? "露营" : "摄影"},
                {"<|copy|>", ""}};
  out.prompt = to_text(out.fields);
  out.channel = number % 3 == 0 ? "mi-push" : "vivo-push";
  out.seed = static_cast<std::uint64_t>(number);
  return out;
}

}  // namespace

// Not tagged [threads]: for this one case CI would build the whole program under ThreadSanitizer.
TEST_CASE("texts asked for by several threads at once are those asked for one by one",
          "[copywriter][guard]") {
  constexpr int kTexts = 12, kThreads = 3;
  const auto rules = std::make_shared<const RuleSet>(test::rules_dir());
  GenerationConfig config = generator().defaults();
  config.max_new_tokens = 12;  // too few for a sentence: some are asked for again
  const TextWriter writer(generator(), config, {.max_sequences = 4});
  std::vector<std::string> alone, together(kTexts);
  std::mutex mutex;
  int asked = 0;
  {
    GuardedWriter guarded(writer, rules, {.attempts = 2});
    for (int i = 0; i < kTexts; ++i) alone.push_back(guarded.begin(request(i)).get().text);
  }
  {
    GuardedWriter guarded(writer, rules, {.attempts = 2}, [&](const TextRequest&) {
      const std::lock_guard lock(mutex);
      ++asked;
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::vector<std::future<GeneratedText>> texts;
        for (int i = t; i < kTexts; i += kThreads) texts.push_back(guarded.begin(request(i)));
        for (int i = t; i < kTexts; i += kThreads)
          together[static_cast<std::size_t>(i)] = texts[static_cast<std::size_t>(i / kThreads)].get().text;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(together == alone);
  CHECK(asked > kTexts);
  // Destroyed at once, it waits for what is under way, and the texts are there.
  std::future<GeneratedText> last;
  {
    GuardedWriter guarded(writer, rules, {.attempts = 1});
    last = guarded.begin(request(0));
  }
  CHECK_FALSE(last.get().text.empty());
}

TEST_CASE("a judge has texts written again, and the attempt it took gives the same bytes without it",
          "[copywriter][guard]") {
  const auto rules = std::make_shared<const RuleSet>(test::rules_dir());
  GenerationConfig config = generator().defaults();
  config.max_new_tokens = 48;
  const TextWriter writer(generator(), config, {.max_sequences = 2});
  GuardedWriter guarded(writer, rules, {.attempts = 4});
  std::vector<std::string> seen;
  const auto particular = [&](const std::string& text) {
    seen.push_back(text);
    return seen.size() == 2;
  };
  const GeneratedText taken = guarded.begin(request(1), particular).get();
  REQUIRE(!seen.empty());
  // Unfit texts are not even shown to the judge: at least one attempt was sent back.
  CHECK(taken.attempt >= 1);
  if (seen.size() == 2) CHECK(taken.text == seen.back());
  CHECK(taken.unfit == (seen.size() != 2));
  const auto never = [](const std::string&) { return false; };
  const GeneratedText last = guarded.begin(request(1), never).get();
  CHECK(last.attempt == 3);
  CHECK(last.unfit);
  CopyRequest again = request(1);
  again.attempt = taken.attempt;
  const GeneratedText same = guarded.begin(again, never).get();
  CHECK(same.text == taken.text);
  CHECK_FALSE(same.unfit);  // it was taken once
  CHECK(guarded.begin(CopyRequest::from_json(again.to_json(), "t")).get().text == taken.text);
  CHECK(guarded.begin(request(1)).get().text != taken.text);
}

TEST_CASE("a text that the model finds unlikely is asked for again, each time less strictly",
          "[copywriter][guard]") {
  const auto rules = std::make_shared<const RuleSet>(test::rules_dir());
  GenerationConfig config = generator().defaults();
  config.max_new_tokens = 64;
  const TextWriter writer(generator(), config, {.max_sequences = 2});
  std::vector<float> thresholds;
  GuardedWriter guarded(writer, rules, {.attempts = 4, .logprob_threshold = -0.01f},
                        [&](const TextRequest& asked) { thresholds.push_back(asked.logprob_threshold); });
  const GeneratedText taken = guarded.begin(request(1)).get();
  // Hardly any text keeps to so high a threshold: the last attempt, which has none, is taken.
  REQUIRE(taken.attempt == 3);
  REQUIRE(thresholds.size() == 4);
  CHECK(thresholds[0] == -0.01f);
  CHECK(thresholds[1] == -0.01f - GuardedWriter::kRelief);
  CHECK(thresholds[2] == -0.01f - 2 * GuardedWriter::kRelief);
  CHECK(std::isinf(thresholds[3]));
  CHECK_FALSE(taken.text.empty());
  // Written again it needs no threshold; nor does a text without the guard, or from a template.
  CopyRequest again = request(1), unguarded = request(1), of_template = request(1);
  again.attempt = taken.attempt, unguarded.guarded = false, of_template.is_template = true;
  thresholds.clear();
  CHECK(guarded.begin(again).get().text == taken.text);
  guarded.begin(unguarded).get();
  CHECK(std::all_of(thresholds.begin(), thresholds.end(), [](float t) { return std::isinf(t); }));
  CHECK(guarded.begin(of_template).get().finish_reason != "unlikely");
}

}  // namespace adlib::copywriter
