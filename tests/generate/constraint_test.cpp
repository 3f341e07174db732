#include "adlib/generate/constraint.h"

#include <cstdlib>
#include <limits>
#include <regex>
#include <set>

#include "adlib/core/parallel.h"
#include "adlib/generate/engine.h"
#include "generate/pieces.h"
#include "generate/plain_check.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using test::error_of;
using test::one_of;
using test::pieces;
using Random = std::mt19937_64;

class PieceTokenizer final : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text) const override {
    std::vector<TokenId> ids;
    for (const char c : text) ids.push_back(2 + static_cast<unsigned char>(c) % 0x80);
    return ids;
  }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids) text += id < 2 ? std::string() : pieces()[static_cast<std::size_t>(id)];
    return text;
  }
  std::int64_t vocab_size() const override { return std::ssize(pieces()); }
  std::optional<TokenId> token_to_id(std::string_view) const override { return std::nullopt; }
  std::string id_to_token(TokenId id) const override { return pieces()[static_cast<std::size_t>(id)]; }
  bool is_special(TokenId id) const override { return id < 2; }
  std::optional<TokenId> bos_id() const override { return std::nullopt; }
  std::optional<TokenId> eos_id() const override { return 0; }
  std::string_view kind() const override { return "byte_bpe"; }
};

/// Anything that the model would say, up to so many tokens.
GenerationConfig freely(std::uint64_t seed, std::int64_t tokens) {
  GenerationConfig config = test::sampled(seed, tokens);
  config.top_k = 0;
  config.eos_token_id = {0};
  return config;
}

const Generator& adversary() {
  static const Generator generator = [] {
    DecoderConfig config;
    config.vocab_size = std::ssize(pieces());
    config.context = 512;
    config.width = 32;
    config.layers = 1;
    config.heads = config.kv_heads = 2;
    config.head_dim = 16;
    config.mlp_width = 64;
    return Generator(std::make_shared<Decoder>(config, random_weights(config, 7)),
                     std::make_shared<PieceTokenizer>(), freely(0, 300));
  }();
  return generator;
}

const std::vector<std::vector<std::string>>& unit_classes() {
  static const std::vector<std::vector<std::string>> classes = {{"元", "¥"}, {"cm", "厘米"}, {"kg", "千克"},
                                                                {"%"},       {"折"},         {"$"}};
  return classes;
}

/// Rules of a made-up campaign, and the lists that they were made from.
struct Campaign {
  bool chinese = false;
  std::vector<std::string> forbidden, exceptions;
  ConstraintRules rules;
};

Campaign campaign(Random& random) {
  Campaign c;
  c.chinese = random() % 2 == 0;
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  if (chance(80)) {
    for (std::size_t n = 1 + random() % 60; n > 0; --n) {
      std::string phrase;
      for (std::size_t i = 1 + random() % 3; i > 0; --i) {
        std::string piece = one_of(pieces(), random);
        if (piece.size() > 1 && piece[0] != '<') phrase += piece;
      }
      if (!folded(phrase).empty() && folded(phrase) != U"." && folded(phrase) != U"。")
        c.forbidden.push_back(phrase);
    }
    c.forbidden.insert(c.forbidden.end(), {"最", "best", "国家级"});
    if (chance(60)) c.exceptions = {"最近", "最佳外套"};
  }
  if (chance(60)) c.rules.required.push_back(c.chinese ? "雪峰外套" : "Snow Peak coat");
  if (chance(30)) c.rules.required.push_back(c.chinese ? "¥299" : "$29.90");
  if (chance(40)) c.rules.ending.push_back(c.chinese ? "拒收请回复R" : "Reply STOP to opt out");
  if (chance(70)) {
    c.rules.numbers = std::vector<std::string>{c.chinese ? "299元" : "$29.90", "20 cm", "2024"};
    c.rules.units = std::make_shared<UnitSet>(unit_classes());
  }
  c.rules.full_stop = c.chinese ? "。" : ".";
  // Of what is forbidden, nothing may stand in what is asked for.
  std::string asked = c.rules.full_stop;
  for (const auto& text : c.rules.required) asked += " " + text + c.rules.full_stop;
  for (const auto& text : c.rules.ending) asked += " " + text;
  std::string together;
  for (const char a : asked) together += a == ' ' ? "" : std::string(1, a);
  std::erase_if(c.forbidden, [&](const std::string& phrase) {
    return test::plainly_holds(asked, {phrase}) || test::plainly_holds(together, {phrase});
  });
  if (!c.forbidden.empty()) c.rules.forbidden = std::make_shared<PhraseSet>(c.forbidden, c.exceptions);
  using Limit = std::pair<LengthUnit, std::int64_t>;
  const std::vector<Limit> channels = {{LengthUnit::characters, 60},    {LengthUnit::double_width, 90},
                                       {LengthUnit::chinese_width, 50}, {LengthUnit::utf16, 70},
                                       {LengthUnit::sms_segments, 1},   {LengthUnit::sms_segments, 2},
                                       {LengthUnit::bytes, 200}};
  std::tie(c.rules.unit, c.rules.max_length) = one_of(channels, random);
  if (!c.chinese && chance(15)) c.rules.unit = LengthUnit::gsm7, c.rules.max_length = 160;
  if (chance(50))
    c.rules.scripts = c.chinese ? std::vector{Script::han, Script::latin} : std::vector{Script::latin};
  if (chance(30)) {
    c.rules.scripts = {c.chinese ? Script::han : Script::latin};
    c.rules.foreign = {c.chinese ? "Snow Péak R cm kg" : "雪峰 外套"};
  }
  if (chance(50)) c.rules.no_repeat = 4 + static_cast<std::int64_t>(random() % 8);
  if (c.rules.unit != LengthUnit::sms_segments) c.rules.min_length = (c.rules.max_length + 1) / 2;
  c.rules.sentences = chance(80);
  return c;
}

