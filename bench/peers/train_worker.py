"""Times steps of training GPT-2 with PyTorch, 1.13 or later: forward, backward, clipping, AdamW on random tokens.

    python3 train_worker.py '{"shape": "124m", "documents": 4, "tokens": 64, "threads": 2, "steps": 5,
                              "dtype": "f32"|"autocast"|"bf16", "compile": false}'

Prints {"version": "2.9.0", "loss": 10.98, "seconds": [1.1, …]}, or {"missing": …}; the first step is not among them.
"autocast" keeps f32 weights and multiplies in bf16; "bf16" keeps weights, gradients and moments in bf16.
"""

import contextlib
import json
import math
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402


def make_model(torch, width, layers, heads):
    """GPT-2 from PyTorch's fastest modules; head tied to the embedding, no dropout."""
    nn, functional = torch.nn, torch.nn.functional
    fused = getattr(functional, "scaled_dot_product_attention", None)

    def attention(q, k, v, mask):
        if fused:
            return fused(q, k, v, is_causal=True)
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        return torch.matmul(torch.softmax(scores.masked_fill(mask, -math.inf), -1), v)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
            self.gelu = nn.GELU(approximate="tanh")

        def forward(self, x, mask):
            documents, tokens, _ = x.shape
            split = self.qkv(self.norm1(x)).view(documents, tokens, 3, heads, width // heads)
            q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
            mixed = attention(q, k, v, mask).transpose(1, 2).reshape(documents, tokens, width)
            x = x + self.out(mixed)
            return x + self.down(self.gelu(self.up(self.norm2(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.positions = nn.Embedding(cases.VOCABULARY, width), nn.Embedding(cases.CONTEXT, width)
            self.blocks = nn.ModuleList([Block() for _ in range(layers)])
            self.norm = nn.LayerNorm(width)
            for parameter in self.parameters():
                if parameter.dim() == 2:
                    nn.init.normal_(parameter, std=0.02)

        def forward(self, ids, targets):
            length = ids.shape[1]
            x = self.tokens(ids) + self.positions(torch.arange(length))
            mask = torch.ones(length, length, dtype=torch.bool).triu(1)
            for block in self.blocks:
                x = block(x, mask)
            logits = functional.linear(self.norm(x), self.tokens.weight)
            return functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))

    return Model()


def make_optimizer(torch, model):
    parameters = list(model.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.1},
              {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
    for fastest in ({"fused": True}, {"foreach": True}):
        with contextlib.suppress(TypeError, RuntimeError):
            return torch.optim.AdamW(groups, lr=3e-6, betas=(0.9, 0.95), **fastest)
    return torch.optim.AdamW(groups, lr=3e-6, betas=(0.9, 0.95))


def run(case):
    try:
        import torch
    except ImportError as error:
        return {"missing": str(error)}
    torch.set_num_threads(case["threads"])
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    shape = cases.SHAPES[case["shape"]]
    model = make_model(torch, shape["width"], shape["layers"], shape["heads"])
    if case["dtype"] == "bf16":
        model = model.to(torch.bfloat16)
    optimizer = make_optimizer(torch, model)
    compute = torch.compile(model) if case["compile"] else model
    extents = (case["documents"], case["tokens"])

    def step():
        ids, targets = (torch.randint(cases.VOCABULARY, extents) for _ in range(2))
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        context = torch.autocast("cpu", torch.bfloat16) if case["dtype"] == "autocast" else contextlib.nullcontext()
        with context:
            loss = compute(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item(), time.perf_counter() - begin

    loss, _ = step()
    if case["compile"]:
        step()
    return {"version": torch.__version__, "loss": loss, "seconds": [step()[1] for _ in range(case["steps"])]}


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
