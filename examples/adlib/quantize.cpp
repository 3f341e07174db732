// adlib quantize: a checkpoint directory with int8 or int4 weights.
#include "adlib/models/quantize.h"

#include <array>
#include <cmath>
#include <iomanip>
#include <sstream>
#include <vector>

#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "app.h"
#include "model_directory.h"

namespace adlib::cli {
namespace {

namespace fs = std::filesystem;

struct QuantizeOptions {
  std::string dir;
  std::string format;
  std::string output;
  bool json = false;
  bool force = false;
};

// Tensors of one role in one format, added up.
struct Part {
  const char* name;
  ops::WeightFormat format;
  std::int64_t values = 0, bytes_before = 0, bytes_after = 0;
  double squared_error = 0, squared_weights = 0;

  bool quantized() const { return format != ops::WeightFormat{}; }
  double bytes_a_weight() const { return static_cast<double>(bytes_after) / static_cast<double>(values); }
  /// Root mean square of the errors by that of the weights.
  double relative_error() const {
    return squared_weights > 0 ? std::sqrt(squared_error / squared_weights) : 0.0;
  }
  Part& operator+=(const Part& other) {
    values += other.values;
    bytes_before += other.bytes_before;
    bytes_after += other.bytes_after;
    squared_error += other.squared_error;
    squared_weights += other.squared_weights;
    return *this;
  }
};

// In the order of TensorRole.
constexpr std::array role_names = {"token embedding", "positions", "attention qkv", "attention out",
                                   "mlp gate",        "mlp up",    "mlp down",      "output head",
                                   "norms",           "biases"};

struct QuantizeReport {
  std::string output;
  WeightFormats formats;
  std::string dtype;  // of what is not quantised
  std::vector<Part> parts = std::vector<Part>(role_names.size());

