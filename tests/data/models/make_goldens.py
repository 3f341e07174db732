#!/usr/bin/env python3
"""Writes the goldens of tests/models: small checkpoints in the Hugging Face layout and what transformers says of them.

Run:    python tests/data/models/make_goldens.py [CASE …]        (every case without arguments)
Needs:  torch, transformers >= 5, safetensors, numpy. The committed files were made with the versions that each
        expected.json names. Everything is seeded: the same versions write the same bytes.

Each case is a directory:
  config.json, model.safetensors   as people have them: the variety of layouts is the point (see CASES)
  reference.safetensors            logits (T, V) and hidden (layers + 1, T, C), computed in float64, kept as float32;
                                   for 16-bit checkpoints also logits_half and hidden_half, computed by torch in that
                                   type from the same weights
  expected.json                    ids: the T input tokens; greedy: 64 tokens after a prompt, with each step's gap
                                   between the first and second logit; beam: what 4 beams return; rope_frequencies

Every parameter is random: weights with deviation 0.15, biases 0.1, norm gains 1 + uniform(-0.2, 0.2). The default
initialisation has zero biases and unit gains, and hides a missing one. Seeds and prompts are searched until the
greedy text has at least 20 distinct tokens and no step's gap is below ten times the tests' bound.
"""

import json
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.llama import modeling_llama
from transformers.models.qwen2 import modeling_qwen2

HERE = Path(__file__).resolve().parent
BOUND = 2e-5  # of max |logit|: what tests/models allows
NEW_TOKENS = 64
LENGTH = 29  # tokens of the logits and hidden states
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def gpt2(vocab, positions, width, layers, heads, **more):
    return dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], vocab_size=vocab, n_positions=positions,
                n_ctx=positions, n_embd=width, n_layer=layers, n_head=heads, bos_token_id=None, eos_token_id=None,
                **more)


def llama(vocab, positions, width, layers, heads, kv_heads, mlp, kind="llama", **more):
    names = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
    return dict(model_type=kind, architectures=[names[kind]], vocab_size=vocab, max_position_embeddings=positions,
                hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                num_key_value_heads=kv_heads, intermediate_size=mlp, hidden_act="silu", bos_token_id=None,
                eos_token_id=None, **more)


# config: exactly what config.json holds. file: how model.safetensors differs from what save_pretrained writes.
#   dtype    element type                      root     False: names without the "transformer."/"model." prefix
#   masks    h.N.attn.bias, as on the hub      masked_bias  and h.N.attn.masked_bias
#   inv_freq layers.N.self_attn.rotary_emb.inv_freq, as Llama 1 and 2 conversions have it
#   head     also lm_head.weight, though the configuration ties it
#   bin      also pytorch_model.bin, as torch.save writes it
CASES = {
    # The hub's GPT-2: no prefix, masks, no head.
    "gpt2-d16-hub": dict(config=gpt2(199, 80, 48, 3, 3, activation_function="gelu_new", layer_norm_epsilon=1e-5),
                         file=dict(root=False, masks=True, masked_bias=True)),
    # Square mlp matrices and eps 1e-6: the mutation table's case.
    "gpt2-d32-square": dict(config=gpt2(211, 80, 64, 3, 2, activation_function="gelu_new", n_inner=64,
                                        layer_norm_epsilon=1e-6)),
    "gpt2-d64-untied-f16": dict(config=gpt2(181, 80, 128, 2, 2, activation_function="gelu_pytorch_tanh", n_inner=40,
                                            tie_word_embeddings=False), file=dict(dtype="f16")),
    "gpt2-d80-silu-bf16": dict(config=gpt2(157, 80, 160, 2, 2, activation_function="silu", n_inner=40),
                               file=dict(dtype="bf16", root=False)),
    "gpt2-erf-inverse-layer": dict(config=gpt2(173, 80, 32, 4, 1, activation_function="gelu", n_inner=100,
                                               scale_attn_by_inverse_layer_idx=True)),
    "gpt2-relu-unscaled": dict(config=gpt2(191, 80, 48, 2, 3, activation_function="relu", n_inner=72,
                                           scale_attn_weights=False), file=dict(head=True)),
    # Llama 2: no grouping, untied, transformers 4 fields.
    "llama2": dict(config=llama(167, 128, 48, 3, 3, 3, 80, rms_norm_eps=1e-5, rope_theta=10000.0, rope_scaling=None,
                                tie_word_embeddings=False, attention_bias=False, mlp_bias=False, pretraining_tp=1),
                   file=dict(inv_freq=True)),
    # Llama 3.2: tied, grouped heads, scaled RoPE; the file repeats the head.
    "llama3-scaled": dict(config=llama(223, 512, 64, 3, 4, 2, 96, rms_norm_eps=1e-6, rope_theta=500000.0,
                                       rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                                                         high_freq_factor=4.0, original_max_position_embeddings=64),
                                       tie_word_embeddings=True, attention_bias=False, mlp_bias=False),
                          file=dict(head=True)),
    # transformers 5 fields, heads wider than width / heads, one key head for all, every bias there is.
    "llama3-wide-biased": dict(config=llama(163, 256, 48, 2, 4, 1, 72, rms_norm_eps=1e-5, head_dim=32,
                                            rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=4.0,
                                                                 low_freq_factor=1.0, high_freq_factor=8.0,
                                                                 original_max_position_embeddings=48),
                                            tie_word_embeddings=False, attention_bias=True, mlp_bias=True)),
    # The first name of the field, "type", and a bf16 file.
    "llama-linear-bf16": dict(config=llama(179, 256, 64, 3, 2, 1, 88, rms_norm_eps=1e-6, rope_theta=10000.0,
                                           rope_scaling=dict(type="linear", factor=2.0), tie_word_embeddings=False,
                                           attention_bias=False), file=dict(dtype="bf16")),
    # Qwen2 0.5B: tied, grouped, biases on q, k and v only, a sliding window that is switched off.
    "qwen2": dict(config=llama(229, 256, 64, 2, 4, 2, 96, kind="qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0,
                               use_sliding_window=False, sliding_window=16, max_window_layers=2,
                               tie_word_embeddings=True)),
    "qwen2-yarn-f16": dict(config=llama(193, 512, 64, 2, 2, 1, 80, kind="qwen2", rms_norm_eps=1e-6,
                                        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0,
                                                             original_max_position_embeddings=64),
                                        use_sliding_window=False, tie_word_embeddings=False),
                           file=dict(dtype="f16", bin=True)),
}


