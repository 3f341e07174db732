#!/usr/bin/env python3
"""Plants bugs in the constraint code, one at a time, and checks that its tests catch each.

    tests/generate/mutants.py BUILD_DIRECTORY [CXX]

BUILD_DIRECTORY holds libadlib.a (a Release build). About half a minute a bug; part of .ci/nightly.
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = "lib/include/adlib/generate/"
PHRASES, NUMBERS, LENGTH = (HEADERS + name for name in ("phrase_set.h", "number_scan.h", "text_length.h"))
RULES = "lib/src/generate/constraint.cpp"
BUGS = [
    (PHRASES, "match.dropped = !boundary;", "match.dropped = false;", "words that go on are taken for found"),
    (PHRASES, "match.begin >= excused", "match.begin > excused", "an exception does not cover its first letter"),
    (PHRASES, "node == 0 ? 0 : next(states_[node].fail, c)", "0", "phrases that begin inside of others"),
    (PHRASES, "ends ? state.fail : fail.shorter", "0", "phrases that end inside of others"),
    (PHRASES, "grows[child] ? state.depth : fail.saving", "state.depth", "hope for exceptions that cannot come"),
    (PHRASES, "(begins_ >> (phrase.length - 1) & 1)", "(begins_ >> phrase.length & 1)", "where words begin"),
    (PHRASES, "return matches_.empty();", "return true;", "a phrase at the very end"),
    (NUMBERS, "if (state_ == State::separator && digit < 0) end(done);", "", "a number before a comma"),
    (NUMBERS, "return goes_on ? UnitSet::none : unit;", "return unit;", "units that are the beginning of a word"),
    (RULES, "if (const auto last = scan_.number.finish(); last && !allowed(*last)) return false;", "",
     "a number at the very end"),
    (RULES, "scan_.length.in(rules.unit) > rules.max_length) return false;",
     "scan_.length.in(rules.unit) > rules.max_length + 1) return false;", "one character too many"),
    (RULES, "if (!seen_.insert(h).second) return false;", "seen_.insert(h);", "runs that come again"),
    (RULES, "seen_.erase(windows_[i]);", "", "runs of what was taken back"),
    (RULES, "if (kind != sentence && rules.sentences && !text_.empty()) out += rules.full_stop;", "",
     "the full stop of a cut sentence"),
    (RULES, "if (sound && sound_end()) {", "if (sound) {", "places that are not sound"),
    (RULES, "for (const std::string& text : rules.ending) part(text);", "", "the ending"),
    (RULES, "std::find(scripts.begin(), scripts.end(), script) == scripts.end()", "false", "scripts"),
    (RULES, "const bool whole = scan_.foreign.empty() || all.count(scan_.foreign) > 0;", "const bool whole = true;",
     "words of other scripts that are cut short"),
    (RULES, "if (at == all.end() || !at->starts_with(scan_.foreign)) return false;", "",
     "words of other scripts that nobody gave"),
    (RULES, "if (stands_alone(c) && !end()) return false;", "", "letters in the guise of symbols"),
    (LENGTH, "if (filled > capacity) ++begun, filled = size;", "if (filled > capacity) ++begun, filled = 0;",
     "a character cut between two messages"),
]


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def program(build, compiler, sources, work):
    """The tests of constraints, with the sources in `sources` before those of the project."""
    flags = ["-std=c++20", "-O1", "-w", f'-DADLIB_SOURCE_DIR="{ROOT}"']
    folders = [f"-I{sources / 'lib/include'}", f"-I{sources / 'lib/src'}"]
    folders += [f"-I{ROOT / name}" for name in ("lib/include", "lib/src", "tokenizer/include", "tests", ".")]
    objects = []
    tests = (ROOT / "tests/generate" / name for name in ("constraint_test.cpp", "text_length_test.cpp"))
    for source in (sources / RULES, *tests):
        objects.append(work / (source.stem + ".o"))
        made = run([compiler, *flags, *folders, "-c", source, "-o", objects[-1]])
        if made.returncode:
            sys.exit(made.stderr[-2000:])
    shared = [work.parent / "main.o", work.parent / "plain_check.o"]
    for source, target in zip(("support/main.cpp", "generate/plain_check.cpp"), shared):
        if not target.exists():
            subprocess.run([compiler, *flags, *folders, "-c", ROOT / "tests" / source, "-o", target], check=True)
    libraries = run(["pkg-config", "--libs", "icu-uc", "libutf8proc", "libpcre2-8", "sentencepiece"]).stdout.split()
    linked = run([compiler, *objects, *shared, build / "libadlib.a", *libraries, "-pthread", "-o", work / "test"])
    if linked.returncode:
        sys.exit(linked.stderr[-2000:])
    return work / "test"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    compiler = sys.argv[2] if len(sys.argv) > 2 else "c++"
    survivors = []
    with tempfile.TemporaryDirectory() as directory:
        for number, (path, old, new, about) in enumerate([(RULES, "", "", "no bug: the tests pass"), *BUGS]):
            work = pathlib.Path(directory) / str(number)
            for name in (PHRASES, NUMBERS, LENGTH, RULES, HEADERS + "constraint.h"):
                text = (ROOT / name).read_text()
                if name == path and old:
                    plain = " ".join(text.split())
                    if plain.count(" ".join(old.split())) != 1:
                        sys.exit(f"{path}: '{old}' is not there once; mend the list of bugs")
                    text = text.replace(old, new)
                    if text == (ROOT / name).read_text():
                        sys.exit(f"{path}: '{old}' is broken over lines; mend the list of bugs")
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                (work / name).write_text(text)
            test = run([program(build, compiler, work, work), "[constraint]"], timeout=1200)
            caught = test.returncode != 0
            print(f"{'caught' if caught else 'passed'}: {about}", flush=True)
            if caught != bool(old):
                survivors.append(about)
    if survivors:
        sys.exit("not caught: " + "; ".join(survivors))


if __name__ == "__main__":
    main()
