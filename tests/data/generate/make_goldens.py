#!/usr/bin/env python3
"""Writes the goldens of tests/generate: what Hugging Face transformers makes of the same scores, model and options.

Run:    python tests/data/generate/make_goldens.py
Needs:  torch, transformers >= 5, numpy. The committed files name the versions that made them. Everything is seeded:
        the same versions write the same bytes.

  processors.json     random scores and history -> scores after every logits processor, one by one and combined
  distributions.json  random scores and history -> probabilities after temperature, top_k, top_p, min_p
  tiny-gpt2/          config.json, model.safetensors (f32): 2 layers, width 32, every parameter random (weights with
                      deviation 0.15, biases 0.1, gains 1 +- 0.2)
  generation.json     greedy and beam texts of tiny-gpt2, computed in float64, with the smallest gap between first and
                      second choice; probabilities of the first sampled token

Options stand as in generation_config.json. A text is written only when it is safe against rounding: greedy gaps are
at least GAP; beam texts stay the same in float32 and with noise of NOISE on every log-probability. -infinity is null.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, LogitsProcessor

HERE = Path(__file__).resolve().parent
VOCAB = 300
GAP = 2e-3
NOISE = 1e-4
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__}


def numbers(values):
    return [None if v == -np.inf else float(np.float32(v).astype(str)) for v in np.asarray(values, dtype=np.float32)]


def write(name, value):
    text = json.dumps({"made_by": VERSIONS, **value}, ensure_ascii=False)
    (HERE / name).write_text(text.replace('{"name"', '\n{"name"') + "\n", encoding="utf-8")


def tiny_model(seed):
    generator = torch.Generator().manual_seed(seed)
    config = GPT2Config(vocab_size=VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=2, bos_token_id=None,
                        eos_token_id=None)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "ln_" in name and name.endswith("weight"):
                parameter.copy_(0.8 + 0.4 * torch.rand(parameter.shape, generator=generator))
            else:
                scale = 0.1 if name.endswith("bias") else 0.15
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def processors(model, options, prompt_length):
    config = GenerationConfig(**options)
    model._prepare_special_tokens(config, kwargs_has_attention_mask=True)
    return model._get_logits_processor(config, input_ids_seq_length=prompt_length)


# ---------------------------------------------------------------- scores -> scores, scores -> probabilities

PROCESSOR_OPTIONS = [
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.7},
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 2},
    {"no_repeat_ngram_size": 3},
    {"no_repeat_ngram_size": 40},
    {"bad_words_ids": [[3], [7, 1], [1, 2, 5], [9, 9, 9]]},
    {"bad_words_ids": [[3], [4], [4, 6]], "eos_token_id": 4},
    {"sequence_bias": [[[2], 5.0], [[0], -7.5]]},
    {"sequence_bias": [[[2], 5.0], [[0], -7.5]], "repetition_penalty": 1.5},
    {"min_new_tokens": 9, "eos_token_id": [1, 5]},
    {"min_new_tokens": 8, "eos_token_id": [1, 5]},
    {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "bad_words_ids": [[1, 2]], "min_new_tokens": 20,
     "eos_token_id": [0, 6], "sequence_bias": [[[6], 3.0], [[8], 1.5]]},
]

SAMPLING_OPTIONS = [
    {"temperature": 0.7, "top_k": 0},
    {"temperature": 1.9, "top_k": 0},
    {"top_k": 1},
    {"top_k": 5},
    {"top_k": 1000},
    {"top_k": 0, "top_p": 0.9},
    {"top_k": 0, "top_p": 0.3},
    {"top_k": 0, "top_p": 0.0001},
    {"top_k": 0, "min_p": 0.1},
    {"top_k": 0, "min_p": 0.9},
    {"temperature": 0.6, "top_k": 12, "top_p": 0.8, "min_p": 0.05},
    {"temperature": 1.4, "top_k": 30, "top_p": 0.95, "min_p": 0.02, "repetition_penalty": 1.3,
     "no_repeat_ngram_size": 2, "bad_words_ids": [[2]], "min_new_tokens": 50, "eos_token_id": 7},
]


def random_scores(rng, size, spread):
    return (spread * rng.standard_normal(size)).astype(np.float32)


def score_cases(model, options_list, sampling):
    cases = []
    for number, options in enumerate(options_list):
        for vocab, tokens, prompt_length in [(12, 16, 8), (40, 30, 22)]:
            rng = np.random.default_rng([number, vocab, sampling])
            scores = random_scores(rng, vocab, 3.0)
            ids = rng.integers(0, min(vocab, 10), tokens).tolist()
            ids[-2:] = [7, 1] if number % 2 else [1, 2]  # where bad words begin
            full = {**options, "do_sample": sampling}
            with torch.no_grad():
                processed = processors(model, full, prompt_length)(torch.tensor([ids]), torch.tensor(scores[None]))[0]
            case = {"name": " ".join(options), "options": full, "prompt_length": prompt_length, "ids": ids,
                    "scores": numbers(scores)}
            if sampling:
                case["probabilities"] = numbers(processed.double().softmax(-1))
            else:
                case["processed"] = numbers(processed)
            cases.append(case)
    return cases


# ---------------------------------------------------------------- texts


class Gaps(LogitsProcessor):
    """Runs last and records the gap between first and second choice."""

    def __init__(self):
        self.smallest = np.inf

    def __call__(self, input_ids, scores):
        top = scores.topk(2, dim=-1).values
        self.smallest = min(self.smallest, float((top[:, 0] - top[:, 1]).min()))
        return scores


class Noise(LogitsProcessor):
    """Perturbs every score by up to NOISE."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids, scores):
        noise = torch.rand(scores.shape, generator=self.generator, dtype=torch.float64)
        return scores + (NOISE * (2 * noise - 1)).to(scores.dtype)


