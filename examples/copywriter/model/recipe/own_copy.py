#!/usr/bin/env python3
"""Turns a shop's own copy into examples that adlib's own model can be trained on.

    own_copy.py shop.jsonl own.jsonl --title title --text description --interest user.category
    own_copy.py shop.csv own.jsonl --language en --brand vendor --fact material=Material --channel detail \\
        --held-out held-out.jsonl

Reads JSON Lines, or CSV if the name ends in .csv, and writes a line {"prompt", "completion", "title"} for each line
that has a title and a text. The prompt is the one that `adlib write` makes of the same fields (docs/copywriter.md):
trained on nothing else, the model is asked for nothing else. A FIELD is a name, or a path such as user.category; where
it leads to a list, all entries count. --held-out keeps a share of the titles, with all their lines, for measuring.
"""

import argparse
import csv
import hashlib
import html
import json
import os
import re
import sys

# As in examples/copywriter/shop/text.cpp: what counts as white space, and what no field keeps.
SPACE = re.compile("[ \t-\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
                     "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")

# As in examples/copywriter/write/prompt.cpp.
FIELD_CHARACTERS = 200
TEXT_CHARACTERS = 60
FACTS = 6
SENTENCE_ENDS, CLAUSE_ENDS = "。！？!?\n", "，；、,;：:"
CHOICES = {"scene": ["recommendation", "promotion", "member", "social", "ad"],
           "channel": ["push", "sms", "email", "chat", "feed", "detail", "banner"],
           "tone": ["plain", "warm", "playful", "elegant", "energetic", "expert"]}
PRODUCT = ["brand", "category", "price", "was", "about"]  # facts stand before the last
CUSTOMER = {"customer": 1, "age": 1, "gender": 1, "city": 1, "level": 1, "spend": 1, "prices": 1, "interest": 4,
            "bought": 2, "viewed": 2, "cart": 1, "saved": 1, "review": 1}  # how many at most
NEWEST_FIRST = {"bought", "viewed", "cart", "saved", "review"}  # lists of these end with the newest
MONEY = {"price", "was", "spend"}
CURRENCIES = {"CNY": ("元", "¥"), "USD": ("美元", "$"), "EUR": ("欧元", "€"), "GBP": ("英镑", "£"),
              "HKD": ("港元", "HK$"), "JPY": ("日元", "JP¥")}
GENDERS = {"male": "male", "female": "female", "男": "male", "女": "female"}


class OwnCopyError(Exception):
    """A mistake in the input, in words for the reader."""


def clean(text):
    """One line: runs of white space become a blank; controls and invisible marks are dropped."""
    return SPACE.sub(" ", DROPPED.sub("", text)).strip(" ")


def plain(text):
    """Descriptions of shops are often HTML: its text alone."""
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->", " ", text)
    text = re.sub(r"(?i)</?(a|abbr|b|code|em|font|i|mark|s|small|span|strong|sub|sup|u)\b[^<>]*>", "", text)
    return clean(html.unescape(re.sub(r"</?[A-Za-z][^<>]*>", " ", text)))


def field_text(text):
    """A field that cannot break out of its place, of at most 200 characters."""
    text = clean(text)
    if len(text) > FIELD_CHARACTERS:
        text = text[:FIELD_CHARACTERS] + "…"
    return text.replace("<|", "< |")


def opening_clauses(text):
    """The first sentence without its full stop, or as many of its clauses as 60 characters hold: none, if not one fits."""
    end, clause = len(text), 0
    for at, character in enumerate(text):
        following = text[at + 1:at + 2]
        if character in SENTENCE_ENDS or (character == "." and following in ("", " ")):
            end = at
            break
        if at == TEXT_CHARACTERS:
            end = clause
            break
        between_digits = character < "\x80" and following not in ("", " ")
        if character in CLAUSE_ENDS and not between_digits:
            clause = at
    return text[:end].strip(" \t\n\v\f\r")


