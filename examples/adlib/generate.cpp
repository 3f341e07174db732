// adlib generate: continue prompts with a model.
#include <iomanip>
#include <iterator>
#include <sstream>
#include <vector>

#include "adlib/generate/generator.h"
#include "adlib/io/json.h"
#include "app.h"
#include "copywriter/shop/json_line.h"
#include "engine_flags.h"
#include "generation_flags.h"
#include "request.h"
#include "request_lines.h"

namespace adlib::cli {
namespace {

struct GenerateOptions {
  std::string model;
  std::vector<std::string> words;
  std::string input;
  std::string output;
  bool json_lines = false, unordered = false, resume = false;
  LoadFlags load;
  GenerationFlags generation;
  EngineFlags engine;
};

std::string report(const Result& result) {
  std::int64_t generated = 0;
  for (const Completion& completion : result.completions) generated += std::ssize(completion.ids);
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << result.prompt_tokens << " prompt tokens in "
      << result.prefill_seconds << " s, " << generated << " tokens in " << result.decode_seconds << " s";
  if (result.decode_seconds > 0) {
    out << " (" << std::setprecision(1) << static_cast<double>(generated) / result.decode_seconds
        << " tokens/s)";
  }
  return out.str();
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
  console.note(report(result));
}

bool is_json_lines(const GenerateOptions& options) {
  return options.json_lines || options.input.ends_with(".jsonl") || options.input.ends_with(".ndjson");
}

int run_generate(const GenerateOptions& options, const Console& console) {
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

  const bool to_stdout = options.output.empty() || options.output == "-";
  if (options.resume && (options.input == "-" || !from_input || !json_lines || to_stdout))
    throw UsageError("--resume needs --input FILE.jsonl and --output FILE, to go on with");
  if (options.unordered && !(from_input && json_lines))
    throw UsageError("--unordered is for many requests: it needs --input with JSON Lines");

  const Generator generator = Generator::from_directory(options.model, load_options(options.load, console));
  if (is_untrained(options.model)) console.warn(options.model + " holds untrained weights: they write noise");
  const GenerationConfig config = apply(options.generation, generator.defaults(), generator.tokenizer());
  if (from_input && json_lines) {
    return answer_lines(generator, config,
                        {.input = options.input,
                         .output = options.output,
                         .model = model_name(options.model),
                         .unordered = options.unordered,
                         .resume = options.resume,
                         .seed = options.generation.seed,
                         .engine = options.engine},
                        console);
  }
  if (json_lines || config.do_sample || options.generation.seed) {
    console.note("seed " + std::to_string(config.seed));
  }
  if (from_input) {
    with_input(options.input, [&](std::istream& in, const std::string&) {
      prompt.assign(std::istreambuf_iterator<char>(in), {});
    });
  }
  Output output(options.output);
  if (json_lines) {
    const Result result = generator.generate(prompt, config);
    output.write(copywriter::to_line(response({io::Json(), prompt, config}, result, generator.tokenizer())));
    console.note(report(result));
  } else {
    generate_text(generator, prompt, config, output, console);
  }
  output.commit();
  return 0;
}

}  // namespace

void add_generate(CLI::App& app, Session& session) {
  auto options = std::make_shared<GenerateOptions>();
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
  command
      ->add_flag("--unordered", options->unordered,
                 "Answer requests as they are ready, not in their order; \"line\" tells which is which")
      ->group("Many texts");
  command->add_flag("--resume", options->resume, "Go on with what an interrupted run left beside --output")
      ->group("Many texts");
  add_engine_flags(*command, options->engine);
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
      "\"usage\", \"seed\", \"timings\"}, of a file or pipe also \"line\" and \"model\". A request that "
      "cannot "
      "be answered, such\n"
      "as a prompt that is too long, gets {\"line\", \"error\"}, is told at the end, and makes the exit code "
      "1.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_generate(*options, session.console); };
  });
}

}  // namespace adlib::cli
