#!/usr/bin/env python3
"""Times whole steps of training GPT-2, ours and those of PyTorch and llm.c, in turn, with the peak memory of each.

    bench/peers/train.py --adlib build/release/bin/bench_models --python VENV/bin/python \\
        --old-python /usr/bin/python3 --llmc LLM.C --rounds 3

A measurement is a fresh process: it builds the model, takes a step that does not count and then --steps others; its
speed is that of the median step, its memory the most it was resident with. Medians over rounds; ratios are ours by
theirs. README.md tells how to install the peers; one that is not there is named and left out.
"""

import argparse
import json
import math
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cases  # noqa: E402
from run import Failed, log  # noqa: E402

LIMIT = 300  # seconds that one measurement may take
BATCHES = {"4x64": (4, 64), "1x512": (1, 512)}
# Of glibc: what was freed stays with the process; else the kernel clears every large tensor's pages anew.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "-1", "MALLOC_TOP_PAD_": str(64 << 20)}


class Sample:
    """What one process gave: tokens a second, peak resident bytes, the loss of the first step."""

    def __init__(self, speed, memory, loss):
        self.speed, self.memory, self.loss = speed, memory, loss
        uniform = math.log(cases.VOCABULARY)
        if not abs(loss - uniform) < 0.5:
            raise Failed(f"the first loss is {loss:.2f}, expected about {uniform:.2f}")


