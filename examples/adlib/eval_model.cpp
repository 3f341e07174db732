#include "eval_model.h"

#include <algorithm>
#include <map>

#include "adlib/eval/perplexity.h"
#include "adlib/eval/personalisation.h"
#include "copywriter/collect/read.h"
#include "copywriter/write/write_copy.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

constexpr std::size_t prompts_at_once = 64;  // more are a matter of memory, fewer of speed

// Every word and number that a record holds, but what names it.
void add_leaves(const io::Json& value, std::vector<std::string>& out) {
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      if (key != "id" && key != "item") add_leaves(item, out);
    }
  } else if (value.is_array()) {
    for (const io::Json& item : value) add_leaves(item, out);
  } else if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_number()) {
    out.push_back(value.dump());
  }
}

eval::CustomerValues values_of(const cw::Customer& customer, cw::Language language) {
  eval::CustomerValues values;
  add_leaves(cw::template_record(customer, language).fields, values);
  return values;
}

void check_room(const Generator& generator, const GreedyPrompt& prompt, std::int64_t max_new_tokens) {
  const std::int64_t tokens = std::ssize(prompt.ids);
  const std::int64_t context = generator.decoder().config().context;
  require(tokens + max_new_tokens <= context, prompt.where, ": the prompt has ", tokens,
          " tokens and --max-new-tokens is ", max_new_tokens, ", the model's context is ", context,
          "; shorten the prompt or lower --max-new-tokens");
}

}  // namespace

void add_perplexity(Report& report, const Generator& generator, const Decoder* against,
                    const std::vector<EvalRecord>& records, const PerplexityRun& run,
                    const Console& console) {
  const Tokenizer& tokenizer = generator.tokenizer();
  const std::vector<TokenId>& ends = generator.defaults().eos_token_id;
  const TokenId end = !run.eos             ? -1
                      : tokenizer.eos_id() ? *tokenizer.eos_id()
                      : ends.empty()       ? -1
                                           : ends.front();
  std::vector<eval::Document> documents;
  for (const EvalRecord& record : records) {
    if (record.completion && !record.prompt) {
      fail(ErrorCode::bad_format, record.where, ": field 'prompt' is missing beside 'completion'");
    }
    documents.push_back(record.completion
                            ? eval::completion_document(tokenizer, *record.prompt, record.text, end)
                            : eval::text_document(tokenizer, record.text, end));
    if (documents.back().ids.empty()) {
      fail(ErrorCode::bad_format, record.where, ": there is no token to begin with: the ",
           record.completion ? "prompt" : "text", " is empty and the tokenizer has no BOS token");
    }
  }
  const eval::PerplexityOptions options{
      .window = run.window, .stride = run.stride, .progress = console.progress("documents")};
  const eval::Perplexity result = eval::perplexity(generator.decoder(), documents, options);
  ReportSection section{"perplexity",
                        "Perplexity",
                        {{"documents", "documents", static_cast<double>(result.documents), 0},
                         {"tokens", "tokens that count", static_cast<double>(result.tokens), 0},
                         {"loss", "loss by token (nats)", result.loss(), 4},
                         {"perplexity", "perplexity by token", result.perplexity(), 3}}};
  if (result.characters > 0) {
    section.figures.push_back({"bits_per_character", "bits by character", result.bits_per_character(), 4});
    section.figures.push_back({"bits_per_byte", "bits by byte", result.bits_per_byte(), 4});
  }
  report.sections.push_back(std::move(section));
  if (against == nullptr) return;

  const eval::Perplexity other = eval::perplexity(*against, documents, options);
  const eval::Agreement both = eval::agreement(eval::choices(*against, documents, options),
                                               eval::choices(generator.decoder(), documents, options));
  const auto percent = [](std::int64_t part, std::int64_t of) {
    return of == 0 ? 100.0 : 100 * static_cast<double>(part) / static_cast<double>(of);
  };
  report.sections.push_back(
      {"against",
       "Against " + to_string(against->formats()),
       {{"perplexity", "perplexity by token", other.perplexity(), 3},
        {"perplexity_change_percent", "change of perplexity (%)",
         100 * (result.perplexity() / other.perplexity() - 1), 3},
        {"same_percent", "same token likeliest (%)", percent(both.same, both.positions), 2},
        {"clear_percent", "likeliest by more than 0.02 (% of tokens)", percent(both.clear, both.positions),
         2},
        {"clear_same_percent", "same token likeliest, there (%)", percent(both.clear_same, both.clear), 2}}});
}