/// What is wrong with a text, by plain search; empty when nothing is.
std::string violation(const std::string& text, const Campaign& c) {
  const ConstraintRules& rules = c.rules;
  if (text.find("\uFFFD") != std::string::npos) return "bytes that are no text";
  if (test::plain_length(text, rules.unit) > rules.max_length) return "too long";
  for (const std::string& phrase : rules.required) {
    if (text.find(phrase) == std::string::npos) return "without " + phrase;
  }
  std::string end;
  for (const std::string& phrase : rules.ending) end += phrase;
  if (!end.empty() && !text.ends_with(end)) return "ends without " + end;
  if (rules.sentences) {
    static const std::regex whole("(。|！|？|!|\\?|…|．|｡|\\.)(”|’|」|』|\\)|）|\\]|】|》|\"|')*\\s*$");
    std::string body = text.substr(0, text.size() - end.size());
    if (!body.empty() && !std::regex_search(body, whole)) return "cut off";
  }
  for (const std::string& phrase : c.forbidden) {
    if (test::plainly_holds(text, {phrase}, c.exceptions)) return "the phrase '" + phrase + "'";
  }
  if (rules.no_repeat > 0) {
    std::vector<std::string> exempt = rules.required;
    exempt.insert(exempt.end(), rules.ending.begin(), rules.ending.end());
    const std::string run = test::plain_repetition(text, static_cast<std::size_t>(rules.no_repeat), exempt);
    if (!run.empty()) return "'" + run + "' twice";
  }
  if (rules.numbers) {
    for (const auto& number : test::plain_numbers(text)) {
      const auto skip = [](std::string_view after) {
        return after.substr(std::min(after.size(), after.find_first_not_of(" \n\t")));
      };
      const std::string_view behind = skip(number.behind);
      const std::string before = number.before.substr(0, number.before.find_last_not_of(" \n\t") + 1);
      const auto follows = [&](std::string_view unit) {
        if (!behind.starts_with(unit)) return false;
        return !test::begins_with_latin(unit.substr(unit.size() - 1)) ||
               !test::begins_with_latin(behind.substr(unit.size()));
      };
      bool sound = false;
      if (number.digits == "2024")
        sound = !follows("元") && !follows("cm") && !follows("kg") && !follows("%") && !follows("折");
      if (number.digits == "20") sound = follows("cm") || follows("厘米");
      if (number.digits == "299") sound = follows("元") || follows("¥") || before.ends_with("¥");
      if (number.digits == "29.90") sound = before.ends_with("$") || follows("$");
      if (!sound) return "the number " + number.digits;
    }
  }
  if (!rules.scripts.empty()) {
    for (const char32_t ch : code_points(text)) {
      const bool foreign = (ch >= 0x400 && ch < 0x500 && !(ch >= 0x483 && ch < 0x488)) ||
                           (ch >= 0x3041 && ch < 0x30FF && ch != 0x30A0 && ch != 0x30FB && ch != 0x30FC &&
                            !(ch >= 0x3099 && ch <= 0x309C)) ||
                           (ch >= 0xAC00 && ch < 0xD7A4) || (!c.chinese && ch >= 0x4E00 && ch < 0xA000);
      if (foreign && (rules.foreign.empty() || ch < 0x4E00 || ch >= 0xA000)) return "a foreign script";
    }
  }
  if (!rules.foreign.empty()) {
    const std::set<std::string> known = c.chinese ? std::set<std::string>{"snow", "peak", "r", "cm", "kg"}
                                                  : std::set<std::string>{"雪峰", "外套"};
    for (const std::string& run : test::plain_runs(text, c.chinese)) {
      if (known.count(run) == 0) return "the foreign word " + run;
    }
  }
  return "";
}

}  // namespace

