#include "request_lines.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <filesystem>
#include <future>
#include <iomanip>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/shop/hash.h"
#include "record_output.h"
#include "request.h"

namespace adlib::cli {
namespace {

using copywriter::JsonLinesSink;

/// A request under way.
struct Pending {
  Request request;
  std::int64_t line = 0;
  std::future<Result> result;
  bool ready = false;  // the result, or the error of this request
};

/// Hands requests to an engine and their results to `take`, in the order of the requests or as they end.
/// `take` is called on a thread of its own, so that an answer need not wait for the next request to come.
class Answering {
 public:
  using Take = std::function<void(Pending&& pending)>;

  Answering(const Generator& generator, const EngineOptions& options, bool unordered, Take take)
      : generator_(generator),
        unordered_(unordered),
        max_sequences_(options.max_sequences),
        take_(std::move(take)),
        engine_(generator, options),
        writer_([this] { write(); }) {}
  ~Answering() {
    close();
    writer_.join();
  }

  /// Waits while too many are under way. Throws what `take` has thrown.
  void submit(Request request, std::int64_t line) {
    auto pending = std::make_shared<Pending>(Pending{std::move(request), line, {}, false});
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return std::ssize(pending_) < 4 * max_sequences_ || error_; });
      if (error_) std::rethrow_exception(error_);
    }
    std::future<Result> result = begin(pending);
    {
      const std::lock_guard lock(mutex_);
      pending->result = std::move(result);
      pending_.push_back(std::move(pending));
    }
    changed_.notify_all();
  }
  /// Waits for all. Throws what `take` has thrown.
  void finish() {
    close();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pending_.empty() || error_; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::future<Result> begin(const std::shared_ptr<Pending>& pending) {
    const Request& request = pending->request;
    std::promise<Result> here;
    try {
      if (request.config.num_beams == 1 && request.config.num_return_sequences <= max_sequences_) {
        EngineRequest asked{.prompt = generator_.encode(request.prompt), .config = request.config};
        asked.on_end = [this, pending] { mark_ready(*pending); };
        return engine_.submit(std::move(asked)).result;
      }
      here.set_value(generator_.generate(request.prompt, request.config));  // one prompt at a time
    } catch (const std::exception&) {
      here.set_exception(std::current_exception());
    }
    mark_ready(*pending);
    return here.get_future();
  }
  void mark_ready(Pending& pending) {
    {
      const std::lock_guard lock(mutex_);
      pending.ready = true;
    }
    changed_.notify_all();
  }
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  // The next to hand over, or the end.
  std::deque<std::shared_ptr<Pending>>::iterator next() {
    if (!unordered_) return !pending_.empty() && pending_.front()->ready ? pending_.begin() : pending_.end();
    return std::find_if(pending_.begin(), pending_.end(), [](const auto& one) { return one->ready; });
  }
  void write() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return next() != pending_.end() || (closed_ && pending_.empty()); });
      const auto at = next();
      if (at == pending_.end()) return;
      Pending pending = std::move(**at);
      lock.unlock();
      std::exception_ptr error;
      try {
        take_(std::move(pending));
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      pending_.erase(std::find_if(pending_.begin(), pending_.end(),
                                  [&](const auto& one) { return !one->result.valid(); }));
      if (error) error_ = error;
      changed_.notify_all();
      if (error) return;
    }
  }

  const Generator& generator_;
  bool unordered_;
  std::int64_t max_sequences_;
  Take take_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Pending>> pending_;
  std::exception_ptr error_;
  bool closed_ = false;
  Engine engine_;
  std::thread writer_;
};

/// Requests that could not be answered: the first few in words, the others counted.
class Failures {
 public:
  void add(std::string message) {
    if (messages_.size() < most_shown) messages_.push_back(std::move(message));
    ++count_;
  }
  std::int64_t count() const { return count_; }
  void report(std::int64_t requests, const Console& console) const {
    if (count_ == 0) return;
    for (const std::string& message : messages_) console.error(message);
    std::string rest;
    if (count_ > std::ssize(messages_)) rest = concat("; the first ", most_shown, " are shown");
    console.error(concat(count_, " of ", requests, " requests could not be answered", rest));
  }

 private:
  static constexpr std::size_t most_shown = 10;
  std::vector<std::string> messages_;
  std::int64_t count_ = 0;
};

