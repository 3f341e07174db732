// examples/adlib/app.h: what the subcommands share: the console, input and output, and the way they plug into
// main.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "adlib/io/atomic_file.h"
#include "adlib/models/checkpoint.h"

namespace adlib::cli {

inline constexpr const char* version = ADLIB_VERSION;  // of the CMake project

/// The command line is wrong: main prints the message and exits with 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Progress, timings and warnings: always on stderr, so that stdout holds results only.
class Console {
 public:
  Console();
  void set_quiet(bool quiet) { quiet_ = quiet; }
  bool quiet() const { return quiet_; }
  /// A line that --quiet silences.
  void note(std::string_view text) const;
  /// A line that matters: shown also with --quiet.
  void warn(std::string_view text) const { labelled("warning", "33", text); }
  void error(std::string_view text) const { labelled("error", "31", text); }
  /// One line that is rewritten: on a terminal only, and not with --quiet. An empty text ends it.
  void status(std::string_view text) const;
  bool is_terminal() const { return terminal_; }
  /// For LoadOptions: one line that is rewritten on a terminal, nothing elsewhere.
  Progress progress(std::string what) const;

 private:
  void labelled(std::string_view label, std::string_view colour, std::string_view text) const;
  bool quiet_ = false;
  bool terminal_;
  bool colour_;  // a terminal, and NO_COLOR is not set
};

/// What main hands to every subcommand. A subcommand that was chosen puts its work into `job`, whose result
/// is the exit code: 0 done, 1 failed.
struct Session {
  Console console;
  std::function<int()> job;
};

/// Runs the program with these arguments behind its name and returns the exit status: 0 done, 1 failed, 2
/// wrong use.
int run_command(std::vector<std::string> arguments, bool quiet);

/// STORE, the first argument of the commands that work on a campaign.
CLI::Option& add_store(CLI::App& command, std::string& store, const char* about = "The campaign's file");

/// "1 text", "3 texts".
std::string counted(std::int64_t count, const std::string& what);

/// Results go to stdout, or to a file that appears when everything is done.
class Output {
 public:
  /// "" or "-" is stdout.
  explicit Output(const std::string& path);
  ~Output();
  void write(std::string_view text);
  /// Makes what was written visible. Throws Error(io) when stdout no longer takes it (a full disk).
  void flush();
  void commit();
  bool is_stdout() const { return file_ == nullptr; }

 private:
  std::unique_ptr<io::AtomicFile> file_;
};

/// Opens `path` for reading, "-" is stdin, and calls `read` with the stream and its name for messages.
void with_input(const std::string& path,
                const std::function<void(std::istream& in, const std::string& where)>& read);

/// --device, --dtype, --weights: how a model is loaded.
struct LoadFlags {
  std::string device = "cpu";
  std::string dtype;
  std::string weights = "same";
};
void add_load_flags(CLI::App& command, LoadFlags& flags);
LoadOptions load_options(const LoadFlags& flags, const Console& console);
/// "f32", "bf16" or "f16".
DType parse_dtype(const std::string& name);

/// For CLI11's check(): "" for a format that ops::WeightFormat::parse() knows (of integers), else what is
/// wrong.
std::string check_format(const std::string& text, bool quantized_only);
/// The time that --now names, in Unix seconds; the clock's (ADLIB_NOW) where it names none. Throws
/// UsageError.
std::int64_t parse_now(const std::string& text);
/// For CLI11's check(): "" for an integer from 0 to 2^64 - 1, else what is wrong. CLI11 itself takes -1 for
/// the largest number.
std::string check_seed(const std::string& text);

/// What records call the model of a directory: its last component.
std::string model_name(const std::string& dir);
/// True when the weights of a checkpoint directory say that `adlib init` drew them and nobody trained them.
bool is_untrained(const std::filesystem::path& dir);
/// The entry of the weights' metadata by which is_untrained() knows.
inline constexpr const char* untrained_key = "adlib.untrained";

/// The prompt templates that are installed beside the program: PREFIX/bin/adlib finds
/// PREFIX/share/adlib/templates. Throws UsageError when they are not there.
std::filesystem::path own_templates();
/// The model that comes with adlib: share/adlib/model beside the program. Throws UsageError when it is not
/// there.
std::filesystem::path own_model();
/// The folder of rules: the one given, or adlib's own.
std::filesystem::path rules_folder(const std::string& given);
/// The texts of its corpus.
std::filesystem::path own_corpus();
/// The folder of templates that prompts are made from: the one given, or adlib's own; empty for a model whose
/// vocabulary has the tags, which reads tagged prompts unless templates are given.
std::filesystem::path prompt_templates(const std::string& given, const std::filesystem::path& model);

/// Each file of this folder adds its subcommand.
void add_generate(CLI::App& app, Session& session);
/// A command that only holds others; `commands` names them where none is given.
CLI::App* add_group(CLI::App& app, Session& session, const char* name, const char* about,
                    const char* commands);
void add_write(CLI::App& app, Session& session);
void add_campaign(CLI::App& app, Session& session);
void add_audit(CLI::App& app, Session& session);
void add_reproduce(CLI::App& app, Session& session);
void add_assign(CLI::App& app, Session& session);
void add_measure(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_polish(CLI::App& app, Session& session);
void add_prepare(CLI::App& app, Session& session);
void add_publish(CLI::App& app, Session& session);
void add_review(CLI::App& app, Session& session);
void add_recommend(CLI::App& app, Session& session);
void add_check(CLI::App& app, Session& session);
void add_collect(CLI::App& app, Session& session);
void add_corpus(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_tokenize(CLI::App& app, Session& session);
void add_tokenizer(CLI::App& app, Session& session);
void add_init(CLI::App& app, Session& session);
void add_inspect(CLI::App& app, Session& session);
void add_quantize(CLI::App& app, Session& session);
void add_eval(CLI::App& app, Session& session);
void add_forget(CLI::App& app, Session& session);
void add_completion(CLI::App& app, Session& session);
void add_man(CLI::App& app, Session& session);

}  // namespace adlib::cli