// Each set of rules is satisfiable: what it asks for obeys what it forbids. ADLIB_CONSTRAINTS=100000 for a
// long run.
TEST_CASE("random weights cannot break a constraint", "[generate][constraint]") {
  const char* asked = std::getenv("ADLIB_CONSTRAINTS");
#ifdef ADLIB_SANITIZED
  const int usual = 50;
#else
  const int usual = 2000;
#endif
  const int sets = asked ? std::atoi(asked) : usual;
  Engine engine(adversary(), {.max_sequences = 32});
  int refused = 0, half = 0, ended = 0;
  std::size_t longest = 0;
  constexpr int at_once = 250;
  for (int begin = 0; begin < sets; begin += at_once) {
    std::vector<Campaign> campaigns;
    std::vector<std::optional<Engine::Ticket>> tickets;
    for (int i = begin; i < std::min(sets, begin + at_once); ++i) {
      Random random(static_cast<std::uint64_t>(i));
      campaigns.push_back(campaign(random));
      GenerationConfig config = freely(random(), 300);
      const bool whole_units = campaigns.back().rules.unit == LengthUnit::sms_segments;
      if (whole_units)
        config.logit_bias[0] = -std::numeric_limits<float>::infinity();  // of half a message there is no unit
      tickets.emplace_back();
      try {
        config.constraint = std::make_shared<Constraint>(campaigns.back().rules);
        tickets.back() = engine.submit({.prompt = {3}, .config = config});
      } catch (const Error&) {
        ++refused;
      }
    }
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      if (!tickets[i]) continue;
      const Result result = tickets[i]->result.get();
      const Completion& completion = result.completions.front();
      std::string cut;
      for (const TokenId id : completion.ids) cut += pieces()[static_cast<std::size_t>(id)] + "|";
      INFO("set " << begin + static_cast<int>(i) << ": " << completion.text << "\nfrom " << cut);
      REQUIRE(violation(completion.text, campaigns[i]) == "");
      REQUIRE(completion.ids.size() <= 300);
      longest = std::max(longest, completion.ids.size());
      const ConstraintRules& rules = campaigns[i].rules;
      const bool long_enough = length_of(completion.text).share(rules.unit, rules.max_length) >= 0.5;
      ended += completion.finish_reason == FinishReason::eos ? 1 : 0;
      half += long_enough ? 1 : 0;
    }
  }
  CAPTURE(sets, refused, ended, half, longest);
  if (asked)
    WARN(sets << " sets, " << refused << " refused, " << half << " of half the limit, " << ended
              << " ended by the model, at most " << longest << " tokens");
  CHECK(refused * 100 <= sets);
  CHECK(half * 100 >= 99 * sets);
}

TEST_CASE("a text under a constraint is the same alone and in company, with any number of threads",
          "[generate][constraint][threads]") {
  std::vector<EngineRequest> requests;
  std::vector<Result> alone;
  set_num_threads(1);
  for (std::uint64_t i = 0; i < 24; ++i) {
    Random random(i);
    GenerationConfig config = freely(i, 60);
    config.num_return_sequences = 1 + static_cast<std::int64_t>(i % 3);
    config.constraint = std::make_shared<Constraint>(campaign(random).rules);
    requests.push_back({.prompt = {3, 4, static_cast<TokenId>(5 + i)}, .config = config});
    alone.push_back(adversary().generate(requests.back().prompt, config));
  }
  set_num_threads(2);
  Engine engine(adversary(), {.max_sequences = 8});
  std::vector<Engine::Ticket> tickets;
  for (const EngineRequest& request : requests) tickets.push_back(engine.submit(request));
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    CHECK(test::same(tickets[i].result.get(), alone[i]));
  }
}

