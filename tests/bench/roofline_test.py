"""bench/roofline.py: the drawing is XML with every kernel where it belongs."""

import io
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
import roofline  # noqa: E402

LIMITS = {"threads": 2, "memory": 30e9, "l3": 100e9, "l2": 200e9, "f32": 225e9, "bf16": 467e9, "i8": 933e9}


def entry(name, op, size, rate, percent, label):
    seconds = op / rate
    return {"name": name, "run_name": name, "run_type": "iteration", "real_time": seconds * 1e9, "time_unit": "ns",
            "op": op, "B": size, "op/s": rate, "B/s": size / seconds, "limit%": percent, "label": label}


def document():
    return {"context": {"processor": "Test & Co <1>", "limits": json.dumps([dict(LIMITS, threads=1), LIMITS])},
            "benchmarks": [
                entry("matmul/device:cpu/dtype:f32/m:1/threads:2/real_time", 1e6, 2e6, 1e10, 66, "memory"),
                entry("matmul/device:cpu/dtype:f32/m:512/threads:2/real_time", 1e9, 1e7, 1.5e11, 66.7, "f32"),
                entry("matmul/device:cpu/dtype:f32/m:512/threads:1/real_time", 1e9, 1e7, 1e11, 50, "f32"),
                entry("softmax/device:cpu/dtype:bf16/rows:8/threads:2/real_time", 1e6, 2e5, 5e9, 12, "L2")]}


class Roofline(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.kernels = self.path("kernels.json")
        with open(self.kernels, "w", encoding="utf-8") as file:
            json.dump(document(), file)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def run_it(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        sys.stderr, saved = err, sys.stderr
        try:
            status = roofline.main(list(arguments), out)
        finally:
            sys.stderr = saved
        return status, out.getvalue(), err.getvalue()

    def test_the_table_has_the_rows_of_the_most_threads(self):
        status, out, _ = self.run_it(self.kernels)
        self.assertEqual(status, 0)
        self.assertIn("| matmul | f32 | m:512 | 150 Gop/s | 1.5 GB/s | 67% | f32 |", out)
        self.assertEqual(out.count("| matmul |"), 2)
        self.assertIn("memory 30 GB/s", out)
        self.assertEqual(self.run_it(self.kernels, "--threads", "1")[1].count("| matmul |"), 1)

    def test_the_drawing_places_each_kernel_at_its_intensity_and_speed(self):
        picture = self.path("roof.svg")
        self.assertEqual(self.run_it(self.kernels, "--svg", picture)[0], 0)
        root = xml.parse(picture).getroot()
        space = "{http://www.w3.org/2000/svg}"
        titles = [one.text for one in root.iter(space + "title")]
        self.assertIn("matmul f32 m:512: 150 Gop/s, 67% of the limit (f32)", titles)
        circles = {circle.find(space + "title").text: circle for circle in root.iter(space + "circle")
                   if circle.find(space + "title") is not None}
        few, many = (circles[title] for title in circles if title.startswith("matmul f32"))
        self.assertLess(float(few.get("cx")), float(many.get("cx")))
        self.assertGreater(float(few.get("cy")), float(many.get("cy")))  # slower is lower: y grows downwards
        text = " ".join(one.text or "" for one in root.iter(space + "text"))
        for words in ("operations per byte", "operations per second", "memory 30 GB/s", "f32 225 Gop/s", "Test & Co <1>"):
            self.assertIn(words, text)
        with open(picture, encoding="utf-8") as file:
            self.assertIn("prefers-color-scheme:dark", file.read())

    def test_the_kernel_at_the_limit_touches_the_roof(self):
        axes = roofline.Axes((0.1, 1000), (1e9, 1e12))
        self.assertAlmostEqual(axes.x(0.1), roofline.LEFT)
        self.assertAlmostEqual(axes.x(10), roofline.LEFT + roofline.WIDTH / 2)
        self.assertAlmostEqual(axes.y(1e12), roofline.TOP)

    def test_limits_may_come_from_bench_machine(self):
        bare = document()
        bare["context"] = {}
        with open(self.kernels, "w", encoding="utf-8") as file:
            json.dump(bare, file)
        status, _, err = self.run_it(self.kernels)
        self.assertEqual(status, 2)
        self.assertIn("bench_machine --json", err)
        machine = self.path("machine.json")
        with open(machine, "w", encoding="utf-8") as file:
            json.dump({"processor": "Other", "isa": "avx2", "limits": [LIMITS]}, file)
        status, out, _ = self.run_it(self.kernels, "--machine", machine)
        self.assertEqual(status, 0)
        self.assertIn("Other, 2 threads", out)


if __name__ == "__main__":
    unittest.main()