def run_measured(command, environment, stop=lambda line: False, directory=None):
    """The lines that a program printed until one of which `stop` says so, and its peak resident bytes."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace",
                                   cwd=directory or tempfile.gettempdir(), env={**os.environ, **environment})
        alarm = signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(LIMIT)
        lines, stopped = [], False
        try:
            for line in process.stdout:
                lines.append(line)
                if stop(line):
                    stopped = True
                    process.kill()
                    break
        finally:
            process.stdout.close()
            if not stopped and sys.exc_info()[0]:  # interrupted
                process.kill()
            _, status, usage = os.wait4(process.pid, 0)
            signal.alarm(0)
            signal.signal(signal.SIGALRM, alarm)
            process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        last = (errors.read().strip().splitlines() or [""])[-1]
    if process.returncode == -signal.SIGKILL and not stopped:
        raise Failed(f"killed, or over {LIMIT} s")
    if process.returncode != 0 and not stopped:
        raise Failed(f"status {process.returncode}: {last[:200]}")
    return lines, usage.ru_maxrss * 1024


class Adlib:
    """bench_models, started for every measurement."""

    name, note = "adlib", ""
    dtypes = ("f32", "bf16")

    def __init__(self, program, options):
        self.program, self.options = program, options

    def missing(self):
        return None

    def measure(self, dtype, batch):
        documents, tokens = batch
        lines, memory = run_measured(
            [self.program, "--model", f"gpt2-{self.options.shape}", "--no-limits", "--train", f"{documents}x{tokens}",
             "--steps", str(self.options.steps), "--benchmark_format=json",
             f"--benchmark_filter=^train/.*/format:{dtype}/.*/checkpointing:{int(self.options.checkpointing)}/"],
            {"ADLIB_NUM_THREADS": str(self.options.threads)})
        return adlib_sample("".join(lines), memory)


def adlib_sample(text, memory):
    found = json.loads(text[text.index("{"):])["benchmarks"] if "{" in text else []
    if not found:
        raise Failed("no benchmark of training matches")
    if found[0].get("error_occurred"):
        raise Failed(found[0]["error_message"])
    return Sample(found[0]["tok/s"], memory, found[0]["loss"])


class PyTorch:
    """train_worker.py. `variant` is one way to train, and one row: best settings differ by shape and machine."""

    def __init__(self, name, python, options, variant):
        self.python, self.options, self.variant = python, options, variant
        self.name, self.note = name, " ".join([variant["dtype"]] + ["compiled"] * variant["compile"])
        self.dtypes = ("f32",) if variant["dtype"] == "f32" else ("bf16",)

    def missing(self):
        if not self.python:
            return "no interpreter is given"
        try:
            lines, _ = run_measured([self.python, "-c", "import torch; print(torch.__version__)"], {})
        except (OSError, Failed) as error:
            return str(error)
        self.name = f"{self.name} {lines[0].strip().partition('+')[0]}"
        return None

    def measure(self, dtype, batch):
        documents, tokens = batch
        case = {"shape": self.options.shape, "documents": documents, "tokens": tokens, **self.variant,
                "threads": self.options.threads, "steps": self.options.steps}
        lines, memory = run_measured(
            [self.python, os.path.join(HERE, "train_worker.py"), json.dumps(case)],
            {"OMP_NUM_THREADS": str(self.options.threads), "PYTHONDONTWRITEBYTECODE": "1",
             **(KEEP_MEMORY if self.options.malloc == "keep" else {})})
        return pytorch_sample("".join(lines), memory, documents * tokens)


def pytorch_sample(text, memory, tokens):
    reply = json.loads(text)
    if "missing" in reply:
        raise Failed(reply["missing"])
    return Sample(tokens / statistics.median(reply["seconds"]), memory, reply["loss"])


class Llmc:
    """train_gpt2_BxT of llm.c, which trains f32 only; stopped after the steps that are wanted."""

    name, note = "llm.c", ""
    dtypes = ("f32",)

    def __init__(self, directory, options):
        self.directory, self.options = directory, options

    def program(self, batch):
        return os.path.join(self.directory, "train_gpt2_{}x{}".format(*batch))

    def missing(self):
        if not self.directory:
            return "--llmc is not given"
        if self.options.shape != "124m":
            return "its checkpoint is of 124m"
        needed = [self.program(batch) for batch in BATCHES.values()] + [os.path.join(self.directory, "gpt2_124M.bin")]
        absent = [os.path.basename(path) for path in needed if not os.path.exists(path)]
        return f"no {', '.join(absent)}" if absent else None

    def measure(self, dtype, batch):
        steps = self.options.llmc_steps
        lines, memory = run_measured(["stdbuf", "-oL", self.program(batch)],
                                     {"OMP_NUM_THREADS": str(self.options.threads)},
                                     stop=lambda line: line.startswith(f"step {steps}:"), directory=self.directory)
        return llmc_sample(lines, memory, batch[0] * batch[1])


def llmc_sample(lines, memory, tokens):
    steps = [re.match(r"step \d+: train loss ([\d.naif-]+) \(took ([\d.]+) ms\)", line) for line in lines]
    steps = [(float(match[1]), float(match[2])) for match in steps if match]
    if len(steps) < 2:
        raise Failed("llm.c printed no steps")
    return Sample(1000 * tokens / statistics.median(took for _, took in steps[1:]), memory, steps[0][0])


def row(batch, dtype, one, samples, ours):
    """Medians, and what ours are of theirs; `ratios` are of each round that has both."""
    speed, memory = (statistics.median(getattr(s, field) for s in samples) for field in ("speed", "memory"))
    result = {"batch": batch, "dtype": dtype, "name": one.name, "note": one.note, "speed": speed, "memory": memory,
              "loss": samples[0].loss, "speeds": [s.speed for s in samples], "memories": [s.memory for s in samples]}
    if samples is not ours and ours:
        result["ratio"] = statistics.median(s.speed for s in ours) / speed
        result["ratios"] = [our.speed / their.speed for our, their in zip(ours, samples)]
        result["memory_ratio"] = statistics.median(s.memory for s in ours) / memory
    return result


def markdown(rows, threads):
    lines = [f"| batch, {threads} threads | weights | program | tok/s | ours by theirs (rounds) | peak MB | ours by theirs |",
             "|---|---|---|---:|---:|---:|---:|"]
    for r in rows:
        ratio, memory_ratio = "", ""
        if "ratio" in r:
            ratio = f"{r['ratio']:.2f} ({min(r['ratios']):.2f}–{max(r['ratios']):.2f})"
            memory_ratio = f"{r['memory_ratio']:.2f}"
        program = f"{r['name']}, {r['note']}" if r["note"] else r["name"]
        lines.append(f"| {r['batch']} | {r['dtype']} | {program} | {r['speed']:.1f} | {ratio} | {r['memory'] / 1e6:.0f} | "
                     f"{memory_ratio} |")
    # Ours in bf16 by ours in f32, round by round.
    for batch in dict.fromkeys(r["batch"] for r in rows):
        ours = {r["dtype"]: r for r in rows if r["batch"] == batch and r["name"] == "adlib"}
        if len(ours) == 2:
            ratios = [b / f for b, f in zip(ours["bf16"]["speeds"], ours["f32"]["speeds"])]
            lines.append(f"| {batch} | bf16 by f32 | adlib | | {ours['bf16']['speed'] / ours['f32']['speed']:.2f} "
                         f"({min(ratios):.2f}–{max(ratios):.2f}) | | "
                         f"{ours['bf16']['memory'] / ours['f32']['memory']:.2f} |")
    return "\n".join(lines) + "\n"


def find_programs(options):
    candidates = [Adlib(options.adlib, options)]
    for dtype in ("f32", "autocast", "bf16"):
        for compiled in (False, True):
            candidates.append(PyTorch("pytorch", options.python, options, {"dtype": dtype, "compile": compiled}))
    candidates.append(PyTorch("old pytorch", options.old_python, options, {"dtype": "f32", "compile": False}))
    candidates.append(Llmc(options.llmc, options))
    programs = []
    for one in candidates:
        if options.only and not isinstance(one, Adlib) and not {one.name, one.note} & set(options.only):
            continue
        reason = one.missing()
        if reason:
            log(f"{one.name} {one.note}: not measured, {reason}")
        else:
            programs.append(one)
    return programs


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adlib", required=True, type=os.path.abspath, metavar="PROGRAM", help="bench_models")
    parser.add_argument("--python", metavar="PROGRAM", help="one that has the current PyTorch")
    parser.add_argument("--old-python", metavar="PROGRAM", help="one that has PyTorch 1.13 with OpenBLAS")
    parser.add_argument("--llmc", type=os.path.abspath, metavar="DIR", help="where llm.c's programs and files are")
    parser.add_argument("--shape", choices=cases.SHAPES, default="124m", help="of GPT-2 (124m)")
    parser.add_argument("--batches", default="4x64,1x512", metavar="BxT,…", help="documents x tokens (4x64,1x512)")
    parser.add_argument("--dtypes", default="f32,bf16", metavar="…", help="f32, bf16 or both (both)")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="…",
                        help="only these peers: llm.c, 'old pytorch', pytorch, or of its ways f32, 'f32 compiled', "
                             "autocast, 'autocast compiled', bf16, 'bf16 compiled'")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="that are timed in a measurement (5)")
    parser.add_argument("--llmc-steps", type=int, default=2, help="the same of llm.c, which needs seconds (2)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpointing", action="store_true", help="ours with activation checkpointing")
    parser.add_argument("--malloc", choices=("keep", "default"), default="keep",
                        help="let PyTorch keep what it freed: faster, a tenth more memory (keep)")
    parser.add_argument("--json", metavar="FILE", help="write the results here after every measurement")
    parser.add_argument("--markdown", metavar="FILE", help="write the table here as well")
    options = parser.parse_args(arguments)
    batches = options.batches.split(",")
    if any(batch not in BATCHES for batch in batches):
        parser.error(f"--batches: expected some of {', '.join(BATCHES)}")
    programs = find_programs(options)
    samples, failed, begin = {}, set(), time.monotonic()

    def rows():
        return [row(batch, dtype, one, samples[batch, dtype, one], samples.get((batch, dtype, programs[0]), []))
                for batch in batches for dtype in options.dtypes.split(",") for one in programs
                if (batch, dtype, one) in samples]

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)  # `timeout` and job managers get the table too
    try:
        for turn in range(options.rounds):
            for batch in batches:
                for dtype in options.dtypes.split(","):
                    for one in programs:
                        key = (batch, dtype, one)
                        if dtype not in one.dtypes or key in failed:
                            continue
                        where = f"round {turn + 1}/{options.rounds} {batch} {dtype} {one.name} {one.note}:"
                        try:
                            sample = one.measure(dtype, BATCHES[batch])
                        except Failed as error:  # it will not do better in the next round
                            failed.add(key)
                            log(f"[{time.monotonic() - begin:4.0f} s] {where} FAILED ({error})")
                            continue
                        samples.setdefault(key, []).append(sample)
                        log(f"[{time.monotonic() - begin:4.0f} s] {where} {sample.speed:.1f} tok/s, "
                            f"{sample.memory / 1e6:.0f} MB")
                        if options.json:
                            save(options.json, {"shape": options.shape, "threads": options.threads, "steps": options.steps,
                                                "machine": platform.processor() or platform.machine(), "rows": rows()})
    except KeyboardInterrupt:
        log("interrupted; what has been measured follows")
    if not samples:
        return 1
    table = markdown(rows(), options.threads)
    print(table, end="")
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(table)
    return 0


def save(path, results):
    with open(path + ".partial", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    os.replace(path + ".partial", path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