namespace {

/// What becomes of pieces pushed one after the other: the text, complete; and which were refused.
std::string written(const ConstraintRules& rules, const std::vector<std::string>& parts,
                    std::string* refused = nullptr) {
  const Constraint constraint(rules);
  ConstrainedText text(constraint);
  for (const std::string& part : parts) {
    const auto verdict = text.push(part);
    if (refused && verdict == ConstrainedText::Verdict::forbidden) *refused += "[" + part + "]";
    if (refused && verdict == ConstrainedText::Verdict::full) *refused += "{" + part + "}";
  }
  return text.finish();
}

ConstraintRules forbidding(const std::vector<std::string>& phrases,
                           const std::vector<std::string>& exceptions = {}) {
  ConstraintRules rules;
  rules.forbidden = std::make_shared<PhraseSet>(phrases, exceptions);
  return rules;
}

}  // namespace

TEST_CASE("words of other scripts are whole words of the facts", "[generate][constraint]") {
  ConstraintRules rules;
  rules.scripts = {Script::han};
  rules.foreign = {"静谷 AirTone Q2 Pro"};
  rules.full_stop = "。";
  const auto refused = [&](const std::vector<std::string>& parts) {
    std::string out;
    written(rules, parts, &out);
    return out;
  };
  CHECK(refused({"静谷AirTone，", "ＱPRO2也好"}) == "[ＱPRO2也好]");
  CHECK(refused({"静谷AirTone，", "Q2和ｐｒｏ", "，好"}).empty());
  CHECK(refused({"静谷Air", "，", "Tone，"}) == "[，]");
  CHECK(refused({"好 go", "airtone好"}) == "[好 go]");
  CHECK(refused({"好п"}) == "[好п]");
  // Unicode counts these as of no script; they stand for letters all the same.
  CHECK(refused({"重", "㎏", "，", "𝐚", "℡", "Ⓑ", "™", "25℃"}) == "[㎏][𝐚][℡][Ⓑ][™][25℃]");
  CHECK(refused({"静谷Air", "ⓣone，"}) == "[ⓣone，]");
  // A word that is not whole is taken back at the end.
  CHECK(written(rules, {"听静谷。", "戴上Air"}) == "听静谷。");
  CHECK(written(rules, {"戴上Air", "Tone"}) == "戴上AirTone。");
  rules.foreign = {"Peak™ 2kg 25℃"};
  CHECK(refused({"peak", "，2㎏", "，", "25°C", "好", "ＫＧ"}).empty());
  CHECK(refused({"Peak", "tm，"}) == "[tm，]");
  CHECK(refused({"Peak™", "，"}).empty());
  rules.scripts = {};
  CHECK_THAT(error_of([&] { const Constraint none(rules); }), ContainsSubstring("foreign without scripts"));
}

TEST_CASE("forbidden phrases are found in every disguise", "[generate][constraint]") {
  const auto refused = [](const std::string& text) {
    std::string out;
    std::vector<std::string> parts;
    for (const char32_t c : code_points(text)) parts.push_back(utf8({&c, 1}));
    written(forbidding({"国家级", "best", "No.1"}, {}), parts, &out);
    return out;
  };
  CHECK(refused("国 家\u200B级") == "[级]");
  CHECK(refused("a bestow of bests") == "");
  CHECK(refused("the best of") == "[ ]");
  CHECK(refused("the Ｂ ｅ s\u00ADt, we") == "[,][ ]");
  CHECK(refused("最best的") == "[的]");
  CHECK(refused("ｎo．1!") == "[!]");
  CHECK(refused("bestﾟ!") == "[!]");
  CHECK(refused("no.10") == "");
}

TEST_CASE("an exception allows what it covers, however it is begun", "[generate][constraint]") {
  std::string refused;
  CHECK(written(forbidding({"最", "第一"}, {"最近", "第一时间"}), {"最", "近", "第一", "时间", "发货"},
                &refused) == "最近第一时间发货。");
  CHECK(refused == "");
  CHECK(written(forbidding({"最", "第一"}, {"最近", "第一时间"}), {"好", "最", "好", "第一", "名"},
                &refused) == "好。");
  CHECK(refused == "[好][第一][名]");
}

