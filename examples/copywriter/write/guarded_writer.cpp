#include "copywriter/write/guarded_writer.h"

#include <algorithm>

#include "copywriter/polish/typography/typography.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

std::string title_of(const TaggedPrompt& fields) {
  for (const PromptField& field : fields) {
    if (field.tag == "<|product|>") return std::string(trim(field.text));
  }
  return {};
}

}  // namespace

/// A text on its way.
struct GuardedWriter::Text {
  CopyRequest request;
  std::vector<TokenId> prompt = {};
  const Guard* guard = nullptr;  // none: the request asks for no rules
  Judge judge = {};
  bool must_name = false;  // the field has room for the product's name
  int attempt = 0;
  bool asked = false;  // `written` is there; guarded by mutex_
  std::future<GeneratedText> written = {};
  std::int64_t tokens = 0;  // of the attempts before
  std::promise<GeneratedText> result = {};
};

GuardedWriter::GuardedWriter(const TextWriter& writer, std::shared_ptr<const RuleSet> rules, Options options,
                             Observer observer)
    : writer_(writer),
      rules_(std::move(rules)),
      sets_(std::make_shared<PhraseSets>(rules_)),
      options_(options),
      observer_(std::move(observer)),
      worker_([this] { work(); }) {}

GuardedWriter::~GuardedWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

const Guard& GuardedWriter::guard(const std::string& channel, const std::vector<std::string>& ending) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Guard>& guard = guards_[{channel, ending}];
  if (!guard) {
    CopyForm form{.field = {}, .ending = ending};
    if (!channel.empty()) form.field = find_channel(rules_->channels(), channel);
    guard = std::make_unique<Guard>(rules_, std::move(form), sets_);
  }
  return *guard;
}

std::future<GeneratedText> GuardedWriter::begin(const CopyRequest& request, Judge judge) {
  auto text = std::make_shared<Text>();
  text->request = request;
  text->judge = std::move(judge);
  text->attempt = request.attempt.value_or(0);
  text->prompt = request.is_template ? writer_.tokenizer().encode_with_special(request.prompt)
                                     : encode(request.fields, writer_.tokenizer());
  if (request.guarded) {
    text->guard = &guard(request.channel, request.ending);
    text->must_name = text->guard->has_room(title_of(request.fields));
  }
  std::future<GeneratedText> result = text->result.get_future();
  {
    const std::lock_guard lock(mutex_);
    ++under_way_;
  }
  try {
    ask(text);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    throw;
  }
  return result;
}

void GuardedWriter::ask(const std::shared_ptr<Text>& text) {
  const CopyRequest& request = text->request;
  const bool last = text->attempt + 1 >= options_.attempts;
  TextRequest asked{.prompt = text->prompt, .seed = request.seed};
  if (text->attempt > 0) asked.seed = mixed(request.seed + static_cast<std::uint64_t>(text->attempt)) >> 11;
  if (text->guard) {
    asked.constraint = text->guard->constraint(request.fields, request.language, request.unspoken,
                                               last ? Guard::Name::required : Guard::Name::free);
    // One that is written again, and was taken once, had kept to the threshold: it needs none.
    if (!last && !request.attempt && !request.is_template)
      asked.logprob_threshold = options_.logprob_threshold - kRelief * static_cast<float>(text->attempt);
  }
  if (observer_) observer_(asked);
  std::future<GeneratedText> written = writer_.begin(std::move(asked), text->attempt, [this, text] {
    const std::lock_guard lock(mutex_);
    ended_.push_back(text);
    changed_.notify_all();
  });
  const std::lock_guard lock(mutex_);
  text->written = std::move(written);
  text->asked = true;
  changed_.notify_all();
}

bool GuardedWriter::is_fit(const Text& text, const GeneratedText& written) const {
  if (!text.guard || text.request.attempt) return true;
  if (written.finish_reason != "stop") return false;  // it would have gone on, had there been room
  if (written.text.find("<|") != std::string::npos) return false;  // a tag of a prompt, spelled out
  if (text.must_name && written.text.find(title_of(text.request.fields)) == std::string::npos) return false;
  const std::vector<Finding> findings = check_typography(written.text, text.request.language);
  const bool clean = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.rule == "grammar/doubled-word" || finding.rule == "grammar/missing-word" ||
           finding.rule == "grammar/same-twice";
  });
  return clean && (!text.judge || text.judge(written.text));
}

void GuardedWriter::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(
        lock, [&] { return (!ended_.empty() && ended_.front()->asked) || (stopping_ && under_way_ == 0); });
    if (ended_.empty()) return;
    const std::shared_ptr<Text> text = std::move(ended_.front());
    ended_.pop_front();
    const bool stopping = stopping_;
    lock.unlock();
    bool again = false;
    try {
      GeneratedText written = text->written.get();
      const bool fit =
          stopping || is_fit(*text, written);  // nobody waits for what is dropped: do not judge it
      again = !fit && text->attempt + 1 < options_.attempts;
      if (again) {
        ++text->attempt;
        text->tokens += written.generated_tokens;
        {
          const std::lock_guard relock(mutex_);
          text->asked = false;
        }
        ask(text);
      } else {
        written.generated_tokens += text->tokens;
        written.attempt = text->attempt;
        written.unfit = !fit;
        text->result.set_value(std::move(written));
      }
    } catch (...) {
      again = false;
      text->result.set_exception(std::current_exception());
    }
    lock.lock();
    if (!again) --under_way_;
  }
}

}  // namespace adlib::copywriter
