#include "copywriter/write/stored_copies.h"

#include <algorithm>
#include <memory>

#include "adlib/core/error.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/in_order.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kCopiesPerCommit = 64;  // a commit waits for the disk: some milliseconds

// The short fields (a subject, a headline) are written as banners are.
std::optional<Channel> prompt_channel(const ChannelField& field) {
  for (const Channel channel : all_channels()) {
    if (field.family == to_string(channel)) return channel;
  }
  return Channel::banner;
}

// SQL, of a copy `c`: no person has decided on it or changed it, so it can be written anew.
constexpr std::string_view kUndecided =
    "(c.status IN ('written', 'blocked', 'ready') AND NOT EXISTS(SELECT 1 FROM decision d WHERE d.copy = "
    "c.id AND d.who <> 'polish'))";

template <class T>
void drop_repeated(std::vector<T>& list) {
  std::vector<T> once;
  for (T& item : list) {
    if (std::find(once.begin(), once.end(), item) == once.end()) once.push_back(std::move(item));
  }
  list = std::move(once);
}

std::string arm_name(const std::optional<Tone>& tone, std::int64_t variant) {
  std::string name = tone ? to_string(*tone) : "any";
  if (variant > 1) name += "/" + std::to_string(variant);
  return name;
}

std::int64_t row_of(const Store& store, const char* table, const std::string& shop_id) {
  Statement find = store.prepare(concat("SELECT id FROM ", table, " WHERE shop_id = ?"));
  if (!find.with(shop_id).step())
    fail(ErrorCode::invalid_argument, store.where(), ": there is no ", table, " '", shop_id, "'");
  return find.integer(0);
}

}  // namespace

/// One text of the plan.
struct StoredCopies::Job {
  Pair pair;
  Scene scene;
  Language language;
  const ChannelField* channel;
  std::optional<Tone> tone;
  std::string arm;
  std::optional<std::int64_t> replaces = {};  // a copy that is written anew
  CopyRequest request = {};
  bool personalised = false;
  std::shared_ptr<const Customer> customer = {};  // what may be used of them
};
/// One text that was written.
struct StoredCopies::Row {
  Job job;
  std::string request;
  GeneratedText text;
};

