#include "app.h"

#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "adlib/core/error.h"
#include "adlib/io/safetensors.h"
#include "adlib/tokenizer/tokenizer.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/store.h"
#include "copywriter/write/prompt.h"

namespace adlib::cli {

Console::Console() : terminal_(::isatty(STDERR_FILENO) != 0) {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  colour_ = terminal_ && (no_color == nullptr || *no_color == '\0');
}

void Console::note(std::string_view text) const {
  if (!quiet_) std::cerr << text << '\n';
}

void Console::status(std::string_view text) const {
  if (quiet_ || !terminal_) return;
  std::cerr << "\r\033[K" << text << std::flush;
}

void Console::labelled(std::string_view label, std::string_view colour, std::string_view text) const {
  if (colour_) {
    std::cerr << "adlib: \033[" << colour << 'm' << label << ":\033[0m " << text << '\n';
  } else {
    std::cerr << "adlib: " << label << ": " << text << '\n';
  }
}

Progress Console::progress(std::string what) const {
  if (quiet_ || !terminal_) return {};
  return [what = std::move(what)](std::int64_t done, std::int64_t total) {
    std::cerr << '\r' << what << ' ' << done << '/' << total << (done >= total ? "\n" : "") << std::flush;
  };
}

CLI::Option& add_store(CLI::App& command, std::string& store, const char* about) {
  // SQLite takes these for a database in memory, and all would be lost.
  const auto is_file = [](const std::string& name) {
    return name.empty() || name == ":memory:" ? "'" + name + "' is no file for a store" : std::string();
  };
  return *command.add_option("STORE", store, about)->type_name("FILE")->required()->check(is_file, "");
}

std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Output::Output(const std::string& path) {
  if (!path.empty() && path != "-") file_ = std::make_unique<io::AtomicFile>(path);
}
Output::~Output() = default;

void Output::write(std::string_view text) {
  if (file_) {
    file_->write(text);
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    fail(ErrorCode::io, "stdout: cannot write; is the disk full?");
  }
}

void Output::flush() {
  if (file_) {
    file_->flush();
  } else if (std::fflush(stdout) != 0) {
    fail(ErrorCode::io, "stdout: cannot write; is the disk full?");
  }
}

void Output::commit() {
  if (file_) {
    file_->commit();
  } else {
    flush();
  }
}

void with_input(const std::string& path,
                const std::function<void(std::istream& in, const std::string& where)>& read) {
  if (path == "-") {
    read(std::cin, "stdin");
    return;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    fail(ErrorCode::not_found, path, ": cannot be opened for reading; does the file exist?");
  }
  read(in, path);
}

void add_load_flags(CLI::App& command, LoadFlags& flags) {
  command.add_option("--device", flags.device, "Where the model runs: cpu, cuda or cuda:N")
      ->capture_default_str()
      ->group("Model");
  command
      .add_option(
          "--dtype", flags.dtype,
          "Convert the weights to this type and compute in it; without it the file's, or f32 for int8 "
          "and int4")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->group("Model");
  command
      .add_option(
          "--weights", flags.weights,
          "Pack the weights in memory: same, bf16, int8, int8:G, int4:G with a group G of 32, 64 or 128; "
          "after a slash, that of embedding and head")
      ->check([](const std::string& text) { return check_format(text, /*quantized_only=*/false); })
      ->type_name("FORMAT")
      ->capture_default_str()
      ->group("Model");
}

DType parse_dtype(const std::string& name) {
  if (name == "f32") return DType::f32;
  if (name == "bf16") return DType::bf16;
  if (name == "f16") return DType::f16;
  throw UsageError("--dtype is '" + name + "', expected f32, bf16 or f16");
}

LoadOptions load_options(const LoadFlags& flags, const Console& console) {
  LoadOptions options;
  options.device = Device::parse(flags.device);
  if (!flags.dtype.empty()) options.dtype = parse_dtype(flags.dtype);
  options.weights = WeightFormats::parse(flags.weights);
  options.progress = console.progress("loading tensors");
  return options;
}

std::string check_format(const std::string& text, bool quantized_only) {
  try {
    if (WeightFormats::parse(text).quantized() || !quantized_only) return {};
  } catch (const Error& error) {
    if (!quantized_only) return error.what();
  }
  return "'" + text +
         "' is not one of int8, int8:G, int4, int4:G with a group G of 32, 64 or 128, and after a slash "
         "the same for embedding and head";
}

std::int64_t parse_now(const std::string& text) {
  if (text.empty()) return copywriter::now();
  if (const auto time = copywriter::parse_time(text)) return *time;
  throw UsageError("--now is '" + text + "', expected Unix seconds or a date such as 2025-11-02");
}

std::string check_seed(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return {};
  return "'" + text + "' is not an integer from 0 to 18446744073709551615";
}

std::string model_name(const std::string& dir) {
  const std::string name = std::filesystem::absolute(dir).lexically_normal().filename().string();
  return name.empty() ? dir : name;
}

bool is_untrained(const std::filesystem::path& dir) {
  const std::filesystem::path file = dir / "model.safetensors";
  if (!std::filesystem::exists(file)) return false;  // adlib init writes this file and no other
  return io::SafetensorsFile::open(file).metadata().contains(untrained_key);
}

namespace {

// What is installed beside the program.
std::filesystem::path own(const char* name, const char* option) {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path dir = program.parent_path().parent_path() / "share" / "adlib" / name;
  if (error || !std::filesystem::is_directory(dir)) {
    throw UsageError("adlib's own " + std::string(name) + " is not beside the program; give " + option +
                     " DIR");
  }
  return dir;
}

}  // namespace

std::filesystem::path own_templates() { return own("templates", "--templates"); }
std::filesystem::path own_model() {
  const std::filesystem::path dir = own("model", "--model");
  if (!std::filesystem::exists(dir / "config.json")) {
    throw UsageError("adlib's own model has no weights here; give --model DIR, or train it: " +
                     (dir / "retrain.sh").string());
  }
  return dir;
}
std::filesystem::path rules_folder(const std::string& given) {
  return given.empty() ? own("rules", "--rules") : std::filesystem::path(given);
}
std::filesystem::path own_corpus() { return own("corpus", "--texts"); }

std::filesystem::path prompt_templates(const std::string& given, const std::filesystem::path& model) {
  if (!given.empty()) return given;
  if (copywriter::has_prompt_tags(*Tokenizer::from_directory(model))) return {};
  return own_templates();
}

CLI::App* add_group(CLI::App& app, Session& session, const char* name, const char* about,
                    const char* commands) {
  CLI::App* group = app.add_subcommand(name, about);
  group->require_subcommand(0, 1);  // none is reported as a mistyped one is, by its name
  group->final_callback([&session, commands] {
    if (!session.job) throw UsageError(std::string("a command is required: ") + commands);
  });
  return group;
}

}  // namespace adlib::cli
