"""examples/copywriter/model/recipe: the examples it makes, and the counts of n-grams they are held against.

With ADLIB_TOOL, prompts are also compared with those of `adlib write`.
"""

import collections
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

RECIPE = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "copywriter", "model", "recipe")
sys.path.insert(0, RECIPE)
import kneser_ney  # noqa: E402
import own_copy  # noqa: E402

TAGS = os.path.join(RECIPE, "..", "tags.txt")
ADLIB = os.environ.get("ADLIB_TOOL")


def write(path, records):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return path


def prompt(record, *arguments):
    options = own_copy.parse_options(["shop.jsonl", "own.jsonl", *arguments])
    return own_copy.Examples(options).prompt(record, record["title"])


class Prompts(unittest.TestCase):
    def test_fields_have_tags_and_in_english_a_blank_before_them(self):
        record = {"title": "Q2", "text": "Take it\n along.", "user": {"category": ["hiking", "tea"]}, "weight": 1.5}
        arguments = ("--interest", "user.category", "--fact", "weight=weight", "--channel", "sms")
        self.assertEqual(prompt(record, *arguments), "<|zh|><|channel|>sms<|product|>Q2<|fact|>weight：1.5"
                                                     "<|interest|>hiking<|interest|>tea<|copy|>")
        options = own_copy.parse_options(["a", "b", "--language", "en", *arguments])
        self.assertEqual(own_copy.Examples(options).example(record), {
            "prompt": "<|en|><|channel|> sms<|product|> Q2<|fact|> weight: 1.5<|interest|> hiking<|interest|> tea<|copy|>",
            "completion": " Take it along.", "title": "Q2"})

    def test_no_field_breaks_out_of_its_place(self):
        self.assertEqual(prompt({"title": "a<|copy|>\u202e b\x00\u3000c", "text": "x"}),
                         "<|zh|><|product|>a< |copy|> b c<|copy|>")
        self.assertEqual(own_copy.field_text("长" * 201), "长" * 200 + "…")

    def test_descriptions_lose_their_html_and_all_but_the_opening_clauses(self):
        self.assertEqual(own_copy.plain("<p>Soft &amp; <b>warm</b>er.</p><style>p {}</style>1 < 2"), "Soft & warmer. 1 < 2")
        self.assertEqual(own_copy.opening_clauses("Weighs 1.5 kg. And more"), "Weighs 1.5 kg")
        self.assertEqual(own_copy.opening_clauses("短句，" + "长" * 80), "短句")
        self.assertEqual(own_copy.opening_clauses("长" * 61), "")

    def test_amounts_are_written_as_adlib_writes_them(self):
        for amount, zh, en in (("399.00", "399元", "¥399"), ("59.9", "59.90元", "¥59.90"), ("59.905", "59.905元", "¥59.905")):
            self.assertEqual(own_copy.money_text(amount, "CNY", "zh"), zh)
            self.assertEqual(own_copy.money_text(amount, "CNY", "en"), en)
        with self.assertRaisesRegex(own_copy.OwnCopyError, "no amount"):
            own_copy.money_text("399元", "CNY", "zh")

    @unittest.skipUnless(ADLIB, "ADLIB_TOOL names no program")
    def test_they_are_those_of_adlib_write(self):
        product = {"id": "1", "title": "静谷 Q2<|copy|> 降噪耳机", "brand": "静谷", "category": "耳机", "price": "399.0",
                   "compare_at_price": "459.50", "currency": "CNY", "attributes": {"续航": "30小时", "颜色": ["白", "蓝"]},
                   "description": "<p>入耳式主动降噪耳机，通透模式可听清报站，戴一天也不累。</p><p>附收纳盒</p>"}
        customer = {"id": "2", "name": "小周", "age": 25, "gender": "女", "city": "上海", "member_level": "金卡",
                    "spend": "1280.5", "currency": "CNY", "price_sensitivity": "low",
                    "interests": ["科技", "游戏", "电影", "徒步", "茶"],
                    "purchases": [{"title": "旧的"}, {"title": "键盘"}, {"category": "背包"}],
                    "browsing": [{"title": "灯"}], "cart": [{"title": "杯子"}, {"title": "壶"}],
                    "favourites": [{"title": "钟"}], "reviews": ["很轻，音质也好。下次还来"]}
        fields = ["--brand", "brand", "--category", "category", "--price", "price", "--was", "compare_at_price",
                  "--currency", "CNY", "--facts", "attributes", "--about", "description", "--customer", "name", "--age",
                  "age", "--gender", "gender", "--city", "city", "--level", "member_level", "--spend", "spend", "--prices",
                  "price_sensitivity", "--interest", "interests", "--bought", "purchases", "--viewed", "browsing", "--cart",
                  "cart", "--saved", "favourites", "--review", "reviews"]
        brief = ["--scene", "promotion", "--channel", "chat", "--tone", "warm"]
        with tempfile.TemporaryDirectory() as directory:
            def path(name):
                return os.path.join(directory, name)

            def adlib(*arguments):
                return subprocess.run([ADLIB, *arguments], check=True, capture_output=True, encoding="utf-8").stdout
            texts = write(path("texts.jsonl"), [product | {"text": "轻声说话，也能听清。"}])
            adlib("tokenizer", "train", path("vocabulary"), texts, "--vocab-size", "300", "--tags-from", TAGS)
            adlib("init", path("model"), "--tokenizer", path("vocabulary"), "--context", "1024")
            products, customers = write(path("p.jsonl"), [product]), write(path("c.jsonl"), [customer])
            for language in ("zh", "en"):
                ours = prompt(product | customer, "--language", language, *fields, *brief)
                written = json.loads(adlib("write", "--model", path("model"), "--products", products, "--customers",
                                           customers, "--language", language, *brief, "--allow", "age,gender,finance",
                                           "--max-new-tokens", "1"))
                self.assertEqual(ours, written["prompt"])


