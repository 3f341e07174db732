"""bench/peers: the order of measurements, the ratios, and the files that are written for peers."""

import contextlib
import io
import json
import os
import stat
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench", "peers"))
import cases  # noqa: E402
import gguf_file  # noqa: E402
import run  # noqa: E402
import train  # noqa: E402


class Summary(unittest.TestCase):
    def test_the_ratio_is_ours_by_the_best_peers_median(self):
        case = cases.Case("decode", "i8", must=1.0)
        row = run.summary(case, {"adlib": [200, 220, 240], "a": [100, 300, 110], "b": [120, 121, 122]})
        self.assertEqual(row["best"], "b")
        self.assertAlmostEqual(row["ratio"], 220 / 121)
        self.assertEqual([round(ratio, 3) for ratio in row["ratios"]], [1.667, 1.818, 1.967])
        self.assertTrue(row["met"])

    def test_less_memory_is_better(self):
        case = cases.Case("memory", "i8", must=0.85)
        row = run.summary(case, {"adlib": [150e6], "a": [264e6], "b": [160e6]})
        self.assertEqual((row["best"], row["met"]), ("b", False))
        self.assertTrue(run.summary(case, {"adlib": [130e6], "b": [160e6]})["met"])

    def test_no_verdict_without_ours_or_without_peers(self):
        case = cases.Case("decode", "f32")
        self.assertIsNone(run.summary(case, {"adlib": [], "a": [1.0]})["met"])
        self.assertIsNone(run.summary(case, {"adlib": [1.0], "a": []})["ratio"])

    def test_the_table_shows_medians_the_best_peer_and_the_target(self):
        row = run.summary(cases.Case("prefill", "bf16", tokens=512, must=1.5, goal=2.0), {"adlib": [1600], "a": [1000]})
        table = run.markdown([row], ["adlib", "a", "b"])
        self.assertIn("| prefill 512, bf16, tok/s | 1600 | **1000** |  | 1.60 (1.60–1.60) | ≥ 1.5 | 2.0 | met |", table)


class BatchedBench(unittest.TestCase):
    def test_seconds_from_json_and_from_the_table(self):
        self.assertEqual(run.seconds_of_batches('noise\n{"pp": 16, "t_pp": 0.5, "t_tg": 2.25, "speed_tg": 9}\n'),
                         {"t_pp": 0.5, "t_tg": 2.25})
        table = ("log line\n|    PP |  TG |  B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | T s | S t/s |\n"
                 "|-------|-----|----|------|--------|----------|--------|----------|-----|-------|\n"
                 "|    16 |  64 |  8 |  640 |  0.229 |   557.43 |  0.628 |   815.28 | 0.8 |   749 |\n\n")
        self.assertEqual(run.seconds_of_batches(table), {"t_pp": 0.229, "t_tg": 0.628})
        with self.assertRaises(run.Failed):
            run.seconds_of_batches("error: no model")


