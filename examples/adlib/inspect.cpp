// adlib inspect: what a checkpoint directory holds, and what is wrong with it.
#include <iomanip>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "adlib/generate/config.h"
#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "adlib/tokenizer/tokenizer.h"
#include "app.h"

namespace adlib::cli {
namespace {

struct InspectOptions {
  std::string dir;
  bool json = false;
};

// What is stored in one way: numbers of a dtype, or codes with their scales.
struct StoredTotal {
  std::int64_t tensors = 0;
  std::int64_t values = 0;
  std::int64_t bytes = 0;
};

struct InspectReport {
  std::optional<DecoderConfig> config;
  bool untrained = false;
  WeightFormats formats;                      // that config.json names
  std::map<std::string, StoredTotal> dtypes;  // by dtype, or format of codes
  std::string tokenizer_kind;
  std::int64_t vocabulary = 0;
  std::vector<std::string> extras;  // known to hold nothing
  std::vector<std::string> unexpected;
  std::vector<std::string> missing;
  std::map<std::string, std::int64_t> non_finite;  // tensor -> how many
  std::vector<std::string> problems;
};

// The names that a checkpoint of this family, depth and format has.
std::set<std::string> expected_names(const DecoderConfig& config, const WeightFormats& formats) {
  std::set<std::string> names;
  for (const TensorSpec& spec : tensor_specs(config)) {
    names.insert(spec.name);
    if (format_of(spec.role, formats) != ops::WeightFormat{}) names.insert(spec.name + "_scale");
  }
  return names;
}

// What a tensor of a quantised checkpoint stands for: codes for all the values, scales for none.
struct Packed {
  std::string format;
  std::int64_t values = 0;
};
std::map<std::string, Packed> packed_tensors(const DecoderConfig& config, const WeightFormats& formats) {
  std::map<std::string, Packed> out;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const ops::WeightFormat own = format_of(spec.role, formats);
    if (own == ops::WeightFormat{}) continue;
    out[spec.name] = {to_string(own), spec.shape.numel()};
    out[spec.name + "_scale"] = {to_string(own), 0};
  }
  return out;
}

void compare_names(const Weights& weights, const DecoderConfig& config, InspectReport& report) {
  const std::string root = names_of(config.family).root + ".";
  std::set<std::string> there;
  for (const std::string& name : weights.names()) {
    if (is_known_extra(config, name)) {
      report.extras.push_back(name);
      continue;
    }
    // Hub checkpoints of GPT-2 come without the root prefix: compare both spellings as one.
    const bool prefixed = name.starts_with(root) || name.starts_with(names_of(config.family).head + ".");
    there.insert(prefixed ? name : root + name);
  }
  const std::set<std::string> expected = expected_names(config, report.formats);
  for (const std::string& name : expected) {
    if (!there.contains(name)) report.missing.push_back(name);
  }
  for (const std::string& name : there) {
    if (!expected.contains(name)) report.unexpected.push_back(name);
  }
}

// Runs one check; what it throws becomes a problem of the report.
template <class Check>
void attempt(InspectReport& report, const Check& check) {
  try {
    check();
  } catch (const Error& error) {
    report.problems.emplace_back(error.what());
  }
}

void inspect_weights(const std::filesystem::path& dir, const Console& console, InspectReport& report) {
  const Weights weights = Weights::open(dir, Device::cpu, std::nullopt, console.progress("reading tensors"));
  const std::map<std::string, Packed> stored =
      report.config ? packed_tensors(*report.config, report.formats) : std::map<std::string, Packed>{};
  for (const std::string& name : weights.names()) {
    attempt(report, [&] {
      const Tensor tensor = weights.take(name, weights.shape_of(name)).contiguous();
      const auto known = stored.find(name);
      const bool is_packed = known != stored.end();
      const std::int64_t values = is_packed ? known->second.values : tensor.numel();
      StoredTotal& total =
          report.dtypes[is_packed ? known->second.format : std::string(to_string(tensor.dtype()))];
      total.tensors += values > 0 ? 1 : 0;  // scales belong to their tensor
      total.values += values;
      total.bytes += tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
      if (const std::int64_t count = io::count_non_finite(tensor); count > 0) report.non_finite[name] = count;
    });
  }
  if (!report.config) return;
  compare_names(weights, *report.config, report);
  // With every name in its place, shapes are the constructor's to check.
  if (report.missing.empty() && report.unexpected.empty()) {
    attempt(report, [&] { load_decoder(dir); });
  }
}

InspectReport inspect(const std::filesystem::path& dir, const Console& console) {
  if (!std::filesystem::is_directory(dir)) fail(ErrorCode::not_found, dir.string(), ": is not a directory");
  InspectReport report;
  attempt(report, [&] {
    report.config = read_config(dir);
    report.formats = read_weight_formats(dir);
  });
  attempt(report, [&] {
    const GenerationConfig config = read_generation_config(dir);
    try {
      validate(config);
    } catch (const Error& error) {
      fail(error.code(), (dir / "generation_config.json").string(), ": ", error.what());
    }
  });
  attempt(report, [&] {
    const auto tokenizer = Tokenizer::from_directory(dir);
    report.tokenizer_kind = tokenizer->kind();
    report.vocabulary = tokenizer->vocab_size();
    if (report.config && report.vocabulary > report.config->vocab_size) {
      fail(ErrorCode::bad_format, "the tokenizer has ", report.vocabulary, " ids, the model only ",
           report.config->vocab_size, " (config.json: vocab_size)");
    }
  });
  attempt(report, [&] { inspect_weights(dir, console, report); });
  attempt(report, [&] { report.untrained = is_untrained(dir); });
  for (const std::string& name : report.missing)
    report.problems.push_back("tensor '" + name + "' is missing");
  for (const std::string& name : report.unexpected)
    report.problems.push_back("tensor '" + name + "' is none of this family's");
  for (const auto& [name, count] : report.non_finite) {
    report.problems.push_back("tensor '" + name + "' holds " + std::to_string(count) +
                              " values that are NaN or infinite");
  }
  return report;
}

io::Json to_json(const InspectReport& report) {
  io::Json json = {{"untrained", report.untrained},   {"known_extras", report.extras},
                   {"missing", report.missing},       {"unexpected", report.unexpected},
                   {"non_finite", report.non_finite}, {"problems", report.problems}};
  if (report.config) {
    const DecoderConfig& c = *report.config;
    json["family"] = to_string(c.family);
    json["parameters"] = parameter_count(c);
    json["format"] = to_string(report.formats);
    json["config"] = {
        {"layers", c.layers},     {"width", c.width},           {"heads", c.heads},
        {"kv_heads", c.kv_heads}, {"head_dim", c.head_dim},     {"mlp_width", c.mlp_width},
        {"context", c.context},   {"vocab_size", c.vocab_size}, {"tied_embeddings", c.tied_embeddings}};
  }
  json["dtypes"] = io::Json::object();
  for (const auto& [name, total] : report.dtypes) {
    json["dtypes"][name] = {{"tensors", total.tensors}, {"values", total.values}, {"bytes", total.bytes}};
  }
  if (!report.tokenizer_kind.empty()) {
    json["tokenizer"] = {{"kind", report.tokenizer_kind}, {"vocabulary", report.vocabulary}};
  }
  return json;
}

std::string to_text(const std::string& dir, const InspectReport& report) {
  std::ostringstream out;
  const auto label = [&](const char* name) -> std::ostream& {
    return out << std::left << std::setw(13) << name;
  };
  label("directory") << dir << '\n';
  if (report.config) {
    const DecoderConfig& c = *report.config;
    label("family") << to_string(c.family)
                    << (report.untrained ? ", untrained (random weights of adlib init)" : "") << '\n';
    label("parameters") << parameter_count(c) << '\n';
    if (report.formats.quantized()) {
      std::int64_t bytes = 0;
      for (const auto& [name, total] : report.dtypes) bytes += total.bytes;
      label("quantised") << to_string(report.formats.blocks) << ", embedding and head "
                         << to_string(report.formats.head) << ": " << std::fixed << std::setprecision(3)
                         << static_cast<double>(bytes) / static_cast<double>(parameter_count(c))
                         << " bytes a parameter\n";
    }
    label("shape") << c.layers << " layers of width " << c.width << ", " << c.heads << " heads ("
                   << c.kv_heads << " for keys and values) of " << c.head_dim << ", MLP " << c.mlp_width
                   << '\n';
    label("context") << c.context << " tokens\n";
    label("vocabulary") << c.vocab_size
                        << (c.tied_embeddings ? ", head tied to the embedding" : ", own output head") << '\n';
  }
  if (!report.tokenizer_kind.empty()) {
    label("tokenizer") << report.tokenizer_kind << ", " << report.vocabulary << " ids\n";
  }
  for (const auto& [name, total] : report.dtypes) {
    label("weights") << name << ": " << total.tensors << " tensors, " << total.values << " values, "
                     << std::fixed << std::setprecision(1) << static_cast<double>(total.bytes) / 1e6
                     << " MB\n";
  }
  for (const std::string& name : report.extras) label("ignored") << name << " (holds nothing to load)\n";
  for (const std::string& problem : report.problems) label("problem") << problem << '\n';
  if (report.problems.empty()) label("problems") << "none\n";
  return out.str();
}

int run_inspect(const InspectOptions& options, const Console& console) {
  const InspectReport report = inspect(options.dir, console);
  Output output("-");
  output.write(options.json ? to_json(report).dump(2, ' ', false, io::Json::error_handler_t::replace) + "\n"
                            : to_text(options.dir, report));
  output.commit();
  return report.problems.empty() ? 0 : 1;
}

}  // namespace

void add_inspect(CLI::App& app, Session& session) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      app.add_subcommand("inspect", "Tell what a checkpoint directory holds and what is wrong with it");
  command->add_option("DIR", options->dir, "A checkpoint directory in the Hugging Face layout")
      ->type_name("DIR")
      ->required();
  command->add_flag("--json", options->json, "Write one JSON object");
  command->footer(
      "Examples:\n"
      "  adlib inspect model\n"
      "  adlib inspect model --json\n\n"
      "Reads every weight: reports missing, unexpected and misshapen tensors, values that are NaN or "
      "infinite,\n"
      "settings of config.json that cannot be honoured, and a tokenizer with more ids than the model. "
      "Tensors that\n"
      "real checkpoints carry and that hold nothing (attention masks, rotary tables, a tied head's copy) are "
      "listed\n"
      "as ignored. Exit status 1 when there is a problem.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_inspect(*options, session.console); };
  });
}

}  // namespace adlib::cli
