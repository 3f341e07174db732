#!/usr/bin/env python3
"""Times adlib and its peers in turn, on the same shapes, and prints the ratios that are the project's targets.

    bench/peers/run.py --adlib build/release/bin/bench_models --python VENV/bin/python \\
        --llama LLAMA.CPP/build/bin --ik IK_LLAMA.CPP/build/bin --rounds 3

For every case of the table, and again in each round: ours, then each peer. Medians over rounds; ratios are ours by
the best peer's. Peers that are not there are named and left out. Results are kept in WORK/results-SHAPE.json after
every case, so that an interrupted run still gives a table. README.md tells how to install the peers.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cases  # noqa: E402

LIMIT = 180  # seconds that one measurement may take


class Failed(Exception):
    """A measurement that gave no number."""


def log(*words):
    print(*words, file=sys.stderr, flush=True)


def output_of(command, environment=None, errors=subprocess.PIPE):
    """What a program printed on standard output; with errors=STDOUT on both."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace",
                               cwd=tempfile.gettempdir(),  # some leave a log where they run
                               env={**os.environ, **(environment or {})})
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise Failed(f"over {LIMIT} s") from error
    if process.returncode != 0:
        err = err or out
        lines = [line for line in err.strip().splitlines() if "rror" in line] or err.strip().splitlines() or [""]
        raise Failed(f"status {process.returncode}: {lines[-1][:200]}")
    return out


