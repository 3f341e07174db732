#include "train/tokenise.h"

#include <xxhash.h>

#include <algorithm>
#include <exception>
#include <fstream>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"
#include "io/system_error.h"
#include "io/text.h"
#include "train/text_pieces.h"

namespace adlib::train {
namespace {

constexpr std::size_t batch_bytes = std::size_t{4} << 20;  // of text in memory, give or take one line

std::ifstream open_file(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) io::fail_system("open", file, EISDIR);
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) io::fail_system("open", file, errno == 0 ? EIO : errno);
  return in;
}

/// Calls work(i) for all i on the pool. When several throw, the first in order is heard, whoever ran first.
template <class Work>
void in_parallel(std::size_t count, const Work& work) {
  std::vector<std::exception_ptr> errors(count);
  parallel_for(num_threads(), static_cast<std::int64_t>(count), [&](std::int64_t index) {
    try {
      work(static_cast<std::size_t>(index));
    } catch (...) {
      errors[static_cast<std::size_t>(index)] = std::current_exception();
    }
  });
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

/// Writes texts as documents of at most context + 1 ids, each beginning with the last id of the one before.
class Windows {
 public:
  /// Without a key, each window's own ids decide.
  Windows(TokenCacheWriter& out, std::int64_t context, std::optional<std::uint64_t> key)
      : out_(out), length_(static_cast<std::size_t>(context) + 1), key_(key) {}

  void add(std::span<const TokenId> ids) {
    const std::uint64_t position = out_.append(ids);
    if (waiting_.empty()) begin_ = position;
    waiting_.insert(waiting_.end(), ids.begin(), ids.end());
    std::size_t done = 0;
    for (; waiting_.size() - done >= length_; done += length_ - 1) mark(done, length_);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
    begin_ += done;
  }
  void finish() {
    if (waiting_.size() >= 2) mark(0, waiting_.size());
    waiting_.clear();
  }

 private:
  void mark(std::size_t from, std::size_t length) {
    const std::string_view bytes(reinterpret_cast<const char*>(waiting_.data() + from),
                                 length * sizeof(TokenId));
    out_.mark({begin_ + from, static_cast<std::uint32_t>(length), 0, key_ ? *key_ : hash_of(bytes)});
  }

  TokenCacheWriter& out_;
  std::size_t length_;
  std::optional<std::uint64_t> key_;
  std::vector<TokenId> waiting_;  // written already, but not yet all in a window
  std::uint64_t begin_ = 0;       // the position of the first of them
};

class Tokeniser {
 public:
  Tokeniser(const std::filesystem::path& file, const ExampleEncoder& encoder, TokenCacheWriter& out,
            const DatasetOptions& options, TokenCacheInfo& info)
      : file_(file),
        name_(file.filename().string()),
        encoder_(encoder),
        out_(out),
        options_(options),
        info_(info),
        total_bytes_(static_cast<std::int64_t>(std::filesystem::file_size(file))) {}

  void json_lines() {
    std::ifstream in = open_file(file_);
    struct Line {
      io::Json object;
      std::int64_t number;
    };
    std::vector<Line> lines;
    std::vector<Example> examples;
    std::size_t bytes = 0;
    const auto flush = [&] {
      examples.assign(lines.size(), {});
      in_parallel(lines.size(), [&](std::size_t i) {
        examples[i] = encoder_.encode(lines[i].object, concat(name_, ':', lines[i].number));
      });
      for (std::size_t i = 0; i < lines.size(); ++i) write(examples[i], lines[i].number);
      lines.clear();
      bytes = 0;
    };
    std::streamoff reached = 0;
    io::for_each_json_line(in, name_, [&](io::Json&& object, std::int64_t number) {
      const std::streamoff now = in.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in);
      bytes += static_cast<std::size_t>(now - reached);
      reached = now;
      lines.push_back({std::move(object), number});
      if (bytes < batch_bytes) return;
      flush();
      report(reached);
    });
    flush();
    report(total_bytes_);
  }

  void plain_text() {
    std::ifstream in = open_file(file_);
    if (char mark[3] = {}; !in.read(mark, 3) || std::string_view(mark, 3) != "\xEF\xBB\xBF") {
      in.clear();
      in.seekg(0);
    }
    TextPieces source(in);
    Windows windows(out_, options_.context, std::nullopt);
    std::int64_t line = 1;
    std::int64_t reached = 0;
    if (const auto bos = encoder_.bos()) windows.add({&*bos, 1});
    for (bool more = true; more;) {
      std::vector<std::string> pieces;
      std::size_t bytes = 0;
      while (bytes < batch_bytes) {
        auto piece = source.next();
        more = piece.has_value();
        if (!more) break;
        bytes += piece->size();
        pieces.push_back(std::move(*piece));
      }
      if (in.bad()) io::fail_system("read", file_, EIO);
      for (const std::string& piece : pieces) line = check_utf8(piece, line);
      std::vector<std::vector<TokenId>> ids(pieces.size());
      in_parallel(pieces.size(), [&](std::size_t i) { ids[i] = encoder_.encode_text(pieces[i]); });
      for (const auto& part : ids) windows.add(part);
      report(reached += static_cast<std::int64_t>(bytes));
    }
    if (const auto eos = encoder_.eos(); eos && reached > 0) windows.add({&*eos, 1});
    windows.finish();
  }

 private:
  void write(const Example& example, std::int64_t number) {
    const std::int64_t per_unit = example.kind == Example::Kind::pair ? 2 : 1;
    if (out_.documents() > 0 && per_unit != info_.documents_per_unit) {
      fail(ErrorCode::bad_format, name_, ':', number, ": the line is ", per_unit == 2 ? "a" : "no",
           " preference pair, unlike the lines before; keep pairs and other examples in files of their own");
    }
    info_.documents_per_unit = per_unit;
    info_.truncated_prompts += example.truncated_prompt;
    info_.truncated_completions += example.truncated_completion;
    if (example.kind == Example::Kind::text) {
      Windows windows(out_, options_.context, example.key);
      windows.add(example.documents.front().ids);
      windows.finish();
      return;
    }
    for (const auto& document : example.documents) {
      const std::uint64_t begin = out_.append(document.ids);
      out_.mark({begin, static_cast<std::uint32_t>(document.ids.size()),
                 static_cast<std::uint32_t>(document.prompt), example.key});
    }
  }

  /// The number of the line after `piece`, whose first line is `line`.
  std::int64_t check_utf8(std::string_view piece, std::int64_t line) const {
    const auto lines = std::count(piece.begin(), piece.end(), '\n');
    if (io::is_utf8(piece)) return line + lines;
    while (io::is_utf8(piece.substr(0, piece.find('\n')))) {
      piece.remove_prefix(piece.find('\n') + 1);
      ++line;
    }
    fail(ErrorCode::bad_format, name_, ':', line, ": the text is not valid UTF-8; save the file as UTF-8");
  }

  void report(std::int64_t bytes) const {
    if (options_.progress) options_.progress({file_, bytes, total_bytes_, out_.documents()});
  }

  const std::filesystem::path& file_;
  std::string name_;
  const ExampleEncoder& encoder_;
  TokenCacheWriter& out_;
  const DatasetOptions& options_;
  TokenCacheInfo& info_;
  std::int64_t total_bytes_;
};

}  // namespace

