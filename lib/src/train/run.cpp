#include "adlib/train/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "adlib/io/atomic_file.h"
#include "adlib/io/safetensors.h"
#include "io/system_error.h"

namespace adlib::train {
namespace {

namespace fs = std::filesystem;

template <class Callback, class... Args>
void tell(const Callback& callback, const Args&... args) {
  if (callback) callback(args...);
}

void write_plot(const RunOptions& options, const TrainingLog& log) {
  io::write_file(options.directory / "loss.svg", loss_plot(log.entries(), options.title));
}

// What AtomicFile and TokenCacheWriter leave where they are killed: as large as a model, or a corpus.
void remove_unfinished_files(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename().string().starts_with(".adlib-")) fs::remove(entry.path(), error);
  }
}

// Weights whose loss is no number must not take the place of a checkpoint that a run can go on from.
void require_finite(const Totals& totals, std::int64_t step) {
  require(std::isfinite(totals.loss), "train: the loss is ", totals.mean_loss(), " after step ", step,
          ", whose weights are not kept. Begin anew with a lower learning rate or a "
          "longer warm-up");
}

}  // namespace

RunLock::RunLock(const fs::path& directory) {
  directory_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_ < 0) io::fail_system("open", directory, errno);
  // Some network file systems have no such lock: there the run goes on without one.
  if (::flock(directory_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(directory_);
    fail(ErrorCode::io, directory.string(),
         ": another process trains here; wait for its end, or give another directory");
  }
  remove_unfinished_files(directory);
  remove_unfinished_files(directory / "tokens");
}
RunLock::~RunLock() { ::close(directory_); }

RunResult run(Trainer& trainer, BatchStream& data, std::optional<BatchPass> validation,
              const RunOptions& options, const RunObserver& observer) {
  require(options.patience == 0 || validation, "train: patience needs validation data");
  require(options.keep_checkpoints > 0, "train: ", options.keep_checkpoints,
          " checkpoints are to be kept, expected at least 1");
  const fs::path checkpoints = options.directory / "checkpoints";
  const std::int64_t last_step = trainer.options().schedule.total;
  io::make_directories(options.directory);

  RunResult result;
  TrainingState& state = result.state;
  if (const std::optional<fs::path> newest = latest_checkpoint(checkpoints)) {
    state = restore_checkpoint(*newest, trainer);
    data.seek({.epoch = state.epoch, .index = state.index});
  }
  prune_checkpoints(checkpoints, options.keep_checkpoints);
  TrainingLog log(options.directory / "log.jsonl", state.step);
  tell(observer.started, state);

  const auto is_due = [&](std::int64_t every) {
    return state.step == last_step || (every > 0 && state.step % every == 0);
  };
  const auto lost_patience = [&] {
    return options.patience > 0 && state.stale_evaluations >= options.patience;
  };
  const auto evaluate = [&] {
    validation->rewind();
    const Totals totals = trainer.evaluate([&](TokenBatch& batch) { return validation->next(batch); });
    require_finite(totals, state.step);
    const double loss = totals.mean_loss();
    const bool best = loss < state.best_loss;
    if (best) {
      io::save_safetensors(options.directory / "best.safetensors", trainer.model().named_tensors());
      state.best_loss = loss, state.best_step = state.step, state.stale_evaluations = 0;
    } else {
      ++state.stale_evaluations;
    }
    LogEntry entry{.step = state.step, .validation_loss = loss};
    if (data.dataset().pairs()) entry.preferred = totals.wins / totals.count;
    log.append(entry);
    result.validation = totals;
    tell(observer.evaluated, state.step, totals, best);
  };

  // The loss of the next batch, which is read again by the next step.
  const auto check_weights = [&] {
    const BatchStream::Position here = data.position();
    const TokenBatch batch = data.next();
    data.seek(here);
    require_finite(trainer.objective().evaluate(trainer.model(), batch), state.step);
  };

  while (state.step < last_step && !lost_patience() && !result.interrupted) {
    const auto begin = std::chrono::steady_clock::now();
    const StepReport report = trainer.step([&] { return data.next(); });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    state.step = report.step;
    state.epoch = data.position().epoch, state.index = data.position().index;
    LogEntry entry{.step = report.step,
                   .loss = report.totals.mean_loss(),
                   .gradient_norm = report.gradient_norm,
                   .learning_rate = report.learning_rate,
                   .tokens = report.tokens,
                   .seconds = seconds};
    if (data.dataset().pairs()) entry.preferred = report.totals.wins / report.totals.count;
    log.append(entry);
    tell(observer.stepped, report, seconds);
    if (validation && is_due(options.evaluate_every)) evaluate();
    result.interrupted = state.step < last_step && options.interrupted && options.interrupted();
    if (is_due(options.save_every) || lost_patience() || result.interrupted) {
      check_weights();
      save_checkpoint(checkpoints, trainer, state);
      prune_checkpoints(checkpoints, options.keep_checkpoints);
      write_plot(options, log);
      tell(observer.saved, *latest_checkpoint(checkpoints));
    }
  }
  result.stopped_early = lost_patience();
  write_plot(options, log);
  return result;
}

}  // namespace adlib::train