def money_text(amount, currency, language):
    """"399" -> "399元" or "¥399"; the amount as it is where no currency is named."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", amount):
        raise OwnCopyError(f"{amount!r} is no amount; expected digits with at most four decimals, such as 59.90")
    amount = re.sub(r"\.0+$", "", amount)
    if re.search(r"\.[0-9]$", amount):
        amount += "0"
    if not currency:
        return amount
    zh_after, en_before = CURRENCIES.get(currency, (" " + currency, currency + " "))
    return amount + zh_after if language == "zh" else en_before + amount


def values_at(record, path):
    """All texts that a path leads to: numbers as they are written, lists entry by entry. An event is its title, else
    its category."""
    whole = isinstance(record, dict) and path in record  # a name may hold points itself
    found = [record]
    for name in [path] if whole else path.split("."):
        found = [entry.get(name) for entry in found if isinstance(entry, dict)]
        found = [item for entry in found for item in (entry if isinstance(entry, list) else [entry])]
    found = [entry.get("title") or entry.get("category") if isinstance(entry, dict) else entry for entry in found]
    return [str(entry) for entry in found if isinstance(entry, (str, int, float)) and not isinstance(entry, bool)]


def split_cell(cell):
    """A list in a cell of CSV: separated by "|" if it has one, otherwise by ";" or "；"."""
    parts = cell.split("|") if "|" in cell else re.split("[;；]", cell)
    return [part.strip() for part in parts if part.strip()]


class Examples:
    """Makes an example of a record, by the options of the command line."""

    def __init__(self, options):
        self.options = options
        self.before = " " if options.language == "en" else ""

    def values(self, record, tag):
        path = getattr(self.options, tag)
        found = [value for value in values_at(record, path) if clean(value)] if path else []
        if self.options.csv and CUSTOMER.get(tag, 1) > 1:
            found = [part for value in found for part in split_cell(value)]
        if tag in NEWEST_FIRST:
            found.reverse()
        return [self.converted(tag, value) for value in found[:CUSTOMER.get(tag, 1)]]

    def converted(self, tag, value):
        if tag in MONEY:
            return money_text(value.strip(), self.options.currency, self.options.language)
        if tag == "about":
            return opening_clauses(plain(value))
        if tag == "review":
            return opening_clauses(clean(value))
        if tag == "gender":
            return GENDERS.get(value.strip(), "")
        return value

    def facts(self, record):
        colon, comma = ("：", "、") if self.options.language == "zh" else (": ", ", ")
        facts = [(name, values_at(record, path)) for name, path in self.options.fact]
        attributes = record.get(self.options.facts) if self.options.facts else None
        if isinstance(attributes, dict):
            facts += [(name, values_at(attributes, name)) for name in attributes]
        return [name + colon + comma.join(values) for name, values in facts if values][:FACTS]

    def prompt(self, record, title):
        fields = [(tag, getattr(self.options, tag)) for tag in CHOICES if getattr(self.options, tag)]
        fields.append(("product", title))
        for tag in PRODUCT:
            if tag == "about":
                fields += [("fact", fact) for fact in self.facts(record)]
            fields += [(tag, value) for value in self.values(record, tag)]
        fields += [(tag, value) for tag in CUSTOMER for value in self.values(record, tag)]
        text = f"<|{self.options.language}|>"
        for tag, value in fields:
            value = field_text(value)
            if value:
                text += f"<|{tag}|>{self.before}{value}"
        return text + "<|copy|>"

    def example(self, record):
        """None without a title or a text."""
        title = clean("".join(values_at(record, self.options.title)[:1]))
        text = plain("".join(values_at(record, self.options.text)[:1]))
        if not title or not text:
            return None
        return {"prompt": self.prompt(record, title), "completion": self.before + text, "title": title}


def read_records(path):
    """(place, record)"""
    with open(path, encoding="utf-8-sig", newline="") as file:
        if path.endswith(".csv"):
            rows = csv.DictReader(file)
            for row in rows:
                yield f"{path}:{rows.line_num}", row
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise OwnCopyError(f"{path}:{number}: {error}") from error
            if not isinstance(record, dict):
                raise OwnCopyError(f"{path}:{number}: expected an object in braces")
            yield f"{path}:{number}", record


def one_text(example):
    """Prompt and completion in one, all of which is learned. There a tag in the completion would be one, too."""
    return {"text": example["prompt"] + example["completion"].replace("<|", "< |"), "title": example["title"]}


def is_held_out(title, share):
    """By a hash of the title: it stays on its side while the file grows."""
    digest = hashlib.blake2b(title.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2.0**64


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="FILE")
    parser.add_argument("output", metavar="EXAMPLES")
    parser.add_argument("--language", choices=["zh", "en"], default="zh")
    parser.add_argument("--title", default="title", metavar="FIELD", help="what the product is called (default: title)")
    parser.add_argument("--text", default="text", metavar="FIELD", help="the copy (default: text)")
    for tag, choices in CHOICES.items():
        parser.add_argument("--" + tag, choices=choices, help="of all the copy, if it has one")
    parser.add_argument("--fact", action="append", default=[], metavar="NAME=FIELD", help="an attribute; may be repeated")
    parser.add_argument("--facts", metavar="FIELD", help='a field that holds attributes: {"name": "value" or a list}')
    for tag in [*PRODUCT, *CUSTOMER]:
        parser.add_argument("--" + tag, metavar="FIELD")
    parser.add_argument("--currency", metavar="CODE", help="of --price, --was and --spend, such as CNY")
    parser.add_argument("--held-out", metavar="FILE", help="a file for the examples of some titles, not to be learned")
    parser.add_argument("--share", type=float, default=0.1, help="of the titles that are held out (default: 0.1)")
    parser.add_argument("--learn-prompts", action="store_true",
                        help='write {"text": prompt and completion, "title"} to EXAMPLES: titles teach words, too')
    parser.add_argument("--times", type=int, default=1, metavar="N",
                        help="write every example to EXAMPLES so often: one epoch then reads it N times, among other "
                             "data that it reads once (default: 1)")
    options = parser.parse_args(arguments)
    if not 0 < options.share < 1 or options.times < 1:
        parser.error("--share is between 0 and 1, --times at least 1")
    if any("=" not in fact for fact in options.fact):
        parser.error("--fact is NAME=FIELD, such as --fact material=attributes.material")
    options.fact = [tuple(fact.split("=", 1)) for fact in options.fact]
    options.csv = options.input.endswith(".csv")
    return options


def make_examples(options):
    """-> (learned, held out, places of records that are left out)"""
    maker, learned, held_out, left_out = Examples(options), [], [], []
    for place, record in read_records(options.input):
        try:
            example = maker.example(record)
        except OwnCopyError as error:
            raise OwnCopyError(f"{place}: {error}") from error
        if example is None:
            left_out.append(place)
        elif options.held_out and is_held_out(example["title"], options.share):
            held_out.append(example)
        else:
            learned.append(example)
    if not learned:
        raise OwnCopyError(f"{options.input}: no line has both '{options.title}' and '{options.text}'; name the fields "
                           "with --title and --text")
    return learned, held_out, left_out


def write_lines(path, records):
    """The file appears when it is whole."""
    with open(path + ".partial", "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    os.replace(path + ".partial", path)


def main(arguments=None):
    options = parse_options(arguments)
    try:
        learned, held_out, left_out = make_examples(options)
        lines = [one_text(example) for example in learned] if options.learn_prompts else learned
        write_lines(options.output, lines * options.times)
        if options.held_out:
            write_lines(options.held_out, held_out)
    except (OwnCopyError, OSError, UnicodeDecodeError, csv.Error) as error:
        print(f"own_copy: error: {error}", file=sys.stderr)
        return 1
    titles = len({example["title"] for example in learned})
    print(f"own_copy: {len(learned)} examples of {titles} titles to learn, {len(held_out)} held out", file=sys.stderr)
    if left_out:
        print(f"own_copy: {len(left_out)} lines have no title or no text, the first is {left_out[0]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
