#include "copywriter/publish/publish.h"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "copywriter/collect/problems.h"
#include "copywriter/publish/last_check.h"
#include "copywriter/publish/select.h"

namespace adlib::copywriter {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".adlib-unfinished-";  // and the number of the process
constexpr int kAttempts = 5;  // to render while another process changes the same copies

// Where pieces go. Nothing can be seen before commit().
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void add(const std::string& name, std::string_view text) = 0;
  virtual void commit() {}
};

class FileSink : public Sink {
 public:
  explicit FileSink(const fs::path& path) : file_(path) {}
  void add(const std::string&, std::string_view text) override { file_.write(text); }
  void commit() override { file_.commit(); }

 private:
  io::AtomicFile file_;
};

// Many files, written beside each other under a name that says so and then moved one by one: names come from
// the keys of the publications, so that what a kill interrupts is done again with the same names, and no
// other store has them.
class DirectorySink : public Sink {
 public:
  explicit DirectorySink(const fs::path& path)
      : path_(path), unfinished_(path / concat(kUnfinished, ::getpid())) {
    io::make_directories(path_);
    remove_left_behind();
    io::make_directories(unfinished_);
  }
  ~DirectorySink() override {
    std::error_code ignored;
    fs::remove_all(unfinished_, ignored);
  }
  DirectorySink(const DirectorySink&) = delete;
  DirectorySink& operator=(const DirectorySink&) = delete;
  void add(const std::string& name, std::string_view text) override {
    io::write_file(unfinished_ / name, text);
    names_.push_back(name);
  }
  void commit() override {
    for (const std::string& name : names_) {
      std::error_code error;
      fs::rename(unfinished_ / name, path_ / name, error);
      if (error) fail(ErrorCode::io, (path_ / name).string(), ": cannot be written: ", error.message());
    }
  }

 private:
  // What a process that was killed did not finish.
  void remove_left_behind() const {
    std::vector<fs::path> left;
    for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(kUnfinished)) continue;
      const pid_t process = std::atoi(name.c_str() + kUnfinished.size());
      const bool runs = process > 0 && process != ::getpid() && (::kill(process, 0) == 0 || errno == EPERM);
      if (!runs) left.push_back(entry.path());
    }
    for (const fs::path& one : left) fs::remove_all(one);
  }

  fs::path path_, unfinished_;
  std::vector<std::string> names_;
};

class PreviewSink : public Sink {
 public:
  explicit PreviewSink(const std::function<void(std::string_view)>& write) : write_(write) {}
  void add(const std::string&, std::string_view text) override { write_(text); }

 private:
  const std::function<void(std::string_view)>& write_;
};

std::string destination_of(const PublishOptions& options) {
  if (options.target == "webhook") return without_query(options.webhook.url);
  if (options.output.empty()) return {};  // a preview
  return fs::absolute(options.output).lexically_normal().string();
}

// "push.jsonl", "push.2.jsonl", …
fs::path numbered(const fs::path& file, int number) {
  if (number == 1) return file;
  fs::path name = file.stem();
  name += "." + std::to_string(number);
  name += file.extension();
  return file.parent_path() / name;
}

bool is_mbox(const PublishOptions& options) { return options.output.extension() == ".mbox"; }

// Without the secret.
io::Json settings_of(const PublishOptions& options, const std::string& destination) {
  return {{"target", options.target},
          {"destination", destination},
          {"again", options.again},
          {"require_consent", options.require_consent},
          {"skip_unfit", options.skip_unfit},
          {"channels", options.channels},
          {"languages", options.languages},
          {"scenes", options.scenes},
          {"link_prefix", options.format.link_prefix},
          {"availability", options.format.availability},
          {"condition", options.format.condition},
          {"campaign", options.format.campaign},
          {"sender", options.format.sender},
          {"unsubscribe_url", options.format.unsubscribe_url},
          {"unsubscribe_mailto", options.format.unsubscribe_mailto}};
}

class Publisher {
 public:
  Publisher(const Store& store, const std::vector<ChannelField>& channels, const PublishOptions& options)
      : store_(store),
        options_(options),
        channels_(channels),
        webhook_(options.target == "webhook"),
        check_(store, options),
        destination_(destination_of(options)),
        format_(make_format(options.target, channels, with_check(options.format), is_mbox(options))) {
    if (!format_) {
      std::string names;
      for (const std::string& name : publish_targets()) names += (names.empty() ? "" : ", ") + name;
      fail(ErrorCode::invalid_argument, "publish: there is no target '", options.target,
           "', expected one of ", names);
    }
  }

