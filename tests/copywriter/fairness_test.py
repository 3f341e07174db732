"""examples/copywriter/model/fairness.py: what is swapped, and what is counted as a difference."""

import collections
import os
import sys
import tempfile
import tomllib
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples", "copywriter", "model"))
import fairness  # noqa: E402
from figures import FiguresError  # noqa: E402


def lexicon(language="zh", phrases=("女人就该", "男人的浪漫"), exceptions=()):
    return fairness.Lexicon(language, fairness.Words(phrases, exceptions))


class Counting(unittest.TestCase):
    def test_english_words_stand_whole_in_any_case(self):
        words = fairness.Words(["off", "half price", "{big|small} deal"])
        self.assertEqual(words.count("Off we go: coffee, offer, 20%OFF, half-price"),
                         {"off": 2, "half-price": 1})
        self.assertEqual(words.count("a Big  deal, a small deal"), {"small deal": 1})
        self.assertEqual(words.count("halfprice bigdeal"), {"halfprice": 1, "bigdeal": 1})

    def test_phrases_of_rules_are_read_as_the_rules_readme_says(self):
        words = fairness.Words(["{女人|女生}就该", "男~浪漫", "满#减", r"A\|B"], ["女人就该有的"])
        self.assertEqual(words.count("女生就该会，女人就该有的。男人要浪漫！男。浪漫"), {"女生就该": 1, "男人要浪漫": 1})
        self.assertEqual(words.count("满1,200减5，满减，a|b"), {"满1,200减": 1, "a|b": 1})

    def test_offers_in_english_are_offers(self):
        words = lexicon("en").offers
        self.assertEqual(words.count("A free evening is a good deal of time off; set off, care free."), {})
        self.assertEqual(words.count("20% off, free delivery, save $5.50, a discount"),
                         {"20% off": 1, "free delivery": 1, "save $5.50": 1, "discount": 1})

    def test_longer_words_are_found_before_what_they_hold(self):
        self.assertEqual(lexicon().offers.count("优惠券，优惠"), {"优惠券": 1, "优惠": 1})

    def test_numbers(self):
        self.assertEqual(fairness.numbers("299元，1,299.50，20 x 30，第1。"), {"299": 1, "1,299.50": 1, "20": 1, "30": 1, "1": 1})

    def test_differences_are_told_apart(self):
        of = lexicon().measure

        def differs(first, second):
            found = fairness.compare([of(first)], [of(second)])
            return {key for key, count in found.items() if count}
        self.assertEqual(differs("看看台灯。", "看看台灯。"), set())
        self.assertEqual(differs("看看台灯。", "看看灯。"), {"text"})
        self.assertEqual(differs("现价299元。", "现价199元。"), {"text", "numbers"})
        self.assertEqual(differs("优惠。", "打折。"), {"text", "offers"})
        self.assertEqual(of("现价299元，299克，199元", "299元 59.90元")["prices"], {"299": 2})
        self.assertEqual(differs("好！", "好！！"), {"text", "exclamations"})
        self.assertEqual(differs("放心用。", "出发。"), {"text", "tone"})
        self.assertEqual(differs("女人就该用。", "用。"), {"text", "stereotypes"})
        self.assertEqual(fairness.compare([of("a"), of("b")], [of("b"), of("b")])["text"], 1)
        with self.assertRaises(ValueError):
            fairness.compare([of("a")], [])

    def test_means_are_of_a_hundred_texts(self):
        found = fairness.by_hundred([lexicon().measure(text, "5元") for text in ("优惠！5", "好", "优惠优惠", "女人就该")])
        self.assertEqual((found["offers"], found["exclamations"], found["prices"], found["stereotypes"]), (75, 25, 25, 25))
        self.assertEqual(found["characters"], 3.25)
        self.assertEqual(fairness.by_hundred([])["offers"], 0)

    def test_stereotypes_come_from_the_rules(self):
        with tempfile.TemporaryDirectory() as rules:
            os.mkdir(os.path.join(rules, "privacy"))
            with open(os.path.join(rules, "privacy", "stereotypes-en.toml"), "w", encoding="utf-8") as file:
                file.write('[pack]\nid = "x"\n[[rule]]\nphrases = ["{ladies|girls} love"]\nexcept = ["girls love science"]\n'
                           '[[rule]]\nphrases = ["real men"]\n')
            words = fairness.stereotypes(rules, "en")
        self.assertEqual(words.count("Girls love it; girls love science; real men, surreal men."),
                         {"girls love": 1, "real men": 1})

    def test_the_projects_own_stereotypes_are_found_in_their_examples(self):
        rules = fairness.parse_options(["m", "--work", "w"]).rules
        for language in fairness.LANGUAGES:
            words = fairness.stereotypes(rules, language)
            with open(os.path.join(rules, "privacy", f"stereotypes-{language}.toml"), "rb") as file:
                found = tomllib.load(file)["rule"]
            for text in (text for rule in found for text in rule["bad"]):
                self.assertTrue(words.count(text), text)
            for text in (text for rule in found for text in rule["good"]):
                self.assertFalse(words.count(text), text)


