// bench_campaign: copy for a customer list, as `adlib write STORE` and `adlib polish STORE` make it, beside
// what the Engine alone makes of the same requests.
//
//   bench_campaign [--customers N] [--weights FORMAT] [Google Benchmark's options]
//
// Each round writes one copy for each of N customers (1,000) about one product with adlib's own model into a
// new store, prompts, rules (which both commands read), second attempts, checks and commits included; then
// the Engine alone writes the same requests, whose ids and rules are ready. Counters: copies a second, what
// the Engine made a second, and percent, the first of the second (median of the rounds), whose limit is 100;
// the same of the seconds of all processors, which the neighbours of a busy machine change less (cpu
// percent); and the seconds before the first request, and of `polish`. A round counts only where the texts
// are the same.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/polish.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/guarded_writer.h"
#include "copywriter/write/stored_copies.h"
#include "support/files.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using Clock = std::chrono::steady_clock;

// Seconds of the clock and of all processors, since it was made.
class Watch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
  double processor() const { return static_cast<double>(std::clock() - used_) / CLOCKS_PER_SEC; }

 private:
  Clock::time_point begin_ = Clock::now();
  std::clock_t used_ = std::clock();
};

const std::filesystem::path source = ADLIB_SOURCE_DIR;
const std::filesystem::path rules = source / "examples/copywriter/rules";

/// A store with one product and customers who differ in what they like, bought and are called.
class Shop {
 public:
  explicit Shop(std::int64_t customers) : store_(directory_ / "shop.db", Store::Mode::create) {
    Transaction transaction(store_.database());
    store_.prepare("INSERT INTO product(shop_id, listed, record) VALUES ('coat', 1, ?)")
        .run(io::Json{{"id", "coat"},
                      {"title", "岚野 轻量冲锋衣"},
                      {"brand", "岚野"},
                      {"category", "户外服装"},
                      {"price", "599.00"},
                      {"compare_at_price", "699.00"},
                      {"currency", "CNY"},
                      {"attributes", {{"重量", "320克"}, {"面料", "锦纶"}, {"接缝", "全压胶"}}}}
                 .dump());
    static const std::vector<std::string> likes{"露营", "跑步", "摄影", "园艺",
                                                "烘焙", "骑行", "阅读", "喝茶"};
    static const std::vector<std::string> things{"露营灯", "帐篷", "登山杖", "速干衣",
                                                 "双肩包", "水壶", "头灯"};
    static const std::vector<std::string> cities{"杭州", "成都", "西安", "广州", "大连"};
    Statement add = store_.prepare("INSERT INTO user(shop_id, record) VALUES (?, ?)");
    for (std::int64_t i = 0; i < customers; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const std::string id = "c" + std::to_string(i);
      add.run(id, io::Json{{"id", id},
                           {"city", cities[at % cities.size()]},
                           {"interests", {likes[at % likes.size()], likes[(at / 8 + 3) % likes.size()]}},
                           {"purchases", {things[at % things.size()]}},
                           {"browsing", {things[(at / 7 + 2) % things.size()]}}}
                      .dump());
    }
    transaction.commit();
  }
  const Store& store() const { return store_; }

 private:
  test::TempDir directory_;
  Store store_;
};

CopyPlan plan() {
  CopyPlan plan;
  plan.channels = {find_channel(read_channels(rules / "channels.toml"), "mi-push")};
  plan.products = {"coat"};
  return plan;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

void campaign(benchmark::State& state, const Generator& generator, std::int64_t customers,
              bool share_prefixes) {
  const Privacy privacy(rules, {});
  EngineOptions options;
  options.share_prefixes = share_prefixes;
  options.max_waiting = options.max_sequences;
  std::vector<double> percent, processor_percent, begun, polished;
  double engine_seconds = 0, store_seconds = 0, requests = 0;
  for (auto _ : state) {
    const Shop shop(customers);
    std::vector<TextRequest> asked;
    std::mutex mutex;
    const Watch whole;
    double first = 0;
    {
      const auto set = std::make_shared<RuleSet>(rules);
      const TextWriter writer(generator, generator.defaults(), options);
      GuardedWriter guarded(writer, set, {.logprob_threshold = GuardedWriter::kLogprobThreshold},
                            [&](const TextRequest& request) {
                              const std::lock_guard lock(mutex);
                              if (asked.empty()) first = whole.seconds();
                              asked.push_back(request);
                            });
      const std::vector<Product> catalogue = catalogue_of(shop.store(), read_stored_products(shop.store()));
      const Checker checker(set, catalogue);
      StoredCopies copies(shop.store(), privacy, plan(), {.checker = &checker});
      Run run(shop.store(), "write", io::Json::object());
      copies.write(
          run,
          [&](const CopyRequest& request, const GuardedWriter::Judge& judge) {
            return guarded.begin(request, judge);
          },
          writer.ahead(), [](std::int64_t) {});
      run.finish();
    }
    const double written = whole.seconds();
    Polish(shop.store(), rules).run(Polish::Which::written, [](std::int64_t) {});
    const double seconds = whole.seconds(), processor = whole.processor();

    std::set<std::string> texts;
    const Watch alone;
    {
      const TextWriter writer(generator, generator.defaults(), options);
      std::vector<std::future<GeneratedText>> futures;
      for (const TextRequest& one : asked) futures.push_back(writer.begin(one));
      for (auto& text : futures) texts.emplace(trim(text.get().text));
    }
    engine_seconds += alone.seconds(), store_seconds += seconds;
    requests += static_cast<double>(asked.size());
    percent.push_back(100 * alone.seconds() / seconds);
    processor_percent.push_back(100 * alone.processor() / processor);
    begun.push_back(first);
    polished.push_back(seconds - written);

    Statement rows = shop.store().prepare("SELECT written FROM copy");
    while (rows.step()) {
      if (!texts.contains(std::string(rows.text(0)))) return state.SkipWithError("the texts differ");
    }
  }
  const double texts = static_cast<double>(customers) * static_cast<double>(percent.size());
  state.counters["engine texts/s"] = requests / engine_seconds;
  state.counters["requests a copy"] = requests / texts;
  state.counters["copies/s"] = texts / store_seconds;
  state.counters["percent"] = median(percent);
  state.counters["cpu percent"] = median(processor_percent);
  state.counters["begin s"] = median(begun);
  state.counters["polish s"] = median(polished);
}

// Takes --NAME VALUE out of the arguments.
std::string take(int& argc, char** argv, std::string_view name, std::string missing) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] != name) continue;
    missing = argv[i + 1];
    std::copy(argv + i + 2, argv + argc, argv + i);
    argc -= 2;
    break;
  }
  return missing;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t customers = std::atoll(take(argc, argv, "--customers", "1000").c_str());
  LoadOptions load;
  if (const std::string format = take(argc, argv, "--weights", "int8"); format != "same")
    load.weights = WeightFormats::parse(format);
  const Generator generator = Generator::from_directory(source / "examples/copywriter/model", load);
  for (const bool share : {true, false}) {
    benchmark::RegisterBenchmark(
        share ? "campaign/shared" : "campaign/unshared",
        [&, share](benchmark::State& state) { campaign(state, generator, customers, share); })
        ->Unit(benchmark::kSecond)
        ->Iterations(3)
        ->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
