#!/usr/bin/env python3
"""Writes docs/samples.md: copies of a store, each with its customer, its product and why.

Run:  adlib campaign examples/copywriter/demo/shop/samples.toml samples.db
      python3 examples/copywriter/demo/samples.py ADLIB samples.db > docs/samples.md
"""

import collections
import json
import re
import sqlite3
import subprocess
import sys

LANGUAGES = {"zh": "Chinese", "en": "English"}
COUNT = 50
NUMBER = r"\d+(?:\.\d+)?"
KNOWN = ("<|interest|>", "<|bought|>", "<|viewed|>", "<|cart|>", "<|saved|>", "<|city|>", "<|level|>", "<|review|>")


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", "<br>")


def field(record, *tags):
    return [text.strip() for tag, text in record["request"]["fields"] if tag in tags]


def main():
    adlib, store = sys.argv[1:3]
    lines = subprocess.run([adlib, "audit", store], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    records = [json.loads(line) for line in lines.splitlines()]
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    titles = {row[0]: json.loads(row[1])["title"] for row in database.execute("SELECT shop_id, record FROM product")}
    because = {}
    for user, product, method, seen in database.execute(
            "SELECT u.shop_id, p.shop_id, r.method, b.shop_id FROM recommendation r JOIN user u ON u.id = r.user "
            "JOIN product p ON p.id = r.product LEFT JOIN product b ON b.id = r.because"):
        because[user, product] = f"{method}, because of {titles[seen]}" if seen else method
    blocked = [record for record in records if record["status"] == "blocked"]
    passed = [record for record in records if record["status"] != "blocked"]
    named = sum(field(record, "<|product|>")[0] in record["text"] for record in passed)
    numbers = [(number, record) for record in passed for number in re.findall(NUMBER, record["text"])]
    known = sum(number in re.findall(NUMBER, " ".join(text for _, text in record["request"]["fields"]))
                for number, record in numbers)
    rules = collections.Counter(finding["rule"] for record in blocked for finding in record["findings"]
                                if finding["level"] in ("error", "ban"))
    why_blocked = ", ".join(f"{rule} ({count})" for rule, count in rules.most_common())
    print(f"""# Samples

What adlib's own model wrote for [the demonstration shop](../examples/copywriter/demo/shop), as it came: every few copies of {len(records)}, in the
order of the store. Nothing was picked, written again by hand or left out but the {len(blocked)} copies that `adlib polish` blocked: {why_blocked}.
Of the {len(passed)} others {named} hold the product's name letter by letter, and of their {len(numbers)} numbers {known} are the product's or the
customer's. That says nothing of sense: read them. Made by `examples/copywriter/demo/samples.py`; the customers do not exist, and `adlib
reproduce` gives the same bytes.
""")
    for language, name in LANGUAGES.items():
        own = [record for record in passed if record["language"] == language]
        shown = own[::max(1, len(own) // COUNT)]
        print(f"## {name}\n\n| Customer | What is known | Product, and why | Channel, tone | Copy |\n|---|---|---|---|---|")
        for record in shown[:COUNT]:
            told = list(dict.fromkeys(field(record, *KNOWN)))
            why = because.get((record["customer"], record["product"]), "")
            print(f"| {record['customer']} | {cell(', '.join(told)) or 'nothing'} | {cell(titles[record['product']])}<br>{cell(why)} "
                  f"| {record['channel']}, {record['arm']} | {cell(record['text'])} |")
        print()


if __name__ == "__main__":
    main()