class Gguf(unittest.TestCase):
    def test_names_follow_llama_cpp(self):
        self.assertEqual(gguf_file.gguf_name("transformer.h.11.mlp.c_proj.weight"), "blk.11.ffn_down.weight")
        self.assertEqual(gguf_file.gguf_name("transformer.h.0.attn.c_attn.bias"), "blk.0.attn_qkv.bias")
        self.assertEqual(gguf_file.gguf_name("transformer.wte.weight"), "token_embd.weight")

    def test_the_file_holds_each_tensor_where_its_header_says(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("no numpy")
        config = {"vocab_size": 5, "n_positions": 7, "n_embd": 6, "n_layer": 1, "n_head": 2, "layer_norm_epsilon": 1e-5}
        product = numpy.arange(6 * 24, dtype="float32").reshape(6, 24)
        tensors = {"transformer.wte.weight": numpy.ones((5, 6), "float32"), "transformer.h.0.mlp.c_fc.weight": product}
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "model.gguf")
            gguf_file.write(path, *gguf_file.gpt2(config, tensors))
            with open(path, "rb") as file:
                data = file.read()
        self.assertEqual(data[:4], b"GGUF")
        version, count, _ = struct.unpack_from("<IQQ", data, 4)
        self.assertEqual((version, count), (3, 2))
        name = b"blk.0.ffn_up.weight"
        at = data.index(name) + len(name)
        dimensions, inner, outer, kind, offset = struct.unpack_from("<IQQIQ", data, at)
        # The innermost extent first; products lie (out, in).
        self.assertEqual((dimensions, inner, outer, kind), (2, 6, 24, gguf_file.F32))
        begin = -(-(at + 4 + 16 + 4 + 8) // 32) * 32 + offset
        stored = numpy.frombuffer(data, "<f4", 6 * 24, begin).reshape(24, 6)
        self.assertTrue((stored == product.T).all())


class Program(unittest.TestCase):
    """The whole of run.py beside programs that answer at once."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.log = self.path("calls")
        work = self.path("work/124m/checkpoint")
        os.makedirs(work)
        for name in ["checkpoint/config.json"] + [f"gpt2-{weights}.gguf" for weights in ("f32", "bf16", "i8", "i4")]:
            with open(self.path("work/124m/" + name), "w", encoding="utf-8") as file:
                file.write("{}")
        self.program("ours", 'echo \'{"benchmarks": [{"tok/s": 300, "peak_B": 1e8}]}\'')
        self.program("llama-bench", "echo '[{\"samples_ts\": [90, 100, 110]}]'")
        self.program("llama-batched-bench", f"echo '{{\"t_pp\": 2, \"t_tg\": {8 * cases.STEPS / 150}}}'")
        self.program("llama-quantize", "exit 1")

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def program(self, name, body):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\necho "{name} $*" >> {self.log}\n{body}\n')
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def run_it(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run.main(["--adlib", self.path("ours"), "--work", self.path("work"), "--peers", "llama.cpp",
                               "--llama", self.directory.name, *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_measurements_alternate_and_the_table_has_every_case(self):
        status, out, _ = self.run_it("--rounds", "2", "--cases", "decode", "--json", self.path("out.json"))
        self.assertEqual(status, 0)
        with open(self.log, encoding="utf-8") as file:
            calls = [line.split()[0] for line in file]
        decodes = [case for case in cases.CASES if case.kind == "decode"]
        expected = []
        for case in decodes:
            expected += ["ours", "llama-bench" if case.streams == 1 else "llama-batched-bench"]
        self.assertEqual(calls, expected * 2)
        self.assertEqual(out.count("\n"), 2 + len(decodes))
        self.assertIn("| decode 1 stream, i8, tok/s | 300 | **100** | 3.00 (3.00–3.00) |", out)
        self.assertIn("| decode 8 streams, i8, tok/s | 300 | **150** | 2.00 (2.00–2.00) |", out)
        with open(self.path("out.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["rows"][0]["samples"], {"adlib": [300, 300], "llama.cpp": [100, 100]})

    def test_requests_count_their_prompts_and_shared_ones_read_their_own_parts(self):
        self.program("llama-batched-bench", "echo '{\"t_pp\": 2, \"t_tg\": 6}'")
        status, out, _ = self.run_it("--rounds", "1", "--cases", "serve 8")
        self.assertEqual(status, 0)
        self.assertIn("| serve 8, i8, tok/s | 300 | **64** |", out)  # 8 x 64 in 8 s
        status, out, _ = self.run_it("--rounds", "1", "--cases", "shared")
        self.assertIn("| shared 64, i8, tok/s | 300 | **384** |", out)  # 64 x 60 in 2 + 2 + 6 s
        with open(self.log, encoding="utf-8") as file:
            shared, own = [line for line in file if line.startswith("llama-batched-bench")][-2:]
        self.assertIn("-npp 200 -ntg 60 -npl 64 -pps", shared)
        self.assertIn("-npp 40 -ntg 1 -npl 64", own)

    def test_a_peer_that_fails_leaves_the_others(self):
        self.program("llama-bench", "echo 'error: no such model' >&2; exit 3")
        status, out, err = self.run_it("--rounds", "2", "--cases", "decode 1 stream, i8")
        self.assertEqual(status, 0)
        self.assertIn("llama.cpp FAILED (status 3: error: no such model)", err)
        self.assertEqual(err.count("FAILED"), 1)  # not tried again
        self.assertIn("| decode 1 stream, i8, tok/s | 300 |  |  |", out)

    def test_a_missing_peer_is_named(self):
        os.remove(self.path("llama-quantize"))
        status, _, err = self.run_it("--rounds", "1", "--cases", "decode 1 stream, i8")
        self.assertEqual(status, 0)
        self.assertIn("llama.cpp: not measured, no llama-quantize", err)


class TrainingOutput(unittest.TestCase):
    def test_llm_c_counts_steps_after_the_first(self):
        lines = ["[GPT-2]\n", "val loss 11.02\n", "step 0: train loss 10.990000 (took 9000.0 ms)\n",
                 "step 1: train loss 10.98 (took 5120.0 ms)\n", "step 2: train loss 10.97 (took 2560.0 ms)\n"]
        sample = train.llmc_sample(lines[:4], 2e9, 256)
        self.assertEqual((sample.speed, sample.memory, sample.loss), (50.0, 2e9, 10.99))
        self.assertAlmostEqual(train.llmc_sample(lines, 2e9, 256).speed, 1000 * 256 / 3840)
        with self.assertRaises(train.Failed):
            train.llmc_sample(lines[:3], 2e9, 256)

    def test_pytorch_gives_the_median_step(self):
        sample = train.pytorch_sample('{"version": "2.9", "loss": 10.9, "seconds": [4, 2, 1]}', 3e9, 256)
        self.assertEqual((sample.speed, sample.memory), (128.0, 3e9))
        with self.assertRaisesRegex(train.Failed, "No module"):
            train.pytorch_sample('{"missing": "No module named torch"}', 0, 256)

    def test_a_first_loss_far_from_a_uniform_guess_is_no_number(self):
        for loss in ("4.2", "NaN"):
            with self.assertRaisesRegex(train.Failed, "first loss"):
                train.pytorch_sample(f'{{"loss": {loss}, "seconds": [1]}}', 0, 256)

    def test_ours_is_read_from_google_benchmark(self):
        sample = train.adlib_sample('note\n{"benchmarks": [{"tok/s": 200.5, "loss": 11.0}]}', 1e9)
        self.assertEqual((sample.speed, sample.memory), (200.5, 1e9))
        with self.assertRaisesRegex(train.Failed, "the first loss"):
            train.adlib_sample('{"benchmarks": [{"error_occurred": true, "error_message": "the first loss is 3"}]}', 1)
        with self.assertRaisesRegex(train.Failed, "no benchmark"):
            train.adlib_sample('{"benchmarks": []}', 1)


class TrainingProgram(unittest.TestCase):
    """The whole of train.py beside programs that answer at once."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.program("ours", """case "$*" in *format:bf16*) speed=320;; *) speed=200;; esac
