#!/usr/bin/env python3
"""Writes the goldens of tests/io beside itself: files of torch.save, good and bad, and one of safetensors' own writer.

Needs torch and safetensors (made with torch 2.15 and safetensors 0.8 on the CPU). Run it again only to add a case: python tests/data/io/make_pytorch_bin.py
"""
import collections
import io
import json
import os
import pathlib
import zipfile

import safetensors.torch
import torch

HERE = pathlib.Path(__file__).resolve().parent


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


def rewrite(name, source, change=lambda entry, data: data, compression=zipfile.ZIP_STORED):
    """Copies an archive record by record; `change` may alter the bytes of each."""
    with zipfile.ZipFile(HERE / source) as old, zipfile.ZipFile(HERE / name, "w", compression) as new:
        for entry in old.namelist():
            new.writestr(zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0)), change(entry, old.read(entry)), compression)


def expected(tensors):
    """Shapes and values as JSON; floats as doubles, which hold every half and single exactly."""
    out = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        out[name] = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape),
                     "values": tensor.double().flatten().tolist()}
    return out


base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8 - 1
good = collections.OrderedDict(
    base=base,
    tied=base,                                   # the same storage, whole
    transposed=base.t(),                         # the same storage, strides swapped
    row=base[2],                                 # the same storage, from an offset
    block=base[1:3, 2:5],                        # the same storage, with gaps
    every_second=base[:, ::2],
    parameter=torch.nn.Parameter(torch.tensor([0.5, -2.0])),
    scalar=torch.tensor(3.25),
    empty=torch.zeros(0, 3),
    permuted=torch.arange(24, dtype=torch.float32).reshape(2, 3, 4).permute(2, 0, 1),
    f16=torch.tensor([[1.5, -65504.0], [6e-8, 0.1]]).half(),
    bf16=torch.tensor([1.0, -3e38, 1e-40]).bfloat16(),
    f64=torch.tensor([1e300, 0.1], dtype=torch.float64),
    i64=torch.tensor([-2**53, 2**53]),
    i32=torch.tensor([-2**31, 2**31 - 1], dtype=torch.int32),
    i16=torch.tensor([-2**15, 2**15 - 1], dtype=torch.int16),
    i8=torch.tensor([-128, 127], dtype=torch.int8),
    u8=torch.tensor([0, 255], dtype=torch.uint8),
    boolean=torch.tensor([[True, False, True], [False, False, True]]),
    boolean_transposed=torch.tensor([[True, False, True], [False, False, True]]).t(),
)
good["名字.weight"] = torch.tensor([7.0])
(HERE / "torch_expected.json").write_text(json.dumps(expected(good), ensure_ascii=False, separators=(",", ":")) + "\n")
save("torch_good.bin", good)
save("torch_protocol4.bin", dict(good), pickle_protocol=4)  # FRAME, MEMOIZE, STACK_GLOBAL

safetensors.torch.save_file({name: tensor.detach().clone().contiguous() for name, tensor in good.items()},
                            HERE / "torch_good.safetensors", metadata={"format": "pt"})

small = {"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]])}
save("torch_small.bin", small)
save("torch_before_1_6.bin", small, _use_new_zipfile_serialization=False)
save("torch_nested.bin", {"state_dict": small})
save("torch_not_a_dict.bin", [small["w"]])
save("torch_repeated.bin", {"w": torch.zeros(1).expand(1 << 40)})  # 4 TiB out of 4 bytes
save("torch_complex.bin", {"w": torch.zeros(1, dtype=torch.complex64)})
rewrite("torch_deflated.bin", "torch_small.bin", compression=zipfile.ZIP_DEFLATED)

zipfile.ZIP64_LIMIT = 1  # every size and offset goes to the zip64 extra fields, as beyond 4 GiB
rewrite("torch_zip64.bin", "torch_small.bin")
zipfile.ZIP64_LIMIT = (1 << 31) - 1


class Evil:
    def __reduce__(self):
        return os.system, ("touch adlib-executed-a-pickle",)


save("torch_evil.bin", {"w": small["w"], "x": Evil()})


def patched(old, new):
    def change(entry, data):
        if not entry.endswith("/data.pkl"):
            return data
        assert data.count(old) == 1, (old, data)
        return data.replace(old, new)
    return change


# The pickle of torch_small.bin says: storage elements K\x04, offset K\x00, size (K\x02 K\x02), stride (K\x02 K\x01).
rewrite("torch_shape_too_large.bin", "torch_small.bin", patched(b"K\x02K\x02\x86", b"K\x02K\x03\x86"))
rewrite("torch_offset_outside.bin", "torch_small.bin", patched(b"QK\x00K\x02", b"QK\x01K\x02"))
rewrite("torch_negative_stride.bin", "torch_small.bin",
        patched(b"K\x02K\x01\x86", b"J\xfe\xff\xff\xffK\x01\x86"))
rewrite("torch_stride_overflow.bin", "torch_small.bin",
        patched(b"K\x02K\x01\x86", b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86"))
rewrite("torch_storage_lies.bin", "torch_small.bin", patched(b"K\x04t", b"K\x05t"))
rewrite("torch_big_endian.bin", "torch_small.bin",
        lambda entry, data: b"big" if entry.endswith("/byteorder") else data)
