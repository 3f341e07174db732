#!/usr/bin/env python3
"""Trains by PyTorch what `adlib train` has trained, and compares the losses.

    adlib init start --tokenizer vocabulary --layers 4 --width 192 --heads 4 --context 256
    adlib train ours --from start --data copy.jsonl --validation 0.1 --split-by title
    bench/peers/quality/train_quality.py ours --batches build/release/bin/bench_train_batches --threads 2

The same: weights to begin with (transformers reads the directory), batches and validation texts in their order, no
attention across documents, mean over the tokens that count, AdamW and its two groups, warm-up, cosine, clipping,
accumulation; all in f32. Settings come from run.json, steps and our losses from log.jsonl; the learning rates there
must be those of the formula here. With dropout the masks differ. GPT-2 only, and no LoRA. Prints a line of JSON an
evaluation and a summary; needs torch and transformers.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time

import torch
import transformers


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="the directory that adlib train wrote")
    parser.add_argument("--batches", required=True, help="the program bench_train_batches")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", help="a file for all losses")
    return parser.parse_args()


def learning_rate(step, total, settings):
    """Of step 1, 2, …: a linear rise, then half a cosine."""
    peak, floor, warmup = settings["learning_rate"], settings["min_learning_rate"], settings["warmup"]
    floor = peak / 10 if floor < 0 else floor
    warmup = math.ceil(total / 20) if warmup < 0 else warmup
    if step <= warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


def groups(documents, size=4):
    """Documents of about one length together, as ids and targets (documents, longest): little is computed for padding,
    which stands at the right, where causal attention never looks from a token that counts."""
    documents = sorted(documents, key=lambda document: len(document[0]))
    pad = torch.nn.utils.rnn.pad_sequence
    for i in range(0, len(documents), size):
        ids, targets = zip(*documents[i:i + size])
        yield (pad([torch.tensor(row) for row in ids], batch_first=True),
               pad([torch.tensor(row) for row in targets], batch_first=True, padding_value=-1))


def read_batches(program, run, steps):
    """-> {step: its groups}; those of validation are step 0."""
    batches = {}
    process = subprocess.Popen([program, run, str(steps)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        batch = json.loads(line)
        batches.setdefault(batch["step"], []).extend(groups(zip(batch["ids"], batch["targets"])))
    if process.wait() != 0:
        sys.exit(1)
    return batches


def make_model(settings):
    dropout = settings["dropout"]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        settings["from"], dtype=torch.float32, attn_implementation="sdpa", attn_pdrop=0.0, embd_pdrop=dropout,
        resid_pdrop=dropout)
    if model.config.model_type != "gpt2" or settings["lora_rank"] > 0:
        sys.exit("train_quality.py: compares GPT-2 models, all of whose weights are trained")
    return model


def make_optimizer(model, settings):
    decays = lambda name: name.endswith("weight") and ".ln_" not in name  # noqa: E731
    groups = [{"params": [p for name, p in model.named_parameters() if decays(name) == decay],
               "weight_decay": settings["weight_decay"] * decay} for decay in (True, False)]
    return torch.optim.AdamW(groups, betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])


def summed_loss(model, ids, targets):
    counts = targets >= 0
    hidden = model.transformer(input_ids=ids).last_hidden_state[counts]
    return torch.nn.functional.cross_entropy(model.lm_head(hidden), targets[counts], reduction="sum")


def count(batches):
    return sum(int((targets >= 0).sum()) for _, targets in batches)


@torch.no_grad()
def evaluate(model, batches):
    model.eval()
    total = sum(float(summed_loss(model, *batch)) for batch in batches)
    model.train()
    return total / count(batches)


def train_step(model, optimizer, batches, rate, clip):
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    divisor, total = count(batches), 0.0
    for batch in batches:
        loss = summed_loss(model, *batch)
        (loss / divisor).backward()
        total += float(loss.detach())
    if clip > 0:
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return total / divisor


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    with open(os.path.join(options.run, "run.json"), encoding="utf-8") as file:
        settings = json.load(file)
    with open(os.path.join(options.run, "log.jsonl"), encoding="utf-8") as file:
        log = [json.loads(line) for line in file]
    steps = [entry for entry in log if "loss" in entry]
    ours = {entry["step"]: entry["validation_loss"] for entry in log if "validation_loss" in entry}
    total = len(steps)
    for entry in steps:
        expected = learning_rate(entry["step"], total, settings)
        if not math.isclose(entry["learning_rate"], expected, rel_tol=1e-6):
            sys.exit(f"log.jsonl: step {entry['step']} has learning rate {entry['learning_rate']}, {expected} by the "
                     "formula; was the run stopped early?")
    torch.manual_seed(settings["seed"])
    batches = read_batches(options.batches, options.run, total)
    model = make_model(settings)
    model.train()
    optimizer = make_optimizer(model, settings)

    rows, furthest, begin = [], 0.0, time.monotonic()
    theirs = {}
    for entry in steps:
        step = entry["step"]
        loss = train_step(model, optimizer, batches[step], learning_rate(step, total, settings), settings["clip"])
        furthest = max(furthest, abs(entry["loss"] / loss - 1))
        rows.append({"step": step, "ours": entry["loss"], "pytorch": loss})
        if step in ours:
            theirs[step] = evaluate(model, batches[0])
            row = {"step": step, "ours": ours[step], "pytorch": theirs[step], "relative": ours[step] / theirs[step] - 1}
            print(json.dumps(row), flush=True)
    summary = {"steps": total, "seconds": round(time.monotonic() - begin, 1), "torch": torch.__version__,
               "largest_relative_difference_of_a_step": furthest}
    if ours:
        best = min(ours.values()), min(theirs.values())
        summary |= {"largest_relative_difference_of_an_evaluation": max(abs(ours[s] / theirs[s] - 1) for s in ours),
                    "best_ours": best[0], "best_pytorch": best[1]}
    print(json.dumps(summary))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"summary": summary, "steps": rows, "validation": {"ours": ours, "pytorch": theirs}}, file)


if __name__ == "__main__":
    main()
