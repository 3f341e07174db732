#!/usr/bin/env python3
"""The recipe of docs/fine-tuning.md on TaoDescribe, and what it is held against.

    experiment.py MODEL WORK            MODEL: what is trained further, such as examples/copywriter/model
    experiment.py MODEL WORK --corpus corpus.jsonl      also the figures of tagged prompts, before and after

A shop's own copy are 1,000 descriptions of ../shared/data/taodescribe; own_copy.py keeps a tenth of their titles to
choose the weights by. Measured is on all descriptions of other titles, in bits per character: interpolated Kneser-Ney
of 5-grams, the same training from random weights, and the training from MODEL. Every stage leaves a file in WORK and is
skipped where it is there. Prints WORK/results.json.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time

import kneser_ney
import own_copy

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", "..", ".."))
EXAMPLES = 1000
ASPECTS = {"a": "外观", "b": "材质", "c": "功能"}
OWN_COPY = ["--text", "description", "--interest", "user.category", "--fact", "角度=aspect", "--channel", "detail"]

TRAINING = "--dtype bf16 --epochs 1 --batch-tokens 2048 --learning-rate 3e-3 --dropout 0.3 --seed 1"


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"experiment: failed: {' '.join(command)}")
    return done.stdout


class Experiment:
    def __init__(self, options):
        self.options = options
        self.adlib = os.path.join(options.bin, "adlib")
        os.makedirs(options.work, exist_ok=True)

    def path(self, name):
        return os.path.join(self.options.work, name)

    def split(self):
        """shop.jsonl: examples of titles drawn until there are 1,000; others.jsonl: all others. No title is in both."""
        by_title = {}
        for record in kneser_ney.read_lines(os.path.join(self.options.shared, "taodescribe", "train.jsonl")):
            record["aspect"] = ASPECTS[record["aspect"]]
            by_title.setdefault(own_copy.clean(record["title"]), []).append(record)
        titles = sorted(by_title)
        random.Random(0).shuffle(titles)
        shop, others = [], []
        for title in titles:
            records = by_title[title]
            (shop if len(shop) + len(records) <= EXAMPLES else others).extend(records)
        own_copy.write_lines(self.path("shop.jsonl"), shop)
        own_copy.write_lines(self.path("others.jsonl"), others)

    def prepare(self):
        if os.path.exists(self.path("replay.jsonl")):
            return
        self.split()
        make = [sys.executable, os.path.join(HERE, "own_copy.py")]
        run([*make, self.path("shop.jsonl"), self.path("all.jsonl"), *OWN_COPY])
        run([*make, self.path("others.jsonl"), self.path("test.jsonl"), *OWN_COPY])
        run([*make, self.path("shop.jsonl"), self.path("own.jsonl"), *OWN_COPY, "--learn-prompts",
             "--times", str(self.options.times), "--held-out", self.path("held-out.jsonl")])
        run([self.adlib, "corpus", "write", self.path("replay.jsonl"), "--seed", "1",
             "--examples", str(self.options.replay)])

    def count(self):
        """Kneser-Ney learns from all 1,000 examples, those that the others choose their weights by included."""
        learned, test = (kneser_ney.read_lines(self.path(name)) for name in ("all.jsonl", "test.jsonl"))
        return {"Kneser-Ney": kneser_ney.measure(learned, test),
                "Kneser-Ney, titles learned too": kneser_ney.measure(learned, test, titles=True)}

    def random_weights(self):
        """A directory like MODEL, of its shape and vocabulary, without what it has learned."""
        directory = self.path("random")
        if not os.path.exists(directory):
            with open(os.path.join(self.options.model, "config.json"), encoding="utf-8") as file:
                config = json.load(file)
            shape = {"layers": "n_layer", "width": "n_embd", "heads": "n_head", "context": "n_positions"}
            run([self.adlib, "init", directory, "--tokenizer", self.options.model, "--seed", "1",
                 *(part for flag, name in shape.items() for part in ("--" + flag, str(config[name])))])
        return directory

    def train(self, name, start):
        """The model's directory. Its seconds are in NAME.seconds.json."""
        directory = self.path(name)
        if not os.path.exists(self.path(name + ".seconds.json")):
            shutil.rmtree(directory, ignore_errors=True)
            begin = time.monotonic()
            run([self.adlib, "train", directory, "--from", start, *self.options.train.split(),
                 "--data", self.path("own.jsonl"), self.path("replay.jsonl"),
                 "--validation-data", self.path("held-out.jsonl")])
            with open(self.path(name + ".seconds.json"), "w", encoding="utf-8") as file:
                json.dump(time.monotonic() - begin, file)
        return directory

    def bits(self, model, data="test.jsonl"):
        report = json.loads(run([self.adlib, "eval", model, "--data", self.path(data), "--format", "json"]))
        return report["perplexity"]["bits_per_character"]

    def figures(self, name, model):
        """Names exact and invented numbers, in percent of texts."""
        directory = self.path("figures-" + name)
        result = os.path.join(directory, "figures.json")
        if not os.path.exists(result):
            run([sys.executable, os.path.join(HERE, "..", "figures.py"), model, "--corpus", self.options.corpus,
                 "--work", directory, "--bin", self.options.bin, "--shared", self.options.shared])
        with open(result, encoding="utf-8") as file:
            of_all = json.load(file)["model"]["all"]["all"]
        return {key: 100 * of_all[key][0] / of_all[key][1] for key in ("name_exact", "invented_numbers")}

    def measure(self):
        self.prepare()
        results = {"bits_per_character": self.count()}
        bits = results["bits_per_character"]
        bits["MODEL as it is"] = self.bits(self.options.model)
        starts = {"trained": self.options.model, "from-random": self.random_weights()}
        for name, start in starts.items():
            bits[name] = self.bits(self.train(name, start))
            with open(self.path(name + ".seconds.json"), encoding="utf-8") as file:
                results.setdefault("seconds", {})[name] = json.load(file)
        if self.options.corpus:
            results["figures"] = {name: self.figures(name, model) for name, model in
                                  (("before", self.options.model), ("after", self.path("trained")))}
        own_copy.write_lines(self.path("results.json"), [results])
        return results


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("work", metavar="WORK")
    parser.add_argument("--corpus", metavar="FILE", help="what MODEL was trained on: figures.py needs it")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"), metavar="DIR")
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared", "data"), metavar="DIR")
    parser.add_argument("--times", type=int, default=6, metavar="N", help="how often own copy is read (default: 6)")
    parser.add_argument("--replay", type=int, default=2500, metavar="N",
                        help="examples of MODEL's own corpus, read once (default: 2500)")
    parser.add_argument("--train", default=TRAINING, metavar="OPTIONS", help=f"of adlib train (default: {TRAINING})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    print(json.dumps(Experiment(parse_options(None)).measure(), ensure_ascii=False, indent=1))
