"""Times one Python peer, in a process of its own: a case a line on standard input, its tokens a second on output.

    python3 worker.py pytorch|ctranslate2|onnxruntime WORK_DIRECTORY THREADS

Input: {"kind": "prefill", "weights": "f32", "tokens": 512, "streams": 1}; output: {"value": 672.1}, or {"error": …}.
Models are loaded when first asked for, and kept. A memory case answers with the most bytes this process has held.
"""

import importlib
import json
import os
import random
import resource
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402

SECONDS = 0.7  # of each measurement, after a call to warm up


def tokens_per_second(tokens, run):
    """The median of repeated calls."""
    run()
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < SECONDS or len(times) < 2:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return tokens / sorted(times)[len(times) // 2]


def random_ids(streams, tokens):
    draw = random.Random(1)
    return [[draw.randrange(cases.VOCABULARY - 1) for _ in range(tokens)] for _ in range(streams)]


def prompts_of(streams, common, own):
    """Rows that begin alike."""
    rows = random_ids(streams, common + own)
    return [rows[0][:common] + row[common:] for row in rows]


class PyTorch:
    """transformers' GPT-2 with PyTorch's scaled_dot_product_attention."""

    formats = ("f32", "bf16")

    def __init__(self, work, threads):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch, self.work, self.models = torch, work, {}

    def model(self, weights):
        if weights not in self.models:
            from transformers import GPT2LMHeadModel

            dtype = {"f32": self.torch.float32, "bf16": self.torch.bfloat16}[weights]
            path = os.path.join(self.work, "checkpoint")
            self.models[weights] = GPT2LMHeadModel.from_pretrained(path, dtype=dtype, attn_implementation="sdpa").eval()
        return self.models[weights]

    def prefill(self, weights, streams, tokens):
        model, ids = self.model(weights), self.torch.tensor(random_ids(streams, tokens))
        return lambda: model(ids, use_cache=True, logits_to_keep=1)

    def decode(self, weights, streams, past, steps):
        model = self.model(weights)
        ids = self.torch.tensor(random_ids(streams, past + steps))

        def run():
            cache = model(ids[:, :past], use_cache=True, logits_to_keep=1).past_key_values
            begin = time.perf_counter()
            for i in range(steps):
                cache = model(ids[:, past + i : past + i + 1], past_key_values=cache, use_cache=True).past_key_values
            return time.perf_counter() - begin

        return run

    def serve(self, weights, streams, common, own, written):
        model = self.model(weights)
        ids = self.torch.tensor(prompts_of(streams, common, own))

        def run():
            begin = time.perf_counter()
            out = model(ids, use_cache=True, logits_to_keep=1)
            for _ in range(written - 1):
                last = out.logits[:, -1].argmax(-1, keepdim=True)
                out = model(last, past_key_values=out.past_key_values, use_cache=True)
            return time.perf_counter() - begin

        return run


class CTranslate2:
    """Its generator; greedy, so that sampling costs next to nothing."""

    formats = ("f32", "i8")

    def __init__(self, work, threads):
        self.work, self.threads, self.models = work, threads, {}

    def model(self, weights):
        if weights not in self.models:
            import ctranslate2

            self.models[weights] = ctranslate2.Generator(
                os.path.join(self.work, f"ctranslate2-{weights}"), device="cpu", intra_threads=self.threads,
                inter_threads=1, compute_type={"f32": "float32", "i8": "int8_float32"}[weights])
        return self.models[weights]

    def generate(self, weights, prompts, tokens):
        return self.model(weights).generate_batch(
            prompts, max_length=tokens, min_length=tokens, sampling_topk=1, include_prompt_in_result=False,
            max_batch_size=0)

    def prefill(self, weights, streams, tokens):
        prompts = [[str(i) for i in row] for row in random_ids(streams, tokens)]
        return lambda: self.generate(weights, prompts, 1)

    def decode(self, weights, streams, past, steps):
        prompts = [[str(i) for i in row] for row in random_ids(streams, max(past, 1))]

        def run():
            begin = time.perf_counter()
            self.generate(weights, prompts, 1)
            between = time.perf_counter()
            self.generate(weights, prompts, 1 + steps)
            end = time.perf_counter()
            return (end - between) - (between - begin)  # the steps after the first

        return run

    def serve(self, weights, streams, common, own, written):
        prompts = [[str(i) for i in row] for row in prompts_of(streams, common, own)]
        begins = prompts[0][:common]
        rest = [row[common:] for row in prompts]

        def run():
            begin = time.perf_counter()
            self.model(weights).generate_batch(
                rest, max_length=written, min_length=written, sampling_topk=1, include_prompt_in_result=False,
                max_batch_size=0, static_prompt=begins or None, cache_static_prompt=False)
            return time.perf_counter() - begin

        return run


class OnnxRuntime:
    """The graph of onnx_graph.py."""

    formats = ("f32", "i8")

    def __init__(self, work, threads):
        with open(os.path.join(work, "checkpoint", "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.work, self.threads, self.models = work, threads, {}

    def model(self, weights):
        if weights not in self.models:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self.models[weights] = onnxruntime.InferenceSession(
                os.path.join(self.work, f"onnxruntime-{weights}", "model.onnx"), options, ["CPUExecutionProvider"])
        return self.models[weights]

    def step(self, weights, ids, past):
        return self.model_outputs(weights, ids, past)[1:]

    def model_outputs(self, weights, ids, past):
        import numpy

        streams, tokens = ids.shape
        heads, width, layers = self.config["n_head"], self.config["n_embd"], self.config["n_layer"]
        if past is None:
            past = [numpy.zeros((2, streams, heads, 0, width // heads), "float32")] * layers
        first = past[0].shape[3]
        feeds = {"ids": ids, "positions": numpy.tile(numpy.arange(first, first + tokens), (streams, 1))}
        feeds.update({f"past_{i}": cache for i, cache in enumerate(past)})
        return self.model(weights).run(None, feeds)

    def prefill(self, weights, streams, tokens):
        import numpy

        ids = numpy.array(random_ids(streams, tokens))
        return lambda: self.step(weights, ids, None)

    def decode(self, weights, streams, past, steps):
        import numpy

        ids = numpy.array(random_ids(streams, past + steps))

        def run():
            cache = self.step(weights, ids[:, :past], None)
            begin = time.perf_counter()
            for i in range(steps):
                cache = self.step(weights, ids[:, past + i : past + i + 1], cache)
            return time.perf_counter() - begin

        return run

    def serve(self, weights, streams, common, own, written):
        import numpy

        ids = numpy.array(prompts_of(streams, common, own))

        def run():
            begin = time.perf_counter()
            logits, *cache = self.model_outputs(weights, ids, None)
            for _ in range(written - 1):
                logits, *cache = self.model_outputs(weights, logits.reshape(streams, -1, logits.shape[-1])[:, -1:].argmax(-1),
                                                    cache)
            return time.perf_counter() - begin

        return run


PEERS = {"pytorch": (PyTorch, ("torch", "transformers")), "ctranslate2": (CTranslate2, ("ctranslate2",)),
         "onnxruntime": (OnnxRuntime, ("onnxruntime", "numpy"))}


def answer(peer, case):
    kind, weights, streams = case["kind"], case["weights"], case["streams"]
    if weights not in peer.formats:
        return {"unsupported": True}
    if kind == "prefill":
        return {"value": tokens_per_second(streams * case["tokens"], peer.prefill(weights, streams, case["tokens"]))}
    if kind in ("serve", "shared"):
        common, own, written = (0, *cases.SERVED) if kind == "serve" else cases.SHARED
        run = peer.serve(weights, streams, common, own, written)
        run()
        return {"value": streams * written / sorted(run() for _ in range(3))[1]}
    past = cases.PROMPT if streams > 1 else 1
    run = peer.decode(weights, streams, past, cases.STEPS)
    times = sorted(run() for _ in range(2 if kind == "decode" else 1))
    if kind == "decode":
        return {"value": streams * cases.STEPS / times[0]}
    return {"value": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main():
    name, work, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    make, modules = PEERS[name]
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    try:
        version = [getattr(importlib.import_module(module), "__version__", "") for module in modules][0]
        peer = make(work, threads)
    except Exception as error:  # whatever keeps a library from loading, the peer is missing
        print(json.dumps({"missing": f"{type(error).__name__}: {error}"}), file=replies, flush=True)
        return
    print(json.dumps({"version": version}), file=replies, flush=True)
    for line in sys.stdin:
        try:
            reply = answer(peer, json.loads(line))
        except Exception as error:  # one case that fails leaves the others
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
