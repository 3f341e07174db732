// copywriter/write/stored_copies.h: the stage `write`: copy for the customers and products of a store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "copywriter/polish/check.h"
#include "copywriter/rules/channels.h"
#include "copywriter/store/consents.h"
#include "copywriter/store/records.h"
#include "copywriter/write/copy_request.h"
#include "copywriter/write/guarded_writer.h"
#include "copywriter/write/privacy.h"
#include "copywriter/write/write_copy.h"

namespace adlib::copywriter {

/// What a campaign wants written: one copy for each of scenes × languages × channels × tones × variants, and
/// for each customer with each of their products, or for each product where the channel is everybody's. A
/// customer or product whose record has a field `language` gets copy in that one only.
struct CopyPlan {
  std::vector<Scene> scenes = {Scene::recommendation};
  std::vector<Language> languages = {Language::zh};
  std::vector<ChannelField> channels = {};
  std::vector<std::optional<Tone>> tones = {std::nullopt};  ///< none: the model chooses
  std::int64_t variants = 1;                                ///< of each tone
  std::vector<std::string> products = {};   ///< by shop_id; empty: what was recommended to the customer
  std::int64_t top = 1;                     ///< of the recommendations
  std::vector<std::string> customers = {};  ///< by shop_id; empty: all
  std::int64_t limit = 0;                   ///< at most so many texts in one call; 0: all
  std::uint64_t seed = 0;
};

/// Begins the text of a request; a text that `judge` does not let stay is asked for again.
using BeginRequest =
    std::function<std::future<GeneratedText>(const CopyRequest& request, const GuardedWriter::Judge& judge)>;

struct StoredCopySummary {
  std::int64_t written = 0;
  std::int64_t there = 0;            ///< by an earlier call
  std::int64_t other_ending = 0;     ///< of these, the ones that somebody decided on and that keep theirs
  std::int64_t refused = 0;          ///< customers who do not want to be written to, by channel
  std::int64_t without_product = 0;  ///< customers to whom nothing was recommended
  std::int64_t erased = 0;           ///< customers whom another process erased meanwhile
  std::int64_t too_long = 0;         ///< left out: title and prices alone are more than the model reads
  std::int64_t prompt_tokens = 0, generated_tokens = 0;
};

/// Writes the copies of a plan that the store does not have yet. `permit` takes from a customer what the
/// campaign must not use. Copies are committed some dozens at a time; after a kill the next call goes on.
class StoredCopies {
 public:
  struct Options {
    bool guarded = true;
    std::map<Language, std::vector<std::string>> ending = {};  ///< what closes every copy
    /// Writes copies anew that are there with another ending and on which nobody has decided.
    bool rewrite = false;
    const Templates* templates = nullptr;  ///< for models that do not read tags
    /// Held against guarded texts: one that says of the product or the reader what the shop's data do not
    /// bear out is asked for again. Without one, polish finds them later.
    const Checker* checker = nullptr;
    ShortenPrompt shorten = {};  ///< cuts tagged prompts
  };
  /// `store` and `privacy` must outlive this. Throws Error(invalid_argument) for a product or customer of the
  /// plan that the store does not have, where nothing was recommended to anybody, and, unless they are to be
  /// written anew, for copies that are there with another ending: one campaign must not mix them unseen.
  StoredCopies(const Store& store, const Privacy& privacy, CopyPlan plan, Options options);

  std::int64_t size() const { return size_; }  ///< texts to write
  const StoredCopySummary& counts() const { return counts_; }
  /// `done` is called with the number of texts that were committed.
  StoredCopySummary write(const Run& run, const BeginRequest& begin, std::size_t ahead,
                          const std::function<void(std::int64_t texts)>& done);

 private:
  struct Job;
  struct Row;
  struct Pair {
    std::int64_t product = 0;
    std::optional<std::int64_t> user;
  };
  void find_pairs();
  void for_each(const std::function<bool(Job&& job)>& take);
  enum class Prepared { ready, erased, too_long };
  Prepared prepare(Job& job);
  GuardedWriter::Judge judge(const Job& job) const;
  void save(const Run& run, const std::vector<Row>& rows);
  bool reads(std::int64_t user, Language language);
  bool is_sold_in(std::int64_t product, Language language) const;
  bool is_there(Job& job);

  const Store& store_;
  const Privacy& privacy_;
  CopyPlan plan_;
  Options options_;
  StoredCustomers customers_;
  const std::unordered_map<std::int64_t, Product>& products_;
  std::vector<Pair> personal_, public_;  // by product, so that prompts begin alike
  Consents consents_;
  Statement find_copy_, find_language_, add_placement_, find_placement_, drop_copy_, add_copy_;
  std::int64_t size_ = 0;
  std::int64_t first_other_ending_ = 0, other_endings_ = 0;  // undecided ones; the first by id
  StoredCopySummary counts_;
};

}  // namespace adlib::copywriter