  void add(const QuantizedTensor& done) {
    const auto role = static_cast<std::size_t>(done.tensor.role);
    parts[role].name = role_names[role];
    parts[role].format = done.format;
    parts[role] += {.name = {},
                    .format = {},
                    .values = done.tensor.shape.numel(),
                    .bytes_before = done.bytes_before,
                    .bytes_after = done.bytes_after,
                    .squared_error = done.squared_error,
                    .squared_weights = done.squared_weights};
  }
  /// All parts, or the quantised ones.
  Part total(bool quantized_only) const {
    Part sum{.name = "all", .format = formats.blocks};
    for (const Part& part : parts) {
      if (part.quantized() || !quantized_only) sum += part;
    }
    return sum;
  }
};

std::string format_name(const QuantizeReport& report, const Part& part) {
  return part.quantized() ? to_string(part.format) : report.dtype;
}

std::string to_text(const QuantizeReport& report) {
  const auto megabytes = [](std::int64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::ostringstream out;
  out << std::fixed << std::left << std::setw(17) << "part" << std::right << std::setw(12) << "weights"
      << "  " << std::left << std::setw(9) << "format" << std::right << std::setw(10) << "MB" << std::setw(16)
      << "bytes a weight" << std::setw(16) << "relative error" << '\n';
  const auto row = [&](const Part& part, const std::string& format) {
    out << std::left << std::setw(17) << part.name << std::right << std::setw(12) << part.values << "  "
        << std::left << std::setw(9) << format << std::right << std::setw(10) << std::setprecision(3)
        << megabytes(part.bytes_after) << std::setw(16) << std::setprecision(3) << part.bytes_a_weight();
    if (part.squared_weights > 0) {
      out << std::setw(15) << std::setprecision(2) << 100 * part.relative_error() << '%';
    }
    out << '\n';
  };
  for (const Part& part : report.parts) {
    if (part.values > 0) row(part, format_name(report, part));
  }
  const Part all = report.total(false);
  row(all, "");
  out << std::setprecision(1) << report.output << ": " << megabytes(all.bytes_before) << " MB became "
      << megabytes(all.bytes_after) << " MB\n";
  return out.str();
}

io::Json to_json(const QuantizeReport& report) {
  const auto row = [](const Part& part) {
    io::Json json = {{"weights", part.values},
                     {"bytes_before", part.bytes_before},
                     {"bytes_after", part.bytes_after},
                     {"bytes_a_weight", part.bytes_a_weight()}};
    if (part.squared_weights > 0) json["relative_error"] = part.relative_error();
    return json;
  };
  io::Json json = row(report.total(false));
  json["output"] = report.output;
  json["format"] = to_string(report.formats);
  json["parts"] = io::Json::array();
  for (const Part& part : report.parts) {
    if (part.values == 0) continue;
    io::Json one = row(part);
    one["part"] = part.name;
    one["format"] = format_name(report, part);
    json["parts"].push_back(one);
  }
  return json;
}

// "model/" and "int8:64" make "model-int8-64".
fs::path default_output(const std::string& dir, std::string format) {
  fs::path path = fs::path(dir).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (path.empty() || path.filename() == "." || path.filename() == "..") {
    throw UsageError("'" + dir + "' gives the new directory no name; use --output");
  }
  for (char& c : format) c = c == ':' || c == '/' ? '-' : c;
  return path += "-" + format;
}

// The source's configuration, with all that others read there, and how the weights are packed.
std::string quantized_config(const fs::path& source, const DecoderConfig& config,
                             const WeightFormats& formats) {
  io::Json json = io::read_json(source / "config.json");
  const std::string own = decoder_config_to_json(config, DType::f32, formats);
  json["quantization_config"] = io::parse_json(own, "config.json").at("quantization_config");
  return json.dump(2) + "\n";
}

int run_quantize(const QuantizeOptions& options, const Console& console) {
  const fs::path source = options.dir;
  const WeightFormats formats = WeightFormats::parse(options.format);
  if (!fs::is_directory(source)) fail(ErrorCode::not_found, options.dir, ": is not a directory");
  const fs::path output =
      options.output.empty() ? default_output(options.dir, to_string(formats)) : fs::path(options.output);
  check_output(source, output, options.force);
  const DecoderConfig config = read_config(source);
  if (const WeightFormats own = read_weight_formats(source); own.quantized()) {
    fail(ErrorCode::invalid_argument, options.dir, ": the weights are ", to_string(own),
         " already; quantise the checkpoint that they were made from");
  }

  QuantizeReport report{.output = output.string(), .formats = formats, .dtype = {}};
  const Weights weights =
      Weights::open(source, Device::cpu, std::nullopt, console.progress("quantising tensors"));
  const std::map<std::string, Tensor> tensors =
      quantize(config, weights, formats, [&](const QuantizedTensor& done) { report.add(done); });
  for (const TensorSpec& spec : tensor_specs(config)) {
    if (spec.role == TensorRole::norm) report.dtype = to_string(tensors.at(spec.name).dtype());
  }

  // config.json comes last: a directory without it is recognised as unfinished.
  io::make_directories(output);
  fs::remove(output / "config.json");
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (is_untrained(source)) {
    metadata[untrained_key] =
        io::SafetensorsFile::open(source / "model.safetensors").metadata().at(untrained_key);
  }
  io::save_safetensors(output / "model.safetensors", tensors, metadata);
  copy_companions(source, output);
  io::write_file(output / "config.json", quantized_config(source, config, formats));

  Output out("-");
  out.write(options.json ? to_json(report).dump(2, ' ', false, io::Json::error_handler_t::replace) + "\n"
                         : to_text(report));
  out.commit();
  return 0;
}

}  // namespace

void add_quantize(CLI::App& app, Session& session) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* command =
      app.add_subcommand("quantize", "Write a checkpoint with weights of 8 or 4 bits, smaller and faster");
  command->add_option("DIR", options->dir, "A checkpoint directory in the Hugging Face layout")
      ->type_name("DIR")
      ->required();
  command
      ->add_option(
          "--to", options->format,
          "int8, int8:G, int4:G with a group G of 32, 64 or 128; int4 is int4:32; after a slash, that of "
          "embedding and head, which are int8 in an int4 model otherwise")
      ->check([](const std::string& text) { return check_format(text, /*quantized_only=*/true); })
      ->type_name("FORMAT")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "The directory to make; without it DIR-FORMAT beside the checkpoint")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Write the report as one JSON object");
  command->add_flag("--force", options->force,
                    "Replace files of the same names in a directory that is not empty");
  command->footer(
      "Examples:\n"
      "  adlib quantize model --to int8\n"
      "  adlib quantize model --to int4:64 --output small --json\n"
      "  adlib generate model-int8 'Once upon a time'\n\n"
      "The weights of the matrix products become integers with one scale for each group of G inputs of an\n"
      "output, or (int8 alone) for all of them. With int4 the embedding and the output head become int8; "
      "norms,\n"
      "biases and positions stay as they are. Tokenizer and settings are copied: the new directory is "
      "whole.\n"
      "The report tells bytes a weight with their scales, and the error: the root mean square of what a "
      "weight\n"
      "is off, by that of the weights. adlib reads the directory, transformers does not (docs/models.md). "
      "The\n"
      "same is done while loading by --weights of the other commands, which leaves the files as they are.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_quantize(*options, session.console); };
  });
}

}  // namespace adlib::cli