def generate(model, prompt, options, extra=()):
    with torch.no_grad():
        out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                             generation_config=GenerationConfig(**options), logits_processor=list(extra),
                             return_dict_in_generate=True, output_scores=True, pad_token_id=VOCAB - 1)
    eos = options.get("eos_token_id", [])
    eos = eos if isinstance(eos, list) else [eos]
    texts = []
    for sequence in out.sequences.tolist():
        ids = sequence[len(prompt):]
        ends = [i for i, token in enumerate(ids) if token in eos]
        texts.append(ids[:ends[0] + 1] if ends else ids)  # without padding
    scores = out.sequences_scores.tolist() if "sequences_scores" in out else []
    return texts, scores


def greedy_case(models, prompt, options, distinct):
    gaps = Gaps()
    texts, _ = generate(models[torch.float64], prompt, options, [gaps])
    if gaps.smallest < GAP or len(set(texts[0])) < distinct:
        return None
    return {"name": "greedy " + " ".join(options), "prompt": prompt, "options": options, "ids": texts,
            "distinct": len(set(texts[0])), "smallest_gap": round(gaps.smallest, 5)}


def beam_case(models, prompt, options):
    texts, scores = generate(models[torch.float64], prompt, options)
    for model, extra in [(models[torch.float32], [])] + [(models[torch.float64], [Noise(s)]) for s in range(4)]:
        if generate(model, prompt, options, extra)[0] != texts:
            return None
    return {"name": "beams " + " ".join(options), "prompt": prompt, "options": options, "ids": texts,
            "scores": numbers(scores)}


def first_safe(make, attempts=400):
    """The first prompt of a seeded stream for which `make` returns a case."""
    rng = np.random.default_rng(7)
    for _ in range(attempts):
        case = make(rng.integers(0, VOCAB, 5).tolist())
        if case is not None:
            return case
    return None


def greedy_options():
    base = {"do_sample": False, "max_new_tokens": 64}
    yield base, 20
    yield {**base, "repetition_penalty": 1.3}, 20
    yield {**base, "no_repeat_ngram_size": 2}, 20
    yield {**base, "repetition_penalty": 1.1, "no_repeat_ngram_size": 3}, 20


def pick_model():
    """The first seed whose greedy texts are varied and safe."""
    for seed in range(2000):
        model = tiny_model(seed)
        models = {torch.float32: model, torch.float64: tiny_model(seed).double()}
        cases = []
        for options, distinct in greedy_options():
            case = first_safe(lambda prompt: greedy_case(models, prompt, options, distinct), attempts=20)
            if case is None:
                break
            cases.append(case)
        else:
            return seed, models, cases
    raise SystemExit("no seed gives varied greedy texts")


def follow_ups(models, greedy):
    """Cases that depend on what greedy search says: its own tokens are forbidden, suppressed or end the text."""
    prompt, text = greedy["prompt"], greedy["ids"][0]
    base = {"do_sample": False, "max_new_tokens": 48}
    rare = [token for token in text[4:30] if text.index(token) >= 4]
    for options in [
        {**base, "bad_words_ids": [[text[2]], [text[5], text[6]], [text[9], text[10], text[11]]]},
        {**base, "eos_token_id": rare[3]},
        {**base, "eos_token_id": [rare[5], rare[2]]},
        {**base, "eos_token_id": rare[1], "min_new_tokens": 12},
        {**base, "sequence_bias": [[[rare[2]], -2.5], [[rare[7]], 1.25]]},
    ]:
        case = greedy_case(models, prompt, options, 1)
        assert case is not None, options
        yield case


