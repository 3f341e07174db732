// Messages to one user each, as JSON Lines that the shop's sender reads.
#include <algorithm>
#include <array>

#include "adlib/core/error.h"
#include "copywriter/publish/formats.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

class SmsFormat : public Format {
 public:
  explicit SmsFormat(const std::vector<ChannelField>& channels) : fields_(channels) {}
  Grouping grouping() const override { return Grouping::placement; }
  Audience audience() const override { return Audience::users; }
  std::vector<std::string> channels() const override { return {"sms-1", "sms-3", "sms-gsm7"}; }
  Rendered render(const Item& item) const override {
    const Candidate& text = item.texts.front();
    require_fit(text, fields_);
    const TextLength length = length_of(text.text);
    const OrderedJson line = {{"id", text.key},
                              {"user", *item.user},
                              {"copy", text.copy},
                              {"channel", text.channel},
                              {"language", text.language},
                              {"text", text.text},
                              {"encoding", length.is_gsm7() ? "gsm7" : "ucs2"},
                              {"segments", length.in(LengthUnit::sms_segments)}};
    return {{{{}, json_line(line)}}, {&text}, 0};
  }

 private:
  const std::vector<ChannelField>& fields_;
};

class PushFormat : public Format {
 public:
  PushFormat(const std::vector<ChannelField>& channels, const FormatOptions& options)
      : fields_(channels), options_(options) {}
  Grouping grouping() const override { return Grouping::message; }
  Audience audience() const override { return Audience::users; }
  std::vector<std::string> channels() const override {
    std::vector<std::string> names = {"apns"};
    for (const char* vendor : kVendors) {
      names.emplace_back(std::string(vendor) + "-push");
      names.emplace_back(std::string(vendor) + "-push-title");
    }
    return names;
  }
  Rendered render(const Item& item) const override {
    Rendered out;
    for (const char* vendor : kVendors) {
      const std::string channel = std::string(vendor) + "-push";
      const Candidate* body = item.find(channel);
      if (!body || !body->fresh) continue;
      const Candidate* own_title = item.find(channel + "-title");
      if (own_title) require_fit(*own_title, fields_);
      add(item, *body, own_title,
          own_title ? own_title->text
                    : cut_to_fit(item.product->title, find_channel(fields_, channel + "-title")),
          out);
    }
    if (const Candidate* body = item.find("apns"); body && body->fresh) add_apns(item, *body, out);
    return out;
  }

 private:
  static constexpr std::array kVendors = {"mi", "huawei", "oppo", "vivo"};

  static OrderedJson line_of(const Item& item, const Candidate& body) {
    return {{"id", body.key},
            {"user", *item.user},
            {"copy", body.copy},
            {"channel", body.channel},
            {"language", body.language}};
  }
  void add(const Item& item, const Candidate& body, const Candidate* own_title, const std::string& title,
           Rendered& out) const {
    require_fit(body, fields_);
    if (title.empty())
      fail(ErrorCode::invalid_argument, "copy ", body.copy,
           ": no word of the product's title fits into the title of ", body.channel, "; approve a copy of ",
           body.channel, "-title");
    if (!own_title) require_title(title, body, body.channel + "-title", item, options_);
    OrderedJson line = line_of(item, body);
    line["title"] = title;
    line["text"] = body.text;
    out.pieces.push_back({{}, json_line(line)});
    out.used.push_back(&body);
    if (own_title) out.used.push_back(own_title);
  }
  // Apple limits the payload, title and JSON included.
  void add_apns(const Item& item, const Candidate& body, Rendered& out) const {
    require_fit(body, fields_);
    require_title(clean_text(item.product->title), body, "", item, options_);
    const OrderedJson payload = {
        {"aps", {{"alert", {{"title", clean_text(item.product->title)}, {"body", body.text}}}}},
        {"copy", body.copy}};
    const auto bytes = static_cast<std::int64_t>(json_line(payload).size() - 1);
    const std::int64_t limit = find_channel(fields_, "apns").limit;
    if (bytes > limit)
      fail(ErrorCode::invalid_argument, "copy ", body.copy, ": the payload for Apple has ", bytes,
           " bytes, at most ", limit, "; 'adlib review edit' shortens it");
    OrderedJson line = line_of(item, body);
    line["payload"] = payload;
    out.pieces.push_back({{}, json_line(line)});
    out.used.push_back(&body);
  }

  const std::vector<ChannelField>& fields_;
  FormatOptions options_;
};

// One request for each text, whatever it is for.
class WebhookFormat : public Format {
 public:
  explicit WebhookFormat(const std::vector<ChannelField>& channels) : fields_(channels) {}
  Grouping grouping() const override { return Grouping::placement; }
  Audience audience() const override { return Audience::both; }
  std::vector<std::string> channels() const override { return {}; }
  Rendered render(const Item& item) const override {
    const Candidate& text = item.texts.front();
    require_fit(text, fields_);
    OrderedJson body = {{"id", text.key},
                        {"copy", text.copy},
                        {"user", nullptr},
                        {"product", item.product->id},
                        {"scene", text.scene},
                        {"channel", text.channel},
                        {"language", text.language},
                        {"variant", text.arm},
                        {"text", text.text}};
    if (item.user) body["user"] = *item.user;
    return {{{{}, json_line(body)}}, {&text}, 0};
  }

 private:
  const std::vector<ChannelField>& fields_;
};

}  // namespace

std::unique_ptr<Format> make_message_format(std::string_view target,
                                            const std::vector<ChannelField>& channels,
                                            const FormatOptions& options) {
  if (target == "sms") return std::make_unique<SmsFormat>(channels);
  if (target == "webhook") return std::make_unique<WebhookFormat>(channels);
  if (target == "push") return std::make_unique<PushFormat>(channels, options);
  return nullptr;
}

}  // namespace adlib::copywriter
