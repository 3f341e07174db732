#include "generate/scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"
#include "adlib/ops.h"

namespace adlib::generate {

namespace {

/// A common beginning shorter than this is cheaper to read again than to look after.
constexpr std::size_t least_shared_tokens = 16;
/// What a step reads of prompts, at most and, lest they starve, at least.
constexpr std::int64_t most_prompt_tokens = Runner::chunk_tokens, least_prompt_tokens = 16;
/// The share of the latest step in what steps are expected to cost.
constexpr double freshness = 0.2;

std::size_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// For the host to read and to overwrite.
Tensor on_host(const Tensor& scores) { return scores.to(Device::cpu).to(DType::f32).contiguous(); }

void learn(double& estimate, double seen) {
  estimate = estimate == 0 ? seen : estimate + freshness * (seen - estimate);
}

}  // namespace

struct Scheduler::Stream {
  Request* request = nullptr;
  Continuation continuation;
  Slot* slot = nullptr;
  std::exception_ptr error;

  std::span<const TokenId> ids() const { return continuation.ids(); }
  /// Tokens that must be read before the next one can be chosen; 1 for a text that is being written.
  std::size_t unread() const { return ids().size() - slot->held.size(); }
};

struct Scheduler::Request {
  std::unique_ptr<Job> job;
  std::vector<std::unique_ptr<Stream>> streams;
  bool ended = false;  // told its owner; leaves at the end of the step
  double begun = 0, first_token = 0;

  void cancel() {
    for (const auto& stream : streams) {
      if (stream->continuation.active()) stream->continuation.finish(FinishReason::cancelled);
    }
  }
  bool active() const {
    return std::any_of(streams.begin(), streams.end(),
                       [](const auto& stream) { return stream->continuation.active(); });
  }
};

Scheduler::Scheduler(const Decoder& decoder, const Tokenizer& tokenizer, const EngineOptions& options,
                     Cache cache)
    : decoder_(&decoder),
      tokenizer_(&tokenizer),
      options_(options),
      cache_(std::move(cache)),
      slots_(static_cast<std::size_t>(options.max_sequences)) {
  statistics_.pages = cache_.pages_in_use() + cache_.pages_free();
}
Scheduler::~Scheduler() = default;

double Scheduler::now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Scheduler::add(std::unique_ptr<Job> job) {
  auto request = std::make_unique<Request>();
  request->job = std::move(job);
  const Job& asked = *request->job;
  const TextStream primed(*tokenizer_, asked.prompt, asked.config.stop_strings);
  // Behind those of its own priority, before those of a lower one.
  auto at = std::find_if(waiting_.begin(), waiting_.end(),
                         [&](const Stream* other) { return other->request->job->priority < asked.priority; });
  for (std::int64_t n = 0; n < asked.config.num_return_sequences; ++n) {
    request->streams.push_back(std::make_unique<Stream>(
        Stream{request.get(), Continuation(asked.config, asked.prompt, static_cast<std::uint64_t>(n), primed),
               nullptr, nullptr}));
    at = std::next(waiting_.insert(at, request->streams.back().get()));
  }
  requests_.push_back(std::move(request));
}

void Scheduler::cancel(std::uint64_t id) {
  for (const auto& request : requests_) {
    if (request->job->id == id) request->cancel();
  }
  settle();
}

void Scheduler::cancel_all() {
  for (const auto& request : requests_) request->cancel();
  settle();
}

void Scheduler::fail_all(const std::exception_ptr& error) {
  for (const auto& request : requests_) request->streams.front()->error = error;
  settle();
  // What a step that failed has written to the cache is not known.
  for (Slot& slot : slots_) release(slot);
}

// The slot that holds the longest beginning of `wanted`, and how much of it; `wait` when a running stream is
// just reading a longer one. The last token is always read: its scores are wanted.
std::size_t Scheduler::reusable(std::span<const TokenId> wanted, std::size_t& tokens, bool& wait) const {
  const auto needed = wanted.first(wanted.size() - 1);
  std::size_t best = slots_.size(), coming = 0;
  tokens = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::size_t held = common_prefix(slots_[i].held, needed);
    if (held > tokens) tokens = held, best = i;
    if (slots_[i].user) coming = std::max(coming, common_prefix(slots_[i].user->ids(), needed));
  }
  if (tokens < least_shared_tokens) tokens = 0, best = slots_.size();
  wait = coming >= tokens + least_shared_tokens;
  return best;
}

