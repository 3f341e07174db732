#!/usr/bin/env python3
"""Plants known bugs in the CUDA kernels, one at a time, and shows that the tests catch each.

    tests/kernels/mutants.py BUILD [--quick] [--only WORD] [--jobs N]

BUILD is a build tree of Ninja with ADLIB_CUDA=HOST whose test_kernels is up to date. For each bug, the kernel's file is
compiled again with the bug in place, linked with the tests as they are, and the named tests are run: they must fail. A
bug that survives, or whose text is no longer in the file, is an error. The bugs are in mutants.toml beside this."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def commands_of(build):
    """file -> (directory, words of its compile command)"""
    entries = json.loads((build / "compile_commands.json").read_text())
    out = {}
    for entry in entries:
        words = [w for w in shlex.split(entry["command"]) if os.path.basename(w) != "ccache"]
        out[os.path.relpath(entry["file"], ROOT)] = (entry["directory"], words)
    return out


def link_of(build):
    """The words that link test_kernels, as Ninja would run them."""
    lines = subprocess.run(["ninja", "-C", str(build), "-t", "commands", "test_kernels"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    line = next(l for l in reversed(lines) if " -o bin/test_kernels " in l)
    words = shlex.split(line)
    start = words.index("&&") + 1 if words[0] == ":" else 0
    end = words.index("&&", start) if "&&" in words[start:] else len(words)
    return words[start:end]


def planted(mutant, build, compile_commands, link, scratch):
    """None when the tests caught the bug, else what is wrong."""
    source = (ROOT / mutant["file"]).read_text()
    count = source.count(mutant["old"])
    if count != 1:
        return f"{mutant['file']} has its text {count} times, expected once"
    changed = scratch / mutant["file"]
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text(source.replace(mutant["old"], mutant["new"]))
    unit = mutant.get("unit", mutant["file"])  # the file to compile, when the bug is in a header
    directory, words = compile_commands[unit]
    compile_words, skip = [words[0], "-I", str(scratch)], False
    for word in words[1:]:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        elif word not in ("-c", "-MD", "-Werror") and os.path.abspath(os.path.join(directory, word)) != str(ROOT / unit):
            compile_words.append(word)
    compiled = scratch / "mutant.o"
    origin = changed if unit == mutant["file"] else ROOT / unit
    done = subprocess.run([*compile_words, "-w", "-o", str(compiled), "-c", str(origin)], cwd=directory, capture_output=True,
                          text=True)
    if done.returncode != 0:
        return "does not compile:\n" + done.stderr[:2000]
    words = list(link)
    words[words.index("-o") + 1] = str(scratch / "mutant")
    words.insert(words.index("-o"), str(compiled))  # before the archive that has the file without the bug
    done = subprocess.run(words, cwd=build, capture_output=True, text=True)
    if done.returncode != 0:
        return "does not link:\n" + done.stderr[:2000]
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    try:
        done = subprocess.run([str(scratch / "mutant"), "--abort", mutant["test"]], capture_output=True, text=True,
                              timeout=240, env=environment)
    except subprocess.TimeoutExpired:
        return None  # it hangs: caught
    if "No test cases matched" in done.stdout + done.stderr:
        return f"no test is called {mutant['test']!r}"
    return "the tests pass" if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="only the bugs marked quick = true")
    parser.add_argument("--only", default="", help="bugs whose file or name has this in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    mutants = tomllib.loads((pathlib.Path(__file__).parent / "mutants.toml").read_text())["mutant"]
    if arguments.quick:
        mutants = [m for m in mutants if m.get("quick")]
    mutants = [m for m in mutants if arguments.only in m["file"] or arguments.only in m["name"]]
    if not mutants:
        print(f"mutants.py: no bug has {arguments.only!r} in its file or name", file=sys.stderr)
        return 2
    compile_commands, link = commands_of(build), link_of(build)

    def run(mutant):
        with tempfile.TemporaryDirectory() as scratch:
            return planted(mutant, build, compile_commands, link, pathlib.Path(scratch))

    survivors = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, wrong in zip(mutants, pool.map(run, mutants)):
            print(f"{'caught  ' if wrong is None else 'SURVIVED'} {mutant['file']}: {mutant['name']}"
                  + (f": {wrong}" if wrong else ""), flush=True)
            survivors += wrong is not None
    print(f"{len(mutants) - survivors} of {len(mutants)} bugs are caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
