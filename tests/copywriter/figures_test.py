"""examples/copywriter/model: what the figures of the model card count."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples", "copywriter", "model"))
import figures  # noqa: E402
import text_measures as measures  # noqa: E402

PROMPT = ("<|en|><|scene|> ad<|product|> Volterra K87 Keyboard, 2.4 GHz<|brand|> Volterra<|fact|> Weight: 1.5 kg"
          "<|age|> 30<|gender|> male<|prices|> high<|interest|> chess<|interest|> keyboard"
          "<|bought|> Desk Mat, 80 cm<|copy|>")


def copy(text, prompt=PROMPT, language="en", **more):
    return measures.Copy(language, "real", {"prompt": prompt, "text": text, **more})


def share(figure):
    return (figure.count, figure.of)


class Prompts(unittest.TestCase):
    def test_values_are_what_a_copy_may_quote(self):
        values = measures.values_of(measures.fields_of(PROMPT))
        self.assertEqual(values, {"Volterra K87 Keyboard, 2.4 GHz", "Volterra", "Weight", "1.5 kg", "30", "chess",
                                  "keyboard", "Desk Mat, 80 cm"})
        self.assertEqual(measures.values_of(measures.fields_of("<|zh|><|fact|>配料：水、洋槐蜜<|copy|>")),
                         {"配料", "水、洋槐蜜", "洋槐蜜"})

    def test_prompts_without_tags_are_refused(self):
        with self.assertRaisesRegex(ValueError, "tagged prompt"):
            copy("Text.", prompt="Write about a keyboard.")

    def test_values_stand_whole(self):
        for text, found in (("1.5 kg", True), ("a 1.5 kg.", True), ("11.5 kg", False), ("1.5 kgs", False),
                            ("2.1.5 kg", False)):
            self.assertEqual(measures.find_whole(text, "1.5 kg") >= 0, found, text)
        self.assertEqual(measures.find_whole("30.5 or 30", "30"), 8)
        self.assertEqual(measures.find_whole("爱喝茶的人", "喝茶"), 1)

    def test_longer_values_are_masked_first_and_in_any_case(self):
        self.assertEqual(measures.masked("Tea time: green tea, teas", {"tea", "green tea"}), "◇ time: ◇, teas")
        self.assertEqual(measures.masked("İ tea", {"tea"}), "İ ◇")  # lower case of İ is two characters
        self.assertEqual(measures.masked("a tea", {"tea"}, same_length=True), "a ◇◇◇")


class Texts(unittest.TestCase):
    def test_ends(self):
        for text in ("好。", "“好。”", "Is it?", "He said \"yes.\"", "好！#今日分享#", "Yes. #tea #calm"):
            self.assertTrue(measures.is_finished(text), text)
        for text in ("", "好，", "It is", "只要19.9", "It is (so)", "好#今日分享#"):
            self.assertFalse(measures.is_finished(text), text)

    def test_language_is_judged_without_the_prompts_values(self):
        name = {"Volterra K87 Keyboard"}
        self.assertFalse(measures.is_wrong_language("看看Volterra K87 Keyboard。", "zh", name))
        self.assertTrue(measures.is_wrong_language("Have a look at Volterra K87 Keyboard.", "zh", name))
        self.assertTrue(measures.is_wrong_language("看看这把键盘。", "en", name))
        self.assertFalse(measures.is_wrong_language("Volterra K87 Keyboard!", "zh", name))

    def test_openings(self):
        self.assertEqual(measures.opening("Don't wait, it's Monday.", "en"), "don't wait it's")
        self.assertEqual(measures.opening("忙了 一天，给自己", "zh"), "忙了一天，给")
        found = measures.measure([copy("Volterra K87 Keyboard, 2.4 GHz is here."), copy("Hello there, chess player."),
                                  copy("Volterra K87 Keyboard, 2.4 GHz is here again.")], measures.TrainingText([]))
        self.assertEqual((found["opening_text"], share(found["opening"])), ("volterra k87 keyboard", (2, 3)))
        self.assertEqual(found["opening_names_aside_text"], "◇ is here")

    def test_the_customers_own_counts_behind_the_first_clause(self):
        fields = measures.fields_of(PROMPT)
        for text, answer in (("Chess again, and why not.", False), ("Why not, if chess is your game?", True),
                             ("A Desk Mat, 80 cm is not all.", False),    # the comma is the value's
                             ("It costs 4,500 and chess is free.", False),  # that one the number's
                             ("No, a keyboard.", False),                  # the product is one
                             ("No, the prices are high.", False)):        # no word to quote
            self.assertEqual(measures.says_own_later(text, fields), answer, text)
        nothing_own = measures.fields_of("<|en|><|product|> X2<|gender|> male<|copy|>")
        self.assertIsNone(measures.says_own_later("Text.", nothing_own))

    def test_texts_are_counted(self):
        texts = [copy("Volterra K87 Keyboard, 2.4 GHz."), copy(" "), copy("Ends.", finish_reason="length"),
                 copy("A Volterra K87 keyboard, 2.4 GHz")]
        found = measures.measure(texts, measures.TrainingText([]))
        self.assertEqual(share(found["empty"]), (1, 4))
        self.assertEqual(share(found["cut_off"]), (3, 4))
        self.assertEqual(share(found["name_exact"]), (1, 4))

    def test_copied_clauses(self):
        self.assertEqual(measures.clauses("It is 1,500.5 g. So, what?"), ["It is 1,500.5 g", "So", "what"])
        training = measures.TrainingText([
            {"prompt": "<|en|><|product|> Blue Pot<|copy|>", "completion": "Put Blue Pot on the table tonight, and stay."}],
            {"Blue Pot", "Red Pot"})
        self.assertEqual(training.seen, {"Blue Pot"})
        found = training.copied([copy("Put Blue Pot on the table tonight."),
                                 copy("Put chess on the table tonight. Stay.")])
        self.assertEqual(share(found["copied_clauses"]), (1, 2))
        self.assertEqual(share(found["copied_masked_clauses"]), (1, 2))
        self.assertEqual(share(found["texts_with_copied_masked_clauses"]), (1, 2))
        self.assertEqual(share(found["copied_masked_sentences"]), (0, 2))  # the training sentence is longer

    def test_cut_to_one_length(self):
        self.assertEqual(measures.cut_to(["a b", "cd e", "f"], 4), ["a b", "cd"])
        self.assertEqual(measures.cut_to(["a b"], 9), ["a b"])
        self.assertEqual(measures.length_of(["a b", "c"]), 3)


class Tables(unittest.TestCase):
    def test_cells(self):
        self.assertEqual(figures.cell("empty", measures.Share(1, 4)), "25.0%")
        self.assertEqual(figures.cell("empty", measures.Share(1, 500)), "0.2% (1 of 500)")
        self.assertEqual(figures.cell("own_later", measures.Share(0, 0)), "–")
        self.assertEqual(figures.cell("self_bleu", None), "–")

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(figures.FiguresError, "nowhere"):
            figures.Tools(figures.parse_options(["nowhere", "--corpus", "nowhere.jsonl", "--work", "w"]))


if __name__ == "__main__":
    unittest.main()