// Gives a stream a slot; false when none is free, or when it pays to wait.
bool Scheduler::place(Stream& stream) {
  std::size_t source = slots_.size(), tokens = 0;
  if (options_.share_prefixes) {
    bool wait = false;
    source = reusable(stream.ids(), tokens, wait);
    if (wait) return false;
  }
  std::size_t target = slots_.size();
  if (source < slots_.size() && !slots_[source].user) {
    target = source;  // what follows the common beginning is of a text that has ended
  } else {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].user) continue;
      const bool better =
          target == slots_.size() || (slots_[i].held.empty() && !slots_[target].held.empty()) ||
          (slots_[i].held.empty() == slots_[target].held.empty() && slots_[i].used < slots_[target].used);
      if (better) target = i;
    }
  }
  if (target == slots_.size()) return false;
  Slot& slot = slots_[target];
  if (source < slots_.size()) {
    cache_.share_prefix(static_cast<std::int64_t>(source), static_cast<std::int64_t>(target),
                        static_cast<std::int64_t>(tokens));
  } else {
    cache_.release(static_cast<std::int64_t>(target));
  }
  slot.held.assign(stream.ids().begin(), stream.ids().begin() + static_cast<std::ptrdiff_t>(tokens));
  slot.user = &stream;
  stream.slot = &slot;
  statistics_.shared_tokens += static_cast<std::int64_t>(tokens);
  return true;
}

void Scheduler::admit() {
  std::erase_if(waiting_, [&](Stream* stream) {
    if (std::ssize(running_) == options_.max_sequences || !place(*stream)) return false;
    running_.push_back(stream);
    if (stream->request->begun == 0) stream->request->begun = now();
    return true;
  });
  count();
}

void Scheduler::release(Slot& slot) {
  cache_.release(&slot - slots_.data());
  slot.held.clear();
}

// The running stream that is easiest to do without gives its pages back and waits for its turn.
bool Scheduler::preempt_one() {
  if (running_.size() < 2) return false;
  auto victim = running_.begin();
  for (auto at = running_.begin(); at != running_.end(); ++at) {
    if ((*at)->request->job->priority <= (*victim)->request->job->priority)
      victim = at;  // the latest of the lowest
  }
  Stream* stream = *victim;
  running_.erase(victim);
  release(*stream->slot);
  stream->slot->user = nullptr;
  stream->slot = nullptr;
  const Job& job = *stream->request->job;
  const auto before = [&](const Stream* other) {
    const Job& theirs = *other->request->job;
    return theirs.priority != job.priority ? theirs.priority < job.priority : theirs.id > job.id;
  };
  waiting_.insert(std::find_if(waiting_.begin(), waiting_.end(), before), stream);
  ++statistics_.preemptions;
  return true;
}

std::int64_t Scheduler::prompt_budget(std::int64_t decoding) const {
  if (decoding == 0) return most_prompt_tokens;
  if (prompt_token_seconds_ <= 0) return 4 * least_prompt_tokens;
  const double room = (options_.target_step_seconds - decode_seconds_) / prompt_token_seconds_;
  return static_cast<std::int64_t>(
      std::clamp(room, static_cast<double>(least_prompt_tokens), static_cast<double>(most_prompt_tokens)));
}

