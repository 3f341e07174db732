// copywriter/publish/publish.h: approved copy goes out: into files for shops, ads and senders, or to a
// webhook.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/publish/formats.h"
#include "copywriter/publish/webhook.h"
#include "copywriter/rules/channels.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct PublishOptions {
  std::string target;            ///< one of publish_targets()
  std::filesystem::path output;  ///< the file; of e-mail a directory, or an mbox where it ends in ".mbox"
  bool again = false;            ///< also what this target has had before
  bool require_consent = false;  ///< only to users who said yes
  bool skip_unfit = false;       ///< leave out what cannot be published, instead of publishing nothing
  /// The rules, and more beside them (a shop's own), that texts are held against once more before they go
  /// out. Empty, for tests: only opting out is looked at again.
  std::filesystem::path rules = {};
  std::vector<std::filesystem::path> packs = {};
  /// Only these; empty: all.
  std::vector<std::string> channels = {}, languages = {}, scenes = {};
  FormatOptions format = {};
  WebhookOptions webhook = {};  ///< of the target "webhook", which has no output
};

struct PublishResult {
  std::int64_t items = 0;               ///< messages, products or advertisements that went out
  std::int64_t copies = 0;              ///< the texts in them
  std::int64_t before = 0;              ///< items that this target has had before
  std::int64_t held_out = 0;            ///< placements whose user gets nothing, to compare with
  std::int64_t refused = 0;             ///< placements whose user does not want it, was not asked, or opted
                                        ///< out of personal marketing after the text was made
  std::int64_t unapproved = 0;          ///< users whose assigned copy is not approved, who get nothing
  std::int64_t not_chosen = 0;          ///< approved variants beside the one that is published
  std::int64_t formulas = 0;            ///< cells that got an apostrophe, so that no spreadsheet runs them
  std::vector<std::string> unfit = {};  ///< what was left out, and why
  std::filesystem::path output = {};    ///< the file or directory that was written; empty: none
  // Of the webhook:
  std::int64_t dead = 0;       ///< given up in this call
  std::int64_t pending = 0;    ///< not sent yet; the next call goes on
  std::int64_t withdrawn = 0;  ///< were waiting, and are no longer approved or wanted
  std::string stopped = {};    ///< why the webhook was left alone: what it answered last
};

/// "shopify", "google-ads", "meta", "taobao", "xiaohongshu", "sms", "push", "email", "webhook".
std::vector<std::string> publish_targets();

/// Publishes what was approved, and nothing else: copies of status approved (or published, by another target)
/// whose newest decision is an approval, written under the guard, without a finding of level error or ban,
/// and which the rules and products of now still allow; of a placement with an assignment only its copy;
/// nothing to who is held out of any; of users who did not refuse the channel, and nothing personal to who
/// opted out of that; never a user's text where everybody sees it. A file appears whole, and `publication`
/// tells what is in it: again, only what is new goes out, into a file beside it ("push.2.jsonl"). After a
/// kill the same call finishes what was begun. `channels` are those of channels.toml. Throws
/// Error(invalid_argument) for a mistake in the options, for an output that is there and that this store did
/// not write, and, unless skip_unfit, for what cannot be published, with up to twenty reasons and nothing
/// written.
PublishResult publish(const Store& store, const std::vector<ChannelField>& channels,
                      const PublishOptions& options, const PublishProgress& progress = {});

/// What publish() would write, in pieces, and what it would count; the store and the outside stay as they
/// are.
PublishResult preview(const Store& store, const std::vector<ChannelField>& channels,
                      const PublishOptions& options,
                      const std::function<void(std::string_view piece)>& write);

}  // namespace adlib::copywriter
