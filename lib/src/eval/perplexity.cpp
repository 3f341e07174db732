#include "adlib/eval/perplexity.h"

#include <algorithm>
#include <string>

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

// Adds -ln p of the windows' counted tokens one by one, so that the sum does not depend on the batches.
void add_losses(const Decoder& decoder, std::span<const Document> documents, std::span<const Window> windows,
                double& total) {
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
    const Tensor logits = decoder.logits(hidden, std::span(at).subspan(begin, count));
    const auto wanted = std::span(targets).subspan(begin, count);
    const Tensor next = Tensor::from<std::int32_t>(wanted, {static_cast<std::int64_t>(count)});
    const Tensor losses = ops::cross_entropy(logits, next.to(logits.device())).to(Device::cpu);
    for (const float loss : losses.data<float>()) total += static_cast<double>(loss);
  }
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

  Perplexity out;
  for (const Document& document : documents) {
    out.tokens += std::ssize(document.ids) - document.given;
    out.characters += document.characters;
    out.bytes += document.bytes;
  }
  out.documents = std::ssize(documents);
  require(out.tokens > 0, "perplexity: no token counts in ", documents.size(), " documents");
  const std::vector<Window> windows = windows_of(documents, window, stride);
  for (std::size_t begin = 0; begin < windows.size();) {
    std::size_t end = begin;
    std::int64_t tokens = 0;
    do {
      tokens += windows[end++].length();
    } while (end < windows.size() && tokens + windows[end].length() <= options.batch_tokens);
    add_losses(decoder, documents, std::span(windows).subspan(begin, end - begin), out.total);
    begin = end;
    if (options.progress) {
      options.progress(
          begin < windows.size() ? static_cast<std::int64_t>(windows[begin].document) : out.documents,
          out.documents);
    }
  }
  return out;
}

}  // namespace adlib::eval
