// adlib publish: approved copy into files for shops, ads and senders, or to a webhook.
#include "copywriter/publish/publish.h"

#include <cstdlib>
#include <memory>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "app.h"
#include "copywriter/shop/json_line.h"
#include "copywriter/shop/text.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct PublishOptions {
  std::string store, rules, output, label, secret_file, secret_variable = "ADLIB_WEBHOOK_SECRET";
  std::vector<std::string> packs;
  CLI::Option* label_option = nullptr;
  bool dry_run = false;
  double timeout = 30, patience = 300;
  cw::PublishOptions publish;
};

// Never on the command line, where every process of the machine can read it.
std::string read_secret(const PublishOptions& options) {
  if (!options.secret_file.empty())
    return std::string(cw::trim(io::read_file(options.secret_file, std::size_t{1} << 16)));
  const char* secret = std::getenv(options.secret_variable.c_str());
  if (secret == nullptr || *secret == '\0')
    throw UsageError("the webhook needs a secret to sign with: put it into " + options.secret_variable +
                     ", or into a file that --secret-file names");
  return secret;
}

void check_usage(const PublishOptions& options) {
  const cw::PublishOptions& publish = options.publish;
  const bool webhook = publish.target == "webhook";
  if (webhook && publish.webhook.url.empty()) throw UsageError("--to webhook needs --url");
  if (!webhook && !publish.webhook.url.empty())
    throw UsageError("--url is for --to webhook; files go to --output");
  if (webhook && !options.output.empty())
    throw UsageError("--output is for files; --to webhook goes to --url");
  if (!webhook && options.output.empty() && !options.dry_run)
    throw UsageError("--to " + publish.target + " needs --output");
  if (publish.webhook.retry_dead && !webhook) throw UsageError("--retry-dead is for --to webhook");
  if (publish.target == "email") {
    if (publish.format.sender.empty())
      throw UsageError("--to email needs --from, such as 'Shop <shop@example.com>'");
    if (publish.format.unsubscribe_url.empty() && publish.format.unsubscribe_mailto.empty())
      throw UsageError("--to email needs --unsubscribe-url, or --unsubscribe-mailto");
  }
}

void tell(const cw::PublishResult& result, const cw::PublishOptions& options, const Console& console) {
  for (const std::string& reason : result.unfit) console.warn("left out: " + reason);
  if (result.formulas > 0) {
    console.warn(counted(result.formulas, "cell") +
                 " began like a formula and got an apostrophe in front, which no spreadsheet runs");
  }
  const bool webhook = options.target == "webhook";
  console.note(concat(counted(result.items, "item"), " of ", counted(result.copies, "text"),
                      webhook ? " sent" : " published"));
  const auto note = [&](std::int64_t count, const char* what) {
    if (count > 0) console.note(concat(count, " ", what));
  };
  note(result.before, "published before; --again publishes them once more");
  if (!result.output.empty() && result.output.filename() != options.output.filename() &&
      options.output.has_filename())
    console.note("to " + result.output.string() + ", since " + options.output.string() +
                 " was published before");
  note(result.held_out, "held out, to compare with");
  note(result.refused, "not wanted by their users, or personal and they opted out of that");
  if (result.unapproved > 0) {
    console.warn(concat(counted(result.unapproved, "user"),
                        " whose assigned copy is not approved got nothing: approve it, or edit it"));
  }
  note(result.not_chosen, "approved texts not used: another variant was");
  note(result.withdrawn, "withdrawn: no longer approved or wanted");
  if (result.dead > 0) console.warn(concat(result.dead, " given up; --retry-dead begins again"));
  if (!result.stopped.empty()) console.warn("stopped: " + result.stopped);
  if (result.pending > 0) console.warn(concat(result.pending, " still to send; the same command goes on"));
}

int run_publish(PublishOptions& options, const Console& console) {
  check_usage(options);
  cw::PublishOptions& publish = options.publish;
  publish.output = options.output;
  const auto milliseconds = [](double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  };
  publish.webhook.http.timeout = milliseconds(options.timeout);
  publish.webhook.patience = milliseconds(options.patience);
  publish.rules = rules_folder(options.rules);
  publish.packs.assign(options.packs.begin(), options.packs.end());
  if (options.label_option->count() > 0) publish.format.subject_label = options.label;
  const auto channels = cw::read_channels(publish.rules / "channels.toml");
  if (publish.target == "webhook" && !options.dry_run) publish.webhook.secret = read_secret(options);
  const cw::Store store(options.store, cw::Store::Mode::write);
  if (options.dry_run) {
    Output output("");
    const cw::PublishResult result =
        cw::preview(store, channels, publish, [&](std::string_view piece) { output.write(piece); });
    output.commit();
    tell(result, publish, console);
    console.note("nothing was published: --dry-run");
    return 0;
  }
  const cw::PublishResult result =
      cw::publish(store, channels, publish, [&](std::int64_t done, std::int64_t total) {
        console.status(done < total ? concat("sending ", done, "/", total) : "");
      });
  Output output("");
  output.write(cw::to_line({{"items", result.items},
                            {"texts", result.copies},
                            {"before", result.before},
                            {"held_out", result.held_out},
                            {"refused", result.refused},
                            {"not_chosen", result.not_chosen},
                            {"unapproved", result.unapproved},
                            {"unfit", result.unfit.size()},
                            {"withdrawn", result.withdrawn},
                            {"dead", result.dead},
                            {"pending", result.pending},
                            {"output", result.output.empty() ? cw::OrderedJson(nullptr)
                                                             : cw::OrderedJson(result.output.string())}}));
  output.flush();
  tell(result, publish, console);
  return result.dead > 0 || result.pending > 0 ? 1 : 0;
}

}  // namespace

