#include "adlib/train/dataset.h"

#include <algorithm>

#include "adlib/core/parallel.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "train/dataset_files.h"

using namespace adlib;
using namespace adlib::test;
using train::Dataset;
using train::DatasetOptions;
using Strings = std::vector<std::string>;

namespace {

constexpr const char* kEnd = "<|endoftext|>";

struct Files {
  TempDir dir;
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    write_text(dir / name, text);
    return dir / name;
  }
  Dataset dataset(const std::string& text, const DatasetOptions& options = {},
                  const std::string& name = "data.jsonl") const {
    return Dataset({write(name, text)}, *byte_tokenizer(), options);
  }
  std::string error(const std::string& text, const DatasetOptions& options = {},
                    const std::string& name = "data.jsonl") const {
    return error_of([&] { dataset(text, options, name); });
  }
};

}  // namespace

TEST_CASE("Of a prompt and completion only the completion and its end are learned", "[train][dataset]") {
  const Files files;
  const Dataset data = files.dataset(R"({"prompt": "ab", "completion": "cd", "other": [1]})"
                                     "\n\n"
                                     R"({"completion": "x", "prompt": ""})");
  CHECK(shown(data) == Strings{concat("abcd|cd", kEnd), concat("x|", kEnd)});
  CHECK(data.summary().units == 2);
  CHECK(data.summary().tokens == 5);
  CHECK(data.summary().counted == 4);
  CHECK(data.summary().longest_unit == 4);
  CHECK_FALSE(data.pairs());

  train::TokenBatch batch;
  data.append_to(batch, 0);
  data.append_to(batch, 1);
  CHECK(batch.offsets == std::vector<std::int64_t>{0, 4, 5});
  CHECK(batch.targets[0] == -1);
  CHECK(batch.targets[1] == batch.ids[2]);
  CHECK(batch.counted() == 4);
}

TEST_CASE("BOS and EOS stand around an example where they are asked for", "[train][dataset]") {
  const Files files;
  const std::string line = R"({"prompt": "ab", "completion": "cd"})";
  CHECK(shown(files.dataset(line, {.bos = true})) == Strings{concat(kEnd, "abcd|cd", kEnd)});
  CHECK(shown(files.dataset(line, {.eos = false})) == Strings{"abc|cd"});
}

TEST_CASE("Special tokens written out in a prompt count as such, in a completion never", "[train][dataset]") {
  const Files files;
  const std::string line = concat(R"({"prompt": ")", kEnd, R"(", "completion": ")", kEnd, R"("})");
  CHECK(files.dataset(line).tokens(0) == 1 + 13);
  CHECK(files.dataset(line, {.parse_special = false}).tokens(0) == 13 + 13);
}

TEST_CASE("Of a text everything but the first token is learned", "[train][dataset]") {
  const Files files;
  CHECK(shown(files.dataset(R"({"text": "abc"})")) == Strings{concat("abc|bc", kEnd)});
}

TEST_CASE("A text longer than the context goes on in further documents", "[train][dataset]") {
  const Files files;
  const Dataset data = files.dataset(R"({"text": "abcdefgh"})", {.context = 4});
  CHECK(shown(data) == Strings{"abcd|bcde", concat("efgh|fgh", kEnd)});
  CHECK(data.key(0) == data.key(1));  // one text stays on one side of a split
  CHECK(shown(files.dataset(R"({"text": "abcd"})", {.context = 4, .eos = false})) == Strings{"abc|bcd"});
}

TEST_CASE("A file of plain text is one stream of tokens in windows", "[train][dataset]") {
  const Files files;
  const Dataset data = files.dataset(
      "\xEF\xBB\xBF"
      "ab\ncdef\n",
      {.context = 3}, "data.txt");
  CHECK(shown(data) == Strings{"ab\n|b\nc", "cde|def", concat("f\n|\n", kEnd)});
  CHECK(data.key(0) != data.key(1));
}

TEST_CASE("A preference pair is one unit of two documents with one prompt", "[train][dataset]") {
  const Files files;
  const std::string line = R"({"prompt": "abcdef", "chosen": "good", "rejected": "x"})";
  const Dataset data = files.dataset(line);
  CHECK(data.pairs());
  CHECK(data.size() == 1);
  CHECK(data.tokens(0) == 10 + 7);
  CHECK(shown(data) == Strings{concat("abcdefgood|good", kEnd), concat("abcdefx|x", kEnd)});
  // Seven ids have room: "good" and its end take five, so both sides keep two of the prompt.
  const Dataset cut = files.dataset(line, {.context = 6});
  CHECK(shown(cut) == Strings{concat("efgood|good", kEnd), concat("efx|x", kEnd)});
  CHECK(cut.summary().truncated_prompts == 1);
  CHECK(cut.summary().truncated_completions == 0);
}

