"""Writes a GPT-2 checkpoint, or a Llama of its size, as GGUF version 3, the format of llama.cpp, without a vocabulary.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Little-endian; a header, the metadata, the
tensors' descriptions, then their bytes, each aligned to 32.
"""

import struct

UINT32, FLOAT32, STRING = 4, 6, 8  # types of metadata
F32 = 0  # type of a tensor
ALIGNMENT = 32

NAMES = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
LAYER_NAMES = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
               "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    packed = string(value) if kind == STRING else struct.pack("<I" if kind == UINT32 else "<f", value)
    return string(key) + struct.pack("<I", kind) + packed


def gguf_name(name):
    """h.3.mlp.c_fc.weight -> blk.3.ffn_up.weight"""
    name = name.removeprefix("transformer.")
    stem, part = name.rsplit(".", 1)
    if not stem.startswith("h."):
        return f"{NAMES[stem]}.{part}"
    _, layer, rest = stem.split(".", 2)
    return f"blk.{layer}.{LAYER_NAMES[rest]}.{part}"


def gguf_tensors(tensors):
    """(name, array) in GGUF's names and layout: products are stored (out, in), GPT-2 has them (in, out)."""
    for name, array in tensors.items():
        transposed = ".c_" in name and array.ndim == 2
        yield gguf_name(name), array.T if transposed else array


def gpt2(config, tensors):
    """Metadata and tensors of the GPT-2 that the checkpoint is. config: its config.json."""
    metadata = common("gpt2", config, 4 * config["n_embd"])
    metadata.append(entry("gpt2.attention.layer_norm_epsilon", FLOAT32, config["layer_norm_epsilon"]))
    return metadata, list(gguf_tensors(tensors))


def llama(config, tensors):
    """A Llama with products of the same sizes: ik_llama.cpp cannot run GPT-2, whose second norm it takes for RMSNorm.

    Three matrices of 8/3 of the width in the MLP hold as many numbers as two of four times the width (down to a
    multiple of 32, in the peer's favour); there are no biases, and rotations instead of learned positions.
    """
    import numpy

    width, heads = config["n_embd"], config["n_head"]
    inner = 8 * width // 3 // 32 * 32
    metadata = common("llama", config, inner)
    metadata += [entry("llama.attention.head_count_kv", UINT32, heads),
                 entry("llama.rope.dimension_count", UINT32, width // heads),
                 entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, config["layer_norm_epsilon"])]
    arrays = [("token_embd.weight", tensors["transformer.wte.weight"]),
              ("output_norm.weight", tensors["transformer.ln_f.weight"])]
    for layer in range(config["n_layer"]):
        take = lambda name: tensors[f"transformer.h.{layer}.{name}.weight"]  # noqa: B023, E731
        base = f"blk.{layer}."
        arrays += [(base + "attn_norm.weight", take("ln_1")), (base + "ffn_norm.weight", take("ln_2")),
                   (base + "attn_output.weight", take("attn.c_proj").T)]
        for i, name in enumerate("qkv"):
            arrays.append((f"{base}attn_{name}.weight", take("attn.c_attn")[:, i * width : (i + 1) * width].T))
        numbers = numpy.concatenate([take("mlp.c_fc").ravel(), take("mlp.c_proj").ravel()])
        for i, (name, shape) in enumerate((("gate", (inner, width)), ("up", (inner, width)), ("down", (width, inner)))):
            size = inner * width
            arrays.append((f"{base}ffn_{name}.weight", numbers[i * size : (i + 1) * size].reshape(shape)))
    return metadata, arrays


def common(architecture, config, inner):
    return [
        entry("general.architecture", STRING, architecture),
        entry("general.name", STRING, "random weights"),
        entry(architecture + ".vocab_size", UINT32, config["vocab_size"]),
        entry(architecture + ".context_length", UINT32, config["n_positions"]),
        entry(architecture + ".embedding_length", UINT32, config["n_embd"]),
        entry(architecture + ".feed_forward_length", UINT32, inner),
        entry(architecture + ".block_count", UINT32, config["n_layer"]),
        entry(architecture + ".attention.head_count", UINT32, config["n_head"]),
        entry("tokenizer.ggml.model", STRING, "none"),
    ]


def write(path, metadata, arrays):
    """metadata: entries; arrays: [(name, numpy array of float32)]."""
    import numpy

    header, offset = b"", 0
    for name, array in arrays:
        extents = array.shape[::-1]  # the innermost first
        header += string(name) + struct.pack(f"<I{len(extents)}QIQ", len(extents), *extents, F32, offset)
        offset += -(-array.size * 4 // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(arrays), len(metadata)) + b"".join(metadata) + header)
        for _, array in arrays:
            file.write(b"\0" * (-file.tell() % ALIGNMENT))
            file.write(numpy.ascontiguousarray(array, dtype="<f4").tobytes())
        file.write(b"\0" * (-file.tell() % ALIGNMENT))