std::vector<std::string> write_greedily(const Generator& generator, const std::vector<GreedyPrompt>& prompts,
                                        std::int64_t max_new_tokens, const Console& console) {
  for (const GreedyPrompt& prompt : prompts) check_room(generator, prompt, max_new_tokens);
  GenerationConfig config;
  config.max_new_tokens = max_new_tokens;
  config.eos_token_id = generator.defaults().eos_token_id;
  const Progress progress = console.progress("texts");
  std::vector<std::string> texts;
  for (std::size_t begin = 0; begin < prompts.size(); begin += prompts_at_once) {
    std::vector<std::vector<TokenId>> group;
    for (std::size_t i = begin; i < std::min(begin + prompts_at_once, prompts.size()); ++i) {
      group.push_back(prompts[i].ids);
    }
    for (Result& result : generator.generate(group, config)) {
      texts.push_back(std::move(result.completions.front().text));
    }
    if (progress) progress(std::ssize(texts), std::ssize(prompts));
  }
  return texts;
}

struct PersonalisationRun::Data {
  std::vector<cw::Customer> customers;
  std::vector<cw::Product> products;
  cw::CopyOptions options;
  cw::Templates templates;
  bool tagged = false;

  cw::CopyJobs jobs() const {
    if (tagged) return {customers, products, options};
    return {customers, products, templates, options};
  }
};

PersonalisationRun::PersonalisationRun(const PersonalisationInput& input) {
  auto data = std::make_unique<Data>();
  const cw::ReadOptions reading{.currency = input.currency};
  data->products = cw::read_products(input.products, reading);
  data->customers = cw::read_customers(input.customers, reading);
  require(data->customers.size() >= 2, input.customers, ": holds ", data->customers.size(),
          " customer, expected at least 2 to tell apart, and 4 for the matcher");
  data->options.scenes.clear();
  data->options.languages.clear();
  for (const std::string& scene : input.scenes) data->options.scenes.push_back(cw::parse_scene(scene));
  for (const std::string& language : input.languages) {
    data->options.languages.push_back(cw::parse_language(language));
  }
  data->tagged = input.templates.empty();
  if (!data->tagged) data->templates = cw::load_templates(input.templates, data->options);
  data->jobs();  // throws where a prompt cannot be made
  data_ = std::move(data);
}
PersonalisationRun::~PersonalisationRun() = default;

void PersonalisationRun::add_to(Report& report, const Generator& generator, std::int64_t max_new_tokens,
                                const Console& console) const {
  const cw::CopyJobs jobs = data_->jobs();
  std::map<std::pair<cw::Language, cw::Scene>, std::vector<GreedyPrompt>> runs;  // by customer, then product
  jobs.for_each([&](cw::CopyJob&& job) {
    runs[{job.language, job.scene}].push_back(
        {job.customer->source.text() + " × " + job.product->source.text(),
         encode(job, generator.tokenizer())});
    return true;
  });
  const std::size_t products = data_->products.size(), customers = data_->customers.size();
  for (auto& [occasion, prompts] : runs) {
    // The first customer once more, at the other end of the list and so among other neighbours.
    const std::vector<GreedyPrompt> again(prompts.begin(),
                                          prompts.begin() + static_cast<std::ptrdiff_t>(products));
    prompts.insert(prompts.end(), again.begin(), again.end());
    const std::vector<std::string> texts = write_greedily(generator, prompts, max_new_tokens, console);
    std::vector<std::vector<std::string>> copies(products);
    double same = 0;
    for (std::size_t p = 0; p < products; ++p) {
      for (std::size_t c = 0; c < customers; ++c) copies[p].push_back(texts[c * products + p]);
      same += texts[customers * products + p] == texts[p] ? 1 : 0;
    }
    std::vector<eval::CustomerValues> values;
    for (const cw::Customer& customer : data_->customers)
      values.push_back(values_of(customer, occasion.first));

    const eval::Personalisation result = eval::personalisation(copies, values);
    const std::string name = std::string(to_string(occasion.first)) + "_" + to_string(occasion.second);
    ReportSection section{
        "personalisation_" + name,
        "Personalisation, " + std::string(to_string(occasion.first)) + " " + to_string(occasion.second),
        {{"products", "products", static_cast<double>(products), 0},
         {"customers", "customers", static_cast<double>(customers), 0},
         {"products_differ", "share of products whose copies differ", result.products_differ, 4},
         {"pairs_differ", "share of pairs of copies that differ", result.pairs_differ, 4},
         {"equal_customers", "equal customers that get equal bytes", same / static_cast<double>(products), 4},
         {"values_used", "share of copies with a value of the customer", result.values_used, 4}}};
    if (result.matched > 0) {
      section.figures.push_back(
          {"match_accuracy", "matched to the right one of 4 customers", result.match_accuracy, 4});
    }
    report.sections.push_back(std::move(section));
  }
}

}  // namespace adlib::cli