class Pairs(unittest.TestCase):
    def test_everybody_is_an_adult_with_a_gender(self):
        people = fairness.adults([{"id": "a"}, {"id": "b", "age": 9, "gender": "male"}, {"id": "c", "age": 70}])
        self.assertTrue(all(person["age"] >= 18 for person in people))
        self.assertEqual([(person["id"], person["gender"]) for person in people], [("a", "male"), ("b", "male"), ("c", "male")])
        self.assertEqual((people[1]["age"], people[2]["age"]), (18, 70))

    def test_swaps_change_what_they_say_and_nothing_else(self):
        people = fairness.adults([{"id": str(n), "age": 20 + n % 3, "interests": ["tea"]} for n in range(10)])
        for swap in fairness.SWAPS:
            for before, after in zip(people, fairness.swapped(people, swap), strict=True):
                self.assertEqual(before["gender"] != after["gender"], swap in ("gender", "both"))
                self.assertEqual(before["age"] != after["age"], swap in ("age", "both"))
                self.assertGreaterEqual(after["age"], 18)
                self.assertEqual((before["id"], before["interests"]), (after["id"], after["interests"]))
        self.assertEqual([fairness.other_age(age) for age in (18, 39, 40, 41, 60, 78)], [78, 79, 20, 61, 20, 38])
        self.assertEqual(people, fairness.adults([{"id": str(n), "age": 20 + n % 3, "interests": ["tea"]} for n in range(10)]))


    def test_each_pair_counts_for_both_groups_or_for_neither(self):
        for age in range(18, 100):
            before, after = ({"age": years, "gender": "male"} for years in (age, fairness.other_age(age)))
            if fairness.groups_of(before, "age"):
                self.assertEqual(sorted(fairness.groups_of(before, "age") + fairness.groups_of(after, "age")),
                                 ["60 and over", "under 40"])
        self.assertEqual(fairness.groups_of({"age": 50, "gender": "male"}, "age"), [])
        self.assertEqual(fairness.groups_of({"age": 50, "gender": "male"}, "gender"), ["men"])


class Tables(unittest.TestCase):
    def test_cells(self):
        zeros = {key: 0 for key, _ in fairness.MEASURES}
        figures = {"zh": {"pairs": 250, "default": 0, "swaps": {swap: zeros | {"text": 50} for swap in fairness.SWAPS},
                          "groups": {"women": {"texts": 250, **fairness.by_hundred([lexicon().measure("优惠")])}},
                          "stereotypes": collections.Counter()}}
        text = fairness.tables(figures)
        self.assertIn("| Without `--allow`: the text or the prompt |  |  | 0 |", text)
        self.assertIn("| The text | 20.0% | 20.0% | 20.0% |", text)
        self.assertIn("| Offer words | 100.0 | 0.0 | 0.0 | 0.0 |", text)

    def test_prices_are_those_of_the_prompt(self):
        self.assertEqual(fairness.prices_of("<|zh|><|price|>299元<|was|>399元<|fact|>重量：5克<|copy|>"), "299元 399元")

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(FiguresError, "nowhere"):
            fairness.Writer(fairness.parse_options(["nowhere", "--work", "w"]))


if __name__ == "__main__":
    unittest.main()
