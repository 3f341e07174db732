#!/usr/bin/env python3
"""PyTorch's figures for tests/gpu.sh: attention with each backend chosen explicitly, products, normalisation, cross entropy.

    tests/gpu_torch.py OUT.jsonl

Appends a line of JSON for each case: its name, shape, the median of the device's seconds with the L2 cache flushed before every
run, and what the case computes or moves."""

import json
import statistics
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION}
REPEATS = 30


def median_seconds(run):
    flush = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    for _ in range(3):
        run()
    times = []
    for _ in range(REPEATS):
        flush.zero_()
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1000)
    return statistics.median(times)


def attention(head_dim, length, backward):
    heads = 2048 // head_dim
    batch = max(1, 16384 // length)
    q, k, v = (torch.randn(batch, heads, length, head_dim, device="cuda", dtype=torch.bfloat16, requires_grad=backward) for _ in range(3))
    operations = 4 * batch * heads * length * (length + 1) / 2 * head_dim * (2.5 if backward else 1)
    for name, backend in BACKENDS.items():
        def run():
            with sdpa_kernel(backend):
                return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        try:
            if backward:
                out = run()
                gradient = torch.randn_like(out)
                call = lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True)
            else:
                call = run
            yield f"attention_{'backward' if backward else 'forward'}_{name}", [batch, heads, length, head_dim], median_seconds(call), {"op": operations}
        except RuntimeError as error:
            yield f"attention_{name}", [batch, heads, length, head_dim], None, {"unavailable": str(error).splitlines()[0]}


def others():
    for m, n, k in ((8192, 768, 768), (8192, 3072, 768), (8192, 768, 3072), (8192, 50257, 768), (1, 768, 768), (1, 50257, 768)):
        a, b = (torch.randn(*s, device="cuda", dtype=torch.bfloat16) for s in ((m, k), (k, n)))
        yield "matmul", [m, n, k], median_seconds(lambda: a @ b), {"op": 2 * m * n * k}
    rows, cols = 16384, 768
    x, r = (torch.randn(rows, cols, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    gamma, beta = (torch.randn(cols, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    norm = torch.compile(lambda x, r: (x + r, F.layer_norm(x + r, (cols,), gamma, beta)))
    yield "residual_layer_norm_compiled", [rows, cols], median_seconds(lambda: norm(x, r)), {"B": 4 * rows * cols * 2}
    rows, cols = 8192, 50257
    logits = torch.randn(rows, cols, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    targets = torch.randint(cols, (rows,), device="cuda")
    loss = torch.compile(lambda l: F.cross_entropy(l.float(), targets))
    yield "cross_entropy_compiled", [rows, cols], median_seconds(lambda: torch.autograd.grad(loss(logits), logits)), {"B": 2 * rows * cols * 2}
    source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    yield "copy", [1 << 30], median_seconds(lambda: target.copy_(source)), {"B": 2 << 30}


def main():
    torch.manual_seed(1)
    with open(sys.argv[1], "a", encoding="utf-8") as out:
        cases = (case for head_dim in (64, 128) for length in (1024, 4096, 16384) for backward in (False, True)
                 for case in attention(head_dim, length, backward))
        for source in (cases, others()):
            for name, shape, seconds, work in source:
                out.write(json.dumps({"peer": "torch " + torch.__version__, "name": name, "shape": shape, "seconds": seconds, **work}) + "\n")
                out.flush()
                print(name, shape, seconds, flush=True)


if __name__ == "__main__":
    main()