void Scheduler::step() {
  const double begin = now();
  ++statistics_.steps;

  std::vector<Row> rows;
  std::vector<Stream*> streams;
  std::int64_t prompt_tokens = 0, decoding = 0;
  for (;;) {
    rows.clear();
    streams.clear();
    prompt_tokens = 0;
    decoding = std::count_if(running_.begin(), running_.end(), [](Stream* s) { return s->unread() == 1; });
    std::int64_t budget = prompt_budget(decoding);
    for (Stream* stream : running_) {
      auto tokens = static_cast<std::int64_t>(stream->unread());
      if (tokens > 1) {
        tokens = std::min(tokens, budget);
        budget -= tokens;
        prompt_tokens += tokens;
      }
      if (tokens == 0) continue;
      rows.push_back({stream->slot - slots_.data(), std::ssize(stream->slot->held), tokens});
      streams.push_back(stream);
    }
    if (rows.empty()) return settle();
    try {
      cache_.check_extend(rows);
      break;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory) throw;
    }
    // First what has ended gives way, the longest unused first, then what runs.
    Slot* oldest = nullptr;
    for (Slot& slot : slots_) {
      if (!slot.user && !slot.held.empty() && (!oldest || slot.used < oldest->used)) oldest = &slot;
    }
    if (oldest) {
      release(*oldest);
    } else if (!preempt_one()) {
      fail(ErrorCode::out_of_memory, "engine: the cache of ", statistics_.pages,
           " pages does not hold a single request");
    }
  }

  struct End {
    Stream* stream;
    std::int32_t row;  // of its last id
  };
  std::vector<TokenId> ids;
  std::vector<End> ends;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Slot& slot = *streams[i]->slot;
    const auto part = streams[i]->ids().subspan(slot.held.size(), static_cast<std::size_t>(rows[i].length));
    ids.insert(ids.end(), part.begin(), part.end());
    slot.held.insert(slot.held.end(), part.begin(), part.end());
    slot.used = static_cast<std::uint64_t>(statistics_.steps);
    if (streams[i]->unread() > 0) continue;
    ends.push_back({streams[i], static_cast<std::int32_t>(ids.size()) - 1});
  }
  // First those whose tokens are chosen where the scores are.
  const auto others = std::stable_partition(
      ends.begin(), ends.end(), [](const End& end) { return end.stream->continuation.is_sampled(); });
  std::vector<std::int32_t> last;
  std::vector<Stream*> ready;
  for (const End& end : ends) {
    last.push_back(end.row);
    ready.push_back(end.stream);
  }
  const double model_begin = now();
  const Tensor batch = Tensor::from<std::int32_t>(ids, {std::ssize(ids)});
  const Tensor hidden = decoder_->hidden({batch, rows}, cache_);
  Tensor scores;  // of the others
  std::vector<TokenId> sampled;
  if (!last.empty()) {
    const Tensor all = decoder_->logits(hidden, last);
    const auto first = others - ends.begin(), count = std::ssize(ends);
    if (first > 0)
      sampled = sample(std::span(ready).first(static_cast<std::size_t>(first)), all.slice(0, 0, first));
    if (first < count) scores = on_host(all.slice(0, first, count));
  }
  const double model_end = now();

  statistics_.model_seconds += model_end - model_begin;
  statistics_.prompt_tokens += prompt_tokens;
  if (prompt_tokens == 0) {
    learn(decode_seconds_, model_end - model_begin);
  } else {
    const double rest = model_end - model_begin - (decoding > 0 ? decode_seconds_ : 0);
    learn(prompt_token_seconds_, std::max(rest, 1e-9) / static_cast<double>(prompt_tokens));
  }
  advance(ready, sampled, scores);
  settle();
  statistics_.step_seconds += now() - begin;
}

// The next tokens by scores (N, V), one a stream.
std::vector<TokenId> Scheduler::sample(std::span<Stream* const> ready, const Tensor& scores) {
  std::vector<SampleRow> rows;
  std::vector<TokenId> history;
  for (const Stream* stream : ready) {
    rows.push_back(stream->continuation.sample_row());
    rows.back().history = std::ssize(history);
    if (!rows.back().has_penalties()) rows.back().history_length = rows.back().prompt_length = 0;
    const auto ids = stream->ids().first(static_cast<std::size_t>(rows.back().history_length));
    history.insert(history.end(), ids.begin(), ids.end());
  }
  const Tensor tokens = ops::sample(scores, rows, history).to(Device::cpu);
  const auto values = tokens.data<TokenId>();
  for (std::size_t i = 0; i < ready.size(); ++i) {
    if (values[i] != sampling::not_finite) continue;
    const auto at = static_cast<std::int64_t>(i);
    Tensor bad = on_host(scores.slice(0, at, at + 1));
    try {
      logits::check_finite(row(bad, 0));
    } catch (...) {
      ready[i]->error = std::current_exception();
    }
  }
  return {values.begin(), values.end()};
}

