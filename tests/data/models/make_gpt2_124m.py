#!/usr/bin/env python3
"""Writes a directory of GPT-2's smallest size (124 million parameters) exactly as the hub's "gpt2" has it, with random
weights: names without a prefix, no lm_head.weight, the causal masks h.N.attn.bias (1, 1, 1024, 1024).

Run:    python tests/data/models/make_gpt2_124m.py DIR [--tokenizer DIR] [--masked-bias] [--seed N]
Needs:  numpy, safetensors. The file takes 548 MB, as the hub's does.

  --tokenizer DIR   copies vocab.json, merges.txt and tokenizer.json (those that are there) from DIR. Without it the
                    vocabulary is byte-level: 256 tokens that stand for one byte each, no merges, <|endoftext|> at
                    50256, and names <|unused|N|> between.
  --masked-bias     adds h.N.attn.masked_bias, as saves of transformers before 4.26 have it
Weights are normal with deviation 0.02, biases 0.01, gains 1 ± 0.1: nothing is zero, so that nothing can be left out.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

VOCAB, CONTEXT, WIDTH, LAYERS, HEADS = 50257, 1024, 768, 12, 12

CONFIG = {
    "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
    "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": CONTEXT, "n_embd": WIDTH, "n_head": HEADS,
    "n_layer": LAYERS, "n_positions": CONTEXT, "resid_pdrop": 0.1, "summary_activation": None,
    "summary_first_dropout": 0.1, "summary_proj_to_labels": True, "summary_type": "cls_index",
    "summary_use_proj": True, "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
    "vocab_size": VOCAB,
}


def tensors(seed, masked_bias):
    random = np.random.Generator(np.random.PCG64(seed))

    def normal(*shape, deviation=0.02):
        return deviation * random.standard_normal(shape, dtype=np.float32)

    def norm(name):
        return {f"{name}.weight": 1 + normal(WIDTH, deviation=0.1), f"{name}.bias": normal(WIDTH, deviation=0.01)}

    def conv1d(name, inputs, outputs):  # (in, out), unlike torch.nn.Linear
        return {f"{name}.weight": normal(inputs, outputs), f"{name}.bias": normal(outputs, deviation=0.01)}

    out = {"wte.weight": normal(VOCAB, WIDTH), "wpe.weight": normal(CONTEXT, WIDTH)}
    for layer in range(LAYERS):
        h = f"h.{layer}"
        out |= norm(f"{h}.ln_1") | norm(f"{h}.ln_2")
        out |= conv1d(f"{h}.attn.c_attn", WIDTH, 3 * WIDTH) | conv1d(f"{h}.attn.c_proj", WIDTH, WIDTH)
        out |= conv1d(f"{h}.mlp.c_fc", WIDTH, 4 * WIDTH) | conv1d(f"{h}.mlp.c_proj", 4 * WIDTH, WIDTH)
        out[f"{h}.attn.bias"] = np.tril(np.ones((1, 1, CONTEXT, CONTEXT), np.float32))
        if masked_bias:
            out[f"{h}.attn.masked_bias"] = np.array(-1e4, np.float32)
    return out | norm("ln_f")


def byte_names():
    """GPT-2's printable name of each byte, in the order of its vocabulary (Radford et al. 2019, encoder.py)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(hidden))]


def write_byte_vocabulary(folder):
    names = byte_names()
    names += [f"<|unused|{i}|>" for i in range(len(names), VOCAB - 1)] + ["<|endoftext|>"]
    vocab = {name: i for i, name in enumerate(names)}
    assert len(vocab) == VOCAB
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--masked-bias", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    args.directory.mkdir(parents=True, exist_ok=True)
    if args.tokenizer:
        found = [name for name in ("vocab.json", "merges.txt", "tokenizer.json") if (args.tokenizer / name).exists()]
        if not found:
            parser.error(f"{args.tokenizer} holds neither vocab.json and merges.txt nor tokenizer.json")
        for name in found:
            shutil.copyfile(args.tokenizer / name, args.directory / name)
    else:
        write_byte_vocabulary(args.directory)
    (args.directory / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    (args.directory / "generation_config.json").write_text(
        json.dumps({"bos_token_id": 50256, "eos_token_id": 50256, "_from_model_config": True}, indent=2) + "\n")
    save_file(tensors(args.seed, args.masked_bias), args.directory / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
