#!/usr/bin/env python3
"""Ten steps of torch.optim.Muon, for tests/train/muon_test.cpp.

Run:    python tests/data/train/make_muon.py
Needs:  torch 2.9 or newer, safetensors

muon.safetensors: of each matrix `name` the start `name.0`, the gradients `name.gradient1` ..., the end `name.10` and its
momentum. `fused` is three matrices side by side, which torch moves one by one. PyTorch orthogonalises in bfloat16; here
it is made to do it in float64.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

SHAPES = {"wide": (24, 60), "tall": (40, 16), "square": (32, 32), "fused": (16, 48)}
STEPS, RATE, DECAY, MOMENTUM = 10, 2e-2, 0.1, 0.95

torch.bfloat16 = torch.float64
generator = torch.Generator().manual_seed(5)
tensors = {}
for name, shape in SHAPES.items():
    start = torch.randn(shape, generator=generator).float()
    gradients = [torch.randn(shape, generator=generator).float() * 10.0**-step for step in range(STEPS)]
    parts = [torch.nn.Parameter(part.double()) for part in start.chunk(3 if name == "fused" else 1, dim=1)]
    optimizer = torch.optim.Muon(parts, lr=RATE, weight_decay=DECAY, momentum=MOMENTUM, nesterov=True,
                                 adjust_lr_fn="match_rms_adamw")
    for step, gradient in enumerate(gradients):
        for part, slice_ in zip(parts, gradient.double().chunk(len(parts), dim=1)):
            part.grad = slice_.contiguous()
        optimizer.step()
        tensors[f"{name}.gradient{step + 1}"] = gradient
    tensors[f"{name}.0"] = start
    tensors[f"{name}.10"] = torch.cat([part.data for part in parts], dim=1).float()
    tensors[f"{name}.momentum"] = torch.cat([optimizer.state[part]["momentum_buffer"] for part in parts], dim=1).float()
save_file({name: tensor.contiguous() for name, tensor in tensors.items()},
          Path(__file__).resolve().parent / "muon.safetensors")
