// copywriter/write/guarded_writer.h: texts under the rules, asked for again where they came out unfit.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "copywriter/write/copy_request.h"
#include "copywriter/write/guard.h"
#include "copywriter/write/text_writer.h"

namespace adlib::copywriter {

/// Asks a TextWriter for the texts of requests, under the rules of the channel of each. A text that did not
/// come to its end in the field, strays into what the model itself finds unlikely, does not name the product,
/// says a word twice in a row, names one thing as two, leaves an amount out or does not please the caller's
/// judge is asked for again with another seed, each time a little less strictly; the last attempt must name
/// the product and is taken as it is (GeneratedText::unfit). So the same request gives the same bytes, and a
/// request with the attempt that was taken gives them without a judge. Has a thread of its own, since texts
/// end while others are asked for.
class GuardedWriter {
 public:
  struct Options {
    int attempts = kAttempts;
    /// The logprob_threshold of the first attempt, for models that were taught to copy from tagged prompts:
    /// nonsense is where they are least sure. Each further attempt has one lower by kRelief.
    float logprob_threshold = -std::numeric_limits<float>::infinity();
  };
  static constexpr int kAttempts = 8;
  static constexpr float kLogprobThreshold = -1.6f;  ///< fits adlib's own model
  static constexpr float kRelief = 0.2f;
  /// Whether a text may stay; called on the writer's own thread.
  using Judge = std::function<bool(const std::string& text)>;
  /// Sees what is asked of the writer: for measurements.
  using Observer = std::function<void(const TextRequest& request)>;

  /// `writer` must outlive this. `rules` may be null where no request is guarded.
  GuardedWriter(const TextWriter& writer, std::shared_ptr<const RuleSet> rules, Options options,
                Observer observer = {});
  /// Waits for what is under way.
  ~GuardedWriter();
  GuardedWriter(const GuardedWriter&) = delete;
  GuardedWriter& operator=(const GuardedWriter&) = delete;

  std::future<GeneratedText> begin(const CopyRequest& request, Judge judge = {});

 private:
  struct Text;
  const Guard& guard(const std::string& channel, const std::vector<std::string>& ending);
  void ask(const std::shared_ptr<Text>& text);
  bool is_fit(const Text& text, const GeneratedText& written) const;
  void work();

  const TextWriter& writer_;
  std::shared_ptr<const RuleSet> rules_;
  std::shared_ptr<PhraseSets> sets_;  // of all guards
  Options options_;
  Observer observer_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::map<std::pair<std::string, std::vector<std::string>>, std::unique_ptr<Guard>> guards_;
  std::deque<std::shared_ptr<Text>> ended_;
  std::int64_t under_way_ = 0;
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace adlib::copywriter
