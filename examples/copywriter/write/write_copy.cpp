#include "copywriter/write/write_copy.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "adlib/core/error.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/in_order.h"

namespace adlib::copywriter {
namespace {

// One string that names a job within a run.
std::string job_name(std::string_view customer, std::string_view product, std::string_view scene,
                     std::string_view language) {
  return OrderedJson::array({customer, product, scene, language})
      .dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string job_name(const CopyJob& job) {
  return job_name(job.customer->id, job.product->id, to_string(job.scene), to_string(job.language));
}

bool has(const Product& product, const std::string& field) { return product.extras.contains(field); }
bool has(const Customer& customer, const std::string& field) {
  return customer.extras.contains(field) || customer.withheld.contains(field);
}
template <class Record>
bool any_has(const std::vector<Record>& records, const std::string& field) {
  return std::any_of(records.begin(), records.end(),
                     [&](const Record& record) { return has(record, field); });
}

}  // namespace

Pairing parse_pairing(std::string_view name) {
  if (name == "all") return Pairing::all;
  if (name == "zip") return Pairing::zip;
  fail(ErrorCode::invalid_argument, "pairing '", name, "' is unknown, expected all or zip");
}

std::uint64_t job_seed(std::uint64_t seed, std::string_view customer, std::string_view product, Scene scene,
                       Language language) {
  StableHash hash;
  hash.add(seed).add(customer).add(product).add(to_string(scene)).add(to_string(language));
  return hash.value() >> 11;
}

Templates load_templates(const std::filesystem::path& directory, const CopyOptions& options) {
  Templates templates;
  for (const Language language : options.languages) {
    for (const Scene scene : options.scenes) {
      templates.try_emplace({language, scene}, load_template(directory, language, scene));
    }
  }
  return templates;
}

std::vector<TokenId> encode(const CopyJob& job, const Tokenizer& tokenizer) {
  return job.fields.empty() ? tokenizer.encode_with_special(job.prompt) : encode(job.fields, tokenizer);
}

CopyJobs::CopyJobs(const std::vector<Customer>& customers, const std::vector<Product>& products,
                   const Templates& templates, CopyOptions options)
    : customers_(customers), products_(products), templates_(&templates), options_(std::move(options)) {
  check_options();
  for (const Language language : options_.languages) {
    for (const Scene scene : options_.scenes) {
      require(templates.contains({language, scene}), "write: there is no template for scene '",
              to_string(scene), "' in language '", to_string(language), "'");
    }
  }
  require(!options_.channel && !options_.tone,
          "write: a channel or tone is for tagged prompts; a template says it in its own words");
  check_extra_fields();
  count();
}

CopyJobs::CopyJobs(const std::vector<Customer>& customers, const std::vector<Product>& products,
                   CopyOptions options)
    : customers_(customers), products_(products), options_(std::move(options)) {
  check_options();
  count();
}

void CopyJobs::check_options() const {
  require(!options_.scenes.empty() && !options_.languages.empty(),
          "write: no scene or no language is chosen");
  const auto repeated = [](const auto& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](auto item) { return std::count(list.begin(), list.end(), item) > 1; });
  };
  require(!repeated(options_.scenes) && !repeated(options_.languages),
          "write: a scene or language is named twice");
  require(options_.limit >= 0, "write: the limit is ", options_.limit, ", expected 0 (all) or more");
  if (options_.pairing == Pairing::zip) {
    require(customers_.size() == products_.size(),
            "write: pairing 'zip' needs as many customers as products, got ", customers_.size(), " and ",
            products_.size());
  }
}

// Rendering every prompt once finds what is wrong with any of them.
void CopyJobs::count() {
  for_each([&](CopyJob&&) {
    ++size_;
    return true;
  });
}

// A misspelt field in a section would only make the section vanish; where no record has the field, say so.
void CopyJobs::check_extra_fields() const {
  for (const auto& [key, prompt_template] : *templates_) {
    for (const Template::ExtraField& field : prompt_template.extra_fields()) {
      if (field.suggestion.empty()) continue;
      const bool there =
          field.root == "customer" ? any_has(customers_, field.name) : any_has(products_, field.name);
      if (!there) {
        fail(ErrorCode::bad_format, field.place, ": unknown field '", field.root, ".", field.name,
             "', and no ", field.root, " has it; is '", field.suggestion, "' meant?");
      }
    }
  }
}

CopyJob CopyJobs::make_job(const Customer& customer, const Product& product, Scene scene,
                           Language language) const {
  CopyJob job;
  job.customer = &customer;
  job.product = &product;
  job.scene = scene;
  job.language = language;
  job.seed = job_seed(options_.seed, customer.personalised ? customer.id : "", product.id, scene, language);
  return job;
}

