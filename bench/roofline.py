#!/usr/bin/env python3
"""Draws kernels against the limits of the machine that ran them (Williams, Waterman & Patterson 2009).

    bench_kernels --benchmark_out=kernels.json [--benchmark_filter=…]
    bench/roofline.py kernels.json --svg roofline.svg --markdown table.md

The limits come from the same file, where bench_kernels has put them, or from `bench_machine --json` with
--machine. Without --svg and --markdown the table goes to standard output.
"""

import argparse
import json
import math
import re
import statistics
import sys
from xml.sax.saxutils import escape

# Okabe & Ito's colours, which colour-blind readers can tell apart; dark enough for white, light enough for black.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7f7f7f", "#8c6bb1"]
MARKS = {"f32": "circle", "bf16": "square", "f16": "triangle", "i8": "diamond", "i4": "cross"}
# Operations that share a colour: by the beginning of their names, in the order of the legend.
GROUPS = {"packed matmul": "matmul_packed", "training matmul": "matmul_train", "matmul": "matmul",
          "attention": "attention", "norms": "layer_norm|rms_norm", "softmax": "softmax|log_softmax|cross_entropy",
          "activations": "gelu|silu|relu|swiglu", "copies and others": ""}
LEFT, TOP, WIDTH, HEIGHT = 80, 50, 700, 460


class UseError(Exception):
    """Files that cannot be drawn."""


def read_points(document, threads, pattern=""):
    """A point a benchmark: its name, operations a byte, operations and bytes a second, percent of the limit."""
    repetitions = {}
    for entry in document["benchmarks"]:
        if entry.get("run_type", "iteration") != "iteration" or entry.get("error_occurred"):
            continue
        name = entry.get("run_name", entry["name"])
        if "op" not in entry or f"threads:{threads}/" not in name + "/" or not re.search(pattern, name):
            continue
        repetitions.setdefault(name, []).append(entry)
    points = []
    for name, entries in repetitions.items():
        middle = lambda key: statistics.median(entry.get(key, 0) for entry in entries)  # noqa: E731
        dtype = re.search(r"(?:dtype|format):(\w+)", name)
        sizes = "/".join(part for part in name.split("/")[1:]
                         if part.split(":")[0] not in ("device", "dtype", "threads", "real_time"))
        points.append({"name": name, "operation": name.split("/")[0], "dtype": dtype.group(1) if dtype else "f32",
                       "sizes": sizes, "op": middle("op"), "B": middle("B"), "op/s": middle("op/s"),
                       "B/s": middle("B/s"), "limit%": middle("limit%"), "bound": entries[0].get("label", "")})
    return points


def limits_of(document, machine, threads):
    """The limits for `threads`, and who has them."""
    context = document.get("context", {})
    processor, limits = context.get("processor", "unknown"), context.get("limits")
    limits = json.loads(limits) if limits else []
    if machine:
        processor, limits = machine["processor"], machine["limits"]
    chosen = [one for one in limits if threads is None or one["threads"] == threads]
    if not chosen:
        raise UseError(f"no limits for {threads or 'any number of'} threads; give --machine (bench_machine --json)")
    return max(chosen, key=lambda one: one["threads"]), processor


def group_of(operation):
    return next(name for name, pattern in GROUPS.items() if re.match(pattern, operation))


def stored(dtype):
    """The kind of mark: "i8_64", int8 with a scale for 64, is an i8."""
    return dtype.split("_")[0]


def quantity(value, unit):
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def markdown(points, limits, processor):
    lines = [f"{processor}, {limits['threads']} thread{'s' if limits['threads'] > 1 else ''}: "
             f"memory {quantity(limits['memory'], 'B/s')}, L3 {quantity(limits['l3'], 'B/s')}, "
             f"L2 {quantity(limits['l2'], 'B/s')}; f32 {quantity(limits['f32'], 'op/s')}, "
             f"bf16 {quantity(limits['bf16'], 'op/s')}, i8 {quantity(limits['i8'], 'op/s')}.", "",
             "| operation | type | sizes | op/s | B/s | limit | bound by |",
             "|---|---|---|---:|---:|---:|---|"]
    for point in points:
        lines.append(f"| {point['operation']} | {point['dtype']} | {point['sizes']} | "
                     f"{quantity(point['op/s'], 'op/s') if point['op/s'] else ''} | {quantity(point['B/s'], 'B/s')} | "
                     f"{point['limit%']:.0f}% | {point['bound']} |")
    return "\n".join(lines) + "\n"


