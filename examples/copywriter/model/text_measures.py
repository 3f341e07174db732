"""Measures of copy that `adlib eval` does not have: what a text quotes of its prompt, how it begins and ends, and what
it repeats of the texts that a model was trained on. Prompts are tagged: "<|tag|>text…"."""

import collections
import re
import typing

# Fields that steer the copy and are not quoted in it.
STEERING = {"zh", "en", "scene", "channel", "tone", "gender", "prices", "copy"}
OF_CUSTOMER = {"customer", "age", "city", "level", "spend", "interest", "bought", "viewed", "cart", "saved", "review"}
MASK = "◇"
COPIED = 20  # characters of a clause or sentence that counts as copied


class Share(typing.NamedTuple):
    count: float
    of: int

    @staticmethod
    def among(answers):
        answers = list(answers)
        return Share(sum(answers), len(answers))


class Copy:
    """One text and what it was written for."""

    def __init__(self, language, source, record):
        self.language, self.source = language, source
        self.prompt, self.text = record["prompt"], record["text"].strip()
        self.cut_off = record.get("finish_reason") == "length"
        self.fields = fields_of(self.prompt)
        self.values = values_of(self.fields)
        self.name = dict(self.fields).get("product")
        if not self.name:
            raise ValueError("expected a tagged prompt with <|product|>, as adlib's own model reads, got: " + self.prompt)


def fields_of(prompt):
    """[(tag, text)] of a prompt."""
    parts = re.split(r"<\|([a-z]+)\|>", prompt)
    return [(tag, text.strip()) for tag, text in zip(parts[1::2], parts[2::2])]


def values_of(fields, tags=None):
    """What a copy may quote of the fields: texts, and of facts the name, the whole value and its parts. Single
    characters are parts of too many words."""
    values = []
    for tag, text in fields:
        if tag in STEERING or (tags and tag not in tags):
            continue
        if tag == "fact":
            name, _, value = text.replace(": ", "：", 1).partition("：")
            values += [name, value, *re.split("、|, ", value)]
        else:
            values.append(text)
    return {value for value in values if len(value) > 1}


def lower(text):
    """In lower case, with as many characters."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def find_whole(text, value, start=0):
    """Where the value stands, not inside another word or number; -1 if nowhere. Both in lower case."""
    def word(character):
        return character.isascii() and character.isalnum()

    at = text.find(value, start)
    while at >= 0:
        end = at + len(value)
        before, after = text[max(at - 2, 0):at], text[end:end + 2]
        begins = word(value[0]) and (word(before[-1:]) or (before[-1:] == "." and before[:-1].isdigit()))
        goes_on = word(value[-1]) and (word(after[:1]) or (after[:1] == "." and after[1:].isdigit()))
        if not begins and not goes_on:
            return at
        at = text.find(value, at + 1)
    return -1


def masked(text, values, sign=MASK, same_length=False):
    """The text with a sign for each value, or for each character of one, in any case: sentences capitalise."""
    low = lower(text)
    for value in sorted(map(lower, values), key=lambda value: (-len(value), value)):
        signs = sign * len(value) if same_length else sign
        at = find_whole(low, value)
        while at >= 0:
            text, low = (side[:at] + signs + side[at + len(value):] for side in (text, low))
            at = find_whole(low, value, at + len(signs))
    return text


def clauses(text):
    """What stands between punctuation; points and commas inside numbers are none."""
    parts = re.split(r"(?<![0-9])[.,]|[.,](?![0-9])|[，。！？；：、…—“”‘（）《》「」!?;:()\"\n]", text)
    return [part.strip() for part in parts if part.strip()]


def sentences(text):
    parts = re.split(r"[。！？!?…\n]+|\.(?!\S)", text)
    return [part.strip() for part in parts if part.strip()]


def long_ones(parts):
    return [part for part in parts if len(part.replace(MASK, "")) >= COPIED]


def is_finished(text):
    """True when it ends as sentences do, perhaps inside quotation marks or brackets, perhaps with #topics# behind."""
    return re.search(r"[。！？….!?～~][”’」』）)\"'\]]*(\s*#[^\s#]+#?)*$", text) is not None


def is_chinese(text):
    """A quarter of the letters are Han characters: the rule of `adlib eval`."""
    han = len(re.findall("[㐀-䶿一-鿿豈-﫿]", text))
    return han > 0 and 3 * han >= len(re.findall("[A-Za-z]", text))


