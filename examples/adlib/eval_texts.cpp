#include "eval_texts.h"

#include <algorithm>
#include <numeric>

#include "adlib/core/error.h"
#include "adlib/core/random.h"
#include "adlib/eval/bleu.h"
#include "adlib/eval/chrf.h"
#include "adlib/eval/diversity.h"
#include "adlib/eval/facts.h"
#include "adlib/eval/rouge.h"
#include "app.h"

namespace adlib::cli {
namespace {

using eval::Language;
using eval::Tokens;

EvalRecord parse_record(const io::JsonFields& line, const std::string& field,
                        const std::vector<std::string>& fields) {
  EvalRecord record;
  record.where = line.where();
  std::string name = field;
  if (name.empty()) {
    const auto first = std::find_if(fields.begin(), fields.end(), [&](const std::string& candidate) {
      return line.has(candidate.c_str());
    });
    if (first == fields.end()) {
      fail(ErrorCode::bad_format, line.where(), ": neither field '", fields[0], "' nor '", fields[1],
           "' is there; name the field that holds the text");
    }
    name = *first;
  }
  record.text = line.string(name.c_str());
  record.completion = name == "completion";
  if (line.has("prompt")) record.prompt = line.string("prompt");
  if (!line.has("attributes")) return record;
  const io::JsonFields attributes(line.at("attributes"), line.where() + ": attributes");
  for (const auto& [key, value] : attributes.object().items()) {
    const io::Json list = value.is_array() ? value : io::Json::array({value});
    for (const io::Json& item : list) {
      if (!item.is_string() && !item.is_number()) {
        fail(ErrorCode::bad_format, attributes.where(), ": the value of '", key, "' is ", item.type_name(),
             ", expected a string, a number, or a list of them");
      }
      record.values.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    }
  }
  return record;
}

// One side of a comparison in every form that the measures ask for.
struct Side {
  std::vector<std::string> texts;
  std::vector<Language> languages;
  std::vector<Tokens> bleu, characters, words, units;
};

Side make_side(const std::vector<EvalRecord>& records, const std::vector<Language>& languages) {
  Side side;
  side.languages = languages;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string& text = records[i].text;
    side.texts.push_back(text);
    side.bleu.push_back(eval::bleu_tokens(text, languages[i]));
    side.characters.push_back(eval::characters(text));
    side.words.push_back(languages[i] == Language::zh ? eval::words(text, Language::zh)
                                                      : eval::words(eval::to_lower(text), Language::en));
    side.units.push_back(languages[i] == Language::zh ? side.characters.back() : side.words.back());
  }
  return side;
}

std::vector<Figure> diversity(const Side& side, std::int64_t cut) {
  const auto characters = static_cast<double>(eval::count_characters(side.texts));
  const auto chinese = std::count(side.languages.begin(), side.languages.end(), Language::zh);
  const eval::Repetition repetition = eval::repeated_ngrams(side.units, 4);
  const auto count = static_cast<double>(side.texts.size());
  std::vector<Figure> out = {
      {"count", "texts", count, 0},
      {"chinese", "of them Chinese", static_cast<double>(chinese), 0},
      {"characters", "characters by text", characters / count, 1},
      {"distinct_1_characters", "distinct-1 by character", eval::distinct_ngrams(side.characters, 1).ratio(),
       4},
      {"distinct_2_characters", "distinct-2 by character", eval::distinct_ngrams(side.characters, 2).ratio(),
       4},
      {"distinct_1_words", "distinct-1 by word", eval::distinct_ngrams(side.words, 1).ratio(), 4},
      {"distinct_2_words", "distinct-2 by word", eval::distinct_ngrams(side.words, 2).ratio(), 4},
      {"repeated_4_texts", "share of texts that repeat a 4-gram", repetition.texts, 4},
      {"repeated_4_rate", "rate of repeated 4-grams", repetition.rate, 4}};
  if (side.bleu.size() >= 2) out.push_back({"self_bleu", "self-BLEU-4", eval::self_bleu(side.bleu), 2});
  if (cut > 0) {
    std::vector<Tokens> shorter;
    const std::vector<std::string> texts = eval::cut_to_characters(side.texts, cut);
    for (const std::string& text : texts) shorter.push_back(eval::characters(text));
    out.push_back({"cut_characters", "characters in all, after a cut to one length",
                   static_cast<double>(eval::count_characters(texts)), 0});
    out.push_back({"distinct_2_cut", "distinct-2 by character after that cut",
                   eval::distinct_ngrams(shorter, 2).ratio(), 4});
  }
  return out;
}

ReportSection overlap(const Side& texts, const Side& references) {
  // English by rouge_score's tokens; Chinese, of which those leave nothing, by character and by word.
  std::vector<Tokens> text_units = texts.characters, reference_units = references.characters;
  std::vector<Tokens> text_words = texts.words, reference_words = references.words;
  bool any_chinese = false;
  for (std::size_t i = 0; i < texts.texts.size(); ++i) {
    if (texts.languages[i] == Language::zh) {
      any_chinese = true;
      continue;
    }
    text_units[i] = text_words[i] = eval::rouge_tokens(texts.texts[i]);
    reference_units[i] = reference_words[i] = eval::rouge_tokens(references.texts[i]);
  }
  const auto add_rouge = [](ReportSection& section, const eval::Rouge& rouge, const std::string& suffix,
                            const std::string& label) {
    section.figures.push_back({"rouge_1" + suffix, "ROUGE-1" + label, 100 * rouge.rouge_1, 2});
    section.figures.push_back({"rouge_2" + suffix, "ROUGE-2" + label, 100 * rouge.rouge_2, 2});
    section.figures.push_back({"rouge_l" + suffix, "ROUGE-L" + label, 100 * rouge.rouge_l, 2});
  };
  const eval::Bleu bleu = eval::corpus_bleu(texts.bleu, references.bleu);
  ReportSection section{"overlap",
                        "Overlap with the references (0-100)",
                        {{"bleu", "BLEU-4", bleu.score, 2},
                         {"brevity_penalty", "brevity penalty", bleu.brevity_penalty, 4},
                         {"chrf", "chrF2", eval::corpus_chrf(texts.texts, references.texts), 2}}};
  add_rouge(section, eval::mean_rouge(text_units, reference_units), "", any_chinese ? " by character" : "");
  if (any_chinese) add_rouge(section, eval::mean_rouge(text_words, reference_words), "_words", " by word");
  return section;
}

// What the texts keep and add, for the lines whose input is known.
void add_facts(Report& report, const std::vector<EvalRecord>& texts,
               const std::vector<EvalRecord>& references) {
  eval::ValueLexicon lexicon;
  for (const auto* records : {&texts, &references}) {
    for (const EvalRecord& record : *records) {
      for (const std::string& value : record.values) lexicon.add(value);
    }
  }
  eval::Coverage coverage;
  double known = 0, numbers = 0, with_numbers = 0, with_attributes = 0, values = 0, with_values = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EvalRecord input = texts[i];
    if (!references.empty()) {
      if (!input.prompt) input.prompt = references[i].prompt;
      if (input.values.empty()) input.values = references[i].values;
    }
    if (!input.prompt && input.values.empty()) continue;
    ++known;
    const eval::Coverage own = eval::attribute_coverage(input.text, input.values);
    coverage.found += own.found;
    coverage.total += own.total;
    std::string all = input.prompt.value_or("");
    for (const std::string& value : input.values) all += "\n" + value;
    const auto invented = eval::invented_numbers(input.text, all).size();
    numbers += static_cast<double>(invented);
    with_numbers += invented > 0 ? 1 : 0;
    if (input.values.empty()) continue;
    ++with_attributes;
    const auto foreign = lexicon.invented(input.text, all).size();
    values += static_cast<double>(foreign);
    with_values += foreign > 0 ? 1 : 0;
  }
  if (known == 0) return;
  ReportSection section{"facts", "Facts", {{"count", "texts whose input is known", known, 0}}};
  if (coverage.total > 0) {
    section.figures.push_back(
        {"attribute_coverage", "attribute values found in the text", coverage.share(), 4});
  }
  section.figures.push_back(
      {"invented_number_texts", "share of texts with an invented number", with_numbers / known, 4});
  section.figures.push_back({"invented_numbers", "invented numbers by text", numbers / known, 4});
  if (with_attributes > 0) {
    section.figures.push_back({"invented_value_texts", "share of texts with an attribute value of others",
                               with_values / with_attributes, 4});
    section.figures.push_back(
        {"invented_values", "attribute values of others by text", values / with_attributes, 4});
  }
  report.sections.push_back(std::move(section));
}

}  // namespace

