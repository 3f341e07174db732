#include "copywriter/write/copy_request.h"

#include <algorithm>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

std::string_view known_tag(std::string_view tag, const std::string& where) {
  const auto& tags = prompt_tags();
  const auto found = std::find(tags.begin(), tags.end(), tag);
  if (found == tags.end()) fail(ErrorCode::bad_format, where, ": '", tag, "' is no tag of prompts");
  return *found;
}

}  // namespace

std::string CopyRequest::to_json() const {
  io::Json pairs = io::Json::array();
  for (const PromptField& field : fields) pairs.push_back({field.tag, field.text});
  io::Json all{{"fields", std::move(pairs)},
               {"prompt", is_template ? prompt : ""},
               {"language", to_string(language)},
               {"unspoken", unspoken},
               {"channel", channel},
               {"ending", ending},
               {"seed", seed},
               {"guarded", guarded}};
  if (attempt) all["attempt"] = *attempt;
  return all.dump(-1, ' ', false, io::Json::error_handler_t::replace);
}

CopyRequest CopyRequest::from_json(std::string_view text, const std::string& where) {
  const io::Json all = io::parse_json(text, where);
  const io::JsonFields fields(all, where);
  CopyRequest request;
  for (const io::Json& pair : fields.at("fields"))
    request.fields.push_back(
        {known_tag(pair.at(0).get<std::string>(), where), pair.at(1).get<std::string>()});
  request.prompt = fields.string("prompt");
  request.is_template = !request.prompt.empty();
  if (!request.is_template) request.prompt = to_text(request.fields);
  request.language = parse_language(fields.string("language"));
  request.unspoken = fields.at("unspoken").get<std::vector<std::string>>();
  request.channel = fields.string("channel");
  request.ending = fields.at("ending").get<std::vector<std::string>>();
  request.seed = fields.at("seed").get<std::uint64_t>();
  request.guarded = fields.boolean_or("guarded", true);
  if (all.contains("attempt")) request.attempt = all.at("attempt").get<int>();
  return request;
}

}  // namespace adlib::copywriter