  /// Renders everything into `make_sink()`. Changes nothing in the store.
  void render(const std::function<std::unique_ptr<Sink>()>& make_sink) {
    result_ = {};
    used_.clear();
    selector_.emplace(store_, channels_, options_, *format_, check_, destination_);
    selector_->for_each(result_, [&](const Item& item) {
      Rendered out;
      try {
        out = render(item);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_argument) throw;
        result_.unfit.emplace_back(error.what());
        return;
      }
      const bool fresh =
          std::any_of(out.used.begin(), out.used.end(), [](const Candidate* text) { return text->fresh; });
      if (format_->audience() == Audience::everybody)
        result_.not_chosen += std::ssize(item.texts) - std::ssize(out.used);
      if (!fresh) {
        const auto had = [](const Candidate& text) { return !text.fresh; };
        result_.before += std::any_of(item.texts.begin(), item.texts.end(), had) ? 1 : 0;
        return;
      }
      if (!sink_) {
        sink_ = make_sink();
        if (const std::string header = format_->header(); !header.empty()) sink_->add({}, header);
      }
      for (const Piece& piece : out.pieces) sink_->add(piece.name, piece.text);
      for (const Candidate* text : out.used) used_.push_back({text->copy, text->row, text->key, text->fresh});
      result_.items += std::ssize(out.pieces);
      result_.copies += std::ssize(out.used);
      result_.formulas += out.formulas;
    });
    if (options_.skip_unfit || result_.unfit.empty()) return;
    Problems problems;
    for (const std::string& why : result_.unfit) problems.add(why);
    fail(ErrorCode::invalid_argument, problems.text(),
         "\nNothing was published; --skip-unfit publishes the rest.");
  }

  void to_file() {
    std::optional<Run> run;
    const std::string wanted = destination_;
    for (int attempt = 1; !run; ++attempt) {
      // Rules take their time, and others want to write meanwhile: no lock is held while texts are looked at.
      const std::int64_t version = data_version();
      destination_ = wanted;
      if (!format_->several_files()) choose_file();
      render([&]() -> std::unique_ptr<Sink> {
        if (format_->several_files()) return std::make_unique<DirectorySink>(destination_);
        return std::make_unique<FileSink>(destination_);
      });
      if (!sink_) return;
      Transaction transaction(store_.database());
      if (version == data_version() || still_holds(wanted)) {
        begin();
        drop_others();
        run.emplace(store_, "publish", settings_of(options_, destination_));
        transaction.commit();  // a kill from here on leaves rows that say what may be in the file
      } else if (attempt == kAttempts) {
        fail(ErrorCode::io, store_.where(),
             ": another process changes what is to be published; try again when that is done");
      } else {
        sink_.reset();
      }
    }
    sink_->commit();
    result_.output = destination_;

    Transaction done(store_.database());
    Statement sent = store_.prepare(
        "UPDATE publication SET status = 'sent', attempts = attempts + 1, time = ? WHERE id = ?");
    Statement published = store_.prepare(
        "UPDATE copy SET status = 'published' WHERE status = 'approved' AND id = (SELECT copy FROM "
        "publication WHERE id = ?)");
    for (const std::int64_t row : begun_) {
      sent.run(now(), row);
      published.run(row);
    }
    run->finish();
    done.commit();
  }

  void to_webhook(const PublishProgress& progress) {
    check_webhook_options(options_.webhook);
    std::optional<Run> run;
    {
      Transaction transaction(store_.database());
      if (options_.webhook.retry_dead) {
        store_
            .prepare(
                "UPDATE publication SET status = 'pending', attempts = 0, next_attempt = NULL WHERE status = "
                "'dead' "
                "AND target = 'webhook' AND destination = ? AND answer NOT LIKE 'withdrawn%'")
            .run(destination_);
      }
      render([] { return std::make_unique<PreviewSink>(nothing()); });
      begin();
      if (!has_pending(destination_)) return;
      run.emplace(store_, "publish", settings_of(options_, destination_));
      transaction.commit();
    }
    const auto body_of = [&](std::int64_t copy, const std::string& key) -> std::string {
      const std::optional<Item> item = selector_->find(copy, key);
      try {
        return item ? render(*item).pieces.front().text : std::string();
      } catch (const Error&) {
        return {};  // limits, rules or the product are others now
      }
    };
    const DeliveryResult delivered = deliver(store_, options_.webhook, destination_, body_of, progress);
    result_.items = result_.copies = delivered.sent;
    result_.dead = delivered.dead;
    result_.pending = delivered.pending;
    result_.withdrawn = delivered.withdrawn;
    result_.stopped = delivered.stopped;
    run->finish();
  }

  const PublishResult& result() const { return result_; }
  bool webhook() const { return webhook_; }

 private:
  static const std::function<void(std::string_view)>& nothing() {
    static const std::function<void(std::string_view)> none = [](std::string_view) {};
    return none;
  }

  Rendered render(const Item& item) {
    if (!item.product)
      fail(ErrorCode::invalid_argument, "copy ", item.texts.front().copy,
           ": its product has no title; import it with one");
    if (format_->one_language()) {
      for (const Candidate& text : item.texts) {
        if (text.language != item.texts.front().language)
          fail(ErrorCode::invalid_argument, "product '", item.product->id, "': has texts in ",
               item.texts.front().language, " and ", text.language, ", and ", options_.target,
               " takes one language; give --language");
      }
    }
    Rendered out = format_->render(item);
    for (const Candidate* text : out.used) {
      if (const std::string why = check_.why_not(text->copy); !why.empty())
        fail(ErrorCode::invalid_argument, "copy ", text->copy,
             ": was approved, but the rules or the shop's data of now forbid it: ", why,
             "; 'adlib polish --all' takes it back");
    }
    return out;
  }

  FormatOptions with_check(FormatOptions options) {
    options.why_not_title = [this, asked = options.why_not_title](
                                std::string_view title, const Candidate& text, std::string_view channel,
                                const Product& product) {
      std::string why = asked ? asked(title, text, channel, product) : std::string();
      return why.empty() ? check_.why_not_title(title, text.language, channel, product) : why;
    };
    return options;
  }

  // Changes with every commit of another connection.
  std::int64_t data_version() const { return store_.database().integer("PRAGMA data_version"); }

  // Whether what was rendered is still what goes out, and there. The file is made as if nothing had happened
  // where others changed something else.
  bool still_holds(const std::string& wanted) {
    if (!format_->several_files()) {
      const std::string chosen = std::exchange(destination_, wanted);
      choose_file();
      if (destination_ != chosen) return false;
    }
    return std::all_of(used_.begin(), used_.end(), [&](const Used& text) {
      return selector_->still_goes_out(text.copy, text.row, text.key, text.fresh);
    });
  }

  // Begins the publications of what was rendered, inside the caller's transaction.
  void begin() {
    Statement add = store_.prepare(
        "INSERT INTO publication(copy, target, destination, idempotency_key, status, time) "
        "VALUES (?, ?, ?, ?, 'pending', ?)");
    Statement move = store_.prepare("UPDATE publication SET destination = ? WHERE id = ?");
    begun_.clear();
    for (const Used& text : used_) {
      if (text.row != 0) {
        move.run(destination_, text.row);
        begun_.push_back(text.row);
      } else if (text.fresh) {
        add.run(text.copy, options_.target, destination_, text.key, now());
        begun_.push_back(store_.database().last_id());
      }
    }
  }

  bool has_pending(const std::string& destination) const {
    Statement find = store_.prepare(
        "SELECT 1 FROM publication WHERE target = ? AND destination = ? AND status = 'pending' LIMIT 1");
    return find.with(options_.target, destination).step();
  }
  bool was_written(const std::string& destination) const {
    Statement find = store_.prepare(
        "SELECT 1 FROM run WHERE stage = 'publish' AND json_extract(settings, '$.destination') = ? LIMIT 1");
    return find.with(destination).step();
  }

  // What was begun is finished first. Else what is new goes beside the files of before: were they written
  // again with it, a sender that reads files whole would send their messages twice.
  void choose_file() {
    const std::string first = destination_;
    if (has_pending(first)) return;
    if (fs::exists(first) && !was_written(first)) {
      fail(ErrorCode::invalid_argument, first,
           ": is there already, and this store did not write it; name another file");
    }
    if (options_.again) return;
    std::string free = fs::exists(first) ? "" : first;
    for (int number = 2;; ++number) {
      const std::string name = numbered(first, number).string();
      if (has_pending(name)) {
        destination_ = name;
        return;
      }
      const bool taken = fs::exists(name) || was_written(name);
      if (!taken && free.empty()) free = name;
      if (!taken) break;
    }
    destination_ = free;
  }

  // What was begun for this file, and is no longer to go out: the file that is made now does not have it.
  void drop_others() const {
    const io::Json kept(begun_);
    store_
        .prepare(
            "DELETE FROM publication WHERE target = ? AND destination = ? AND status = 'pending' AND "
            "id NOT IN (SELECT value FROM json_each(?))")
        .run(options_.target, destination_, kept.dump());
  }

  const Store& store_;
  const PublishOptions& options_;
  const std::vector<ChannelField>& channels_;
  bool webhook_;
  LastCheck check_;
  std::string destination_;
  std::unique_ptr<Format> format_;
  std::optional<Selector> selector_;
  std::unique_ptr<Sink> sink_;
  struct Used {
    std::int64_t copy = 0, row = 0;  // of publication, where it was begun before
    std::string key;
    bool fresh = false;
  };
  std::vector<Used> used_;           // texts that were rendered
  std::vector<std::int64_t> begun_;  // rows of publication
  PublishResult result_;
};

}  // namespace

std::vector<std::string> publish_targets() {
  return {"shopify", "google-ads", "meta", "taobao", "xiaohongshu", "sms", "push", "email", "webhook"};
}

PublishResult publish(const Store& store, const std::vector<ChannelField>& channels,
                      const PublishOptions& options, const PublishProgress& progress) {
  Publisher publisher(store, channels, options);
  if (publisher.webhook()) {
    publisher.to_webhook(progress);
  } else {
    if (options.output.empty())
      fail(ErrorCode::invalid_argument, "publish: there is no output for ", options.target,
           "; give --output");
    publisher.to_file();
  }
  return publisher.result();
}

PublishResult preview(const Store& store, const std::vector<ChannelField>& channels,
                      const PublishOptions& options,
                      const std::function<void(std::string_view piece)>& write) {
  Publisher publisher(store, channels, options);
  publisher.render([&] { return std::make_unique<PreviewSink>(write); });
  return publisher.result();
}

}  // namespace adlib::copywriter