/// What an interrupted run has answered, by line.
class Answered {
 public:
  /// Those that could not be answered go to `failures` again.
  Answered(const JsonLinesSink& sink, const std::string& model, const std::string& input, Failures& failures)
      : where_(sink.partial().string()) {
    sink.for_each_record([&](const io::Json& record, const std::string& place) {
      const io::JsonFields fields(record, place);
      if (fields.string("model") != model) fail_mixed(place, "was written by another model");
      const io::Json& seed = fields.at("seed");
      if (!seed.is_number_unsigned()) fail_mixed(place, "has no seed");
      const std::int64_t line = fields.integer("line", 1, INT64_MAX);
      lines_.push_back({line, hash_of(fields.string("prompt")), seed.get<std::uint64_t>()});
      if (fields.has("error")) {
        failures.add(concat(input, ":", line, ": ", fields.at("error").value("message", "unknown error")));
      }
    });
    std::sort(lines_.begin(), lines_.end(), [](const Line& a, const Line& b) { return a.number < b.number; });
    const auto twice = std::adjacent_find(lines_.begin(), lines_.end(),
                                          [](const Line& a, const Line& b) { return a.number == b.number; });
    if (twice != lines_.end())
      fail(ErrorCode::bad_format, where_, ": line ", twice->number, " of the input is answered twice");
  }

  std::int64_t size() const { return std::ssize(lines_); }
  bool contains(std::int64_t line) const { return find(line) != nullptr; }
  /// Is `request`, with number `number` among the requests, the one that was answered? `seed` is what the
  /// seeds of requests count from; the first one that has no seed of its own tells it when nobody else has.
  void check(const Request& request, std::int64_t line, bool own_seed, std::uint64_t number,
             std::optional<std::uint64_t>& seed) {
    const Line* answered = find(line);
    if (!answered) return;
    ++matched_;
    const std::string place = concat(where_, ": the answer to line ", line);
    if (answered->prompt != hash_of(request.prompt)) fail_mixed(place, "is of another prompt");
    if (!own_seed && !seed) seed = answered->seed - number;
    if (answered->seed != (own_seed ? request.config.seed : *seed + number))
      fail_mixed(place, "was drawn with another seed");
  }
  void expect_all_matched() const {
    if (matched_ != size()) fail_mixed(where_, "answers lines that the input does not have");
  }

 private:
  struct Line {
    std::int64_t number;
    std::uint64_t prompt, seed;  // of the prompt a hash: a million of them need not stay in memory
  };
  static std::uint64_t hash_of(std::string_view prompt) {
    return copywriter::StableHash().add(prompt).value();
  }
  [[noreturn]] static void fail_mixed(const std::string& place, const char* what) {
    fail(ErrorCode::invalid_argument, place, " ", what,
         "; two runs must not mix: write to another file, or remove this one to start over");
  }
  const Line* find(std::int64_t line) const {
    const auto at = std::lower_bound(lines_.begin(), lines_.end(), line,
                                     [](const Line& a, std::int64_t number) { return a.number < number; });
    return at != lines_.end() && at->number == line ? &*at : nullptr;
  }

  std::string where_;
  std::vector<Line> lines_;
  std::int64_t matched_ = 0;
};

std::int64_t count_generated(const Result& result) {
  std::int64_t total = 0;
  for (const Completion& completion : result.completions) total += std::ssize(completion.ids);
  return total;
}

/// The requests of an input, one after another.
class Requests {
 public:
  Requests(const Generator& generator, const RequestLinesOptions& options, const GenerationConfig& base)
      : generator_(generator), options_(options), base_(base) {}

  /// `visit` gets each request, its line, its number from 0, and whether it names its seed.
  void for_each(std::uint64_t seed,
                const std::function<void(Request&& request, std::int64_t line, std::uint64_t number,
                                         bool own_seed)>& visit) const {
    with_input(options_.input, [&](std::istream& in, const std::string& where) {
      std::uint64_t number = 0;
      io::for_each_json_line(in, where, [&](io::Json&& object, std::int64_t line) {
        GenerationConfig config = base_;
        config.seed = seed + number;  // equal prompts get different texts; each line's seed repeats it alone
        Request request = parse_request(object, concat(where, ":", line), config, generator_.tokenizer());
        visit(std::move(request), line, number++, object.contains("seed"));
      });
    });
  }