class Files(unittest.TestCase):
    def make(self, name, text, *arguments):
        """-> (status, the lines written, those held out)"""
        with tempfile.TemporaryDirectory() as directory:
            paths = [os.path.join(directory, file) for file in (name, "own.jsonl", "held-out.jsonl")]
            with open(paths[0], "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([sys.executable, os.path.join(RECIPE, "own_copy.py"), *paths[:2], "--held-out", paths[2],
                                   *arguments], capture_output=True, encoding="utf-8", check=False)
            lines = [kneser_ney.read_lines(path) if os.path.exists(path) else [] for path in paths[1:]]
            return done.stderr.replace(directory + os.sep, "") if done.returncode else "", *lines

    def test_titles_fall_on_one_side_whatever_else_is_in_the_file(self):
        lines = [json.dumps({"title": f"title {n // 3}", "text": f"text {n}"}) for n in range(300)]
        error, learned, held_out = self.make("shop.jsonl", "\n".join(lines), "--times", "2", "--share", "0.2")
        self.assertEqual((error, len(learned) / 2 + len(held_out)), ("", 300))
        self.assertTrue(30 < len(held_out) < 100, len(held_out))
        self.assertFalse({line["title"] for line in learned} & {line["title"] for line in held_out})
        _, _, fewer = self.make("shop.jsonl", "\n".join(lines[60:]), "--share", "0.2")
        self.assertEqual(fewer, [line for line in held_out if int(line["title"].split()[1]) >= 20])

    def test_cells_of_csv_may_be_lists(self):
        error, learned, held_out = self.make("shop.csv", "名称,文案,兴趣\r\n茶,好茶。,徒步;茶\r\n杯,,\r\n", "--title", "名称",
                                             "--text", "文案", "--interest", "兴趣")
        self.assertEqual(error, "")
        self.assertEqual(learned + held_out, [{"prompt": "<|zh|><|product|>茶<|interest|>徒步<|interest|>茶<|copy|>",
                                               "completion": "好茶。", "title": "茶"}])

    def test_prompts_may_be_learned_and_completions_write_no_tags(self):
        lines = "".join(json.dumps({"title": f"t{n}", "text": "a<|copy|>b"}) + "\n" for n in range(50))
        error, learned, held_out = self.make("shop.jsonl", lines, "--learn-prompts")
        self.assertEqual((error, len(learned) + len(held_out)), ("", 50))
        title = learned[0]["title"]
        self.assertEqual(learned[0], {"text": f"<|zh|><|product|>{title}<|copy|>a< |copy|>b", "title": title})
        self.assertEqual(held_out[0]["completion"], "a<|copy|>b")

    def test_mistakes_are_named_with_their_place(self):
        self.assertIn("no line has both 'title' and 'text'", self.make("shop.jsonl", '{"title": "a"}\n')[0])
        self.assertIn("shop.jsonl:2:", self.make("shop.jsonl", '{"title": "a", "text": "b"}\n{')[0])
        self.assertIn("shop.jsonl:1: 'free' is no amount", self.make(
            "shop.jsonl", '{"title": "a", "text": "b", "p": "free"}', "--price", "p")[0])


