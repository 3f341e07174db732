#!/usr/bin/env python3
"""What transformers makes of adlib's own model, for tests/copywriter/own_model_test.cpp.

Run:    python tests/data/copywriter/make_own_model.py ADLIB      after every training; ADLIB is the built program
Needs:  torch, transformers, sentencepiece, protobuf

Compares the ids of 10,000 texts by AutoTokenizer with those of `adlib tokenize`, and fails when one differs. Then writes
own_model.json: 150 of the texts with their ids, and for some prompts the scores after the last token by
AutoModelForCausalLM in float64: the ten highest and the logarithm of the sum of their exponentials.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[2] / "examples" / "copywriter" / "model"
PROMPTS = 12


def corpus_texts(adlib, count):
    """Prompts, completions and both in one, from the program of the corpus, and by a seed that training has not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.jsonl"
        subprocess.run([adlib, "corpus", "write", path, "--seed", "11", "--examples", str(count)], check=True)
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            yield record["prompt"]
            yield record["completion"]
            yield record["prompt"] + record["completion"]


def odd_texts(count):
    """Scripts, spaces, tags and signs in any order. A literal U+2581 is a space to transformers, not to adlib."""
    chance = random.Random(3)
    ranges = [(0x20, 0x7E), (0xA1, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF),
              (0xAC00, 0xD7A3), (0x2000, 0x206F), (0x1F300, 0x1F64F), (0xFF00, 0xFFEF), (0x20, 0x20), (0x4E00, 0x4EFF)]
    tags = ["<|zh|>", "<|en|>", "<|copy|>", "<|product|>", "<|", "|>", "<s>", "</s>"]
    for _ in range(count):
        parts = []
        for _ in range(chance.randint(1, 12)):
            low, high = chance.choice(ranges)
            parts.append("".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 6)))
                         if chance.random() < 0.9 else chance.choice(tags[:4]))
        text = "".join(parts)
        if "\u2028" not in text and "\u2029" not in text:
            yield text


def adlib_ids(adlib, texts):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt", newline="\n") as file:
        file.write("".join(text + "\n" for text in texts))
        file.flush()
        done = subprocess.run([adlib, "tokenize", MODEL, "--input", file.name], stdout=subprocess.PIPE, check=True,
                              encoding="ascii")
    return [[int(number) for number in line.split()] for line in done.stdout.split("\n")[:-1]]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    adlib = sys.argv[1]
    texts = [*corpus_texts(adlib, 2500), *odd_texts(2600)][:10000]
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    theirs = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    ours = adlib_ids(adlib, texts)
    different = [(text, mine, other) for text, mine, other in zip(texts, ours, theirs, strict=True) if mine != other]
    for text, mine, other in different[:5]:
        print(f"{text!r}\n  adlib        {mine}\n  transformers {other}", file=sys.stderr)
    print(f"{len(texts)} texts, {len(different)} with other ids")
    if different or len(texts) != 10000:
        sys.exit(1)

    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float64).eval()
    chosen = random.Random(1).sample(range(len(texts)), 150)
    prompts = []
    for index in [i for i in range(len(texts)) if texts[i].endswith("<|copy|>")][:: 2500 // PROMPTS][:PROMPTS]:
        with torch.no_grad():
            scores = model(torch.tensor([theirs[index]])).logits[0, -1]
        best = scores.topk(10)
        prompts.append({"ids": theirs[index], "best": best.indices.tolist(), "scores": best.values.tolist(),
                        "log_sum_exp": float(scores.logsumexp(0))})
    golden = {"texts": [{"text": texts[i], "ids": theirs[i]} for i in chosen], "prompts": prompts}
    (HERE / "own_model.json").write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
