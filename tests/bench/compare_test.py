"""bench/compare.py: what counts as a change, and what as noise."""

import io
import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
import compare  # noqa: E402


def document(times, unit="ns"):
    """Google Benchmark's JSON for {name: [times]}."""
    return {"benchmarks": [{"name": name, "run_name": name, "run_type": "iteration", "real_time": time, "time_unit": unit}
                           for name, values in times.items() for time in values]}


class MannWhitney(unittest.TestCase):
    def test_small_samples_have_the_exact_probability(self):
        # No value of one side below any of the other: 1 of C(8, 4) = 70 arrangements, on either side.
        self.assertAlmostEqual(compare.mann_whitney_p([1, 2, 3, 4], [5, 6, 7, 8]), 2 / 70)
        # U = 1: one of the arrangements with U = 0, one with U = 1.
        self.assertAlmostEqual(compare.mann_whitney_p([1, 2, 3, 5], [4, 6, 7, 8]), 4 / 70)
        self.assertAlmostEqual(compare.mann_whitney_p([1, 4], [2, 3]), 1.0)

    def test_the_sides_may_be_swapped(self):
        a, b = [3.0, 1.5, 9.0, 4.0, 2.5], [8.0, 7.5, 3.5, 10.0]
        self.assertAlmostEqual(compare.mann_whitney_p(a, b), compare.mann_whitney_p(b, a))

    def test_exact_and_normal_agree_for_larger_samples(self):
        draw = random.Random(1)
        a, b = [draw.gauss(0, 1) for _ in range(25)], [draw.gauss(0.6, 1) for _ in range(25)]
        exact = compare.mann_whitney_p(a, b)
        tied = compare.mann_whitney_p(a + a, b + b)  # the normal approximation, of twice the samples
        self.assertLess(tied, exact)
        self.assertGreater(exact, 0.001)
        self.assertLess(exact, 0.2)

    def test_equal_values_differ_in_nothing(self):
        self.assertEqual(compare.mann_whitney_p([2.0] * 5, [2.0] * 5), 1.0)


class Judge(unittest.TestCase):
    def verdict(self, old, new):
        return compare.judge(old, new, threshold=0.02, alpha=0.05, single=0.10)[2]

    def test_a_clear_change_of_many_samples_counts(self):
        self.assertEqual(self.verdict([10.0, 10.1, 10.2, 9.9, 10.05], [11.0, 11.1, 11.2, 10.9, 11.3]), "slower")
        self.assertEqual(self.verdict([11.0, 11.1, 11.2, 10.9, 11.3], [10.0, 10.1, 10.2, 9.9, 10.05]), "faster")

    def test_samples_that_overlap_are_noise(self):
        self.assertEqual(self.verdict([10, 14, 11, 13, 10.5], [12, 11.5, 15, 10.2, 13.5]), "same")

    def test_a_change_under_the_threshold_is_noise_however_sure(self):
        self.assertEqual(self.verdict([100.0, 100.1, 100.2, 100.3, 100.4], [101.0, 101.1, 101.2, 101.3, 101.4]), "same")

    def test_few_samples_are_held_to_their_own_spread(self):
        self.assertEqual(self.verdict([10, 12], [12, 13]), "same")
        self.assertEqual(self.verdict([10, 10.1], [12, 12.1]), "slower")

    def test_a_single_sample_is_held_to_ten_percent(self):
        self.assertEqual(self.verdict([10], [10.9]), "same")
        self.assertEqual(self.verdict([10], [11.2]), "slower")


class Program(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def file(self, name, content):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_it(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        sys.stderr, saved = err, sys.stderr
        try:
            status = compare.main(list(arguments), out)
        finally:
            sys.stderr = saved
        return status, out.getvalue(), err.getvalue()

    def test_the_exit_status_tells_whether_something_got_slower(self):
        fast = self.file("fast.json", document({"a": [10, 10.1, 10.2, 10.3, 10.4], "b": [5] * 5}))
        slow = self.file("slow.json", document({"a": [20, 20.1, 20.2, 20.3, 20.4], "b": [5] * 5}))
        status, out, err = self.run_it(fast, slow)
        self.assertEqual(status, 1)
        self.assertIn("+98.0%", out)
        self.assertIn("2 compared, 1 slower, 0 faster", err)
        self.assertEqual(self.run_it(slow, fast)[0], 0)
        self.assertEqual(self.run_it(fast, fast)[0], 0)
        self.assertEqual(self.run_it(fast, slow, "--filter", "^b$")[0], 0)

    def test_alternating_runs_are_pooled(self):
        old1 = self.file("o1.json", document({"a": [10, 11]}))
        new1 = self.file("n1.json", document({"a": [20, 21]}))
        old2 = self.file("o2.json", document({"a": [10.5, 11.5]}))
        new2 = self.file("n2.json", document({"a": [20.5, 21.5]}))
        status, out, _ = self.run_it(old1, new1, old2, new2, "--format", "json")
        row = json.loads(out)[0]
        self.assertEqual((status, row["samples"], row["verdict"]), (1, "4/4", "slower"))
        self.assertAlmostEqual(row["old"], 10.75e-9)

    def test_units_and_aggregates_are_read(self):
        nanoseconds = self.file("ns.json", document({"a": [2e6, 2e6]}))
        median = self.file("median.json", {"benchmarks": [
            {"name": "a_mean", "run_name": "a", "run_type": "aggregate", "aggregate_name": "mean", "real_time": 9,
             "time_unit": "ms"},
            {"name": "a_median", "run_name": "a", "run_type": "aggregate", "aggregate_name": "median", "real_time": 2,
             "time_unit": "ms"}]})
        status, out, _ = self.run_it(nanoseconds, median, "--format", "json")
        self.assertEqual((status, json.loads(out)[0]["change"]), (0, 0))

    def test_failed_benchmarks_and_missing_ones_are_named_not_compared(self):
        old = self.file("old.json", document({"a": [1], "gone": [1]}))
        new = document({"a": [1], "fresh": [1]})
        new["benchmarks"].append({"name": "gone", "run_name": "gone", "error_occurred": True})
        status, out, err = self.run_it(old, self.file("new.json", new))
        self.assertEqual(status, 0)
        self.assertNotIn("gone", out)
        self.assertIn("only in the old files: gone", err)
        self.assertIn("only in the new files: fresh", err)

    def test_wrong_files_are_refused_by_name(self):
        good = self.file("good.json", document({"a": [1]}))
        for bad in (self.file("bad.json", "{"), self.file("other.json", {"x": 1}), "absent.json"):
            status, _, err = self.run_it(good, bad)
            self.assertEqual(status, 2)
            self.assertIn(os.path.basename(bad), err)
        other = self.file("disjoint.json", document({"z": [1]}))
        self.assertEqual(self.run_it(good, other)[0], 2)

    def test_every_format_has_every_row(self):
        file = self.file("a.json", document({"a/x:1": [10.0, 11.0], "b": [3.0, 3.1]}))
        for style in ("console", "md", "csv", "json"):
            out = self.run_it(file, file, "--format", style)[1]
            self.assertIn("a/x:1", out)
            self.assertIn("b", out)


if __name__ == "__main__":
    unittest.main()