def is_wrong_language(text, language, values):
    """Judged without the values that the prompt brings along, which may be in any language."""
    rest = masked(text, values, " ")
    return re.search(r"[^\W\d_]", rest) is not None and is_chinese(rest) != (language == "zh")


def opening(text, language):
    """The first 6 characters of Chinese, the first 3 words of English."""
    if language == "zh":
        return re.sub(r"\s", "", text)[:6]
    return " ".join(re.findall(rf"[\w'’-]+|{MASK}", text.lower())[:3])


def says_own_later(text, fields):
    """Whether a value of the customer's stands behind the first clause; None when the prompt has no such value. What
    the product's fields hold as well is not the customer's own."""
    of_product = lower("\n".join(value for tag, value in fields if tag not in OF_CUSTOMER | STEERING))
    own = [value for value in map(lower, values_of(fields, OF_CUSTOMER)) if find_whole(of_product, value) < 0]
    if not own:
        return None
    covered = masked(text, values_of(fields), same_length=True)  # punctuation inside a value ends no clause
    end = re.search(r"[，。！？；：!?;:]|(?<![0-9])[.,]|[.,](?![0-9])", covered)
    return end is not None and any(find_whole(lower(text), value, end.end()) >= 0 for value in own)


class TrainingText:
    """The long clauses and sentences of a corpus, as they stand and with the values of their prompts masked."""

    def __init__(self, records, watched=()):
        """`watched`: values of which to tell, in `seen`, whether a field of a prompt is just that."""
        self.clauses, self.masked_clauses, self.masked_sentences = set(), set(), set()
        self.seen = set()
        for record in records:
            fields, completion = fields_of(record["prompt"]), record["completion"]
            without = masked(completion, values_of(fields))
            self.clauses.update(long_ones(clauses(completion)))
            self.masked_clauses.update(long_ones(clauses(without)))
            self.masked_sentences.update(long_ones(sentences(without)))
            self.seen.update(text for _, text in fields if text in watched)

    def copied(self, copies):
        """{measure: Share} of the long clauses or sentences that are copies, and of the texts that hold one."""
        without = [masked(copy.text, copy.values) for copy in copies]
        figures = {}
        for name, parts, known in (("clauses", [clauses(copy.text) for copy in copies], self.clauses),
                                   ("masked_clauses", map(clauses, without), self.masked_clauses),
                                   ("masked_sentences", map(sentences, without), self.masked_sentences)):
            found = [[part in known for part in long_ones(of_text)] for of_text in parts]
            figures[f"copied_{name}"] = Share.among(answer for of_text in found for answer in of_text)
            figures[f"texts_with_copied_{name}"] = Share.among(map(any, found))
        return figures


def measure(copies, training):
    """{measure: figure} of some texts, of one language or both."""
    def most_frequent(texts):
        found = collections.Counter(opening(text, copy.language) for copy, text in zip(copies, texts))
        text, count = found.most_common(1)[0]
        return text, Share(count, len(copies))

    own_later = [says_own_later(copy.text, copy.fields) for copy in copies]
    first, first_share = most_frequent([copy.text for copy in copies])
    aside, aside_share = most_frequent([masked(copy.text, {copy.name}) for copy in copies])
    return {"texts": len(copies),
            "empty": Share.among(not copy.text for copy in copies),
            "cut_off": Share.among(copy.cut_off or not is_finished(copy.text) for copy in copies),
            "wrong_language": Share.among(is_wrong_language(copy.text, copy.language, copy.values) for copy in copies),
            "name_exact": Share.among(copy.name in copy.text for copy in copies),
            "own_later": Share.among(answer for answer in own_later if answer is not None),
            "opening": first_share, "opening_text": first,
            "opening_names_aside": aside_share, "opening_names_aside_text": aside,
            **training.copied(copies)}


def length_of(texts):
    """Characters in all, without whitespace."""
    return sum(not character.isspace() for text in texts for character in text)


def cut_to(texts, characters):
    """The first texts, the last one cut, with so many characters in all."""
    out = []
    for text in texts:
        places = [at for at, character in enumerate(text) if not character.isspace()]
        out.append(text if len(places) <= characters else text[:places[characters - 1] + 1])
        characters -= len(places)
        if characters <= 0:
            break
    return out