 private:
  const Generator& generator_;
  const RequestLinesOptions& options_;
  const GenerationConfig& base_;
};

}  // namespace

int answer_lines(const Generator& generator, GenerationConfig base, const RequestLinesOptions& options,
                 const Console& console) {
  // Only a file can be read twice.
  const bool is_pipe = options.input == "-" || std::filesystem::is_fifo(options.input) ||
                       std::filesystem::is_character_file(options.input);
  if (is_pipe && options.resume) throw UsageError("--resume needs an --input FILE that can be read again");
  const std::string where = options.input == "-" ? "stdin" : options.input;
  const Requests requests(generator, options, base);
  Failures failures;
  std::optional<RecordOutput> answers;
  std::optional<Answered> answered;
  if (options.resume) {
    answers.emplace(options.output, options.resume);
    answered.emplace(*answers->sink(), options.model, where, failures);
  }
  std::optional<std::uint64_t> seed = options.seed;
  std::int64_t total = 0;
  if (!is_pipe) {  // all of it, before the first answer
    requests.for_each(seed.value_or(base.seed),
                      [&](Request&& request, std::int64_t line, std::uint64_t number, bool own_seed) {
                        ++total;
                        if (answered) answered->check(request, line, own_seed, number, seed);
                      });
    if (answered) answered->expect_all_matched();
  }
  console.note("seed " + std::to_string(seed.value_or(base.seed)));
  const std::int64_t skipped = answered ? answered->size() : 0;
  EngineProgress progress(console, options.engine.progress, total - skipped);

  const auto begin = std::chrono::steady_clock::now();
  std::int64_t written = 0, unwritten = 0, prompt_tokens = 0, generated = 0;
  const auto take = [&](Pending&& pending) {
    io::Json record;
    try {
      const Result result = pending.result.get();
      record = response(pending.request, result, generator.tokenizer());
      prompt_tokens += result.prompt_tokens;
      generated += count_generated(result);
    } catch (const std::exception& problem) {
      failures.add(concat(where, ":", pending.line, ": ", problem.what()));
      const auto* error = dynamic_cast<const Error*>(&problem);
      if (error == nullptr || error->code() != ErrorCode::invalid_argument) {
        ++unwritten;  // it may be answered another time, as when memory was short
        return;
      }
      record = {{"prompt", pending.request.prompt},
                {"seed", pending.request.config.seed},
                {"error", {{"code", to_string(error->code())}, {"message", error->what()}}}};
      if (!pending.request.id.is_null()) record["id"] = pending.request.id;
    }
    record["line"] = pending.line;
    record["model"] = options.model;
    answers->write(record);
    ++written;
    progress.done();
  };
  {
    Answering answering(generator, engine_options(options.engine, progress), options.unordered, take);
    if (!answers)
      answers.emplace(options.output,
                      options.resume);  // not before: what is wrong with the run leaves nothing behind
    std::exception_ptr error;
    try {
      requests.for_each(seed.value_or(base.seed),
                        [&](Request&& request, std::int64_t line, std::uint64_t, bool) {
                          if (answered && answered->contains(line)) return;
                          answering.submit(std::move(request), line);
                        });
    } catch (...) {  // of a pipe: what came before the bad line is answered
      error = std::current_exception();
    }
    answering.finish();
    progress.finish();
    if (error && is_pipe && unwritten == 0) answers->finish();
    if (error) std::rethrow_exception(error);
  }
  if (unwritten == 0) answers->finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::ostringstream out;
  out << written << (written == 1 ? " request" : " requests");
  if (skipped > 0) out << " (" << skipped << " were answered already)";
  out << ": " << prompt_tokens << " prompt tokens, " << generated << " written in " << std::fixed
      << std::setprecision(2) << seconds << " s";
  if (seconds > 0)
    out << " (" << std::setprecision(1) << static_cast<double>(generated) / seconds << " tokens/s)";
  console.note(out.str());
  failures.report(written + skipped + unwritten, console);
  if (unwritten > 0) {
    console.error(concat(unwritten, " of them may be answered another time",
                         answers->sink() != nullptr
                             ? concat(": the answers so far are in ", answers->sink()->partial().string(),
                                      ", and --resume goes on with them")
                             : std::string()));
  }
  return failures.count() > 0 ? 1 : 0;
}

}  // namespace adlib::cli
