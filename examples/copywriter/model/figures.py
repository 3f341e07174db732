#!/usr/bin/env python3
"""Measures a model for its card: what it writes for (customer, product) pairs that it has not seen.

    figures.py MODEL --corpus corpus.jsonl --work DIR       writes DIR/figures.json and DIR/figures.md
    figures.py --corpus corpus.jsonl --work DIR             the baseline alone: the program that wrote the corpus

Per language 500 pairs: 250 with real products (../shared/data), 170 with invented ones of the categories that were
trained, 80 of categories and kinds of customer that were held out. All customers are made by `adlib-corpus pairs`. A
fifth of the pairs are for each scene. `adlib write` draws the texts by the model's own defaults; nothing is written
again or mended. `adlib eval` measures what it can; the rest is measured here, by the fields of the prompts.

The baseline has the same customers. Its copies are for invented products where the model writes for real ones, since
the program makes its products itself.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import typing

from text_measures import Copy, Share, TrainingText, cut_to, length_of, measure

HERE = os.path.dirname(os.path.abspath(__file__))
LANGUAGES = ("zh", "en")
PAIRS = {"real": 250, "invented": 170, "held-out": 80}
SCENES = ("recommendation", "promotion", "member", "social", "ad")
CURRENCY = {"zh": "CNY", "en": "USD"}
PERSONALISED_PRODUCTS = 20  # of each source


class FiguresError(Exception):
    """Something that is missing or did not work, in words for the reader."""


def note(message):
    print(f"figures: {message}", file=sys.stderr, flush=True)


def run(command):
    """The standard output of a program that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise FiguresError(f"{' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise FiguresError(f"{path}:{number}: {error}") from error


def write_lines(path, records):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return path


def work_path(work, *parts):
    """A path under `work`, in a folder that is there."""
    path = os.path.join(work, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


# --- The programs ---------------------------------------------------------------------------------------------------

class Tools:
    def __init__(self, options):
        self.options = options
        self.adlib = os.path.join(options.bin, "adlib")
        self.human = os.path.join(options.shared, "taodescribe", "train.jsonl")
        self.behaviour = os.path.join(options.shared, "taobao_behavior", "user_behavior.csv")
        self.shopify = [os.path.join(options.shared, "shopify", name)
                        for name in ("apparel.csv", "home-and-garden.csv")]
        self.four = {language: os.path.join(HERE, f"four-customers.{language}.jsonl") for language in LANGUAGES}
        needed = [self.adlib, options.corpus, self.human, self.behaviour, *self.shopify,
                  *self.four.values()]
        if options.model:
            needed.append(os.path.join(options.model, "config.json"))
        missing = [path for path in needed if not os.path.exists(path)]
        if missing:
            raise FiguresError("not found: " + ", ".join(missing) + " (see --bin, --shared, --corpus)")

    def path(self, *parts):
        return work_path(self.options.work, *parts)

    def pairs_of(self, source):
        return min(PAIRS[source], self.options.limit or PAIRS[source])

    def made_pairs(self, language, count, held_out):
        """(products, customers, copies) that the program of the corpus makes, unlike all that is in the corpus."""
        directory = self.path("made", f"{language}-{'held-out' if held_out else 'trained'}", "")
        run([self.adlib, "corpus", "pairs", directory, "--language", language, "--examples", str(count), "--seed", "3",
             "--texts", self.options.texts, "--unlike", self.options.corpus, *(["--held-out"] if held_out else [])])
        products, customers, copies = (list(read_lines(os.path.join(directory, name + ".jsonl")))
                                       for name in ("products", "customers", "corpus-copies"))
        for customer in customers:  # of a person under 18 `adlib write` uses nothing, which is not measured here
            if customer.get("age", 18) < 18:
                customer["age"] = 18
        return products, customers, copies

    def eval_texts(self, texts, language, *more):
        """`adlib eval` of (prompt, text)."""
        path = write_lines(self.path("measured.jsonl"), [{"prompt": prompt, "text": text} for prompt, text in texts])
        return json.loads(run([self.adlib, "eval", "--texts", path, "--language", language, "--format", "json", *more]))

    def eval_human(self, count, *more):
        return json.loads(run([self.adlib, "eval", "--texts", self.human, "--field", "description", "--language", "zh",
                               "--sample", str(count), "--seed", "0", "--format", "json", *more]))["texts"]


class Pairs(typing.NamedTuple):
    """Products and customers, the n-th for the n-th. Products are JSON Lines, or rows of a Shopify export, a list for
    each product, which `adlib write` reads itself."""
    products: list
    customers: list
    shopify: bool = False

    def write(self, tools, name, numbers):
        """Files with the pairs of these numbers."""
        products = [self.products[n] for n in numbers]
        customers = write_lines(tools.path("pairs", name + "-customers.jsonl"), [self.customers[n] for n in numbers])
        if not self.shopify:
            return write_lines(tools.path("pairs", name + "-products.jsonl"), products), customers
        path = tools.path("pairs", name + "-products.csv")
        with open(path, "w", encoding="utf-8", newline="") as file:
            columns = list(dict.fromkeys(column for product in products for row in product for column in row))
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(row for product in products for row in product)
        return path, customers


def real_products(tools, language):
    if language == "zh":
        products = {}
        with open(tools.behaviour, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                products.setdefault(row["商品名称"], {
                    "title": row["商品名称"], "brand": row["品牌"], "category": row["商品类别"], "price": row["售价"],
                    "currency": "CNY"})
        return list(products.values())
    products = {}
    for path in tools.shopify:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                products.setdefault((path, row["Handle"]), []).append(row)
    return list(products.values())


def numbered(product, number):
    """The product under an id of its own, since products come several times."""
    if isinstance(product, dict):
        return {"id": f"real-{number}", **product}
    return [{**row, "Handle": f"{row['Handle']}-{number}"} for row in product]


def make_pairs(tools, language):
    """{source: Pairs}, and the baseline's copies."""
    real, invented = tools.pairs_of("real"), tools.pairs_of("invented")
    products, customers, copies = tools.made_pairs(language, invented + real, held_out=False)
    unseen = tools.made_pairs(language, tools.pairs_of("held-out"), held_out=True)
    shop = real_products(tools, language)
    pairs = {"real": Pairs([numbered(shop[n % len(shop)], n) for n in range(real)], customers[invented:],
                           shopify=language == "en"),
             "invented": Pairs(products[:invented], customers[:invented]),
             "held-out": Pairs(unseen[0], unseen[1])}
    baseline = {"real": copies[invented:], "invented": copies[:invented], "held-out": unseen[2]}
    return pairs, [Copy(language, source, record) for source, records in baseline.items() for record in records]


def write_copies(tools, language, pairs):
    """What the model writes for the pairs."""
    copies = []
    for source, of_source in pairs.items():
        for number, scene in enumerate(SCENES):
            numbers = range(number, len(of_source.products), len(SCENES))
            if not numbers:
                continue
            note(f"{language} {source} {scene}: {len(numbers)} texts")
            name = f"{language}-{source}-{scene}"
            products, customers = of_source.write(tools, name, numbers)
            output = tools.path("copies", name + ".jsonl")
            run([tools.adlib, "write", "--model", tools.options.model, "--products", products, "--customers", customers,
                 "--pairing", "zip", "--language", language, "--scene", scene, "--currency", CURRENCY[language],
                 "--no-guard", "--allow", "age,gender,finance", "--output", output])
            copies += [Copy(language, source, record) for record in read_lines(output)]
    return copies


def personalise(tools, language, pairs):
    """{source or "all": figures} for four customers who differ, greedily."""
    figures = {}
    for source, of_source in pairs.items():
        count = min(PERSONALISED_PRODUCTS, len(of_source.products))
        note(f"{language} {source}: personalisation, {count} products")
        products, _ = of_source.write(tools, f"{language}-{source}-personalised", range(count))
        report = json.loads(run([tools.adlib, "eval", tools.options.model, "--personalisation", "--products", products,
                                 "--customers", tools.four[language], "--language", language, "--currency",
                                 CURRENCY[language], "--format", "json"]))
        figures[source] = report[f"personalisation_{language}_recommendation"]
    all_products = sum(of["products"] for of in figures.values())
    figures["all"] = {key: all_products if key == "products" else
                      sum(of[key] * of["products"] for of in figures.values()) / all_products
                      for key in figures["real"]}
    return figures


# --- The figures ----------------------------------------------------------------------------------------------------

def measure_group(tools, copies, language, training):
    """All figures of some texts of one language."""
    figures = measure(copies, training)
    report = tools.eval_texts([(copy.prompt, copy.text) for copy in copies], language)
    texts, facts = report["texts"], report["facts"]
    figures.update(
        repeated=Share(texts["repeated_4_texts"] * len(copies), len(copies)),
        invented_numbers=Share(facts["invented_number_texts"] * facts["count"], facts["count"]),
        characters=texts["characters"], distinct_2_characters=texts["distinct_2_characters"],
        distinct_2_words=texts["distinct_2_words"], self_bleu=texts.get("self_bleu"))
    return figures


def compare_diversity(tools, language, copies, reference):
    """Distinct-2 at one length: Chinese by character beside human texts, English by word beside the baseline."""
    texts = [copy.text for copy in copies]
    if language == "zh":
        human = tools.eval_human(len(texts))
        characters = min(length_of(texts), round(human["characters"] * human["count"]))
        cut = ("--cut", str(characters))
        return {"characters": characters, "human_whole": human["distinct_2_characters"],
                "reference": tools.eval_human(len(texts), *cut)["distinct_2_cut"],
                "texts": tools.eval_texts([("", text) for text in texts], "zh", *cut)["texts"]["distinct_2_cut"]}
    others = [copy.text for copy in reference]
    characters = min(length_of(texts), length_of(others))
    by_word = [tools.eval_texts([("", text) for text in cut_to(side, characters)], "en")["texts"]["distinct_2_words"]
               for side in (texts, others)]
    return {"characters": characters, "texts": by_word[0], "reference": by_word[1]}


def measure_side(tools, copies, baseline, training):
    """{language or "all": {source or "all": figures}}, by language with "diversity"."""
    note(f"measuring {len(copies)} texts")
    figures = {}
    for language in LANGUAGES:
        here = [copy for copy in copies if copy.language == language]
        figures[language] = {"all": measure_group(tools, here, language, training)}
        for source in PAIRS:
            of_source = [copy for copy in here if copy.source == source]
            figures[language][source] = measure_group(tools, of_source, language, training)
        figures[language]["diversity"] = compare_diversity(
            tools, language, here, [copy for copy in baseline if copy.language == language])
    both = measure(copies, training)
    for key in ("repeated", "invented_numbers"):
        parts = [figures[language]["all"][key] for language in LANGUAGES]
        both[key] = Share(sum(part.count for part in parts), sum(part.of for part in parts))
    figures["all"] = {"all": both}
    return figures


def names_of(products):
    """Titles and brands."""
    for product in products:
        row = product if isinstance(product, dict) else product[0]
        yield from {row.get("title") or row.get("Title"), row.get("brand") or row.get("Vendor")} - {None, ""}


# --- Tables ---------------------------------------------------------------------------------------------------------

ROWS = [
    ("empty", "Empty", "0"),
    ("cut_off", "Cut off", "0"),
    ("repeated", "Some 4-gram twice", "< 5%"),
    ("wrong_language", "Wrong language", "0"),
    ("name_exact", "Product name exact", "≥ 98%"),
    ("invented_numbers", "A number that the prompt lacks", "≤ 1%"),
    ("own_later", "Customer's own value behind the first clause", "≥ 70%"),
    ("opening", "Most frequent opening, as it stands", "≤ 5%"),
    ("opening_names_aside", "Most frequent opening, product names masked", "≤ 5%"),
    ("copied_clauses", "Clauses of 20 characters copied from training", ""),
    ("texts_with_copied_clauses", "Texts with such a clause", ""),
    ("copied_masked_clauses", "Copied clauses, values masked", ""),
    ("texts_with_copied_masked_clauses", "Texts with such a clause", ""),
    ("copied_masked_sentences", "Copied sentences of 20 characters, values masked", ""),
    ("texts_with_copied_masked_sentences", "Texts with such a sentence", ""),
    ("self_bleu", "Self-BLEU-4", ""),
    ("distinct_2_characters", "Distinct-2 by character", ""),
    ("distinct_2_words", "Distinct-2 by word", ""),
    ("characters", "Characters by text", ""),
    ("texts", "Texts", "")]
PERSONALISATION_ROWS = [
    ("products_differ", "Copies of a product differ beyond the customer's words", "≥ 98%"),
    ("pairs_differ", "Pairs of such copies that differ", ""),
    ("equal_customers", "Equal customers get equal bytes", "100%"),
    ("match_accuracy", "Matched to the right one of 4", "≥ 80%"),
    ("values_used", "Copies with a value of the customer", "")]


def percent(share):
    return f"{100 * share:.1f}%"


def cell(key, value):
    if value is None:
        return "–"
    if isinstance(value, Share):
        if value.of == 0:
            return "–"
        counted = key.startswith("copied") or 0 < value.count / value.of < 0.01
        return percent(value.count / value.of) + (f" ({value.count:.0f} of {value.of})" if counted else "")
    return f"{value:.3f}" if key.startswith("distinct") else f"{value:.1f}" if isinstance(value, float) else str(value)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def text_tables(figures):
    sides = [side for side in ("model", "corpus") if side in figures]
    columns = [(side, language) for side in sides for language in (*LANGUAGES, "all")]
    header = ["", "Target"] + [f"{side} {language}" for side, language in columns]
    rows = [[label, target] + [cell(key, figures[side][language]["all"].get(key)) for side, language in columns]
            for key, label, target in ROWS]
    for language, label in (("zh", "Distinct-2 by character, human texts"), ("en", "Distinct-2 by word, corpus")):
        compared = {side: figures[side][language]["diversity"] for side in sides}
        texts = [f"{compared[side]['texts']:.3f} : {compared[side]['reference']:.3f} = "
                 f"{compared[side]['texts'] / compared[side]['reference']:.2f}" if of == language else "–"
                 for side, of in columns]
        rows.append([f"{label} at one length", "≥ 0.9"] + texts)
    parts = ["### All pairs\n", table(header, rows)]
    for side in sides:
        columns = [(language, source) for language in LANGUAGES for source in PAIRS]
        parts += [f"### By source: {side}\n",
                  table([""] + [" ".join(column) for column in columns],
                        [[label] + [cell(key, figures[side][language][source].get(key)) for language, source in columns]
                         for key, label, _ in ROWS])]
    parts += ["### Most frequent openings\n",
              table(["", "As it stands", "Product names masked"],
                    [[f"{side} {language}"] + [figures[side][language]["all"][key].replace("|", "\\|") for key in
                                               ("opening_text", "opening_names_aside_text")]
                     for side in sides for language in LANGUAGES])]
    if "personalisation" in figures:
        columns = [(language, source) for language in LANGUAGES for source in ("all", *PAIRS)]
        parts += ["### Personalisation, greedy\n",
                  table(["", "Target"] + [" ".join(column) for column in columns],
                        [[label, target] + [percent(figures["personalisation"][language][source][key])
                                            for language, source in columns]
                         for key, label, target in PERSONALISATION_ROWS])]
    return "\n".join(parts)


def parse_options(arguments):
    root = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a model directory; without it, the baseline alone")
    parser.add_argument("--corpus", required=True, metavar="FILE", help="what the model was trained on")
    parser.add_argument("--work", required=True, metavar="DIR", help="gets pairs, texts, figures.json and figures.md")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most N pairs a source: a quick try")
    parser.add_argument("--bin", default=os.path.join(root, "build", "release", "bin"), metavar="DIR",
                        help="where adlib is (default: build/release/bin)")
    parser.add_argument("--shared", default=os.path.join(root, "..", "shared", "data"), metavar="DIR",
                        help="where the public data are (default: ../shared/data)")
    parser.add_argument("--texts", default=os.path.normpath(os.path.join(HERE, "..", "corpus")), metavar="DIR",
                        help="the sentences of the corpus (default: examples/copywriter/corpus)")
    return parser.parse_args(arguments)


def measure_all(options):
    tools = Tools(options)
    pairs, baseline, copies, figures = {}, [], [], {}
    for language in LANGUAGES:
        note(f"{language}: making pairs")
        pairs[language], of_language = make_pairs(tools, language)
        baseline += of_language
    note("reading the corpus")
    real = {name for language in LANGUAGES for name in names_of(real_products(tools, language))}
    training = TrainingText(read_lines(options.corpus), real)
    figures["real_names_in_corpus"] = sorted(training.seen)
    if options.model:
        for language in LANGUAGES:
            copies += write_copies(tools, language, pairs[language])
        figures["model"] = measure_side(tools, copies, baseline, training)
        figures["personalisation"] = {language: personalise(tools, language, pairs[language]) for language in LANGUAGES}
    figures["corpus"] = measure_side(tools, baseline, baseline, training)
    return figures, tools


def main(arguments=None):
    try:
        figures, tools = measure_all(parse_options(arguments))
        with open(tools.path("figures.json"), "w", encoding="utf-8") as file:
            json.dump(figures, file, ensure_ascii=False, indent=1)
        with open(tools.path("figures.md"), "w", encoding="utf-8") as file:
            file.write(text_tables(figures))
    except (FiguresError, OSError, ValueError) as error:
        note(f"error: {error}")
        return 1
    print(text_tables(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