void CopyJobs::for_each(const std::function<bool(CopyJob&& job)>& take) const {
  std::int64_t left = options_.limit > 0 ? options_.limit : INT64_MAX;
  for (const Language language : options_.languages) {
    std::vector<TemplateRecord> product_records;
    if (templates_) {
      for (const Product& product : products_) product_records.push_back(template_record(product, language));
    }
    for (const Scene scene : options_.scenes) {
      const Brief brief{language, scene, options_.channel, options_.tone};
      for (std::size_t c = 0; c < customers_.size(); ++c) {
        const Customer& given = customers_[c];
        const Customer unknown = unpersonalised(given);
        const Customer& customer = given.personalised ? given : unknown;
        const TemplateRecord customer_record =
            templates_ ? template_record(customer, language) : TemplateRecord{};
        const bool zip = options_.pairing == Pairing::zip;
        for (std::size_t p = zip ? c : 0; p < (zip ? c + 1 : products_.size()); ++p) {
          if (left-- == 0) return;
          CopyJob job = make_job(given, products_[p], scene, language);
          if (templates_) {
            job.prompt = templates_->at({language, scene}).render(customer_record, product_records[p]);
          } else {
            job.fields = tagged_prompt(brief, products_[p], customer);
            job.too_long = shorten_ && !shorten_(job.fields);
            job.prompt = to_text(job.fields);
          }
          if (!take(std::move(job))) return;
        }
      }
    }
  }
}

OrderedJson copy_record(const CopyJob& job, const GeneratedText& written, const CopyOptions& options) {
  OrderedJson record{{"customer", job.customer->id},
                     {"product", job.product->id},
                     {"scene", to_string(job.scene)},
                     {"language", to_string(job.language)}};
  if (options.channel) record["channel"] = to_string(*options.channel);
  if (options.tone) record["tone"] = to_string(*options.tone);
  record["prompt"] = job.prompt;
  record["text"] = written.text;
  record["seed"] = job.seed;
  record["model"] = options.model;
  record["prompt_tokens"] = written.prompt_tokens;
  record["generated_tokens"] = written.generated_tokens;
  record["seconds"] = written.seconds;
  record["finish_reason"] = written.finish_reason;
  record["guarded"] = written.guarded;
  record["personalised"] = job.customer->personalised;
  if (written.unfit) record["unfit"] = true;
  return record;
}

DoneJobs done_jobs(const JsonLinesSink& sink, const CopyJobs& jobs) {
  struct Found {
    std::uint64_t hash;  // of prompt, seed and model: a million prompts need not stay in memory
    std::string place;
  };
  const auto hash = [](std::string_view prompt, std::uint64_t seed, std::string_view model) {
    return StableHash().add(prompt).add(seed).add(model).value();
  };
  std::unordered_map<std::string, Found> found;
  sink.for_each_record([&](const io::Json& record, const std::string& place) {
    const io::JsonFields fields(record, place);
    const std::string customer = fields.string("customer"), product = fields.string("product");
    const std::string scene = fields.string("scene"), language = fields.string("language");
    std::string name = job_name(customer, product, scene, language);
    const auto seed = static_cast<std::uint64_t>(fields.integer("seed", 0, INT64_MAX));
    const auto [at, fresh] = found.emplace(
        std::move(name), Found{hash(fields.string("prompt"), seed, fields.string("model")), place});
    if (!fresh) fail(ErrorCode::bad_format, place, ": this copy is already at ", at->second.place);
  });

  DoneJobs done;
  if (found.empty()) return done;
  constexpr std::string_view advice =
      "; two runs must not mix: write to another file, or start over without --resume";
  jobs.for_each([&](CopyJob&& job) {
    const auto record = found.find(job_name(job));
    if (record == found.end()) return true;
    require(record->second.hash == hash(job.prompt, job.seed, jobs.options().model), record->second.place,
            ": this copy was written with another prompt, seed or model", advice);
    done.insert(record->first);
    found.erase(record);
    return true;
  });
  if (!found.empty()) {
    fail(ErrorCode::invalid_argument, found.begin()->second.place,
         ": this copy belongs to no job of this run", advice);
  }
  return done;
}

CopySummary write_copies(const CopyJobs& jobs, const WriteText& write,
                         const std::function<bool(const OrderedJson& record)>& emit, const DoneJobs& done) {
  const BeginText begin = [&](const CopyJob& job) {
    std::promise<GeneratedText> written;
    written.set_value(write(job));
    return written.get_future();
  };
  return write_copies(jobs, begin, 1, emit, done);
}

CopySummary write_copies(const CopyJobs& jobs, const BeginText& begin, std::size_t ahead,
                         const std::function<bool(const OrderedJson& record)>& emit, const DoneJobs& done) {
  CopySummary summary;
  InOrder<CopyJob> texts(ahead, begin, [&](const CopyJob& job, std::future<GeneratedText>& text) {
    GeneratedText written;
    try {
      written = text.get();
    } catch (const Error& error) {
      fail(error.code(), job.customer->source.text(), " × ", job.product->source.text(), ": ", error.what());
    }
    if (!job.fields.empty()) written.text = trim(written.text);  // behind a tag English begins with a space
    ++summary.written;
    summary.prompt_tokens += written.prompt_tokens;
    summary.generated_tokens += written.generated_tokens;
    summary.unfit += written.unfit;
    summary.seconds += written.seconds;
    summary.complete = emit(copy_record(job, written, jobs.options()));
    return summary.complete;
  });
  jobs.for_each([&](CopyJob&& job) {
    if (!done.empty() && done.contains(job_name(job))) {
      ++summary.skipped;
      return true;
    }
    if (job.too_long) {
      ++summary.too_long;
      return true;
    }
    return texts.push(std::move(job));
  });
  if (summary.complete) texts.finish();
  return summary;
}

}  // namespace adlib::copywriter
