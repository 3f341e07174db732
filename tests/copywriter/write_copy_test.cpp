#include "copywriter/write/write_copy.h"

#include <algorithm>
#include <set>

#include "copywriter/shop/text.h"
#include "support.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::message_of;
using adlib::test::read_text;
using adlib::test::TempDir;

namespace {

std::vector<Customer> three_customers() {
  return test::customers_from("{\"id\":\"c1\",\"age\":25}\n{\"id\":\"c2\"}\n{\"id\":\"c3\",\"age\":7}\n");
}
std::vector<Product> two_products() {
  return test::products_from("{\"id\":\"p1\",\"title\":\"Lamp\"}\n{\"id\":\"p2\",\"title\":\"Tea\"}\n");
}

Templates templates_of(const std::string& text, Scene scene = Scene::recommendation,
                       Language language = Language::zh) {
  Templates templates;
  templates.emplace(std::pair(language, scene), Template(text, "t.txt", language));
  return templates;
}

// A writer whose text is a function of prompt and seed, like a model's.
GeneratedText echo(const CopyJob& job) {
  return {"copy of " + job.prompt + " #" + std::to_string(job.seed), 3, 5, 0.25, "length"};
}

std::vector<std::string> names(const CopyJobs& jobs) {
  std::vector<std::string> list;
  jobs.for_each([&](CopyJob&& job) {
    list.push_back(job.customer->id + job.product->id);
    return true;
  });
  return list;
}
using List = std::vector<std::string>;

}  // namespace

TEST_CASE("Seeds of jobs never change", "[copywriter][write]") {
  // Computed apart from this code; see "Hashes of records never change".
  CHECK(job_seed(0, "c1", "p1", Scene::recommendation, Language::zh) == 8233013449399269u);
  CHECK(job_seed(42, "c1", "p1", Scene::recommendation, Language::zh) == 1298992357625496u);
  CHECK(job_seed(0, "c1", "p1", Scene::ad, Language::en) == 5564964962306242u);
  std::set<std::uint64_t> seeds;
  for (const char* c : {"a", "ab", "b"}) {
    for (const char* p : {"a", "b", "bc"}) {
      for (const Scene scene : all_scenes()) {
        for (const Language language : {Language::zh, Language::en})
          seeds.insert(job_seed(1, c, p, scene, language));
      }
    }
  }
  CHECK(seeds.size() == 90);
  CHECK(*seeds.rbegin() < (std::uint64_t{1} << 53));
}

TEST_CASE("Jobs are all pairs, or matched ones, up to a limit", "[copywriter][write]") {
  const auto customers = three_customers();
  auto products = two_products();
  const Templates templates = templates_of("{{product.title}}");
  CopyOptions options;
  const CopyJobs all(customers, products, templates, options);
  CHECK(all.size() == 6);
  CHECK(names(all) == List{"c1p1", "c1p2", "c2p1", "c2p2", "c3p1", "c3p2"});
  options.limit = 4;
  CHECK(names(CopyJobs(customers, products, templates, options)).size() == 4);
  CHECK(CopyJobs(customers, products, templates, options).size() == 4);
  options.limit = 100;
  CHECK(CopyJobs(customers, products, templates, options).size() == 6);
  options.limit = 0;
  options.pairing = parse_pairing("zip");
  CHECK_THAT(message_of([&] { CopyJobs(customers, products, templates, options); }),
             ContainsSubstring("pairing 'zip' needs as many customers as products, got 3 and 2"));
  products.push_back(products[0]);
  CHECK(names(CopyJobs(customers, products, templates, options)) == List{"c1p1", "c2p2", "c3p1"});
  CHECK_THAT(message_of([] { parse_pairing("some"); }), ContainsSubstring("expected all or zip"));
  options.limit = -1;
  CHECK_THAT(message_of([&] { CopyJobs(customers, products, templates, options); }),
             ContainsSubstring("the limit is -1"));
  options = {};
  options.scenes = {Scene::recommendation, Scene::recommendation};
  CHECK_THAT(message_of([&] { CopyJobs(customers, products, templates, options); }),
             ContainsSubstring("a scene or language is named twice"));
  options.scenes = {Scene::ad};
  CHECK_THAT(message_of([&] { CopyJobs(customers, products, templates, options); }),
             ContainsSubstring("no template for scene 'ad' in language 'zh'"));
}

TEST_CASE("A record has the documented fields in the documented order", "[copywriter][write]") {
  const auto customers = three_customers();
  const auto products = two_products();
  const Templates templates = templates_of("Say {{product.title}}");
  CopyOptions options;
  options.limit = 1;
  options.model = "m";
  std::vector<std::string> lines;
  const CopySummary summary =
      write_copies(CopyJobs(customers, products, templates, options), echo, [&](const OrderedJson& record) {
        lines.push_back(record.dump());
        return true;
      });
  CHECK(
      lines ==
      List{
          R"({"customer":"c1","product":"p1","scene":"recommendation","language":"zh","prompt":"Say Lamp",)"
          R"("text":"copy of Say Lamp #8233013449399269","seed":8233013449399269,"model":"m","prompt_tokens":3,)"
          R"("generated_tokens":5,"seconds":0.25,"finish_reason":"length","guarded":false,"personalised":true})"});
  CHECK(summary.written == 1);
  CHECK(summary.prompt_tokens == 3);
  CHECK(summary.generated_tokens == 5);
  CHECK(summary.seconds == 0.25);
  CHECK(summary.complete);
}

