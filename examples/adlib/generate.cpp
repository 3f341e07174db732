// adlib generate: continue prompts with a model.
#include <chrono>
#include <iomanip>
#include <iterator>
#include <sstream>
#include <vector>

#include "adlib/generate/generator.h"
#include "adlib/io/json.h"
#include "app.h"
#include "generation_flags.h"
#include "request.h"

namespace adlib::cli {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> words;
  std::string input;
  std::string output;
  bool json_lines = false;
  LoadFlags load;
  GenerationFlags generation;
};

std::string report(std::int64_t prompt_tokens, std::int64_t generated, double prefill, double decode) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << prompt_tokens << " prompt tokens in " << prefill << " s, "
      << generated << " tokens in " << decode << " s";
  if (decode > 0)
    out << " (" << std::setprecision(1) << static_cast<double>(generated) / decode << " tokens/s)";
  return out.str();
}

std::int64_t count_generated(const Result& result) {
  std::int64_t total = 0;
  for (const Completion& completion : result.completions)
    total += static_cast<std::int64_t>(completion.ids.size());
  return total;
}

// The text as it comes; several texts one after another, each on its own line.
void generate_text(const Generator& generator, const std::string& prompt, const GenerationConfig& config,
                   Output& output, const Console& console) {
  const bool stream = config.num_return_sequences == 1;
  const Result result = generator.generate(prompt, config, [&](std::string_view piece) {
    if (stream) {
      output.write(piece);
      output.flush();
    }
    return true;
  });
  if (stream) {
    output.write("\n");
  } else {
    for (const Completion& completion : result.completions) output.write(completion.text + "\n");
  }
  console.note(
      report(result.prompt_tokens, count_generated(result), result.prefill_seconds, result.decode_seconds));
}

class JsonLinesRun {
 public:
  JsonLinesRun(const Generator& generator, Output& output, const Console& console)
      : generator_(generator), output_(output), console_(console) {}

  void answer(const Request& request, const std::string& where) {
    Result result;
    try {
      result = generator_.generate(request.prompt, request.config);
    } catch (const Error& error) {
      fail(error.code(), where, ": ", error.what());
    }
    output_.write(response_line(request, result, generator_.tokenizer()) + "\n");
    output_.flush();
    ++requests_;
    prompt_tokens_ += result.prompt_tokens;
    generated_ += count_generated(result);
    prefill_ += result.prefill_seconds;
    decode_ += result.decode_seconds;
  }
  void finish() const {
    console_.note(std::to_string(requests_) + (requests_ == 1 ? " request: " : " requests: ") +
                  report(prompt_tokens_, generated_, prefill_, decode_));
  }

 private:
  const Generator& generator_;
  Output& output_;
  const Console& console_;
  std::int64_t requests_ = 0, prompt_tokens_ = 0, generated_ = 0;
  double prefill_ = 0, decode_ = 0;
};

void answer_lines(const Options& options, const Generator& generator, const GenerationConfig& base,
                  Output& output, const Console& console) {
  JsonLinesRun run(generator, output, console);
  with_input(options.input, [&](std::istream& in, const std::string& where) {
    // A file is checked whole before the first answer; a pipe is answered line by line, as it comes.
    std::vector<std::pair<Request, std::string>> requests;
    std::uint64_t number = 0;
    io::for_each_json_line(in, where, [&](io::Json&& object, std::int64_t line) {
      GenerationConfig config = base;
      config.seed +=
          number++;  // equal prompts in one file get different texts; each line's seed repeats it alone
      const std::string place = where + ":" + std::to_string(line);
      Request request = parse_request(object, place, config, generator.tokenizer());
      if (options.input == "-") {
        run.answer(request, place);
      } else {
        requests.emplace_back(std::move(request), place);
      }
    });
    for (const auto& [request, place] : requests) run.answer(request, place);
  });
  run.finish();
}

bool is_json_lines(const Options& options) {
  return options.json_lines || options.input.ends_with(".jsonl") || options.input.ends_with(".ndjson");
}

