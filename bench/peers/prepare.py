"""Makes what the peers read, once: a checkpoint with random weights, and from it each peer's own format.

    python3 prepare.py checkpoint SHAPE DIR        config.json and model.safetensors; needs numpy
    python3 prepare.py gguf DIR FILE               for llama.cpp; needs numpy
    python3 prepare.py gguf-llama DIR FILE         for ik_llama.cpp; needs numpy
    python3 prepare.py ctranslate2 DIR TYPE OUT    needs ctranslate2, transformers and torch
    python3 prepare.py onnx DIR TYPE OUT           needs onnx, and onnxruntime for int8
"""

import json
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import gguf_file  # noqa: E402


def tensor_shapes(width, layers):
    shapes = {"transformer.wte.weight": (cases.VOCABULARY, width), "transformer.wpe.weight": (cases.CONTEXT, width)}
    for layer in range(layers):
        base = f"transformer.h.{layer}."
        for norm in ("ln_1", "ln_2"):
            shapes[base + norm + ".weight"] = shapes[base + norm + ".bias"] = (width,)
        for name, rows, columns in (("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
                                    ("mlp.c_fc", width, 4 * width), ("mlp.c_proj", 4 * width, width)):
            shapes[base + name + ".weight"], shapes[base + name + ".bias"] = (rows, columns), (columns,)
    shapes["transformer.ln_f.weight"] = shapes["transformer.ln_f.bias"] = (width,)
    return shapes


def checkpoint(shape, directory):
    """Normal with deviation 0.02, as GPT-2 was initialised; biases too, so that none can be left out for zero."""
    import numpy

    numbers = cases.SHAPES[shape]
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
              "vocab_size": cases.VOCABULARY, "n_positions": cases.CONTEXT, "n_ctx": cases.CONTEXT,
              "n_embd": numbers["width"], "n_layer": numbers["layers"], "n_head": numbers["heads"],
              "layer_norm_epsilon": 1e-5, "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
              "bos_token_id": 50256, "eos_token_id": 50256, "tie_word_embeddings": True}
    os.makedirs(directory, exist_ok=True)
    draw = numpy.random.default_rng(1)
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    shapes = tensor_shapes(numbers["width"], numbers["layers"])
    for name, extents in shapes.items():
        size = 4 * int(numpy.prod(extents))
        header[name] = {"dtype": "F32", "shape": list(extents), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    partial = os.path.join(directory, "model.safetensors.partial")
    with open(partial, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, extents in shapes.items():
            values = draw.standard_normal(extents, dtype="float32") * numpy.float32(0.02)
            if ".ln_" in name and name.endswith(".weight"):
                values += 1
            file.write(values.astype("<f4").tobytes())
    os.replace(partial, os.path.join(directory, "model.safetensors"))
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)


def read_checkpoint(directory):
    """(config, {name: array}) of a directory with f32 weights in one file."""
    import numpy

    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    path = os.path.join(directory, "model.safetensors")
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    tensors = {}
    for name, about in header.items():
        if about["dtype"] != "F32":
            raise SystemExit(f"{path}: {name} is {about['dtype']}, expected F32")
        if name == "lm_head.weight":
            continue
        begin, end = about["data_offsets"]
        tensors[name] = numpy.memmap(path, "<f4", "r", 8 + length + begin, shape=tuple(about["shape"]))
    return config, tensors


def gguf(directory, path):
    gguf_file.write(path, *gguf_file.gpt2(*read_checkpoint(directory)))


def gguf_llama(directory, path):
    gguf_file.write(path, *gguf_file.llama(*read_checkpoint(directory)))


def ctranslate2(directory, quantization, out):
    from ctranslate2.converters.transformers import GPT2Loader
    from transformers import GPT2LMHeadModel

    spec = GPT2Loader().get_model_spec(GPT2LMHeadModel.from_pretrained(directory))
    spec.register_vocabulary([str(i) for i in range(cases.VOCABULARY)])  # the text of a token does not matter
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = str(cases.VOCABULARY - 1)
    spec.validate()
    spec.optimize(quantization=quantization)
    os.makedirs(out, exist_ok=True)
    spec.save(out)


def onnx(directory, quantization, out):
    import onnx_graph

    config, tensors = read_checkpoint(directory)
    onnx_graph.write(out, config, tensors, quantization)


if __name__ == "__main__":
    steps = {"checkpoint": checkpoint, "gguf": gguf, "gguf-llama": gguf_llama, "ctranslate2": ctranslate2, "onnx": onnx}
    steps[sys.argv[1]](*sys.argv[2:])
