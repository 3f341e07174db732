#!/usr/bin/env python3
"""Writes tests/data/ops/varlen_attention.safetensors: the gradients that PyTorch's autograd gives for causal attention
of several documents, computed in float64 and stored in float32, for tests/ops/varlen_attention_test.cpp.

The operands are not stored: tests/support/random.h draws the same numbers from the same seeds.

Run:    python tests/data/ops/make_varlen_attention.py
Needs:  torch, safetensors, numpy
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

# Documents, heads, key-value heads, head dimension, value dimension, softcap: as in the test.
CASES = {
    "grouped": ([65, 3], 2, 1, 64, 64, 0.0),
    "softcap": ([5, 1, 30], 4, 2, 32, 32, 1.5),
    "odd": ([70], 3, 3, 7, 5, 0.0),
}


def draw(shape, seed, scale):
    """random_tensor(shape, DType::f32, seed, scale): the raw outputs of a Mersenne twister, in [-scale, scale)."""
    generator = np.random.RandomState(seed)._bit_generator
    bits = generator.random_raw(int(np.prod(shape))).astype(np.uint32)
    x = (bits >> 8).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    return torch.from_numpy((x * np.float32(scale)).reshape(shape)).double().requires_grad_()


def attention(q, k, v, softcap):
    """One document, rows first: q (T, H, D), k (T, Hkv, D), v (T, Hkv, Dv) -> (T, H, Dv)."""
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    if softcap == 0:
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    else:  # Gemma 2
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        scores = softcap * torch.tanh(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 / softcap)
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        out = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
    return out[0].transpose(0, 1)


def main():
    tensors = {}
    for name, (lengths, heads, kv_heads, head_dim, value_dim, softcap) in CASES.items():
        rows = sum(lengths)
        q = draw((rows, heads, head_dim), 1, 2)
        k = draw((rows, kv_heads, head_dim), 2, 2)
        v = draw((rows, kv_heads, value_dim), 3, 1)
        dout = draw((rows, heads, value_dim), 4, 1)
        parts = zip(*(x.split(lengths) for x in (q, k, v)))
        out = torch.cat([attention(*part, softcap) for part in parts])
        out.backward(dout.detach())
        for part, gradient in (("dq", q.grad), ("dk", k.grad), ("dv", v.grad)):
            tensors[f"{name}.{part}"] = gradient.float().contiguous()
    save_file(tensors, Path(__file__).with_name("varlen_attention.safetensors"))


if __name__ == "__main__":
    main()