bool is_plain_text(const std::filesystem::path& file) {
  const std::string end = file.extension().string();
  if (end == ".txt" || end == ".text") return true;
  require(end == ".jsonl" || end == ".json" || end == ".ndjson", "Dataset: '", file.string(),
          "' is neither JSON Lines (.jsonl) nor plain text (.txt) by its name; rename it");
  return false;
}

Fingerprint fingerprint_of_file(const std::filesystem::path& file) {
  std::ifstream in = open_file(file);
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  std::vector<char> block(std::size_t{1} << 20);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    XXH3_128bits_update(&state, block.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) io::fail_system("read", file, EIO);
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return {hash.high64, hash.low64};
}

void tokenise(const std::filesystem::path& file, const std::filesystem::path& target, const Fingerprint& key,
              const ExampleEncoder& encoder, std::int64_t vocab_size, const DatasetOptions& options) {
  TokenCacheWriter out(target, vocab_size);
  TokenCacheInfo info;
  info.key = key;
  info.vocab_size = vocab_size;
  Tokeniser tokeniser(file, encoder, out, options, info);
  if (is_plain_text(file)) {
    tokeniser.plain_text();
  } else {
    tokeniser.json_lines();
  }
  if (out.documents() == 0) fail(ErrorCode::bad_format, file.string(), ": there is no example in the file");
  out.commit(info);
}

}  // namespace adlib::train