TEST_CASE("numbers and units are those of the facts", "[generate][constraint]") {
  ConstraintRules rules;
  rules.numbers = std::vector<std::string>{"1,299元", "20 x 30 cm", "9折", "2024"};
  rules.units = std::make_shared<UnitSet>(unit_classes());
  const auto refused = [&](const std::vector<std::string>& parts) {
    std::string out;
    written(rules, parts, &out);
    return out;
  };
  CHECK(refused({"只要", "1", "2", "9", "9", "元", "，"}) == "");
  CHECK(refused({"¥", "1,299", "起"}) == "");
  CHECK(refused({"￥１２９９", "起"}) == "");
  CHECK(refused({"1299", "折"}) == "[折]");
  CHECK(refused({"1299", "起"}) == "[起]");
  CHECK(refused({"$", "1299"}) == "[1299]");
  CHECK(refused({"30", " ", "厘米", "高"}) == "");
  CHECK(refused({"30", " c", "mx", "kg"}) == "[mx][kg]");
  CHECK(refused({"2024", "年"}) == "");
  CHECK(refused({"2024", "%"}) == "[%]");
  CHECK(refused({"2024", " c", "ups"}) == "");
  CHECK(refused({"2024", " k", "g", "，", "w"}) == "[，]");
  CHECK(refused({"3", "①", "½", "٣", "0"}) == "[①][½][٣]");
}

TEST_CASE("a text ends with what it lacked", "[generate][constraint]") {
  ConstraintRules rules;
  rules.required = {"雪峰外套"};
  rules.ending = {"拒收请回复R"};
  rules.max_length = 30;
  CHECK(written(rules, {"轻薄", "柔软，", "每天"}) == "轻薄柔软。雪峰外套。拒收请回复R");
  CHECK(written(rules, {"雪峰外套", "到了！"}) == "雪峰外套到了！拒收请回复R");
  std::string refused;
  CHECK(written(rules, {"一二三四五六七八九，", "一二三四五六七八九十一二", "三四五六七八九十百"},
                &refused) == "一二三四五六七八九。雪峰外套。拒收请回复R");
  CHECK(refused == "{三四五六七八九十百}");
  rules.full_stop = ".";
  rules.required = {"Snow Peak"};
  rules.ending = {"Reply STOP to opt out"};
  rules.max_length = 0;
  CHECK(written(rules, {"Soft", " and", " warm"}) == "Soft and warm. Snow Peak. Reply STOP to opt out");
  rules.sentences = false;
  CHECK(written(rules, {"Soft"}) == "Soft Snow Peak Reply STOP to opt out");
}

TEST_CASE("rules that no text obeys are refused when they are made", "[generate][constraint]") {
  ConstraintRules rules;
  rules.required = {"雪峰外套雪峰外套"};
  rules.max_length = 5;
  CHECK_THAT(error_of([&] { const Constraint c(rules); }), ContainsSubstring("length"));
  rules.max_length = 0;
  rules.forbidden = std::make_shared<PhraseSet>(std::vector<std::string>{"外套"});
  CHECK_THAT(error_of([&] { const Constraint c(rules); }), ContainsSubstring("雪峰外套"));
  CHECK_THAT(error_of([&] { const PhraseSet set(std::vector<std::string>{" \u200B"}); }),
             ContainsSubstring("nothing in it"));
  rules = {};
  rules.min_length = 5, rules.max_length = 4;
  CHECK_THAT(error_of([&] { const Constraint c(rules); }), ContainsSubstring("min_length 5"));
}

TEST_CASE("phrases are found as plain search finds them", "[generate][constraint]") {
  const std::vector<std::string> alphabet = {"a", "b",  "A",  "Ｂ",     "é",      "e", " ",
                                             "-", "最", "近", "\u200B", "\u0301", "1", "１",
                                             "ﬁ", "i",  "½",  "f",      "2",      "⁄", "①"};
  const auto text_of = [&](Random& random, std::size_t most) {
    std::string text;
    for (std::size_t n = 1 + random() % most; n > 0; --n) text += one_of(alphabet, random);
    return text;
  };
  int held = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    Random random(seed);
    std::vector<std::string> phrases, exceptions;
    for (std::size_t n = 1 + random() % 6; n > 0; --n) phrases.push_back(text_of(random, 4));
    for (std::size_t n = random() % 4; n > 0; --n) exceptions.push_back(text_of(random, 6));
    std::erase_if(phrases, [](const std::string& phrase) { return folded(phrase).empty(); });
    std::erase_if(exceptions, [](const std::string& phrase) { return folded(phrase).empty(); });
    const std::string text = text_of(random, 20);
    const PhraseSet set(phrases, exceptions);
    PhraseSet::Scan scan(set);
    bool holds = false;
    for (const char32_t c : code_points(text)) {
      std::u32string letters;
      append_folded(letters, c);
      holds = holds || !scan.push(c, letters);
    }
    holds = holds || !scan.may_end();
    CAPTURE(seed, text, phrases, exceptions);
    REQUIRE(holds == test::plainly_holds(text, phrases, exceptions));
    held += holds ? 1 : 0;
  }
  CHECK((held > 400 && held < 3600));
}

}  // namespace adlib
