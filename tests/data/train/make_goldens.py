#!/usr/bin/env python3
"""Ten steps of training by PyTorch, for tests/train/golden_test.cpp.

Run:    python tests/data/train/make_goldens.py
Needs:  torch, transformers, peft, trl, safetensors

Every case is a directory: config.json and model.safetensors (all parameters random, also gains, offsets, biases, and
the adapters' B), `gradients.safetensors` of the first step, `after.safetensors` of the weights after ten, and steps.json
with options, batches, losses and gradient norms. Everything is computed in float64 by transformers' models, peft's LoRA,
trl's DPO loss, torch.optim.AdamW and torch.nn.utils.clip_grad_norm_; documents of a batch run one by one, so that
nothing can leak between them.
"""

import json
import math
import sys
import types
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))
from make_goldens import all_in_float64  # noqa: E402  (transformers pins parts of Llama to f32)

STEPS = 10
GPT2 = dict(model_type="gpt2", vocab_size=61, n_positions=40, n_embd=24, n_layer=2, n_head=3, resid_pdrop=0.0,
            embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.2)
QWEN2 = dict(model_type="qwen2", vocab_size=53, max_position_embeddings=40, hidden_size=24, intermediate_size=40,
             num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2, rms_norm_eps=1e-6,
             tie_word_embeddings=False, attention_dropout=0.0)
LLAMA = dict(model_type="llama", vocab_size=47, max_position_embeddings=40, hidden_size=16, intermediate_size=28,
             num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
             attention_dropout=0.0)
OPTIONS = dict(peak=2e-3, floor=2e-4, warmup=3, total=8, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=0.1,
               max_gradient_norm=0.7, accumulation=2)