def peak_memory(command):
    """Peak resident bytes of a program, from wait4: Linux counts its pages of mapped files too."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               cwd=tempfile.gettempdir())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"status {process.returncode}")
    return usage.ru_maxrss * 1024


class Adlib:
    """bench_models, started for every measurement."""

    name = "adlib"

    def __init__(self, program, work, threads, formats):
        self.program, self.formats = program, formats
        self.model = os.path.join(work, "checkpoint")
        self.environment = {"ADLIB_NUM_THREADS": str(threads)}

    def measure(self, case):
        weights = self.formats[case.weights]
        name = {"prefill": f"prefill/.*/format:{weights}/streams:1/tokens:{case.tokens}/",
                "decode": f"decode/.*/format:{weights}/streams:{case.streams}/past:"
                          f"{cases.PROMPT if case.streams > 1 else 0}/",
                "serve": f"serve/.*/format:{weights}/requests:{case.streams}/common:0/",
                "shared": f"serve/.*/format:{weights}/requests:{case.streams}/common:{cases.SHARED[0]}/own:{cases.SHARED[1]}/"
                          f"new:{cases.SHARED[2]}/shared:1/",
                "memory": f"memory/.*/format:{weights}/"}[case.kind]
        text = output_of([self.program, "--model", self.model, "--no-limits", f"--benchmark_filter=^{name}",
                          "--benchmark_format=json", "--benchmark_min_time=0.7"], self.environment)
        found = json.loads(text[text.index("{"):])["benchmarks"] if "{" in text else []
        if not found:
            raise Failed(f"no benchmark matches {name}")
        if found[0].get("error_occurred"):
            raise Failed(found[0]["error_message"])
        return found[0]["peak_B"] if case.kind == "memory" else found[0]["tok/s"]


class Llama:
    """llama-bench and llama-batched-bench, of llama.cpp or of ik_llama.cpp, which repacks weights on demand."""

    def __init__(self, name, directory, work, threads, model, variants):
        self.name, self.directory, self.work, self.threads = name, directory, work, threads
        self.model, self.variants = model, variants

    def program(self, name):
        return os.path.join(self.directory, name) if self.directory else shutil.which(name)

    def file(self, weights):
        return os.path.join(self.work, f"{self.model}-{weights}.gguf")

    def missing(self):
        for name in ("llama-bench", "llama-batched-bench", "llama-quantize"):
            if not self.program(name) or not os.access(self.program(name), os.X_OK):
                return f"no {name}"
        return None

    def prepare(self, python):
        """GGUF in every format. Plain Q4_0 and Q8_0 for all matrices: the fastest that the peer has."""
        if not os.path.exists(self.file("f32")):
            kind = "gguf-llama" if self.model == "llama" else "gguf"
            prepare(python, kind, os.path.join(self.work, "checkpoint"), self.file("f32"))
        for weights, quantization in (("bf16", "BF16"), ("i8", "Q8_0"), ("i4", "Q4_0")):
            if not os.path.exists(self.file(weights)):
                partial = self.file(weights) + ".partial"
                output_of([self.program("llama-quantize"), "--pure", self.file("f32"), partial, quantization])
                os.replace(partial, self.file(weights))

    def measure(self, case):
        return (min if case.smaller_is_better else max)(self.measure_variant(case, list(v)) for v in self.variants)

    def measure_variant(self, case, variant):
        common = ["-m", self.file(case.weights), "-t", str(self.threads)] + variant
        if case.kind == "memory":
            return peak_memory([self.program("llama-bench"), *common, "-p", "0", "-n", str(cases.STEPS), "-r", "1"])
        if case.kind == "serve":
            prompt, written = cases.SERVED
            took = self.batched(case, variant, prompt, written)
            return case.streams * written / (took["t_pp"] + took["t_tg"])
        if case.kind == "shared":  # its own parts are read at the speed of whole prompts: it has no flag for both
            common, own, written = cases.SHARED
            took = self.batched(case, variant, common, written, "-pps")
            reading = self.batched(case, variant, own, 1)["t_pp"]
            return case.streams * written / (took["t_pp"] + reading + took["t_tg"])
        if case.streams == 1:
            sizes = ["-p", str(case.tokens), "-n", "0"] if case.kind == "prefill" else ["-p", "0", "-n", str(cases.STEPS)]
            text = output_of([self.program("llama-bench"), *common, *sizes, "-r", "2", "-o", "json"])
            samples = [sample for run in json.loads(text) for sample in run["samples_ts"]]
            return statistics.median(samples)
        return case.streams * cases.STEPS / self.batched(case, variant, cases.PROMPT, cases.STEPS)["t_tg"]

    def batched(self, case, variant, prompt, written, *more):
        """Seconds of llama-batched-bench: "t_pp" for the prompts of all streams, "t_tg" for what they write."""
        flags = [flag for flag in variant if flag != "1"]  # -rtr is a switch here
        text = output_of([self.program("llama-batched-bench"), "-m", self.file(case.weights), "-t", str(self.threads),
                          *flags, "-c", str(case.streams * (prompt + written) + 256), "-npp", str(prompt),
                          "-ntg", str(written), "-npl", str(case.streams), *more, "--output-format", "jsonl"],
                         errors=subprocess.STDOUT)
        return seconds_of_batches(text)


def seconds_of_batches(text):
    """From the JSON of llama-batched-bench, or from the table that ik_llama.cpp prints."""
    header, found = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("{") and "t_tg" in line:
            found = {key: float(json.loads(line)[key]) for key in ("t_pp", "t_tg")}
        elif "T_TG s" in cells:
            header = cells
        elif header and len(cells) == len(header) and not cells[0].startswith("-"):
            found = {key: float(cells[header.index(name)]) for key, name in (("t_pp", "T_PP s"), ("t_tg", "T_TG s"))}
    if found is None:
        raise Failed("llama-batched-bench printed no times")
    return found


class Python:
    """A worker process that keeps its models; a fresh one for memory."""

    def __init__(self, name, python, work, threads):
        self.name, self.process = name, None
        self.command = [python, os.path.join(HERE, "worker.py"), name, work, str(threads)]
        self.environment = {"OMP_NUM_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1",
                            "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}

    def start(self):
        process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, env={**os.environ, **self.environment})
        return process, self.read(process)

    @staticmethod
    def read(process):
        line = process.stdout.readline()
        if not line:
            raise Failed("the worker ended")
        return json.loads(line)

    def missing(self):
        try:
            self.process, hello = self.start()
        except (OSError, Failed) as error:
            return str(error)
        return hello.get("missing")

    def measure(self, case):
        process = self.start()[0] if case.kind == "memory" else self.process
        try:
            process.stdin.write(json.dumps(case.to_json()) + "\n")
            process.stdin.flush()
            reply = self.read(process)
        except BrokenPipeError as error:
            raise Failed("the worker ended") from error
        finally:
            if process is not self.process:
                process.stdin.close()
                process.wait()
        if "value" not in reply:
            raise Failed(reply.get("error", "unsupported"))
        return reply["value"]

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def prepare(python, *arguments):
    log("preparing:", *(os.path.basename(argument) for argument in arguments))
    output_of([python, os.path.join(HERE, "prepare.py"), *arguments], {"PYTHONDONTWRITEBYTECODE": "1"})


def find_peers(options, work):
    """Every peer that is there, ready to be measured."""
    log(f"work directory: {work}")
    checkpoint = os.path.join(work, "checkpoint")
    os.makedirs(work, exist_ok=True)
    if not os.path.exists(os.path.join(checkpoint, "config.json")):
        prepare(options.python, "checkpoint", options.shape, checkpoint)
    candidates = [Llama("llama.cpp", options.llama, work, options.threads, "gpt2", [()])]
    if options.ik:
        candidates.append(Llama("ik_llama.cpp", options.ik, work, options.threads, "llama", [(), ("-rtr", "1")]))
    else:
        log("ik_llama.cpp: not measured, --ik is not given")
    candidates += [Python(name, options.python, work, options.threads)
                   for name in ("pytorch", "ctranslate2", "onnxruntime")]
    peers = []
    for peer in candidates:
        if options.peers and peer.name not in options.peers.split(","):
            continue
        reason = peer.missing()
        if not reason:
            try:
                prepare_peer(peer, options.python, work)
            except Failed as error:
                reason = f"its files could not be made: {error}"
        if reason:
            log(f"{peer.name}: not measured, {reason}")
        else:
            peers.append(peer)
    return peers


def prepare_peer(peer, python, work):
    checkpoint = os.path.join(work, "checkpoint")
    if isinstance(peer, Llama):
        peer.prepare(python)
    for weights, quantization in (("f32", "float32"), ("i8", "int8")):
        target = os.path.join(work, f"{peer.name}-{weights}")
        if peer.name == "ctranslate2" and not os.path.exists(os.path.join(target, "config.json")):
            prepare(python, "ctranslate2", checkpoint, quantization, target)
        if peer.name == "onnxruntime" and not os.path.exists(os.path.join(target, "model.onnx")):
            os.makedirs(target, exist_ok=True)
            prepare(python, "onnx", checkpoint, quantization, os.path.join(target, "model.onnx"))


def summary(case, samples):
    """Medians by name, the best peer, our ratio to it, and the ratio of each round that has both."""
    medians = {name: statistics.median(values) for name, values in samples.items() if values}
    row = {"case": case.name, "unit": case.unit, "medians": medians, "samples": samples, "must": case.must,
           "goal": case.goal, "best": None, "ratio": None, "ratios": [], "met": None}
    peers = {name: value for name, value in medians.items() if name != "adlib"}
    if peers:
        row["best"] = (min if case.smaller_is_better else max)(peers, key=peers.get)
    if peers and "adlib" in medians:
        row["ratio"] = medians["adlib"] / medians[row["best"]]
        row["ratios"] = [ours / theirs for ours, theirs in zip(samples["adlib"], samples[row["best"]])]
        row["met"] = row["ratio"] <= case.must if case.smaller_is_better else row["ratio"] >= case.must
    return row


def markdown(rows, names):
    """The table; ratios are ours by the best peer's, in brackets the range over rounds."""
    lines = ["| work | " + " | ".join(names) + " | ratio to the best peer | must | goal | |",
             "|---|" + "---:|" * len(names) + "---:|---:|---:|---|"]
    for row in rows:
        scale = 1e6 if row["unit"] == "MB" else 1
        cells = []
        for name in names:
            value = row["medians"].get(name)
            text = "" if value is None else f"{value / scale:.0f}"
            cells.append(f"**{text}**" if name == row["best"] else text)
        ratio = ""
        if row["ratio"] is not None:
            ratio = f"{row['ratio']:.2f} ({min(row['ratios']):.2f}–{max(row['ratios']):.2f})"
        sign = "≤" if row["unit"] == "MB" else "≥"
        lines.append(f"| {row['case']}, {row['unit']} | " + " | ".join(cells) + f" | {ratio} | {sign} {row['must']:g} | "
                     f"{'' if row['goal'] is None else row['goal']} | "
                     f"{ {True: 'met', False: 'missed', None: ''}[row['met']]} |")
    return "\n".join(lines) + "\n"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adlib", required=True, type=os.path.abspath, metavar="PROGRAM", help="bench_models")
    parser.add_argument("--shape", choices=cases.SHAPES, default="124m", help="of GPT-2 (124m)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", default="build/peers", type=os.path.abspath, metavar="DIR", help="where models are kept (build/peers)")
    parser.add_argument("--python", default=sys.executable, help="one that has numpy and the Python peers")
    parser.add_argument("--llama", type=os.path.abspath, metavar="DIR", help="where llama.cpp's programs are (else on PATH)")
    parser.add_argument("--ik", type=os.path.abspath, metavar="DIR", help="where ik_llama.cpp's programs are")
    parser.add_argument("--peers", metavar="NAME,…", help="only these")
    parser.add_argument("--cases", metavar="TEXT", help="only cases whose name contains TEXT, such as 'decode 1'")
    parser.add_argument("--int8", default="int8", metavar="FORMAT", help="ours in the rows of int8 (int8)")
    parser.add_argument("--int4", default="int4:32/int4:32", metavar="FORMAT",
                        help="ours in the rows of int4: as theirs, embedding and head too (int4:32/int4:32)")
    parser.add_argument("--json", metavar="FILE", help="write the results here as well")
    parser.add_argument("--markdown", metavar="FILE", help="write the table here as well")
    options = parser.parse_args(arguments)
    work = os.path.abspath(os.path.join(options.work, options.shape))
    chosen = [case for case in cases.CASES if not options.cases or options.cases in case.name]
    if not chosen:
        parser.error("no case has that in its name")
    try:
        peers = find_peers(options, work)
    except Failed as error:
        log(f"run.py: {error}")
        return 1
    formats = {"f32": "f32", "bf16": "bf16", "i8": options.int8, "i4": options.int4}
    everyone = [Adlib(os.path.abspath(options.adlib), work, options.threads, formats)] + peers
    samples = {case.name: {one.name: [] for one in everyone} for case in chosen}
    failed, kept, begin = set(), os.path.join(work, "results.json"), time.monotonic()

    def rows():
        return [summary(case, samples[case.name]) for case in chosen if any(samples[case.name].values())]

    def save(path):
        with open(path + ".partial", "w", encoding="utf-8") as file:
            json.dump({"shape": options.shape, "threads": options.threads, "machine": platform.processor() or
                       platform.machine(), "formats": formats, "rows": rows()}, file, indent=1)
        os.replace(path + ".partial", path)

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)  # `timeout` and job managers get the table too
    try:
        for turn in range(options.rounds):
            for case in chosen:
                words = []
                for one in everyone:
                    if (case.name, one.name) in failed:
                        continue
                    try:
                        value = one.measure(case)
                        samples[case.name][one.name].append(value)
                        words.append(f"{one.name} {value / (1e6 if case.unit == 'MB' else 1):.0f}")
                    except Failed as error:  # it will not do better in the next round
                        failed.add((case.name, one.name))
                        if str(error) != "unsupported":
                            words.append(f"{one.name} FAILED ({error})")
                log(f"[{time.monotonic() - begin:4.0f} s] round {turn + 1}/{options.rounds} {case.name}: "
                    + ", ".join(words) + f" {case.unit}")
                save(kept)
    except KeyboardInterrupt:
        log("interrupted; what has been measured follows")
    finally:
        for one in peers:
            if isinstance(one, Python):
                one.stop()
    if not rows():
        return 1
    table = markdown(rows(), [one.name for one in everyone])
    print(table, end="")
    log(f"results: {kept}")
    if options.json:
        save(os.path.abspath(options.json))
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
