// copywriter/write/write_copy.h: customers × products × scenes × languages -> one record of copy each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"
#include "copywriter/write/json_lines_sink.h"
#include "copywriter/write/prompt.h"
#include "copywriter/write/template.h"
#include "copywriter/write/text_writer.h"

namespace adlib::copywriter {

enum class Pairing {
  all,  ///< every customer with every product
  zip,  ///< the first customer with the first product, the second with the second, …; as many of each
};
/// Throws Error(invalid_argument) that lists the names there are.
Pairing parse_pairing(std::string_view name);

struct CopyOptions {
  std::optional<Channel> channel;  ///< of tagged prompts; without one the model chooses
  std::optional<Tone> tone;        ///< the same
  std::vector<Scene> scenes = {Scene::recommendation};
  std::vector<Language> languages = {Language::zh};
  Pairing pairing = Pairing::all;
  std::int64_t limit = 0;  ///< at most this many jobs, the first ones; 0 for all
  std::uint64_t seed = 0;
  std::string model;  ///< what the records call the model
};

/// The seed of one job: a stable hash of all that names it, below 2^53 so that every JSON reader keeps it
/// whole. It depends neither on the order of the jobs nor on the other customers and products. In jobs for
/// people who opted out `customer` is "", so that they all get the same text.
std::uint64_t job_seed(std::uint64_t seed, std::string_view customer, std::string_view product, Scene scene,
                       Language language);

/// One template for each scene and language.
using Templates = std::map<std::pair<Language, Scene>, Template>;
/// Loads directory/LANGUAGE/SCENE.txt for all scenes and languages of `options`.
Templates load_templates(const std::filesystem::path& directory, const CopyOptions& options);

struct CopyJob {
  const Customer* customer = nullptr;
  const Product* product = nullptr;
  Scene scene = Scene::recommendation;
  Language language = Language::zh;
  std::uint64_t seed = 0;
  std::string prompt;
  TaggedPrompt fields;    ///< what the prompt is made of; empty where a template made it
  bool too_long = false;  ///< even when shortened: it is left out
};
/// A model behind a function: the text for a job's prompt, the same for the same seed.
using WriteText = std::function<GeneratedText(const CopyJob& job)>;
/// The same for a model that writes several at once: begins a text and comes back.
using BeginText = std::function<std::future<GeneratedText>(const CopyJob& job)>;
/// The ids of a job's prompt, with the special tokens that the tokenizer puts in front of a template's.
std::vector<TokenId> encode(const CopyJob& job, const Tokenizer& tokenizer);

/// The jobs of one run, their prompts checked before a model is asked for anything.
class CopyJobs {
 public:
  /// All arguments but `options` must outlive this. Renders every prompt once and throws, before any text is
  /// written, Error(not_found) "customers.jsonl:17: field 'first_name' is missing but the template uses it
  /// …", or Error(bad_format) for a template's field that no record has and whose name is a slip of a known
  /// one. Of customers who are not to be written to personally nothing but the id is used.
  CopyJobs(const std::vector<Customer>& customers, const std::vector<Product>& products,
           const Templates& templates, CopyOptions options);
  /// The same with tagged prompts, for models that read those.
  CopyJobs(const std::vector<Customer>& customers, const std::vector<Product>& products, CopyOptions options);

  /// Tagged prompts are cut by this from now on.
  void shorten_by(ShortenPrompt shorten) { shorten_ = std::move(shorten); }

  std::int64_t size() const { return size_; }
  /// Calls `take` for each job in order (language, scene, customer, product) until it returns false.
  void for_each(const std::function<bool(CopyJob&& job)>& take) const;
  const CopyOptions& options() const { return options_; }

 private:
  void check_options() const;
  void check_extra_fields() const;
  void count();
  CopyJob make_job(const Customer& customer, const Product& product, Scene scene, Language language) const;

  const std::vector<Customer>& customers_;
  const std::vector<Product>& products_;
  const Templates* templates_ = nullptr;  ///< none: tagged prompts
  CopyOptions options_;
  ShortenPrompt shorten_;
  std::int64_t size_ = 0;
};

/// {customer, product, scene, language, channel, tone, prompt, text, seed, model, prompt_tokens,
/// generated_tokens, seconds, finish_reason, guarded, personalised}, in this order; channel and tone where
/// they were asked for.
OrderedJson copy_record(const CopyJob& job, const GeneratedText& written, const CopyOptions& options);

/// Names of jobs that an earlier, interrupted run has written.
using DoneJobs = std::unordered_set<std::string>;
/// Reads them from the records of `sink`. Throws Error(invalid_argument) "copies.jsonl.partial:3: …" for a
/// record of no job of this run, or with another prompt, seed or model: two runs must not mix in one file.
DoneJobs done_jobs(const JsonLinesSink& sink, const CopyJobs& jobs);

struct CopySummary {
  std::int64_t written = 0;
  std::int64_t skipped = 0;   ///< done by an earlier run
  std::int64_t too_long = 0;  ///< left out: title and prices alone are more than the model reads
  std::int64_t prompt_tokens = 0;
  std::int64_t generated_tokens = 0;
  std::int64_t unfit = 0;  ///< GeneratedText::unfit
  double seconds = 0;      ///< inside the writer
  bool complete = true;    ///< false when `emit` stopped the run
};

/// Writes the copy of every job that is not in `done`. `emit` gets each record as it is ready and returns
/// false to stop. An Error of the writer is thrown again with the customer's and the product's place before
/// its message.
CopySummary write_copies(const CopyJobs& jobs, const WriteText& write,
                         const std::function<bool(const OrderedJson& record)>& emit,
                         const DoneJobs& done = {});
/// The same with up to `ahead` texts under way. Records still come in the order of the jobs.
CopySummary write_copies(const CopyJobs& jobs, const BeginText& begin, std::size_t ahead,
                         const std::function<bool(const OrderedJson& record)>& emit,
                         const DoneJobs& done = {});

}  // namespace adlib::copywriter
