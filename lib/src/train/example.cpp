#include "train/example.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "adlib/core/error.h"

namespace adlib::train {
namespace {

std::string filled(const io::JsonFields& fields, const char* name) {
  std::string value = fields.string(name);
  if (value.empty()) {
    fail(ErrorCode::bad_format, fields.where(), ": field '", name,
         "' is empty, so there is nothing to learn; fill it or delete the line");
  }
  return value;
}

std::string split_value(const io::JsonFields& fields, const std::string& name) {
  const io::Json& value = fields.at(name.c_str());
  if (value.is_null()) {
    fail(ErrorCode::bad_format, fields.where(), ": field '", name,
         "' is missing, but the split goes by it; add it or choose another split field");
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

std::uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

ExampleEncoder::ExampleEncoder(const Tokenizer& tokenizer, const DatasetOptions& options)
    : tokenizer_(tokenizer), options_(options) {
  require(options.context >= 1 && options.context < std::numeric_limits<std::int32_t>::max(),
          "Dataset: context is ", options.context, ", expected at least 1");
  const auto around = tokenizer.encode_with_special("");
  const bool puts_bos = tokenizer.bos_id() && !around.empty() && around.front() == *tokenizer.bos_id();
  if (options.bos.value_or(puts_bos)) {
    bos_ = tokenizer.bos_id();
    require(bos_.has_value(), "Dataset: bos is asked for, but the tokenizer has no BOS token");
  }
  if (options.eos) eos_ = tokenizer.eos_id();
}

std::vector<TokenId> ExampleEncoder::encode_text(std::string_view text) const {
  return options_.parse_special ? tokenizer_.encode(text) : tokenizer_.encode_text(text);
}

Example::Document ExampleEncoder::join(const std::vector<TokenId>& prompt,
                                       const std::string& completion) const {
  Example::Document document;
  if (bos_) document.ids.push_back(*bos_);
  document.ids.insert(document.ids.end(), prompt.begin(), prompt.end());
  document.prompt = document.ids.size();
  const auto ids = tokenizer_.encode_text(completion);
  document.ids.insert(document.ids.end(), ids.begin(), ids.end());
  if (eos_) document.ids.push_back(*eos_);
  return document;
}

// The last id is only a target, so a document may have one more than the context. What the prompt loses
// depends on the longer completion of a pair: DPO compares completions of one prompt.
void ExampleEncoder::truncate(Example& example) const {
  const auto room = static_cast<std::size_t>(options_.context) + 1;
  const std::size_t prompt = example.documents.front().prompt;
  std::size_t longest = 0;
  for (const auto& document : example.documents) longest = std::max(longest, document.ids.size() - prompt);
  if (prompt + longest <= room) return;

  const std::size_t least = std::min<std::size_t>(prompt, 1);  // something to predict the first token from
  const std::size_t kept = std::max(least, room > longest ? room - longest : 0);
  const std::size_t head = bos_ ? std::min<std::size_t>(kept, 1) : 0;
  example.truncated_prompt = kept < prompt;
  for (auto& document : example.documents) {
    const auto begin = document.ids.begin();
    document.ids.erase(begin + static_cast<std::ptrdiff_t>(head),
                       begin + static_cast<std::ptrdiff_t>(head + prompt - kept));
    document.prompt = kept;
    if (document.ids.size() > room) {
      document.ids.resize(room);
      example.truncated_completion = true;
    }
  }
}

Example ExampleEncoder::encode(const io::Json& object, const std::string& where) const {
  const io::JsonFields fields(object, where);
  Example example;
  const char* split_field = "prompt";
  if (fields.has("chosen") || fields.has("rejected")) {
    example.kind = Example::Kind::pair;
    const auto prompt = encode_text(fields.string("prompt"));
    for (const char* name : {"chosen", "rejected"}) {
      example.documents.push_back(join(prompt, filled(fields, name)));
    }
    truncate(example);
  } else if (fields.has("completion")) {
    const auto prompt = encode_text(fields.string("prompt"));
    example.documents.push_back(join(prompt, filled(fields, "completion")));
    truncate(example);
  } else if (fields.has("text")) {
    example.kind = Example::Kind::text;
    split_field = "text";
    Example::Document document;
    if (bos_) document.ids.push_back(*bos_);
    const auto ids = encode_text(filled(fields, "text"));
    document.ids.insert(document.ids.end(), ids.begin(), ids.end());
    if (eos_) document.ids.push_back(*eos_);
    example.documents.push_back(std::move(document));
  } else {
    fail(
        ErrorCode::bad_format, where,
        R"(: no example; expected the fields "prompt" and "completion", or "text", or "prompt", "chosen" and "rejected")");
  }
  for (const auto& document : example.documents) {
    if (document.ids.size() < 2) {
      fail(ErrorCode::bad_format, where,
           ": the example is a single token, so nothing comes before what is to be learned; lengthen it or "
           "delete the line");
    }
  }
  example.key =
      hash_of(split_value(fields, options_.split_field.empty() ? split_field : options_.split_field));
  return example;
}

}  // namespace adlib::train