TEST_CASE("An example that is too long loses its oldest prompt, then the completion's end",
          "[train][dataset]") {
  const Files files;
  const std::string line = R"({"prompt": "abcdef", "completion": "wxyz"})";
  const auto cut = [&](std::int64_t context, bool bos) {
    const Dataset data = files.dataset(line, {.context = context, .bos = bos});
    return concat(shown(data).front(), ' ', data.summary().truncated_prompts,
                  data.summary().truncated_completions);
  };
  CHECK(cut(10, false) == concat("abcdefwxyz|wxyz", kEnd, " 00"));
  CHECK(cut(9, false) == concat("bcdefwxyz|wxyz", kEnd, " 10"));
  CHECK(cut(9, true) == concat(kEnd, "cdefwxyz|wxyz", kEnd, " 10"));
  CHECK(cut(5, false) == concat("fwxyz|wxyz", kEnd, " 10"));
  CHECK(cut(5, true) == concat(kEnd, "wxyz|wxyz", kEnd, " 10"));
  CHECK(cut(3, false) == "fwx|wxy 11");
  CHECK(cut(1, true) == concat(kEnd, "|w 11"));
}

TEST_CASE("What is no example is refused with its line and a cure", "[train][dataset]") {
  const Files files;
  const std::string good = R"({"prompt": "a", "completion": "b"})"
                           "\n";
  CHECK(files.error(good + R"({"prompt": "a", "completion": ""})") ==
        "bad_format: data.jsonl:2: field 'completion' is empty, so there is nothing to learn; fill it or "
        "delete the "
        "line");
  CHECK(files.error(good + R"({"completion": "b"})") ==
        "bad_format: data.jsonl:2: field 'prompt' is missing, expected a string");
  CHECK(files.error(good + "\n" + R"({"prompt": 7, "completion": "b"})") ==
        "bad_format: data.jsonl:3: field 'prompt' is 7, expected a string");
  CHECK(files.error(good + R"({"question": "a"})")
            .starts_with("bad_format: data.jsonl:2: no example; expected the fields"));
  CHECK(files.error(good + "{").starts_with("bad_format: data.jsonl:2:"));
  CHECK(files.error(R"({"prompt": "a", "chosen": "b"})") ==
        "bad_format: data.jsonl:1: field 'rejected' is missing, expected a string");
  CHECK(files.error(good + R"({"prompt": "a", "chosen": "b", "rejected": "c"})")
            .starts_with("bad_format: data.jsonl:2: the line is a preference pair, unlike"));
  CHECK(files.error(good, {.split_field = "title"})
            .starts_with("bad_format: data.jsonl:1: field 'title' is missing, but the split goes by it"));
  CHECK(files.error(R"({"prompt": "", "completion": "b"})", {.eos = false})
            .starts_with("bad_format: data.jsonl:1: the example is a single token"));
  CHECK(files.error("\n\n").find("there is no example in the file") != std::string::npos);
  CHECK(files.error("ok\n\xC4\xE3\n", {}, "data.txt") ==
        "bad_format: data.txt:2: the text is not valid UTF-8; save the file as UTF-8");
  CHECK(files.error("", {}, "data.csv").find("neither JSON Lines") != std::string::npos);
  CHECK(error_of([&] {
          Dataset({files.dir / "none.jsonl"}, *byte_tokenizer());
        }).starts_with("not_found: cannot open"));
  CHECK(error_of([&] {
          Dataset({files.dir.path() / "."}, *byte_tokenizer());
        }).starts_with("invalid_argument"));
  const auto pairs = files.write("pairs.jsonl", R"({"prompt": "a", "chosen": "b", "rejected": "c"})");
  CHECK(error_of([&] {
          Dataset({files.write("data.jsonl", good), pairs}, *byte_tokenizer());
        }).find("the file holds preference pairs, unlike") != std::string::npos);
}

TEST_CASE("The first bad line is named, whichever thread meets it", "[train][dataset][threads]") {
  const Files files;
  std::string lines = completions(300);
  lines += "{\"prompt\": \"a\", \"completion\": \"\"}\n" + completions(50) + "{\"prompt\": \"a\"}\n";
  set_num_threads(4);
  for (int i = 0; i < 5; ++i) CHECK(files.error(lines).starts_with("bad_format: data.jsonl:301: "));
  set_num_threads(0);
}

TEST_CASE("Several files follow one another", "[train][dataset]") {
  const Files files;
  const auto a = files.write("a.jsonl", completions(10));
  const auto b = files.write("b.jsonl", completions(3));
  const Dataset data({a, b}, *byte_tokenizer());
  auto expected = shown(Dataset({a}, *byte_tokenizer()));
  for (const auto& unit : shown(Dataset({b}, *byte_tokenizer()))) expected.push_back(unit);
  CHECK(data.size() == 13);
  CHECK(shown(data) == expected);
}