int run(const Options& options, const Console& console) {
  std::string prompt;
  for (const std::string& word : options.words) prompt += (prompt.empty() ? "" : " ") + word;
  const bool from_input = !options.input.empty();
  if (from_input && !prompt.empty()) throw UsageError("a prompt and --input exclude each other");
  if (!from_input && prompt.empty())
    throw UsageError("there is no prompt: give it as text, as --input FILE, or as --input - for stdin");
  const bool json_lines = is_json_lines(options);
  if (options.generation.top_logprobs && !json_lines)
    throw UsageError("--top-logprobs needs --jsonl, which has a place for them");
  check(options.generation);

  const Generator generator = Generator::from_directory(options.model, load_options(options.load, console));
  if (is_untrained(options.model)) console.warn(options.model + " holds untrained weights: they write noise");
  const GenerationConfig config = apply(options.generation, generator.defaults(), generator.tokenizer());
  if (json_lines || config.do_sample || options.generation.seed) {
    console.note("seed " + std::to_string(config.seed));
  }
  Output output(options.output);
  if (from_input && json_lines) {
    answer_lines(options, generator, config, output, console);
  } else {
    if (from_input) {
      with_input(options.input, [&](std::istream& in, const std::string&) {
        prompt.assign(std::istreambuf_iterator<char>(in), {});
      });
    }
    if (json_lines) {
      JsonLinesRun lines(generator, output, console);
      lines.answer({io::Json(), prompt, config}, "prompt");
      lines.finish();
    } else {
      generate_text(generator, prompt, config, output, console);
    }
  }
  output.commit();
  return 0;
}

}  // namespace

void add_generate(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("generate", "Continue prompts with a model");
  command->add_option("MODEL_DIR", options->model, "A checkpoint directory in the Hugging Face layout")
      ->type_name("DIR")
      ->required();
  command->add_option("PROMPT", options->words, "The text to continue; several words are joined by spaces")
      ->type_name("TEXT");
  command
      ->add_option("-i,--input", options->input,
                   "Read the prompt from a file, '-' is stdin; *.jsonl holds a request a line")
      ->type_name("FILE")
      ->group("Input and output");
  command->add_option("-o,--output", options->output, "Write to a file, which appears when all is done")
      ->type_name("FILE")
      ->group("Input and output");
  command->add_flag("--jsonl", options->json_lines, "JSON Lines out, and in when --input is given")
      ->group("Input and output");
  add_load_flags(*command, options->load);
  add_generation_flags(*command, options->generation, "without it one is drawn and printed");
  command
      ->add_option("--top-logprobs", options->generation.top_logprobs,
                   "With --jsonl: report log-probabilities, with the n likeliest alternatives")
      ->group("Report");
  command->footer(
      "Examples:\n"
      "  adlib generate model 'Once upon a time' --max-new-tokens 40\n"
      "  adlib generate model 'Dear customer,' --temperature 0.8 --top-p 0.95 --seed 7\n"
      "  adlib generate model --input requests.jsonl --output answers.jsonl\n"
      "  echo '{\"id\": 1, \"prompt\": \"Hello\", \"max_tokens\": 8}' | adlib generate model --input - "
      "--jsonl\n\n"
      "A request is a JSON object: prompt, optionally id (passed through), and any option above under its "
      "Hugging Face\n"
      "name (max_new_tokens, stop_strings, num_return_sequences, top_logprobs, ...) or OpenAI's (max_tokens, "
      "stop, n,\n"
      "logprobs). An unknown field is an error that names file and line. Without a seed of its own, request "
      "number i\n"
      "uses --seed plus i. The answer: {\"id\", \"prompt\", \"choices\": [{\"index\", \"text\", "
      "\"finish_reason\"}],\n"
      "\"usage\", \"seed\", \"timings\"}.");
  command->callback(
      [options, &session] { session.job = [options, &session] { return run(*options, session.console); }; });
}

}  // namespace adlib::cli
