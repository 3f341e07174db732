#!/usr/bin/env python3
"""Writes tests/data/models/rope.json: what transformers' ROPE_INIT_FUNCTIONS give for many configurations, computed in
float64, for tests/nn.

Run:    python tests/data/models/make_rope.py
Needs:  torch, transformers >= 5
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from make_goldens import all_in_float64  # noqa: E402
from transformers import LlamaConfig  # noqa: E402
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding  # noqa: E402

CASES = [
    dict(head_dim=64, rope_theta=10000.0, rope_type="default"),
    dict(head_dim=128, rope_theta=1000000.0, rope_type="default"),
    dict(head_dim=64, rope_theta=10000.0, rope_type="linear", factor=4.0),
    # Llama 3.1 and 3.2, and one whose blend covers most dimensions.
    dict(head_dim=128, rope_theta=500000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0,
         high_freq_factor=4.0, original_max_position_embeddings=8192),
    dict(head_dim=64, rope_theta=500000.0, rope_type="llama3", factor=32.0, low_freq_factor=1.0,
         high_freq_factor=4.0, original_max_position_embeddings=8192),
    dict(head_dim=32, rope_theta=10000.0, rope_type="llama3", factor=2.5, low_freq_factor=0.5,
         high_freq_factor=64.0, original_max_position_embeddings=512),
    # Qwen2.5's long context; without rounding; other betas; a given gain; a ramp of no width; no stretching at all.
    dict(head_dim=128, rope_theta=1000000.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=32768),
    dict(head_dim=64, rope_theta=10000.0, rope_type="yarn", factor=8.0, original_max_position_embeddings=2048,
         truncate=False),
    dict(head_dim=64, rope_theta=10000.0, rope_type="yarn", factor=16.0, original_max_position_embeddings=4096,
         beta_fast=64.0, beta_slow=2.0, attention_factor=1.25),
    dict(head_dim=16, rope_theta=10000.0, rope_type="yarn", factor=2.0, original_max_position_embeddings=64,
         beta_fast=1000.0, beta_slow=900.0),
    dict(head_dim=32, rope_theta=10000.0, rope_type="yarn", factor=1.0, original_max_position_embeddings=4096),
]


def main():
    out = []
    for case in CASES:
        case = dict(case)
        head_dim = case["head_dim"]
        parameters = {name: value for name, value in case.items() if name != "head_dim"}
        with all_in_float64():
            config = LlamaConfig(hidden_size=2 * head_dim, num_attention_heads=2, head_dim=head_dim,
                                 max_position_embeddings=131072, rope_parameters=parameters)
            rope = LlamaRotaryEmbedding(config)
        out.append(case | {"frequencies": rope.inv_freq.tolist(), "gain": float(rope.attention_scaling)})
    path = Path(__file__).resolve().parent / "rope.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in out) + "\n]\n")


if __name__ == "__main__":
    main()