class Axes:
    """Logarithmic axes: intensity in operations a byte, speed in operations a second."""

    def __init__(self, x_range, y_range):
        self.x0, self.x1 = (math.log10(x) for x in x_range)
        self.y0, self.y1 = (math.log10(y) for y in y_range)

    def x(self, value):
        return LEFT + (math.log10(value) - self.x0) / (self.x1 - self.x0) * WIDTH

    def y(self, value):
        return TOP + HEIGHT - (math.log10(value) - self.y0) / (self.y1 - self.y0) * HEIGHT


def mark(kind, x, y, colour, title):
    r = 4.5
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"',
        "square": f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"',
        "triangle": f'<path d="M{x:.1f} {y - r - 1:.1f}l{r + 1} {2 * r}h{-2 * r - 2}z"',
        "diamond": f'<path d="M{x:.1f} {y - r - 1:.1f}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z"',
        "cross": f'<path d="M{x - r:.1f} {y - 1.5:.1f}h3v-3h3v3h3v3h-3v3h-3v-3h-3z"',
    }
    return f'{shapes[kind]} fill="{colour}" class="mark"><title>{escape(title)}</title></{shapes[kind].split()[0][1:]}>'


def svg(points, limits, processor):
    """One drawing that follows the reader's light or dark scheme."""
    points = [p for p in points if p["op/s"] > 0 and p["B"] > 0]
    if not points:
        raise UseError("no benchmark with operations and bytes for that number of threads")
    peaks = [("f32", limits["f32"]), ("bf16", limits["bf16"]), ("i8", limits["i8"])]
    bandwidths = [("memory", limits["memory"]), ("L3", limits["l3"]), ("L2", limits["l2"])]
    intensities = [p["op"] / p["B"] for p in points]
    decade = lambda value, up: 10.0 ** (math.ceil(math.log10(value)) if up else math.floor(math.log10(value)))  # noqa: E731
    highest = max(peak for _, peak in peaks)
    axes = Axes((decade(min(intensities + [0.1]), False), decade(max(intensities + [100]), True)),
                (decade(min(p["op/s"] for p in points), False), decade(1.2 * highest, True)))
    families = [name for name in GROUPS if any(group_of(p["operation"]) == name for p in points)]
    rows = max(len(families) + len(MARKS) + 2, 1)
    height = max(TOP + HEIGHT + 70, TOP + 18 * rows + 20)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 {height}" role="img" '
           'font-family="system-ui, sans-serif" font-size="12">',
           f"<title>Roofline of {escape(processor)}, {limits['threads']} threads</title>",
           "<style>svg{background:#fff;color:#222}.grid{stroke:#e4e4e4}.roof{stroke:#222;fill:none;stroke-width:1.6}"
           ".soft{stroke:#666;fill:none;stroke-dasharray:5 4}text{fill:#222}.dim{fill:#555;stroke:#fff;stroke-width:3px;paint-order:stroke}.mark{stroke:#fff;stroke-width:.6}"
           "@media(prefers-color-scheme:dark){svg{background:#16181c;color:#ddd}.grid{stroke:#30343a}.roof{stroke:#ddd}"
           ".soft{stroke:#999}text{fill:#ddd}.dim{fill:#aaa;stroke:#16181c}.mark{stroke:#16181c}}</style>",
           f'<text x="{LEFT}" y="24" font-size="16" font-weight="600">{escape(processor)}: kernels against the '
           f"machine's limits, {limits['threads']} thread{'s' if limits['threads'] > 1 else ''}</text>"]
    for power in range(round(axes.x0), round(axes.x1) + 1):
        x = axes.x(10.0**power)
        out.append(f'<path class="grid" d="M{x:.1f} {TOP}v{HEIGHT}"/><text x="{x:.1f}" y="{TOP + HEIGHT + 18}" '
                   f'text-anchor="middle">{10.0**power:g}</text>')
    for power in range(round(axes.y0), round(axes.y1) + 1):
        y = axes.y(10.0**power)
        out.append(f'<path class="grid" d="M{LEFT} {y:.1f}h{WIDTH}"/><text x="{LEFT - 8}" y="{y + 4:.1f}" '
                   f'text-anchor="end">{10.0 ** (power - 9):g}</text>')
    out.append(f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 44}" text-anchor="middle">'
               "arithmetic intensity, operations per byte</text>")
    out.append(f'<text transform="translate(22 {TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
               "speed, 10⁹ operations per second</text>")
    x0, x1, y0 = 10.0**axes.x0, 10.0**axes.x1, 10.0**axes.y0
    for name, rate in bandwidths:  # a slope up to the highest peak
        begin, end = max(x0, y0 / rate), min(x1, highest / rate)
        style = "roof" if name == "memory" else "soft"
        out.append(f'<path class="{style}" d="M{axes.x(begin):.1f} {axes.y(rate * begin):.1f}'
                   f'L{axes.x(end):.1f} {axes.y(rate * end):.1f}"/>')
        at = begin * 10 ** ({"memory": 0.62, "L3": 0.40, "L2": 0.18}[name] * (math.log10(end / begin)))
        slope = -math.degrees(math.atan2(HEIGHT / (axes.y1 - axes.y0), WIDTH / (axes.x1 - axes.x0)))
        out.append(f'<text class="dim" transform="translate({axes.x(at):.1f} {axes.y(rate * at) - 6:.1f}) '
                   f'rotate({slope:.1f})">{name} {quantity(rate, "B/s")}</text>')
    drawn, labels = [], []  # labels are drawn last, over the marks
    for name, peak in peaks:
        if any(abs(peak / other - 1) < 0.05 for other in drawn):  # a level without that instruction
            continue
        drawn.append(peak)
        begin = max(x0, peak / max(rate for _, rate in bandwidths))
        y = axes.y(peak)
        out.append(f'<path class="{"roof" if name == "f32" else "soft"}" d="M{axes.x(begin):.1f} {y:.1f}'
                   f'H{axes.x(x1):.1f}"/>')
        labels.append(f'<text class="dim" x="{LEFT + WIDTH - 4}" y="{y - 6:.1f}" text-anchor="end">{name} '
                      f'{quantity(peak, "op/s")}</text>')
    for point in points:
        colour = COLOURS[list(GROUPS).index(group_of(point["operation"]))]
        title = (f"{point['operation']} {point['dtype']} {point['sizes']}: {quantity(point['op/s'], 'op/s')}, "
                 f"{point['limit%']:.0f}% of the limit ({point['bound']})")
        out.append(mark(MARKS.get(stored(point["dtype"]), "circle"), axes.x(point["op"] / point["B"]),
                        axes.y(point["op/s"]), colour, title))
    out += labels
    x, y = LEFT + WIDTH + 24, TOP + 8
    for i, family in enumerate(families):
        out.append(mark("circle", x, y + 18 * i, COLOURS[list(GROUPS).index(family)], family))
        out.append(f'<text x="{x + 12}" y="{y + 18 * i + 4}">{escape(family)}</text>')
    y += 18 * (len(families) + 1)
    for i, dtype in enumerate(kind for kind in MARKS if any(stored(p["dtype"]) == kind for p in points)):
        out.append(mark(MARKS[dtype], x, y + 18 * i, "#7f7f7f", dtype))
        out.append(f'<text x="{x + 12}" y="{y + 18 * i + 4}">{dtype}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def main(arguments, out=sys.stdout):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", metavar="JSON", help="what bench_kernels wrote")
    parser.add_argument("--machine", metavar="JSON", help="what bench_machine --json printed")
    parser.add_argument("--threads", type=int, help="which rows (default: the most there are)")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only benchmarks whose name matches")
    parser.add_argument("--svg", metavar="FILE")
    parser.add_argument("--markdown", metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        documents = []
        for path in [options.kernels] + ([options.machine] if options.machine else []):
            try:
                with open(path, encoding="utf-8") as file:
                    documents.append(json.load(file))
            except (OSError, ValueError) as error:
                raise UseError(f"{path}: {error}") from error
        limits, processor = limits_of(documents[0], documents[1] if options.machine else None, options.threads)
        points = read_points(documents[0], limits["threads"], options.filter)
        table = markdown(points, limits, processor)
        if options.svg:
            drawing = svg(points, limits, processor)
            with open(options.svg, "w", encoding="utf-8") as file:
                file.write(drawing)
        if options.markdown:
            with open(options.markdown, "w", encoding="utf-8") as file:
                file.write(table)
    except UseError as error:
        print(f"roofline.py: {error}", file=sys.stderr)
        return 2
    if not options.svg and not options.markdown:
        out.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