TEST_CASE("A cache is taken again until text, tokenizer or options change", "[train][dataset]") {
  const Files files;
  const auto file = files.write("data.jsonl", completions(100));
  DatasetOptions options{.cache_directory = files.dir / "cache"};
  const auto tokenised = [&](const Tokenizer& tokenizer) {
    return Dataset({file}, tokenizer, options).summary().files_tokenised;
  };
  const Dataset fresh({file}, *byte_tokenizer(), options);
  CHECK(fresh.summary().files_tokenised == 1);
  CHECK(tokenised(*byte_tokenizer()) == 0);
  CHECK(shown(Dataset({file}, *byte_tokenizer(), options)) == shown(fresh));
  std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now());
  CHECK(tokenised(*byte_tokenizer()) == 0);  // the content counts, not the date

  options.context = 8;
  CHECK(tokenised(*byte_tokenizer()) == 1);
  options.split_field = "title";
  CHECK(tokenised(*byte_tokenizer()) == 1);
  write_text(files.dir / "data.jsonl", completions(101));
  CHECK(tokenised(*byte_tokenizer()) == 1);
  const TempDir other;
  write_byte_level_files(other.path());
  write_text(other / "special_tokens_map.json", R"({"pad_token": "!"})");
  const auto tokenizer = Tokenizer::from_directory(other.path());
  CHECK(tokenizer->fingerprint().size() == 32);
  CHECK(tokenizer->fingerprint() != byte_tokenizer()->fingerprint());
  CHECK(tokenised(*tokenizer) == 1);
  CHECK(tokenised(*tokenizer) == 0);
}

TEST_CASE("A damaged cache is made anew", "[train][dataset]") {
  const Files files;
  const auto file = files.write("data.jsonl", completions(100));
  const DatasetOptions options{.cache_directory = files.dir / "cache"};
  const Dataset fresh({file}, *byte_tokenizer(), options);
  const auto cache = std::filesystem::directory_iterator(options.cache_directory)->path();
  const std::string whole = read_text(cache);
  for (const std::size_t at : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_text(cache, bytes);
    CHECK(Dataset({file}, *byte_tokenizer(), options).summary().files_tokenised == 1);
    CHECK(read_text(cache) == whole);
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{40}, whole.size() - 1}) {
    write_text(cache, whole.substr(0, size));
    CHECK(Dataset({file}, *byte_tokenizer(), options).summary().files_tokenised == 1);
    CHECK(read_text(cache) == whole);
  }
}

TEST_CASE("Tokenising that is stopped leaves no cache behind", "[train][dataset]") {
  const Files files;
  const auto file = files.write("data.jsonl", completions(100));
  DatasetOptions options{.cache_directory = files.dir / "cache"};
  options.progress = [](const train::DatasetProgress&) { fail(ErrorCode::cancelled, "enough"); };
  CHECK(error_of([&] { Dataset({file}, *byte_tokenizer(), options); }) == "cancelled: enough");
  CHECK(std::filesystem::is_empty(options.cache_directory));
}

TEST_CASE("The ids do not depend on the number of threads", "[train][dataset][threads]") {
  const Files files;
  const auto lines = files.write("data.jsonl", completions(500));
  std::string prose;
  for (int i = 0; i < 60000; ++i) prose += concat("line ", i, i % 10 == 0 ? "\n\n" : "\n");
  const auto text = files.write("data.txt", prose);
  std::vector<std::string> bytes;
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    const auto cache = files.dir / concat("cache", threads);
    Dataset({lines}, *byte_tokenizer(), {.cache_directory = cache});
    Dataset({text}, *byte_tokenizer(), {.context = 100, .cache_directory = cache});
    std::vector<std::filesystem::path> made;
    for (const auto& item : std::filesystem::directory_iterator(cache)) made.push_back(item.path());
    std::sort(made.begin(), made.end());
    REQUIRE(made.size() == 2);
    bytes.push_back(read_text(made[0]) + read_text(made[1]));
  }
  set_num_threads(0);
  CHECK(bytes[0] == bytes[1]);
}

TEST_CASE("A text of several reads comes back whole, window after window", "[train][dataset]") {
  const Files files;
  std::string prose;  // over 4 MiB, and one line of over 1 MiB without a place to cut
  for (int i = 0; i < 350000; ++i) prose += concat("line ", i, '\n');
  prose += std::string(1300000, 'x') + "￥" + std::string(1300000, 'y') + "\nend\n";
  std::int64_t reports = 0;
  std::int64_t reached = 0;
  DatasetOptions options{.context = 1000};
  options.progress = [&](const train::DatasetProgress& now) {
    ++reports;
    CHECK(now.bytes >= reached);
    CHECK(now.bytes <= now.total_bytes);
    reached = now.bytes;
  };
  const Dataset data = files.dataset(prose, options, "data.txt");
  CHECK(reports >= 2);
  CHECK(reached == static_cast<std::int64_t>(prose.size()));
  std::string back;
  for (std::int64_t unit = 0; unit < data.size(); ++unit) {
    train::TokenBatch batch;
    data.append_to(batch, unit);
    back += byte_tokenizer()->decode(batch.ids, false);
  }
  CHECK(back == prose);
  CHECK(data.size() == static_cast<std::int64_t>(prose.size() + 999) / 1000);
}