echo "{\\"benchmarks\\": [{\\"tok/s\\": $speed, \\"loss\\": 11.0}]}\"""")
        self.program("python", """case "$*" in *"import torch"*) echo 2.9.1+cpu; exit;; *'"compile": true'*) echo no g++ >&2; exit 1;; esac
echo '{"loss": 10.9, "seconds": [2.56, 2.56]}'""")
        for batch in ("4x64", "1x512"):  # prints steps until it is stopped
            self.program("train_gpt2_" + batch, """i=0
while [ $i -lt 100 ]; do echo "step $i: train loss 10.9 (took 5120.0 ms)"; i=$((i + 1)); [ $i -lt 3 ] || sleep 1; done""")
        self.program("gpt2_124M.bin", "")

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def program(self, name, body):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\necho "{name} $*" >> {self.path("calls")}\n{body}\n')
        os.chmod(self.path(name), 0o755)

    def run_it(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = train.main(["--adlib", self.path("ours"), "--python", self.path("python"), "--batches", "4x64",
                                 *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_programs_alternate_and_each_has_speed_and_memory(self):
        status, out, err = self.run_it("--rounds", "2", "--only", "f32,llm.c", "--dtypes", "f32", "--llmc",
                                       self.directory.name, "--json", self.path("out.json"))
        self.assertEqual(status, 0)
        with open(self.path("calls"), encoding="utf-8") as file:
            calls = [line.split()[0] for line in file if "import torch" not in line]
        self.assertEqual(calls, ["ours", "python", "train_gpt2_4x64"] * 2)
        self.assertRegex(out, r"\| 4x64 \| f32 \| adlib \| 200.0 \|  \| [1-9]\d* \|  \|")
        self.assertIn("| pytorch 2.9.1, f32 | 100.0 | 2.00 (2.00–2.00) |", out)
        self.assertIn("| llm.c | 50.0 | 4.00 (4.00–4.00) |", out)
        with open(self.path("out.json"), encoding="utf-8") as file:
            rows = json.load(file)["rows"]
        self.assertEqual([row["speeds"] for row in rows], [[200, 200], [100, 100], [50, 50]])
        self.assertTrue(all(row["memory"] > 1e5 for row in rows))

    def test_a_way_that_fails_is_named_once_and_leaves_the_others(self):
        status, out, err = self.run_it("--rounds", "2", "--only", "bf16,bf16 compiled")
        self.assertEqual(status, 0)
        self.assertEqual(err.count("bf16 compiled: FAILED (status 1: no g++)"), 1)
        self.assertIn("| pytorch 2.9.1, bf16 | 100.0 | 3.20 (3.20–3.20) |", out)
        self.assertIn("| 4x64 | bf16 by f32 | adlib | | 1.60 (1.60–1.60) |", out)

    def test_a_missing_peer_is_named(self):
        status, out, err = self.run_it("--rounds", "1", "--only", "llm.c,old pytorch", "--llmc", self.path("nowhere"))
        self.assertEqual(status, 0)
        self.assertIn("llm.c : not measured, no train_gpt2_4x64, train_gpt2_1x512, gpt2_124M.bin", err)
        self.assertIn("old pytorch f32: not measured, no interpreter is given", err)


if __name__ == "__main__":
    unittest.main()