TEST_CASE("A job's result does not depend on the other jobs", "[copywriter][write]") {
  const auto result = [](std::vector<Customer> customers, std::vector<Product> products,
                         CopyOptions options) {
    const Templates templates = templates_of("{{product.title}}");
    std::string found;
    write_copies(CopyJobs(customers, products, templates, options), echo, [&](const OrderedJson& record) {
      if (record["customer"] == "c2" && record["product"] == "p2") found = record.dump();
      return true;
    });
    return found;
  };
  const std::string expected = result(three_customers(), two_products(), {});
  CHECK_FALSE(expected.empty());
  auto customers = three_customers();
  auto products = two_products();
  std::reverse(customers.begin(), customers.end());
  std::reverse(products.begin(), products.end());
  CHECK(result(customers, products, {}) == expected);
  CHECK(result({three_customers()[1]}, {two_products()[1]}, {}) == expected);
  CopyOptions other;
  other.seed = 1;
  CHECK(result(three_customers(), two_products(), other) != expected);
}

TEST_CASE("Everybody who opted out gets the text of the product alone", "[copywriter][write]") {
  const auto customers = test::customers_from(
      "{\"id\":\"c1\",\"name\":\"Ann\",\"age\":40,\"opt_out\":true}\n"
      "{\"id\":\"c2\",\"interests\":[\"tea\"],\"personalised\":false}\n"
      "{\"id\":\"c3\",\"interests\":[\"tea\"]}\n");
  const std::vector<Product> products = {two_products()[0]};
  const bool tagged = GENERATE(true, false);
  const Templates templates =
      templates_of("{{product.title}}{{#customer.name}} for {{customer.name}}{{/customer.name}}");
  const CopyJobs jobs =
      tagged ? CopyJobs(customers, products, {}) : CopyJobs(customers, products, templates, {});
  std::vector<OrderedJson> records;
  write_copies(jobs, echo, [&](const OrderedJson& record) {
    records.push_back(record);
    return true;
  });
  REQUIRE(records.size() == 3);
  CHECK(records[0]["customer"] == "c1");
  CHECK(records[1]["customer"] == "c2");
  for (const char* field : {"text", "prompt", "seed"}) CHECK(records[0][field] == records[1][field]);
  CHECK(records[0]["prompt"] == (tagged ? "<|zh|><|scene|>recommendation<|product|>Lamp<|copy|>" : "Lamp"));
  CHECK(records[0]["personalised"] == false);
  CHECK(records[1]["personalised"] == false);
  CHECK(records[2]["personalised"] == true);
  CHECK(records[2]["seed"] != records[0]["seed"]);
}

TEST_CASE("A missing field is found before anything is written", "[copywriter][write]") {
  const auto customers = three_customers();
  const auto products = two_products();
  const Templates templates = templates_of("{{customer.age}}{{product.title}}");
  CHECK_THAT(
      message_of([&] { CopyJobs(customers, products, templates, {}); }),
      ContainsSubstring("customers.jsonl:2: field 'age' is missing but the template uses it (t.txt:1:1)"));
  CopyOptions options;
  options.limit = 2;  // both of the first customer, who has an age
  CHECK(CopyJobs(customers, products, templates, options).size() == 2);
}

TEST_CASE("A section on a field that nobody has is refused when it looks misspelt", "[copywriter][write]") {
  const auto products = two_products();
  const Templates misspelt = templates_of("a\n{{#customer.intrests}}x{{/customer.intrests}}");
  auto customers = three_customers();
  CHECK(
      message_of([&] { CopyJobs(customers, products, misspelt, {}); }) ==
      "t.txt:2:1: unknown field 'customer.intrests', and no customer has it; is 'customer.interests' meant?");
  customers[2].extras["intrests"] = "x";
  CHECK(CopyJobs(customers, products, misspelt, {}).size() == 6);
  const Templates foreign = templates_of("{{#customer.loyalty_city}}x{{/customer.loyalty_city}}");
  CHECK(CopyJobs(three_customers(), products, foreign, {}).size() == 6);
}

TEST_CASE("A writer's error tells which customer and product it was", "[copywriter][write]") {
  const auto customers = three_customers();
  const auto products = two_products();
  const Templates templates = templates_of("{{product.title}}");
  const CopyJobs jobs(customers, products, templates, {});
  int calls = 0;
  CHECK(message_of([&] {
          write_copies(
              jobs,
              [&](const CopyJob& job) {
                if (++calls == 4) fail(ErrorCode::invalid_argument, "the prompt is too long");
                return echo(job);
              },
              [](const OrderedJson&) { return true; });
        }) == "customers.jsonl:2 × products.csv:2: the prompt is too long");
}