def likely_tokens(models, count):
    """Tokens that beams often come to: as end-of-text they end texts at many lengths."""
    rng = np.random.default_rng(3)
    seen = np.zeros(VOCAB)
    for _ in range(8):
        texts, _ = generate(models[torch.float64], rng.integers(0, VOCAB, 5).tolist(),
                            {"num_beams": 6, "num_return_sequences": 6, "max_new_tokens": 24})
        for token in set(itertools.chain.from_iterable(texts)):
            seen[token] += 1
    return np.argsort(-seen, kind="stable")[:count].tolist()


def beam_options(eos):
    for beams, returned in [(2, 1), (4, 1), (4, 4), (3, 2)]:
        yield {"num_beams": beams, "num_return_sequences": returned, "max_new_tokens": 20}
    for beams, penalty, early, ends in itertools.product(
            [2, 4], [0.6, 1.0, 2.0], [False, True, "never"], [eos[:1], eos[:3]]):
        yield {"num_beams": beams, "num_return_sequences": beams, "max_new_tokens": 24, "length_penalty": penalty,
               "early_stopping": early, "eos_token_id": ends if len(ends) > 1 else ends[0]}
    yield {"num_beams": 4, "num_return_sequences": 4, "max_new_tokens": 24, "length_penalty": 0.0,
           "early_stopping": "never", "eos_token_id": eos[:2]}
    yield {"num_beams": 4, "num_return_sequences": 4, "max_new_tokens": 24, "length_penalty": -1.0,
           "eos_token_id": eos[:2]}
    yield {"num_beams": 4, "num_return_sequences": 2, "max_new_tokens": 24, "repetition_penalty": 1.3,
           "eos_token_id": eos[0]}
    yield {"num_beams": 4, "num_return_sequences": 2, "max_new_tokens": 24, "no_repeat_ngram_size": 2,
           "bad_words_ids": [[eos[1]], [eos[2], eos[3]]], "min_new_tokens": 8, "eos_token_id": eos[0]}


def stopping_pair(models, prompt, options):
    """Cases that tell the estimate of early_stopping False from that of "never": their texts differ."""
    cases = [beam_case(models, prompt, {**options, "early_stopping": early}) for early in [False, "never"]]
    return None if None in cases or cases[0]["ids"] == cases[1]["ids"] else cases


def beam_cases(models):
    eos = likely_tokens(models, 4)
    for options in beam_options(eos):
        case = first_safe(lambda prompt: beam_case(models, prompt, options))
        assert case is not None, options
        yield case
    # An end made likely by a bias gives early texts that only much longer ones can beat.
    for beams, penalty in [(2, 2.0), (3, 1.5)]:
        options = {"num_beams": beams, "num_return_sequences": beams, "max_new_tokens": 24, "eos_token_id": eos[0],
                   "length_penalty": penalty, "sequence_bias": [[[eos[0]], 2.5]]}
        pair = first_safe(lambda prompt: stopping_pair(models, prompt, options), attempts=100)
        assert pair is not None, options
        yield from pair


def first_token_cases(models, prompt):
    for options in [
        {"top_k": 0},
        {"temperature": 0.5, "top_k": 40},
        {"temperature": 0.8, "top_k": 0, "top_p": 0.6},
        {"temperature": 0.6, "top_k": 0, "min_p": 0.2},
        {"temperature": 0.7, "top_k": 50, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.2},
    ]:
        full = {**options, "do_sample": True, "max_new_tokens": 1}
        with torch.no_grad():
            scores = models[torch.float64](torch.tensor([prompt])).logits[:, -1].float()
            processed = processors(models[torch.float64], full, len(prompt))(torch.tensor([prompt]), scores)[0]
        yield {"name": "first token " + " ".join(options), "prompt": prompt, "options": full,
               "probabilities": numbers(processed.double().softmax(-1))}


def main():
    torch.set_num_threads(1)
    scratch = tiny_model(0)
    write("processors.json", {"cases": score_cases(scratch, PROCESSOR_OPTIONS, False)})
    write("distributions.json", {"cases": score_cases(scratch, SAMPLING_OPTIONS, True)})

    seed, models, greedy = pick_model()
    directory = HERE / "tiny-gpt2"
    models[torch.float32].save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    write("generation.json", {
        "seed": seed,
        "greedy": greedy + list(follow_ups(models, greedy[0])),
        "beams": list(beam_cases(models)),
        "first_token": list(first_token_cases(models, greedy[0]["prompt"])),
    })


if __name__ == "__main__":
    transformers.utils.logging.set_verbosity_error()
    main()