void add_publish(CLI::App& app, Session& session) {
  auto options = std::make_shared<PublishOptions>();
  cw::PublishOptions& publish = options->publish;
  CLI::App* command =
      app.add_subcommand("publish", "Put approved copy into files for shops and senders, or send it");
  add_store(*command, options->store);
  command->add_option("--to", publish.target, "Where it goes: the format of the file, or a webhook")
      ->check(CLI::IsMember(cw::publish_targets()))
      ->type_name("TARGET")
      ->required();
  command
      ->add_option(
          "-o,--output", options->output,
          "The file, which appears when all is done (where it is there, what is new goes beside it, into "
          "NAME.2.EXT); of email a directory, or an mbox where it ends in .mbox")
      ->type_name("PATH");
  command->add_flag("--dry-run", options->dry_run, "Show on stdout what would go out, and change nothing");
  command->add_flag("--again", publish.again, "Also what went out before");
  command->add_flag("--skip-unfit", publish.skip_unfit,
                    "Leave out what cannot be published; default: publish nothing then");
  const std::string what = "Which";
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* text,
                        const char* type) {
    return command->add_option(name, values, text)
        ->delimiter(',')
        ->expected(1)
        ->take_all()
        ->type_name(type)
        ->group(what);
  };
  list("--channel", publish.channels, "Only texts of these channels; several are separated by commas", "ID");
  list("--language", publish.languages, "Only texts in this language", "LANGUAGE")
      ->check(CLI::IsMember({"zh", "en"}));
  list("--scene", publish.scenes, "Only texts of these scenes", "SCENE")
      ->check(CLI::IsMember({"recommendation", "promotion", "member", "social", "ad"}));
  command->add_flag("--require-consent", publish.require_consent, "Only to users who said yes to the channel")
      ->group(what);
  command
      ->add_option("--rules", options->rules,
                   "The folder of rules that texts are held against once more; default: adlib's own")
      ->type_name("DIR")
      ->group(what);
  command
      ->add_option("--pack", options->packs,
                   "Rules of your own beside adlib's, as for 'adlib polish'; may be given several times")
      ->expected(1)
      ->take_all()
      ->type_name("FILE")
      ->group(what);
  const std::string shop = "Shop and advertisements";
  command
      ->add_option("--link-prefix", publish.format.link_prefix,
                   "The address of a product without 'link' is this and its id")
      ->type_name("URL")
      ->group(shop);
  command
      ->add_option("--availability", publish.format.availability,
                   "For meta, of products that say nothing, such as 'in stock'")
      ->type_name("TEXT")
      ->group(shop);
  command->add_option("--condition", publish.format.condition, "The same: new, refurbished or used")
      ->type_name("TEXT")
      ->group(shop);
  command->add_option("--campaign", publish.format.campaign, "For google-ads, the name of the campaign")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(shop);
  const std::string mail = "E-mail";
  command->add_option("--from", publish.format.sender, "The sender, such as 'Shop <shop@example.com>'")
      ->type_name("MAILBOX")
      ->group(mail);
  command
      ->add_option(
          "--unsubscribe-url", publish.format.unsubscribe_url,
          "An https address to unsubscribe by one click (RFC 8058); {user}, {token} and {copy} are put in")
      ->type_name("URL")
      ->group(mail);
  command->add_option("--unsubscribe-mailto", publish.format.unsubscribe_mailto, "The same as mailto:ADDRESS")
      ->type_name("URL")
      ->group(mail);
  options->label_option = command
                              ->add_option("--subject-label", options->label,
                                           "What stands in front of each subject, '' for nothing; default: "
                                           "in Chinese the word for an advertisement, where "
                                           "the law asks for it")
                              ->type_name("TEXT")
                              ->group(mail);
  const std::string hook = "Webhook";
  command->add_option("--url", publish.webhook.url, "The receiver; what stands behind '?' is not stored")
      ->type_name("URL")
      ->group(hook);
  command->add_option("--secret-file", options->secret_file, "A file that holds the secret of the signature")
      ->type_name("FILE")
      ->group(hook);
  command->add_option("--secret-env", options->secret_variable, "The environment variable that holds it")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(hook);
  command->add_flag("--allow-http", publish.webhook.allow_http, "Send without encryption to another machine")
      ->group(hook);
  command->add_flag("--retry-dead", publish.webhook.retry_dead, "Begin again with what was given up")
      ->group(hook);
  command->add_option("--attempts", publish.webhook.attempts, "Requests for a text, before it is given up")
      ->check(CLI::Range(1, 100))
      ->type_name("N")
      ->capture_default_str()
      ->group(hook);
  command->add_option("--timeout", options->timeout, "Seconds for a whole request")
      ->check(CLI::Range(0.001, 3600.0))
      ->type_name("S")
      ->capture_default_str()
      ->group(hook);
  command
      ->add_option("--patience", options->patience,
                   "What has to wait for longer than these seconds is left for the next call")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("S")
      ->capture_default_str()
      ->group(hook);
  command->footer(
      "Examples:\n"
      "  adlib publish shop.db --to shopify -o products.csv\n"
      "  adlib publish shop.db --to sms -o sms.jsonl --require-consent\n"
      "  adlib publish shop.db --to email -o outbox --from 'Shop <shop@example.com>' \\\n"
      "    --unsubscribe-url 'https://shop.example/leave/{token}'\n"
      "  ADLIB_WEBHOOK_SECRET=... adlib publish shop.db --to webhook --url https://shop.example/adlib\n\n"
      "Only approved texts go out, and none twice.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_publish(*options, session.console); };
  });
}

}  // namespace adlib::cli