StoredCopies::StoredCopies(const Store& store, const Privacy& privacy, CopyPlan plan, Options options)
    : store_(store),
      privacy_(privacy),
      plan_(std::move(plan)),
      options_(std::move(options)),
      customers_(store),
      products_(customers_.products()),
      consents_(store),
      find_copy_(store.prepare(
          concat("SELECT c.id, coalesce(json_extract(c.request, '$.ending'), '[]'), ", kUndecided,
                 " FROM placement p JOIN copy c ON c.placement = p.id WHERE coalesce(p.user, "
                 "0) = ? AND p.product = ? AND p.scene = ? AND p.channel = ? AND p.language = "
                 "? AND c.arm = ?"))),
      find_language_(store.prepare("SELECT json_extract(record, '$.language') FROM user WHERE id = ?")),
      add_placement_(store.prepare("INSERT OR IGNORE INTO placement(user, product, scene, channel, language) "
                                   "VALUES (?, ?, ?, ?, ?)")),
      find_placement_(
          store.prepare("SELECT id FROM placement WHERE coalesce(user, 0) = ? AND product = ? AND scene = ? "
                        "AND channel = ? AND language = ?")),
      drop_copy_(store.prepare(concat("DELETE FROM copy AS c WHERE c.id = ? AND ", kUndecided))),
      add_copy_(store.prepare(
          "INSERT OR IGNORE INTO copy(placement, arm, tone, run, prompt, request, seed, written, text, "
          "finish_reason, prompt_tokens, generated_tokens, guarded, personalised) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
  drop_repeated(plan_.scenes);
  drop_repeated(plan_.languages);
  drop_repeated(plan_.tones);
  drop_repeated(plan_.products);
  drop_repeated(plan_.customers);
  std::set<std::string> channels;
  std::erase_if(plan_.channels,
                [&](const ChannelField& channel) { return !channels.insert(channel.id).second; });
  require(!plan_.scenes.empty() && !plan_.languages.empty() && !plan_.channels.empty() &&
              !plan_.tones.empty() && plan_.variants > 0,
          "write: the plan names no scene, language, channel or tone");
  find_pairs();
  std::set<std::pair<std::int64_t, std::string>> refusals;
  for (const ChannelField& channel : plan_.channels) {
    if (channel.everybody) continue;
    for (const Pair& pair : personal_) {
      if (consents_.refuses(*pair.user, channel)) refusals.insert({*pair.user, channel.family});
    }
  }
  counts_.refused = std::ssize(refusals);
  for_each([&](Job&&) {
    ++size_;
    return true;
  });
  require(other_endings_ == 0, store.where(), ": ", other_endings_,
          other_endings_ == 1 ? " text is" : " texts are", " there with another --ending, such as copy ",
          first_other_ending_,
          "; give the one that they have, or --rewrite to write anew what nobody has decided on");
}

void StoredCopies::find_pairs() {
  std::vector<std::int64_t> products, users;
  for (const std::string& id : plan_.products) {
    products.push_back(row_of(store_, "product", id));
    require(products_.contains(products.back()), store_.where(), ": product '", id, "' has no title");
  }
  for (const std::string& id : plan_.customers) users.push_back(row_of(store_, "user", id));
  const auto is_personal = [](const ChannelField& channel) { return !channel.everybody; };
  if (std::any_of(plan_.channels.begin(), plan_.channels.end(), is_personal)) {
    if (users.empty()) users = customers_.rows();
    Statement recommended =
        store_.prepare("SELECT product FROM recommendation WHERE user = ? AND rank <= ? ORDER BY rank");
    for (const std::int64_t user : users) {
      const std::size_t before = personal_.size();
      for (const std::int64_t product : products) personal_.push_back({product, user});
      if (products.empty()) {
        recommended.with(user, plan_.top);
        while (recommended.step()) {
          if (products_.contains(recommended.integer(0))) personal_.push_back({recommended.integer(0), user});
        }
      }
      if (personal_.size() == before) ++counts_.without_product;
    }
    require(!personal_.empty() || users.empty(), store_.where(),
            ": nothing was recommended to these customers; run 'adlib recommend' first, or name products");
  }
  if (!std::all_of(plan_.channels.begin(), plan_.channels.end(), is_personal)) {
    if (products.empty()) {
      Statement listed = store_.prepare("SELECT id FROM product WHERE listed = 1 ORDER BY shop_id");
      while (listed.step()) {
        if (products_.contains(listed.integer(0))) products.push_back(listed.integer(0));
      }
    }
    for (const std::int64_t product : products) public_.push_back({product, std::nullopt});
  }
  // Requests for one product begin alike, and one that begins as the one before is read only once.
  std::stable_sort(personal_.begin(), personal_.end(),
                   [](const Pair& a, const Pair& b) { return a.product < b.product; });
}

bool StoredCopies::reads(std::int64_t user, Language language) {
  find_language_.with(user).step();
  const std::optional<Language> own = language_named(find_language_.text(0));
  find_language_.reset();
  return !own || *own == language;
}

bool StoredCopies::is_sold_in(std::int64_t product, Language language) const {
  const io::Json& extras = products_.at(product).extras;
  const auto own = extras.find("language");
  if (own == extras.end() || !own->is_string()) return true;
  const std::optional<Language> named = language_named(own->get_ref<const std::string&>());
  return !named || *named == language;
}

// Such a copy is written anew, or counted, where it has another ending than the plan's.
bool StoredCopies::is_there(Job& job) {
  if (!find_copy_
           .with(job.pair.user.value_or(0), job.pair.product, to_string(job.scene), job.channel->id,
                 to_string(job.language), job.arm)
           .step())
    return false;
  const std::int64_t id = find_copy_.integer(0);
  const auto wanted = options_.ending.find(job.language);
  const io::Json ending(wanted == options_.ending.end() ? std::vector<std::string>() : wanted->second);
  const bool same =
      io::parse_json(find_copy_.text(1), concat(store_.where(), ": copy ", id, ": ending")) == ending;
  const bool undecided = find_copy_.integer(2) != 0;
  find_copy_.reset();
  if (same) return true;
  if (!undecided) {
    ++counts_.other_ending;
  } else if (options_.rewrite) {
    job.replaces = id;
    return false;
  } else if (++other_endings_ == 1) {
    first_other_ending_ = id;
  }
  return true;
}

void StoredCopies::for_each(const std::function<bool(Job&& job)>& take) {
  std::int64_t left = plan_.limit > 0 ? plan_.limit : INT64_MAX;
  counts_.there = counts_.other_ending = 0;
  for (const Language language : plan_.languages) {
    for (const Scene scene : plan_.scenes) {
      for (const ChannelField& channel : plan_.channels) {
        for (const std::optional<Tone>& tone : plan_.tones) {
          for (const Pair& pair : channel.everybody ? public_ : personal_) {
            if (pair.user && (consents_.refuses(*pair.user, channel) || !reads(*pair.user, language)))
              continue;
            if (!is_sold_in(pair.product, language)) continue;
            for (std::int64_t variant = 1; variant <= plan_.variants; ++variant) {
              Job job{pair, scene, language, &channel, tone, arm_name(tone, variant)};
              if (is_there(job)) {
                ++counts_.there;
                continue;
              }
              if (left-- == 0 || !take(std::move(job))) return;
            }
          }
        }
      }
    }
  }
}

StoredCopies::Prepared StoredCopies::prepare(Job& job) {
  const Product& product = products_.at(job.pair.product);
  Customer customer;
  customer.personalised = false;
  if (job.pair.user) {
    if (!customers_.has(*job.pair.user)) return Prepared::erased;
    customer = privacy_.permitted(customers_.read(*job.pair.user));
  }
  job.personalised = customer.personalised;
  if (job.personalised) job.customer = std::make_shared<const Customer>(customer);

  CopyRequest& request = job.request;
  request.fields =
      tagged_prompt({job.language, job.scene, prompt_channel(*job.channel), job.tone}, product, customer);
  request.is_template = options_.templates != nullptr;
  if (!request.is_template && options_.shorten && !options_.shorten(request.fields))
    return Prepared::too_long;
  request.prompt = request.is_template ? options_.templates->at({job.language, job.scene})
                                             .render(template_record(customer, job.language),
                                                     template_record(product, job.language))
                                       : to_text(request.fields);
  request.language = job.language;
  request.unspoken = customer.unspoken;
  request.channel = job.channel->id;
  if (const auto own = options_.ending.find(job.language); own != options_.ending.end())
    request.ending = own->second;
  request.guarded = options_.guarded;
  StableHash hash;  // as job_seed(), of all that names the copy
  hash.add(plan_.seed).add(customer.personalised ? customer.id : "").add(product.id);
  hash.add(to_string(job.scene)).add(to_string(job.language)).add(job.channel->id).add(job.arm);
  request.seed = hash.value() >> 11;
  return Prepared::ready;
}

// Whether a text keeps to the facts of the product and of its reader, as polish will see it.
GuardedWriter::Judge StoredCopies::judge(const Job& job) const {
  if (options_.checker == nullptr || !options_.guarded) return {};
  return [this, customer = job.customer, language = job.language, channel = job.channel,
          product = &products_.at(job.pair.product)](const std::string& text) {
    return keeps_to_facts(*options_.checker, {.text = text,
                                              .language = language,
                                              .channel = channel,
                                              .generated = true,
                                              .product = product,
                                              .customer = customer.get(),
                                              .unpersonalised = customer == nullptr});
  };
}

void StoredCopies::save(const Run& run, const std::vector<Row>& rows) {
  Transaction transaction(store_.database());
  for (const auto& [job, request, written] : rows) {
    if (job.pair.user && !customers_.has(*job.pair.user)) continue;  // erased while it was written
    const char* scene = to_string(job.scene);
    const char* language = to_string(job.language);
    add_placement_.run(job.pair.user, job.pair.product, scene, job.channel->id, language);
    find_placement_.with(job.pair.user.value_or(0), job.pair.product, scene, job.channel->id, language)
        .step();
    const std::int64_t placement = find_placement_.integer(0);
    find_placement_.reset();
    if (job.replaces) drop_copy_.run(*job.replaces);
    std::optional<std::string> tone;
    if (job.tone) tone = to_string(*job.tone);
    add_copy_.run(placement, job.arm, tone, run.id(), job.request.prompt, request, job.request.seed,
                  written.text, written.text, written.finish_reason, written.prompt_tokens,
                  written.generated_tokens, written.guarded, job.personalised);
  }
  transaction.commit();
}

StoredCopySummary StoredCopies::write(const Run& run, const BeginRequest& begin, std::size_t ahead,
                                      const std::function<void(std::int64_t texts)>& done) {
  StoredCopySummary summary = counts_;
  std::vector<Row> rows;
  const auto save_rows = [&] {
    save(run, rows);
    done(std::ssize(rows));
    rows.clear();
  };
  // Those who opted out all get the text of the product alone: it is one request, and written once. Texts are
  // taken in order, so the first is there when the others' turn comes.
  std::unordered_map<std::string, GeneratedText> of_everybody;
  std::set<std::string> asked;
  InOrder<Job> texts(
      ahead,
      [&](const Job& job) {
        if (!job.personalised) {
          const std::string request = job.request.to_json();
          if (!asked.insert(request).second) {
            return std::async(std::launch::deferred,
                              [&of_everybody, request] { return of_everybody.at(request); });
          }
        }
        return begin(job.request, judge(job));
      },
      [&](const Job& job, std::future<GeneratedText>& text) {
        GeneratedText written;
        try {
          written = text.get();
        } catch (const Error& error) {
          fail(error.code(), store_.where(), ": product '", products_.at(job.pair.product).id, "', channel ",
               job.channel->id, ": ", error.what());
        }
        written.text = trim(written.text);  // behind a tag English begins with a space
        ++summary.written;
        summary.prompt_tokens += written.prompt_tokens;
        summary.generated_tokens += written.generated_tokens;
        if (!job.personalised) of_everybody.emplace(job.request.to_json(), written);
        CopyRequest request = job.request;
        request.attempt = written.attempt;
        rows.push_back({job, request.to_json(), std::move(written)});
        if (rows.size() == kCopiesPerCommit) save_rows();
        return true;
      });
  try {
    for_each([&](Job&& job) {
      switch (prepare(job)) {
        case Prepared::erased:
          ++summary.erased;
          return true;
        case Prepared::too_long:
          ++summary.too_long;
          return true;
        case Prepared::ready:
          break;
      }
      return texts.push(std::move(job));
    });
    texts.finish();
  } catch (...) {
    if (!rows.empty()) save_rows();  // what was written is kept, whatever came then
    throw;
  }
  if (!rows.empty()) save_rows();
  return summary;
}

}  // namespace adlib::copywriter