TEST_CASE("A product whose title no model could read holds up no other", "[copywriter][write]") {
  const auto customers = three_customers();
  const auto products = two_products();
  CopyJobs jobs(customers, products, {});
  jobs.shorten_by([&](TaggedPrompt& prompt) {
    return std::none_of(prompt.begin(), prompt.end(),
                        [&](const PromptField& field) { return trim(field.text) == products[0].title; });
  });
  std::set<std::string> written;
  const CopySummary summary = write_copies(jobs, echo, [&](const OrderedJson& record) {
    return written.insert(record.at("product").get<std::string>()).second || true;
  });
  CHECK(summary.too_long == 3);
  CHECK(summary.written == 3);
  CHECK(written == std::set<std::string>{products[1].id});
}

TEST_CASE("A run that was interrupted anywhere resumes to the same bytes", "[copywriter][write]") {
  const auto customers = three_customers();
  const auto products = two_products();
  Templates templates = templates_of("{{product.title}}");
  templates.emplace(std::pair(Language::zh, Scene::ad),
                    Template("ad {{product.title}}", "ad.txt", Language::zh));
  CopyOptions options;
  options.scenes = {Scene::recommendation, Scene::ad};
  const CopyJobs jobs(customers, products, templates, options);
  TempDir dir;

  const auto run = [&](const std::filesystem::path& out, JsonLinesSink::Start start, int stop_after) {
    JsonLinesSink sink(out, start);
    const DoneJobs done = done_jobs(sink, jobs);
    const CopySummary summary = write_copies(
        jobs, echo,
        [&](const OrderedJson& record) {
          sink.write(record);
          return --stop_after != 0;
        },
        done);
    CHECK(summary.skipped + summary.written <= jobs.size());
    if (summary.complete) sink.finish();
    return summary;
  };
  CHECK(run(dir / "whole.jsonl", JsonLinesSink::Start::fresh, -1).written == 12);
  const std::string whole = read_text(dir / "whole.jsonl");

  for (int stop = 1; stop < 12; ++stop) {
    const auto out = dir / ("cut" + std::to_string(stop));
    CHECK_FALSE(run(out, JsonLinesSink::Start::fresh, stop).complete);
    // The last line is torn in the middle, as if the process had died while writing it.
    const auto partial = out.string() + ".partial";
    std::filesystem::resize_file(partial, std::filesystem::file_size(partial) - 20);
    const CopySummary rest = run(out, JsonLinesSink::Start::resume, -1);
    CHECK(rest.skipped == stop - 1);
    CHECK(rest.written == 12 - (stop - 1));
    CHECK(read_text(out) == whole);
  }
  // Resuming a finished run has nothing to do.
  CHECK(run(dir / "whole.jsonl", JsonLinesSink::Start::resume, -1).skipped == 12);
  CHECK(read_text(dir / "whole.jsonl") == whole);
}

TEST_CASE("Resuming refuses to mix two runs in one file", "[copywriter][write]") {
  const auto customers = three_customers();
  const auto products = two_products();
  const Templates templates = templates_of("{{product.title}}");
  TempDir dir;
  const auto out = dir / "o.jsonl";
  {
    const CopyJobs jobs(customers, products, templates, {});
    JsonLinesSink sink(out, JsonLinesSink::Start::fresh);
    write_copies(jobs, echo, [&](const OrderedJson& record) {
      sink.write(record);
      return true;
    });
  }
  const auto refused = [&](const Templates& t, const CopyOptions& options) {
    return message_of([&] {
      const CopyJobs jobs(customers, products, t, options);
      done_jobs(JsonLinesSink(out, JsonLinesSink::Start::resume), jobs);
    });
  };
  CopyOptions other_seed;
  other_seed.seed = 9;
  CHECK_THAT(
      refused(templates, other_seed),
      ContainsSubstring("o.jsonl.partial:1: this copy was written with another prompt, seed or model"));
  CopyOptions other_model;
  other_model.model = "larger";
  CHECK_THAT(refused(templates, other_model), ContainsSubstring("another prompt, seed or model"));
  CHECK_THAT(refused(templates_of("New {{product.title}}"), {}),
             ContainsSubstring("another prompt, seed or model"));
  auto opted_out = customers;
  opted_out[0].personalised = false;
  CHECK_THAT(message_of([&] {
               const CopyJobs jobs(opted_out, products, templates, {});
               done_jobs(JsonLinesSink(out, JsonLinesSink::Start::resume), jobs);
             }),
             ContainsSubstring("another prompt, seed or model"));
  CopyOptions fewer;
  fewer.limit = 5;
  CHECK_THAT(refused(templates, fewer),
             ContainsSubstring("o.jsonl.partial:6: this copy belongs to no job of this run"));

  const std::string once = read_text(out.string() + ".partial");
  test::write_text(out.string() + ".partial", once + once);
  CHECK_THAT(refused(templates, {}), ContainsSubstring("o.jsonl.partial:7: this copy is already at"));
  test::write_text(out.string() + ".partial", "{\"n\":1}\n");
  CHECK_THAT(refused(templates, {}), ContainsSubstring("o.jsonl.partial:1: field 'customer' is missing"));
}