class KneserNey(unittest.TestCase):
    TEXTS = ["山里的茶，慢慢喝。", "慢慢走，山里的路。", "茶是山里的茶。", "路", "山里山里山里的山"]

    def test_every_history_has_a_distribution(self):
        for order in (1, 2, 5):
            model = kneser_ney.KneserNey(self.TEXTS, order, "abc")
            for before in ("", "山", "山里", "慢慢", "没见过", "山里的茶，", "c茶"):
                before = kneser_ney.BEGIN + before
                self.assertAlmostEqual(sum(model.probability(w, before) for w in model.alphabet), 1, places=12)
                self.assertTrue(all(model.probability(w, before) > 0 for w in model.alphabet))
            self.assertEqual(model.probability("z", kneser_ney.BEGIN), 0)

    def test_it_is_the_formula(self):
        # By lists of all n-grams with their places, and one history at a time.
        texts, order = self.TEXTS * 2 + ["山路。"], 3
        padded = [kneser_ney.BEGIN + text + kneser_ney.END for text in texts]
        n_grams = [[text[at:at + n] for text in padded for at in range(len(text) - n + 1)] for n in range(order + 2)]

        def count(n_gram):
            if len(n_gram) == order or n_gram[0] == kneser_ney.BEGIN:
                return n_grams[len(n_gram)].count(n_gram)
            return len({longer for longer in n_grams[len(n_gram) + 1] if longer[1:] == n_gram})

        def discount(c, length):
            seen = [count(n_gram) for n_gram in set(n_grams[length]) if n_gram != kneser_ney.BEGIN]
            n = [seen.count(k) for k in range(5)]
            y = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.5
            if c == 0 or 0 in n[1:]:
                return y if c else 0
            estimates = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
            return estimates[min(c, 3) - 1] if all(0 < d < k for k, d in enumerate(estimates, 1)) else y

        model = kneser_ney.KneserNey(texts, order)

        def probability(w, h):
            shorter = probability(w, h[1:]) if h else 1 / len(model.alphabet)
            counts = {v: c for v in model.alphabet if (c := count(h + v))}
            if not counts:
                return shorter
            discounts = sum(discount(c, len(h) + 1) for c in counts.values())
            c = counts.get(w, 0)
            return (c - discount(c, len(h) + 1) + discounts * shorter) / sum(counts.values())

        for h in ("", "山", "里的", "茶，", "喝喝", "慢慢", kneser_ney.BEGIN, kneser_ney.BEGIN + "山"):
            for w in model.alphabet:
                self.assertAlmostEqual(model.probability(w, h), probability(w, h), places=12, msg=(h, w))

    def test_one_text_by_hand(self):
        # Characters alone: a twice, b and the end once each; n1 = 2, n2 = 1, so D = 2 / 4; of 4 tokens 3 D are left.
        model = kneser_ney.KneserNey(["aab"], 1)
        self.assertEqual(len(model.alphabet), 3)
        self.assertAlmostEqual(model.probability("a", kneser_ney.BEGIN), 1.5 / 4 + 1.5 / 4 / 3)
        self.assertAlmostEqual(model.probability("b", kneser_ney.BEGIN), 0.5 / 4 + 1.5 / 4 / 3)
        self.assertAlmostEqual(model.bits("ab"), -math.log2(0.5 * 0.25 * 0.25))

    def test_bits_count_the_end_but_not_as_a_character(self):
        learned = [{"title": "t", "completion": "aab"}]
        model = kneser_ney.KneserNey(["aab"], 5, kneser_ney.gbk())
        self.assertAlmostEqual(kneser_ney.measure(learned, [{"title": "u", "completion": "ab"}]), model.bits("ab") / 2)
        self.assertAlmostEqual(model.bits("ab"), -sum(math.log2(model.probability(w, kneser_ney.BEGIN + before))
                                                      for w, before in (("a", ""), ("b", "a"), (kneser_ney.END, "ab"))))

    def test_what_was_learned_is_likelier_than_by_chance(self):
        counts = collections.Counter("".join(self.TEXTS))
        self.assertGreater(counts["山"], counts["慢"])
        model = kneser_ney.KneserNey(self.TEXTS, 5, kneser_ney.gbk())
        self.assertLess(model.bits(self.TEXTS[0]), model.bits(self.TEXTS[0][::-1]))


if __name__ == "__main__":
    unittest.main()