class Float64Torch:
    """torch, in which the names of float32 mean float64."""

    def __getattr__(self, name):
        return torch.float64 if name in ("float", "float32") else getattr(torch, name)


@contextmanager
def all_in_float64():
    """transformers pins RMS norms, rotary tables and softmax to float32 whatever the model's type; here they follow."""
    modules = (modeling_llama, modeling_qwen2, transformers.modeling_rope_utils)
    for module in modules:
        module.torch = Float64Torch()
    try:
        yield
    finally:
        for module in modules:
            module.torch = torch


def random_state(seed, named_shapes, dtype):
    """name -> float32 tensor whose values the file's dtype holds exactly; a tensor depends on seed and name only."""
    state = {}
    for name, shape in named_shapes.items():
        stream = np.random.RandomState([seed, zlib.crc32(name.encode())])  # RandomState's streams are frozen for ever
        if name.endswith("bias"):
            values = 0.1 * stream.standard_normal(shape)
        elif ".ln_" in name or "norm" in name:
            values = 1.0 + stream.uniform(-0.2, 0.2, shape)
        else:
            values = 0.15 * stream.standard_normal(shape)
        state[name] = torch.from_numpy(values).to(torch.float32).to(dtype).to(torch.float32)
    return state


def build(config, state, dtype):
    """The model in eval mode with eager attention."""
    def make():
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
        model = model.to(dtype)
        tied = config.tie_word_embeddings
        missing, unexpected = model.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
        assert not unexpected and set(missing) <= ({"lm_head.weight"} if tied else set()), (missing, unexpected)
        model.tie_weights()
        model.generation_config.eos_token_id = None
        model.generation_config.pad_token_id = 0
        return model.eval()

    if dtype != torch.float64:
        return make()
    with all_in_float64():
        return make()


@torch.no_grad()
def run(model, ids):
    """logits (T, V), hidden (layers + 1, T, C)"""
    with all_in_float64() if model.dtype == torch.float64 else torch.no_grad():
        out = model(torch.tensor([ids]), output_hidden_states=True, use_cache=False)
    hidden = torch.stack(out.hidden_states)[:, 0]
    assert hidden.dtype == model.dtype and out.logits.dtype == model.dtype
    assert len(hidden) == model.config.num_hidden_layers + 1
    return out.logits[0], hidden


@torch.no_grad()
def greedy(model, prompt, stop_below=None):
    """tokens, gaps; None once a gap is below `stop_below` of the largest |logit|."""
    tokens, gaps = [], []
    with all_in_float64():
        step, past = list(prompt), None
        for _ in range(NEW_TOKENS):
            out = model(torch.tensor([step]), past_key_values=past, use_cache=True)
            past, scores = out.past_key_values, out.logits[0, -1]
            best = scores.topk(2)
            gap = float(best.values[0] - best.values[1])
            if stop_below is not None and gap < stop_below * float(scores.abs().max()):
                return None
            tokens.append(int(best.indices[0]))
            gaps.append(gap)
            step = tokens[-1:]
    return tokens, gaps


@torch.no_grad()
def beam(model, prompt, **options):
    with all_in_float64():
        out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                             do_sample=False, num_beams=4, num_return_sequences=4, return_dict_in_generate=True,
                             output_scores=True, pad_token_id=0, **options)
    eos = options.get("eos_token_id")
    texts = []
    for row in out.sequences[:, len(prompt):].tolist():
        texts.append(row[:row.index(eos) + 1] if eos in row else row)
    return texts, out.sequences_scores.tolist()


