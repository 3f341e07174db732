#!/usr/bin/env python3
"""Compares benchmark results before and after a change, and tells a change from noise.

    bench/compare.py OLD.json NEW.json
    bench/compare.py OLD.json NEW.json OLD.json NEW.json …     runs that alternated in time: old, new, old, new

Reads the JSON of Google Benchmark (--benchmark_out=FILE --benchmark_repetitions=5). Exit status: 0 nothing got
slower, 1 something did, beyond noise, 2 wrong use.

What counts as noise: with four or more samples on both sides a change must be over --threshold and a two-sided
Mann-Whitney test (Mann & Whitney 1947) must call it unlikely at --alpha; with fewer it must be over --threshold
and over the spread of the samples themselves; a single sample on either side is held to --single.
"""

import argparse
import csv
import json
import math
import re
import statistics
import sys

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class UseError(Exception):
    """Files or arguments that cannot be compared."""


def read_samples(path):
    """{benchmark name: [seconds of each repetition]}; failed benchmarks are left out."""
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)["benchmarks"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UseError(f"{path}: no JSON of Google Benchmark ({error})") from error
    samples, medians = {}, {}
    for entry in entries:
        if entry.get("error_occurred"):
            continue
        name = entry.get("run_name", entry["name"])
        seconds = entry["real_time"] * UNITS[entry.get("time_unit", "ns")] if "real_time" in entry else None
        if entry.get("run_type", "iteration") == "iteration":
            samples.setdefault(name, []).append(seconds)
        elif entry.get("aggregate_name") == "median":
            medians[name] = [seconds]
    for name, median in medians.items():  # --benchmark_report_aggregates_only
        samples.setdefault(name, median)
    return samples


def merge(runs):
    """The samples of several runs of one side."""
    merged = {}
    for run in runs:
        for name, values in run.items():
            merged.setdefault(name, []).extend(values)
    return merged


def mann_whitney_p(a, b):
    """Two-sided probability that samples of one distribution differ as much as a and b do.

    Exact without ties, by counting arrangements; otherwise normal with corrections for ties and continuity.
    """
    n, m = len(a), len(b)
    values = sorted([(x, 0) for x in a] + [(x, 1) for x in b])
    rank_sum, ties, i = 0.0, 0.0, 0
    while i < n + m:
        j = i
        while j < n + m and values[j][0] == values[i][0]:
            j += 1
        rank = (i + 1 + j) / 2
        rank_sum += rank * sum(1 for k in range(i, j) if values[k][1] == 0)
        ties += (j - i) ** 3 - (j - i)
        i = j
    u = rank_sum - n * (n + 1) / 2
    u = min(u, n * m - u)
    if ties == 0 and n * m <= 900:
        # counts[k][s]: ways to choose k of the ranks seen so far with the statistic s.
        counts = [[0] * (n * m + 1) for _ in range(n + 1)]
        counts[0][0] = 1
        for rank in range(1, n + m + 1):
            for k in range(min(n, rank), 0, -1):
                shift = rank - k  # how many of the other side stand before this one
                if shift > m:
                    continue
                for s in range(n * m, shift - 1, -1):
                    counts[k][s] += counts[k - 1][s - shift]
        below = sum(counts[n][: int(u) + 1])
        return min(1.0, 2 * below / math.comb(n + m, n))
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def spread(values):
    """How far the samples lie apart, as a part of their median."""
    return (max(values) - min(values)) / statistics.median(values)


def judge(old, new, threshold, alpha, single):
    """(change of the median, the noise it is held to, verdict): "slower", "faster" or "same"."""
    change = statistics.median(new) / statistics.median(old) - 1
    if min(len(old), len(new)) >= 4:
        noise = threshold
        sure = mann_whitney_p(old, new) < alpha
    elif min(len(old), len(new)) >= 2:
        noise = max(threshold, spread(old), spread(new))
        sure = True
    else:
        noise = max(threshold, single)
        sure = True
    if not sure or abs(change) <= noise:
        return change, noise, "same"
    return change, noise, "slower" if change > 0 else "faster"


def compare(old, new, threshold=0.02, alpha=0.05, single=0.10, pattern=""):
    """Rows for every benchmark that both sides have, in the old side's order."""
    rows = []
    for name in old:
        if name not in new or not re.search(pattern, name):
            continue
        change, noise, verdict = judge(old[name], new[name], threshold, alpha, single)
        rows.append({"name": name, "old": statistics.median(old[name]), "new": statistics.median(new[name]),
                     "samples": f"{len(old[name])}/{len(new[name])}", "change": change, "noise": noise,
                     "verdict": verdict})
    return rows


def readable(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds * 1e9:.4g} ns"


def print_rows(rows, style, out):
    if style == "json":
        json.dump(rows, out, indent=1)
        out.write("\n")
        return
    if style == "csv":
        writer = csv.DictWriter(out, ["name", "old", "new", "samples", "change", "noise", "verdict"])
        writer.writeheader()
        writer.writerows(rows)
        return
    header = ["benchmark", "old", "new", "change", "noise", "samples", ""]
    table = [[row["name"], readable(row["old"]), readable(row["new"]), f"{row['change']:+.1%}",
              f"{row['noise']:.1%}", row["samples"], "" if row["verdict"] == "same" else row["verdict"]]
             for row in rows]
    widths = [max(len(line[i]) for line in [header] + table) for i in range(len(header))]
    left, bar, right = ("| ", " | ", " |") if style == "md" else ("", "  ", "")
    lines = [header, ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:-1]] + ["-" * widths[-1]]]
    if style != "md":
        lines[1] = ["-" * width for width in widths]
    for line in lines + table:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        out.write((left + bar.join(cells) + right).rstrip() + "\n")


def main(arguments, out=sys.stdout):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="JSON", help="old, new, old, new, …")
    parser.add_argument("--threshold", type=float, default=2, help="percent; smaller changes never count (2)")
    parser.add_argument("--alpha", type=float, default=0.05, help="level of the Mann-Whitney test (0.05)")
    parser.add_argument("--single", type=float, default=10, help="percent of noise when a side has one sample (10)")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only benchmarks whose name matches")
    parser.add_argument("--format", choices=["console", "md", "csv", "json"], default="console")
    options = parser.parse_args(arguments)
    if len(options.files) % 2:
        parser.error("an even number of files is needed: old, new, old, new, …")
    try:
        old, new = merge(map(read_samples, options.files[0::2])), merge(map(read_samples, options.files[1::2]))
        rows = compare(old, new, options.threshold / 100, options.alpha, options.single / 100, options.filter)
        if not rows:
            raise UseError("the files have no benchmark in common that matches")
    except UseError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    print_rows(rows, options.format, out)
    for side, names in (("old", old.keys() - new.keys()), ("new", new.keys() - old.keys())):
        if names:
            print(f"only in the {side} files: {', '.join(sorted(names))}", file=sys.stderr)
    slower = [row for row in rows if row["verdict"] == "slower"]
    faster = sum(row["verdict"] == "faster" for row in rows)
    print(f"{len(rows)} compared, {len(slower)} slower, {faster} faster", file=sys.stderr)
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
