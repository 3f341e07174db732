#include "models/constrained.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "adlib/generate/constraint.h"
#include "adlib/generate/engine.h"

namespace adlib::bench {
namespace {

// Two to five characters each, of the size of what an advertising law forbids; some do occur in copy.
std::vector<std::string> phrases_of(std::int64_t count) {
  static const std::vector<std::string> syllables = {"最",   "第一", "国家", "级", "顶",   "绝对", "唯一",
                                                     "首",   "选",   "极",   "王", "永久", "万能", "百分",
                                                     "治疗", "根除", "保证", "零", "风险", "全网"};
  std::vector<std::string> out;
  std::mt19937_64 random(1);
  while (std::ssize(out) < count) {
    std::string phrase;
    for (std::uint64_t n = 2 + random() % 4; n > 0; --n) {
      if (random() % 3 == 0) {
        phrase += syllables[random() % syllables.size()];
      } else {
        const auto han = static_cast<char32_t>(0x4E00 + random() % 0x2000);
        phrase += utf8({&han, 1});
      }
    }
    out.push_back(phrase);
  }
  return out;
}

std::string prompt_of(std::int64_t customer) {
  static const std::vector<std::string> interests = {"露营", "跑步", "摄影", "园艺", "烘焙", "骑行", "阅读"};
  static const std::vector<std::string> tones = {"warm", "playful", "expert", "plain"};
  const auto at = static_cast<std::size_t>(customer);
  return "<|zh|><|scene|>recommendation<|channel|>sms<|tone|>" + tones[at % tones.size()] +
         "<|product|>雪峰 轻量羽绒外套 "
         "可收纳<|brand|>雪峰<|category|>外套<|price|>299元<|fact|>重量：380克<|fact|>颜色：墨绿"
         "<|level|>金卡会员<|spend|>" +
         std::to_string(120 + 37 * (customer % 50)) + "元<|interest|>" + interests[at % interests.size()] +
         "<|copy|>";
}

struct Round {
  double seconds = 0;
  std::int64_t tokens = 0;
};

}  // namespace

void constrained(benchmark::State& state, const Model& model, const Format& format, std::int64_t requests,
                 std::int64_t phrases) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t max_new_tokens = 64;
  const std::shared_ptr<const Tokenizer> tokenizer = Tokenizer::from_directory(model.directory);
  const Generator generator(decoder_of(model, format), tokenizer, read_generation_config(model.directory));
  ConstraintRules rules;
  if (phrases > 0) rules.forbidden = std::make_shared<PhraseSet>(phrases_of(phrases));
  rules.required = {"雪峰 轻量羽绒外套 可收纳"};
  rules.ending = {"拒收请回复R"};
  rules.numbers = std::vector<std::string>{"299元", "380克"};
  rules.units = std::make_shared<UnitSet>(
      std::vector<std::vector<std::string>>{{"元", "¥"}, {"克", "g"}, {"%"}, {"折"}});
  rules.max_length = 10 * max_new_tokens;  // never reached: with and without rules as many tokens are written
  const auto constraint = std::make_shared<const Constraint>(rules);
  const auto write = [&](const std::shared_ptr<const Constraint>& under, std::uint64_t seed) {
    Engine engine(generator, {.max_sequences = requests, .max_waiting = requests});
    const auto begin = Clock::now();
    std::vector<Engine::Ticket> tickets;
    for (std::int64_t i = 0; i < requests; ++i) {
      EngineRequest request{.prompt = generator.encode(prompt_of(i)), .config = generator.defaults()};
      request.config.max_new_tokens = max_new_tokens;
      request.config.eos_token_id.clear();
      request.config.seed = seed + static_cast<std::uint64_t>(i);
      request.config.constraint = under;
      tickets.push_back(engine.submit(std::move(request)));
    }
    for (Engine::Ticket& ticket : tickets) ticket.result.get();
    Round round;
    round.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    engine.drain();
    round.tokens = engine.statistics().generated_tokens;
    return round;
  };
  std::vector<double> costs;
  double tokens = 0, seconds = 0;
  for (auto _ : state) {
    const std::uint64_t seed = 1000 * costs.size();
    const Round free = write(nullptr, seed), bound = write(constraint, seed);
    const double each = bound.seconds / static_cast<double>(bound.tokens);
    costs.push_back(100 * (each / (free.seconds / static_cast<double>(free.tokens)) - 1));
    tokens += static_cast<double>(bound.tokens), seconds += bound.seconds;
  }
  std::nth_element(costs.begin(), costs.begin() + std::ssize(costs) / 2, costs.end());
  state.counters["cost%"] = costs[costs.size() / 2];
  state.counters["tok/s"] = tokens / seconds;
  state.counters["copies/s"] = static_cast<double>(requests) * static_cast<double>(costs.size()) / seconds;
}

}  // namespace adlib::bench