def search(config, shapes, dtype, seeds, vocab):
    """The first seed whose greedy text is varied and clear, and its prompt."""
    for seed in range(seeds, seeds + 400):
        state = random_state(seed, shapes, dtype)
        model = build(config, state, torch.float64)
        stream = np.random.RandomState([seed, 7])
        for _ in range(8):
            prompt = stream.randint(0, vocab, size=stream.randint(3, 12)).tolist()
            found = greedy(model, prompt, stop_below=12 * BOUND)
            if found and len(set(found[0])) >= 22:
                return seed, state, model, prompt, found
    raise RuntimeError("no seed gives a varied greedy text")


def file_tensors(state, config, options, dtype):
    """The tensors of model.safetensors, as the kind of checkpoint has them."""
    tensors = {name: value.to(dtype) for name, value in state.items()}
    gpt = config.model_type == "gpt2"
    root = "transformer." if gpt else "model."
    if options.get("head"):
        tensors["lm_head.weight"] = tensors[root + ("wte" if gpt else "embed_tokens") + ".weight"].clone()
    for layer in range(config.num_hidden_layers):
        if options.get("masks"):
            n = config.n_positions
            tensors[f"{root}h.{layer}.attn.bias"] = torch.tril(torch.ones(1, 1, n, n))
        if options.get("masked_bias"):
            tensors[f"{root}h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
        if options.get("inv_freq"):
            dim = config.head_dim
            inverse = 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim)
            tensors[f"{root}layers.{layer}.self_attn.rotary_emb.inv_freq"] = inverse
    if not options.get("root", True):
        tensors = {name.removeprefix(root): value for name, value in tensors.items()}
    return {name: value.contiguous() for name, value in tensors.items()}


def make(name, case, first_seed):
    options = case.get("file", {})
    dtype = DTYPES[options.get("dtype", "f32")]
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    raw = dict(case["config"], **{"torch_dtype": str(dtype).split(".")[1]})
    (folder / "config.json").write_text(json.dumps(raw, indent=2, sort_keys=True) + "\n")
    config = AutoConfig.from_pretrained(folder)  # transformers reads what adlib will read
    vocab = config.vocab_size

    skeleton = AutoModelForCausalLM.from_config(config).state_dict()
    shapes = {k: tuple(v.shape) for k, v in skeleton.items()}
    if config.tie_word_embeddings:
        del shapes["lm_head.weight"]
    seed, state, model, prompt, (tokens, gaps) = search(config, shapes, dtype, first_seed, vocab)

    ids = np.random.RandomState([seed, 11]).randint(0, vocab, size=LENGTH).tolist()
    logits, hidden = run(model, ids)
    reference = {"logits": logits.float(), "hidden": hidden.float()}
    expected = {"made_with": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
                "seed": seed, "ids": ids,
                "greedy": {"prompt": prompt, "tokens": tokens, "gaps": [float(f"{g:.4g}") for g in gaps]}}

    single = run(build(config, state, torch.float32), ids)
    relative = lambda a, b: float(f"{float((a.double() - b).abs().max() / b.abs().max()):.3g}")
    expected["torch_f32_error"] = {"logits": relative(single[0], logits), "hidden": relative(single[1], hidden)}
    if dtype != torch.float32:
        half = run(build(config, state, dtype), ids)
        reference |= {"logits_half": half[0], "hidden_half": half[1]}

    texts, scores = beam(model, prompt, max_new_tokens=16)
    eos = texts[0][5]
    expected["beam"] = {"num_beams": 4, "prompt": prompt, "runs": [
        {"max_new_tokens": 16, "length_penalty": 1.0, "eos_token_id": None, "early_stopping": False,
         "tokens": texts, "scores": scores}]}
    for penalty, early in ((1.0, False), (2.0, False), (0.0, True)):
        texts, scores = beam(model, prompt, max_new_tokens=16, eos_token_id=eos, length_penalty=penalty,
                             early_stopping=early)
        expected["beam"]["runs"].append(
            {"max_new_tokens": 16, "length_penalty": penalty, "eos_token_id": eos, "early_stopping": early,
             "tokens": texts, "scores": scores})
    if config.model_type != "gpt2":
        expected["rope_frequencies"] = model.model.rotary_emb.inv_freq.tolist()
        expected["rope_gain"] = model.model.rotary_emb.attention_scaling

    tensors = file_tensors(state, config, options, dtype)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if options.get("bin"):
        torch.save(tensors, folder / "pytorch_model.bin")
    save_file({k: v.contiguous() for k, v in reference.items()}, folder / "reference.safetensors")
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
    print(f"{name}: seed {seed}, {len(set(tokens))} distinct, least gap "
          f"{min(gaps) / (BOUND * float(logits.abs().max())):.0f} bounds, torch f32 error "
          f"{expected['torch_f32_error']}, {size:.2f} MB", flush=True)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    wanted = sys.argv[1:] or list(CASES)
    for name in wanted:
        make(name, CASES[name], first_seed=1000 * (1 + list(CASES).index(name)))


if __name__ == "__main__":
    main()
