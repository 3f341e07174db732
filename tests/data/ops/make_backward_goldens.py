#!/usr/bin/env python3
"""Writes tests/data/ops/backward.safetensors: what PyTorch's autograd gives for the gradients of ops.h, in float64 from
float32 inputs, and ten steps of torch.optim.AdamW in float32; for tests/ops/backward_golden_test.cpp.

Run:    python tests/data/ops/make_backward_goldens.py
Needs:  torch, safetensors
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(20240607)
GOLDEN = {}


def random(*shape, scale=1.0, mean=0.0):
    """Random numbers that float32 holds, as float64."""
    return (torch.randn(*shape) * scale + mean).double()


def case(name, forward, inputs, dy=None, **extra):
    """Saves the inputs, dy and the gradients by every input of sum(dy * forward(inputs))."""
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    y = forward(*leaves.values())
    dy = random(*y.shape) if dy is None else dy
    (y * dy).sum().backward()
    for key, value in inputs.items():
        GOLDEN[f"{name}.{key}"] = value.float()
        GOLDEN[f"{name}.d{key}"] = leaves[key].grad
    GOLDEN[f"{name}.dy"] = dy.float()
    for key, value in extra.items():
        GOLDEN[f"{name}.{key}"] = value


def rms_norm(x, gamma):
    return F.rms_norm(x, gamma.shape, gamma, eps=1e-6)


def rotate_halves(x, cos, sin, positions):
    """Rotates the first 2R of D elements, pairs (i, i + R), as Hugging Face's Llama does."""
    r = cos.shape[1]
    c, s = cos[positions][:, None, :], sin[positions][:, None, :]
    a, b, rest = x[..., :r], x[..., r:2 * r], x[..., 2 * r:]
    return torch.cat([a * c - b * s, b * c + a * s, rest], dim=-1)


def rotate_interleaved(x, cos, sin, positions):
    r = cos.shape[1]
    z = torch.view_as_complex(x[..., :2 * r].reshape(*x.shape[:-1], r, 2).contiguous())
    turned = torch.view_as_real(z * torch.complex(cos, sin)[positions][:, None, :]).flatten(-2)
    return torch.cat([turned, x[..., 2 * r:]], dim=-1)


for name, f in {"gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "gelu_erf": F.gelu, "silu": F.silu,
                "relu": F.relu}.items():
    case(name, f, {"x": random(301, scale=3)})
case("swiglu", lambda gate, up: F.silu(gate) * up, {"gate": random(7, 33, scale=3), "up": random(7, 33)})
case("bias", lambda bias: random(70, 19) + bias, {"bias": random(19)})
case("layer_norm", lambda x, gamma, beta: F.layer_norm(x, gamma.shape, gamma, beta, eps=1e-5),
     {"x": random(37, 45, scale=2, mean=3), "gamma": random(45), "beta": random(45)})
case("rms_norm", rms_norm, {"x": random(37, 45, scale=2), "gamma": random(45)})
ids = torch.randint(0, 11, (40,))
case("embedding", lambda table: F.embedding(ids, table), {"table": random(11, 21)}, ids=ids.int())
positions = torch.randint(0, 50, (9,))
angles = torch.outer(torch.arange(50).double(), 1000.0 ** (-torch.arange(5).double() / 5)).float()
cos, sin = angles.cos(), angles.sin()
for name, f in {"rope_halves": rotate_halves, "rope_interleaved": rotate_interleaved}.items():
    case(name, lambda x: f(x, cos.double(), sin.double(), positions), {"x": random(9, 3, 12)},
         positions=positions.int(), cos=cos, sin=sin)
targets = torch.randint(0, 101, (13,))
targets[4] = -100
logits = random(13, 101, scale=4)
case("cross_entropy", lambda logits: F.cross_entropy(logits, targets, reduction="none"), {"logits": logits},
     targets=targets.int(), losses=F.cross_entropy(logits, targets, reduction="none"))

# Ten steps of the optimiser, weights and both moments after each.
w = torch.nn.Parameter(torch.randn(67))
GOLDEN["adamw.w0"] = w.detach().clone()
optimiser = torch.optim.AdamW([w], lr=3e-3, betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1, foreach=False)
for step in range(1, 11):
    w.grad = torch.randn(67) * 10.0 ** torch.randint(-4, 2, (67,))
    GOLDEN[f"adamw.gradient{step}"] = w.grad.clone()
    optimiser.step()
    GOLDEN[f"adamw.w{step}"] = w.detach().clone()
GOLDEN["adamw.m"] = optimiser.state[w]["exp_avg"].clone()
GOLDEN["adamw.v"] = optimiser.state[w]["exp_avg_sq"].clone()

path = Path(__file__).resolve().parent / "backward.safetensors"
save_file({key: value.contiguous().clone() for key, value in GOLDEN.items()}, path,
          metadata={"torch": torch.__version__.split("+")[0]})
