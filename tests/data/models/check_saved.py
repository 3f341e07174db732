#!/usr/bin/env python3
"""Opens directories that adlib saved in transformers and compares logits.

Run:    ADLIB_SAVE_DIR=DIR build/…/bin/test_models "[.save]"     (writes one directory for each model under DIR)
        python tests/data/models/check_saved.py DIR
Needs:  torch, transformers, safetensors

Each directory also holds outputs.safetensors: ids, and the logits that adlib computed. transformers must load every
weight and miss none. f32 logits must agree with transformers in float64 within 2e-5 of the largest; 16-bit ones may
err twice as much as transformers in that type.
Exits with 1 when any does not.
"""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent))
from make_goldens import BOUND, all_in_float64  # noqa: E402


@torch.no_grad()
def logits_of(folder, ids, dtype):
    def run():
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation="eager", output_loading_info=True)
        problems = {kind: sorted(names) for kind, names in info.items() if names}
        return model.eval()(ids[None].long()).logits[0].double(), problems

    if dtype != torch.float64:
        return run()
    with all_in_float64():
        return run()


def check(folder):
    outputs = load_file(folder / "outputs.safetensors")
    file_dtype = next(iter(load_file(folder / "model.safetensors").values())).dtype
    reference, problems = logits_of(folder, outputs["ids"], torch.float64)
    allowed = BOUND * float(reference.abs().max())
    if file_dtype != torch.float32:
        own, _ = logits_of(folder, outputs["ids"], file_dtype)
        allowed = 2 * float((own - reference).abs().max())
    error = float((outputs["logits"].double() - reference).abs().max())
    ok = error <= allowed and not problems
    print(f"{'ok  ' if ok else 'FAIL'} {folder.name}: {file_dtype}, error {error:.3g}, allowed {allowed:.3g}"
          f"{f', {problems}' if problems else ''}")
    return ok


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    transformers.logging.set_verbosity_error()
    folders = sorted(path.parent for path in Path(sys.argv[1]).glob("*/outputs.safetensors"))
    if not folders:
        sys.exit(f"{sys.argv[1]} holds no directory with outputs.safetensors")
    results = [check(folder) for folder in folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
