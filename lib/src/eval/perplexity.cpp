#include "adlib/eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "adlib/core/error.h"

namespace adlib::eval {
namespace {

std::int64_t count_code_points(std::string_view text) {  // pieces of characters count with their first byte
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80; });
}

// The ids of a prompt: what a tokenizer puts behind a text ([SEP]) says that it is over, and this goes on.
std::vector<TokenId> encode_begin(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<TokenId> plain = tokenizer.encode(text);
  std::vector<TokenId> ids = tokenizer.encode_with_special(text);
  if (!ids.empty() && ids.size() > plain.size() && tokenizer.is_special(ids.back())) {
    const auto begin = std::search(ids.begin(), ids.end(), plain.begin(), plain.end());
    if (begin != ids.end()) ids.erase(begin + std::ssize(plain), ids.end());
  }
  if (ids.empty() && tokenizer.bos_id()) ids.push_back(*tokenizer.bos_id());
  return ids;
}

// Tokens [begin, end) of a document, of which those from `counted` on are predicted here.
struct Window {
  std::size_t document = 0;
  std::int64_t begin = 0, end = 0, counted = 0;
  std::int64_t length() const { return end - begin; }
};

std::vector<Window> windows_of(std::span<const Document> documents, std::int64_t window,
                               std::int64_t stride) {
  std::vector<Window> out;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    const Document& document = documents[d];
    const std::int64_t size = std::ssize(document.ids);
    std::int64_t counted = document.given;
    for (std::int64_t begin = 0; counted < size; begin += stride) {
      const std::int64_t end = std::min(begin + window, size);
      if (counted >= end) continue;  // a window of nothing but what is given
      // The last id of a window predicts what it does not hold; it is read only as a target.
      out.push_back({d, begin, end, counted});
      counted = end;
    }
  }
  return out;
}

void check(const Decoder& decoder, std::span<const Document> documents) {
  for (std::size_t d = 0; d < documents.size(); ++d) {
    const Document& document = documents[d];
    require(document.given >= 1 && document.given <= std::ssize(document.ids), "perplexity: document ", d,
            " has ", document.ids.size(), " tokens, of which ", document.given,
            " are given; expected at least one given and no more than there are");
    for (const TokenId id : document.ids) {
      require(id >= 0 && id < decoder.config().vocab_size, "perplexity: document ", d, " has the token ", id,
              ", outside the model's vocabulary of ", decoder.config().vocab_size);
    }
  }
}

// Calls visit(scores (K, V), the K tokens that they should have predicted) for the windows' counted tokens,
// in order.
template <class Visit>
void read_windows(const Decoder& decoder, std::span<const Document> documents,
                  std::span<const Window> windows, const Visit& visit) {
  std::vector<TokenId> ids;
  std::vector<Row> rows;
  std::vector<std::int32_t> at, targets;  // the row that predicts, and what it should
  std::int64_t longest = 0;
  for (const Window& window : windows) {
    const std::vector<TokenId>& all = documents[window.document].ids;
    const std::int64_t length = window.length() - 1;  // the last token is only predicted
    for (std::int64_t i = window.counted; i < window.end; ++i) {
      at.push_back(static_cast<std::int32_t>(std::ssize(ids) + i - 1 - window.begin));
      targets.push_back(all[static_cast<std::size_t>(i)]);
    }
    rows.push_back({std::ssize(rows), 0, length});
    ids.insert(ids.end(), all.begin() + window.begin, all.begin() + window.begin + length);
    longest = std::max(longest, length);
  }
  Cache cache = decoder.make_cache(std::ssize(windows), longest);
  const Tensor hidden = decoder.hidden({Tensor::from<std::int32_t>(ids, {std::ssize(ids)}), rows}, cache);

  // Scores of a large vocabulary take more memory than all else: at most 16 M of them at a time.
  const auto chunk = static_cast<std::size_t>(
      std::clamp<std::int64_t>((std::int64_t{1} << 24) / decoder.config().vocab_size, 1, 1024));
  for (std::size_t begin = 0; begin < at.size(); begin += chunk) {
    const std::size_t count = std::min(chunk, at.size() - begin);
    visit(decoder.logits(hidden, std::span(at).subspan(begin, count)),
          std::span<const std::int32_t>(targets).subspan(begin, count));
  }
}