std::vector<EvalRecord> read_records(const std::string& path, const std::string& field,
                                     const std::vector<std::string>& fields) {
  std::vector<EvalRecord> records;
  with_input(path, [&](std::istream& in, const std::string& where) {
    io::for_each_json_line(in, where, [&](io::Json&& object, std::int64_t number) {
      records.push_back(parse_record({object, where + ":" + std::to_string(number)}, field, fields));
    });
    if (records.empty()) fail(ErrorCode::bad_format, where, ": holds no line");
  });
  return records;
}

std::vector<std::size_t> draw_sample(std::size_t size, std::size_t count, std::uint64_t seed) {
  const Philox random(seed);
  std::vector<std::size_t> indices(size);
  std::iota(indices.begin(), indices.end(), 0);
  if (count >= size) return indices;
  std::sort(indices.begin(), indices.end(), [&](std::size_t a, std::size_t b) {
    const Philox::Block x = random.block(a), y = random.block(b);
    return x != y ? x < y : a < b;
  });
  indices.resize(count);
  std::sort(indices.begin(), indices.end());
  return indices;
}

void add_text_sections(Report& report, const std::vector<EvalRecord>& texts,
                       const std::vector<EvalRecord>& references, const std::string& language,
                       std::int64_t cut) {
  std::vector<Language> languages;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string& sample = references.empty() ? texts[i].text : references[i].text;
    languages.push_back(language == "auto" ? eval::detect_language(sample)
                                           : (language == "zh" ? Language::zh : Language::en));
  }
  const Side side = make_side(texts, languages);
  ReportSection section{"texts", "Texts", {}};
  if (references.empty()) {
    section.figures = diversity(side, cut);
    report.sections.push_back(std::move(section));
  } else {
    const Side other = make_side(references, languages);
    if (cut == 0) cut = std::min(eval::count_characters(side.texts), eval::count_characters(other.texts));
    section.figures = diversity(side, cut);
    const std::vector<Figure> of_references = diversity(other, cut);
    for (std::size_t i = 0; i < section.figures.size(); ++i) {
      section.figures[i].reference = of_references[i].value;
    }
    report.sections.push_back(std::move(section));
    report.sections.push_back(overlap(side, other));
  }
  add_facts(report, texts, references);
}

}  // namespace adlib::cli