// `sampled`: the tokens of the first ones; scores: those of the others.
void Scheduler::advance(std::span<Stream* const> ready, std::span<const TokenId> sampled, Tensor& scores) {
  // Each draws from its own random numbers: which thread does it changes nothing.
  parallel_for(num_threads(), std::ssize(ready), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    if (ready[i]->error) return;
    try {
      if (i < sampled.size())
        ready[i]->continuation.advance(sampled[i]);
      else
        ready[i]->continuation.advance(row(scores, i - sampled.size()));
    } catch (...) {
      ready[i]->error = std::current_exception();
    }
  });
  statistics_.generated_tokens += std::ssize(ready);
  for (Stream* stream : ready) {
    // A constraint took tokens back: the last that is left is read again.
    std::vector<TokenId>& held = stream->slot->held;
    if (held.size() >= stream->ids().size()) held.resize(stream->ids().size() - 1);
    Request& request = *stream->request;
    if (request.first_token > 0) continue;
    request.first_token = now();
    const double seconds = request.first_token - request.job->submitted;
    statistics_.first_token_seconds +=
        (seconds - statistics_.first_token_seconds) / static_cast<double>(++first_tokens_);
  }
}

// Hands out new text, and whatever has ended.
void Scheduler::settle() {
  for (const auto& request : requests_) {
    Stream& first = *request->streams.front();
    if (request->job->on_piece && !first.error && !request->ended) {
      try {
        const std::string_view piece = first.continuation.take_text();
        if (!piece.empty() && !request->job->on_piece(piece)) request->cancel();
      } catch (...) {
        first.error = std::current_exception();
      }
    }
    const bool failed = std::any_of(request->streams.begin(), request->streams.end(),
                                    [](const auto& stream) { return stream->error != nullptr; });
    if (failed || !request->active()) finish(*request);
  }
  const auto gone = [](const Stream* stream) {
    return stream->request->ended || !stream->continuation.active();
  };
  for (Stream* stream : running_) {
    if (!gone(stream)) continue;
    stream->slot->user = nullptr;  // its keys and values stay for those that begin alike
    stream->slot = nullptr;
  }
  std::erase_if(running_, gone);
  std::erase_if(waiting_, gone);
  requests_.remove_if([](const auto& request) { return request->ended; });
  count();
}

void Scheduler::count() {
  statistics_.running = std::ssize(running_);
  statistics_.waiting = 0;
  const Request* previous = nullptr;
  for (const Stream* stream : waiting_) {
    statistics_.waiting += stream->request != previous ? 1 : 0;
    previous = stream->request;
  }
  statistics_.pages_in_use = cache_.pages_in_use();
}

void Scheduler::finish(Request& request) {
  if (request.ended) return;
  request.ended = true;
  for (const auto& stream : request.streams) {
    if (!stream->error) continue;
    ++statistics_.failed;
    return request.job->failed(stream->error);
  }
  Result result;
  const double end = now(), first = request.first_token > 0 ? request.first_token : end;
  result.prompt_tokens = std::ssize(request.job->prompt);
  result.prefill_seconds = first - (request.begun > 0 ? request.begun : first);
  result.decode_seconds = end - first;
  for (const auto& stream : request.streams)
    result.completions.push_back(stream->continuation.take_completion());
  ++(result.completions.front().finish_reason == FinishReason::cancelled ? statistics_.cancelled
                                                                         : statistics_.finished);
  request.job->done(std::move(result));
}

}  // namespace adlib::generate