def randomise(model, generator):
    """Every parameter away from the special values that fresh models have."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            gain = parameter.dim() == 1 and ("ln_" in name or "norm" in name) and name.endswith("weight")
            parameter.copy_((1.0 + 0.3 * values if gain else 0.15 * values).float())


def make_batch(vocab, context, generator, pairs):
    """Documents of odd lengths, one of a single token; prompts do not count, nor do some last tokens."""
    def integer(low, high):
        return int(torch.randint(low, high, (1,), generator=generator))

    lengths = [integer(2, 12), 1, integer(2, context + 1), integer(2, 9)] if not pairs else \
        [integer(3, 12), integer(3, context + 1), integer(3, 9), integer(3, 15)]
    ids, targets, offsets = [], [], [0]
    for length in lengths:
        tokens = torch.randint(0, vocab, (length + 1,), generator=generator).tolist()
        prompt = integer(0, max(1, length // 2))
        ids += tokens[:-1]
        targets += [-1 if i < prompt else tokens[i + 1] for i in range(length)]
        offsets.append(len(ids))
    return dict(ids=ids, targets=targets, offsets=offsets)


def document_logps(model, batch):
    """log p(target) of each token of each document, (documents) lists of tensors."""
    out = []
    for begin, end in zip(batch["offsets"], batch["offsets"][1:]):
        logits = model(torch.tensor([batch["ids"][begin:end]])).logits[0]
        targets = torch.tensor(batch["targets"][begin:end])
        logps = torch.log_softmax(logits, -1).gather(1, targets.clamp(min=0)[:, None])[:, 0]
        out.append(logps * (targets >= 0))
    return out


def trl_loss(model, reference, batch, beta):
    """The sum over pairs by trl's own DPOTrainer, fed with our log-probabilities."""
    from trl import DPOTrainer

    def padded(documents):  # chosen first, then rejected, as trl orders them
        rows = documents[0::2] + documents[1::2]
        width = max(len(row) for row in rows)
        return torch.stack([torch.nn.functional.pad(row, (0, width - len(row))) for row in rows])

    log_probs = padded(document_logps(model, batch))
    with torch.no_grad():
        reference_log_probs = padded(document_logps(reference, batch))
    rows, width = log_probs.shape

    def answering(values):
        return lambda **kwargs: types.SimpleNamespace(log_probs=values,
                                                      entropy=torch.zeros(rows, width), mean_logits=torch.zeros(rows, width),
                                                      is_top1=torch.zeros(rows, width, dtype=torch.bool))

    fake = types.SimpleNamespace(
        model=types.SimpleNamespace(training=True), ref_model=answering(reference_log_probs),
        accelerator=types.SimpleNamespace(device="cpu", gather_for_metrics=lambda x: x, gather=lambda x: x,
                                          unwrap_model=lambda m: m),
        aux_loss_enabled=False, ld_alpha=None, precompute_ref_logps=False, f_divergence_type="reverse_kl",
        loss_types=["sigmoid"], loss_weights=[1.0], beta=beta, label_smoothing=0.0, use_weighting=False,
        args=types.SimpleNamespace(gradient_checkpointing_kwargs=None, gradient_checkpointing=False),
        _metrics=defaultdict(lambda: defaultdict(list)), _total_train_tokens=0, _tp_size=1, aux_loss_coef=0.0)
    inputs = dict(input_ids=torch.zeros(rows, width + 1, dtype=torch.long),
                  attention_mask=torch.ones(rows, width + 1, dtype=torch.long),
                  completion_mask=torch.ones(rows, width + 1, dtype=torch.long))
    module = sys.modules[DPOTrainer.__module__]
    module.is_peft_model = lambda m: False
    module.disable_gradient_checkpointing = lambda *a, **k: nullcontext()
    loss = DPOTrainer._compute_loss(fake, answering(log_probs), inputs, False)
    return loss * (rows // 2)


def rate(step, o):
    if step <= o["warmup"]:
        return o["peak"] * step / o["warmup"]
    if step >= o["total"]:
        return o["floor"]
    t = (step - o["warmup"]) / (o["total"] - o["warmup"])
    return o["floor"] + (o["peak"] - o["floor"]) * (1 + math.cos(math.pi * t)) / 2


def adapter_names(model):
    """peft's names without its prefixes: layer.lora_A.weight."""
    return {name: name.replace("base_model.model.", "").replace(".default", "")
            for name, parameter in model.named_parameters() if parameter.requires_grad}


def run(case, fields, lora=None, beta=None):
    folder = HERE / case
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(sum(map(ord, case)))
    config = transformers.AutoConfig.for_model(**fields)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").double()
    randomise(model, generator)
    config.save_pretrained(folder)
    head = "lm_head.weight"
    tied = config.tie_word_embeddings
    initial = {name: value.float().contiguous().clone() for name, value in model.state_dict().items()
               if not (tied and name == head)}
    reference = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").double()
    reference.load_state_dict(model.state_dict())
    names = {name: name for name, _ in model.named_parameters()}
    if lora:
        model = peft.get_peft_model(model, peft.LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"],
                                                          target_modules=lora["targets"], lora_dropout=0.0,
                                                          fan_in_fan_out=fields["model_type"] == "gpt2")).double()
        names = adapter_names(model)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name not in names:
                    continue
                parameter.copy_((0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)).float())
                initial[names[name]] = parameter.float().clone()
    save_file(initial, folder / "model.safetensors", {"format": "pt"})

    trained = [(names[name], p) for name, p in model.named_parameters() if p.requires_grad]
    groups = [dict(params=[p for _, p in trained if p.dim() >= 2], weight_decay=OPTIONS["weight_decay"]),
              dict(params=[p for _, p in trained if p.dim() < 2], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(OPTIONS["beta1"], OPTIONS["beta2"]), eps=OPTIONS["epsilon"])
    context = fields.get("n_positions", fields.get("max_position_embeddings"))
    steps, gradients = [], {}
    for step in range(1, STEPS + 1):
        batches = [make_batch(config.vocab_size, context, generator, beta) for _ in range(OPTIONS["accumulation"])]
        count = sum(len(b["offsets"]) // 2 if beta else sum(t >= 0 for t in b["targets"]) for b in batches)
        optimizer.zero_grad()
        total = 0.0
        for batch in batches:
            loss = trl_loss(model, reference, batch, beta) if beta else \
                -sum(logps.sum() for logps in document_logps(model, batch))
            (loss / count).backward()
            total += float(loss)
        if step == 1:
            gradients = {name: p.grad.float().contiguous().clone() for name, p in trained}
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in trained], OPTIONS["max_gradient_norm"])
        for group in optimizer.param_groups:
            group["lr"] = rate(step, OPTIONS)
        optimizer.step()
        steps.append(dict(batches=batches, loss=total / count, gradient_norm=float(norm)))
    save_file(gradients, folder / "gradients.safetensors", {"format": "pt"})
    after = {name: p.detach().float().contiguous().clone() for name, p in trained}
    if lora:  # the merged weights too, as they are saved
        merged = model.merge_and_unload()
        after |= {name: value.float().contiguous().clone() for name, value in merged.state_dict().items()
                  if not (tied and name == head)}
    save_file(after, folder / "after.safetensors", {"format": "pt"})
    text = json.dumps(dict(options=OPTIONS, lora=lora, beta=beta, steps=steps))
    (folder / "steps.json").write_text(text.replace('{"batches"', '\n{"batches"') + "\n")
    for stray in ("generation_config.json",):
        (folder / stray).unlink(missing_ok=True)
    print(f"{case}: loss {steps[0]['loss']:.4f} -> {steps[-1]['loss']:.4f}, norm {steps[0]['gradient_norm']:.3f}")


def main():
    torch.set_default_dtype(torch.float32)
    transformers.logging.set_verbosity_error()
    with all_in_float64():
        run("gpt2", GPT2)
        run("qwen2", QWEN2)
        run("llama", LLAMA)
        run("gpt2-lora", GPT2, lora=dict(rank=3, alpha=5, targets=["c_attn", "c_fc", "mlp.c_proj"]))
        run("qwen2-lora", QWEN2, lora=dict(rank=2, alpha=8, targets=["q_proj", "v_proj", "o_proj", "down_proj"]))
        run("gpt2-preference", GPT2, beta=0.3)


if __name__ == "__main__":
    main()