// The same for all windows of all documents, as many at once as options.batch_tokens allows.
template <class Visit>
void read_documents(const Decoder& decoder, std::span<const Document> documents,
                    const PerplexityOptions& options, const Visit& visit) {
  const std::int64_t context = decoder.config().context;
  // A window of `context` tokens feeds one fewer, but one rule for all sizes is easier to remember.
  const std::int64_t window = options.window > 0 ? options.window : context;
  const std::int64_t stride = options.stride > 0 ? options.stride : std::max<std::int64_t>(1, window / 2);
  require(options.window >= 0 && options.stride >= 0 && window >= 2 && window <= context && stride < window,
          "perplexity: window ", options.window, " and stride ", options.stride,
          " do not fit; expected 2 <= window <= the model's context of ", context, " and stride < window");
  require(options.batch_tokens >= 1, "perplexity: batch_tokens is ", options.batch_tokens,
          ", expected at least 1");
  check(decoder, documents);
  const std::vector<Window> windows = windows_of(documents, window, stride);
  require(!windows.empty(), "perplexity: no token counts in ", documents.size(), " documents");
  const std::int64_t total = std::ssize(documents);
  for (std::size_t begin = 0; begin < windows.size();) {
    std::size_t end = begin;
    std::int64_t tokens = 0;
    do {
      tokens += windows[end++].length();
    } while (end < windows.size() && tokens + windows[end].length() <= options.batch_tokens);
    read_windows(decoder, documents, std::span(windows).subspan(begin, end - begin), visit);
    begin = end;
    if (options.progress) {
      options.progress(begin < windows.size() ? static_cast<std::int64_t>(windows[begin].document) : total,
                       total);
    }
  }
}

Choice choice_of(std::span<const float> scores) {
  Choice out;
  float first = -std::numeric_limits<float>::infinity(), second = first;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > first) {
      second = std::exchange(first, scores[i]);
      out.token = static_cast<TokenId>(i);
    } else if (scores[i] > second) {
      second = scores[i];
    }
  }
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score - first));
  out.lead = static_cast<float>((1 - std::exp(static_cast<double>(second - first))) / sum);
  return out;
}

}  // namespace

Document text_document(const Tokenizer& tokenizer, std::string_view text, TokenId end) {
  Document out;
  out.ids = encode_begin(tokenizer, text);
  out.characters = count_code_points(text);
  out.bytes = std::ssize(text);
  if (!out.ids.empty() && !tokenizer.is_special(out.ids.front())) {
    const std::string first = tokenizer.decode(std::span(out.ids).first(1));
    out.characters -= count_code_points(first);
    out.bytes -= std::ssize(first);
  }
  if (end >= 0) out.ids.push_back(end);
  return out;
}

Document completion_document(const Tokenizer& tokenizer, std::string_view prompt, std::string_view completion,
                             TokenId end) {
  Document out;
  out.ids = encode_begin(tokenizer, prompt);
  out.given = std::ssize(out.ids);
  const std::vector<TokenId> rest = tokenizer.encode_text(completion);
  out.ids.insert(out.ids.end(), rest.begin(), rest.end());
  if (end >= 0) out.ids.push_back(end);
  out.characters = count_code_points(completion);
  out.bytes = std::ssize(completion);
  return out;
}

Perplexity perplexity(const Decoder& decoder, std::span<const Document> documents,
                      const PerplexityOptions& options) {
  Perplexity out;
  for (const Document& document : documents) {
    out.characters += document.characters;
    out.bytes += document.bytes;
  }
  out.documents = std::ssize(documents);
  // -ln p is added token by token, so that the sum does not depend on the batches.
  read_documents(decoder, documents, options,
                 [&](const Tensor& logits, std::span<const std::int32_t> targets) {
                   const Tensor next = Tensor::from(targets, {std::ssize(targets)});
                   const Tensor losses = ops::cross_entropy(logits, next.to(logits.device())).to(Device::cpu);
                   for (const float loss : losses.data<float>()) out.total += static_cast<double>(loss);
                   out.tokens += std::ssize(targets);
                 });
  return out;
}

std::vector<Choice> choices(const Decoder& decoder, std::span<const Document> documents,
                            const PerplexityOptions& options) {
  std::vector<Choice> out;
  read_documents(decoder, documents, options, [&](const Tensor& logits, std::span<const std::int32_t>) {
    const Tensor scores = logits.to(DType::f32).to(Device::cpu);
    const auto vocab = static_cast<std::size_t>(scores.size(1));
    const std::span<const float> all = scores.data<float>();
    for (std::size_t begin = 0; begin < all.size(); begin += vocab)
      out.push_back(choice_of(all.subspan(begin, vocab)));
  });
  return out;
}

Agreement agreement(std::span<const Choice> reference, std::span<const Choice> other, float lead) {
  require(reference.size() == other.size(), "agreement: ", reference.size(), " and ", other.size(),
          " choices, expected as many of both");
  Agreement out{.positions = std::ssize(reference)};
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const bool same = reference[i].token == other[i].token, clear = reference[i].lead > lead;
    out.same += same;
    out.clear += clear;
    out.clear_same += same && clear;
  }
  return out;
}

}  // namespace adlib::eval
