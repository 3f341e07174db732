#!/usr/bin/env python3
"""Counts how exactly the copies of a store tell what their products are like: attribute values and the shop's own description.

Run:  adlib campaign examples/copywriter/demo/shop/campaign.toml shop.db
      python3 examples/copywriter/demo/facts.py ADLIB shop.db [--list]

It shares nothing with the checker of `adlib polish`. A statement is one of:
- a sentence that has the shape of one with which the model was taught to tell a fact (`== fact`, `== about` of ../corpus), whatever
  stands in the place of the value;
- the name of an attribute, as any product of the store or the corpus has it, with a word such as 是, "is" or a colon behind it;
- a value of the product, or of another product of the store, anywhere else.
It is exact if the value is the product's own, letter by letter but for case and spaces, and under a name that is that of the attribute or
means the same. Names of products, and what the customer is known for, are no statements.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "corpus"

# Names that shops, and the sentences of the corpus, have for one attribute. A value under another name of its line is exact.
SAME_NAME = [set(line.split("|")) for line in """
material|fabric|materials|ingredients|upper|sole|base|cover|frame|body|handle|lining|case|shell|burrs|made of|outsole|filling|case material
weight|net weight|grams
size|dimensions|length|width|sizes|diameter|height|seat height|drop|lug depth|depth
capacity|volume|holds
colour|color|shade|glaze|finish
battery|battery life|runtime|power supply|charging
water resistance|waterproof rating|ip rating
power|wattage
light|colour temperature
closure|fastening
care|wash|washing
scent|fragrance|aroma
fit|cut|rise|collar
packaging|packing|package
weave|pattern|finish|texture
材质|面料|用料|填充物|枕套材质|键帽材质|笔身|手柄|车架|蜡|内胆材质|鞋面|灯罩材质|表带材质|质地
重量|单只重量|整车重量|单支重量|净重|净含量|单机重量|规格
尺寸|高度|尺码|规格|长度|收纳尺寸
容量|水箱|容积|净含量|规格
颜色|色号|釉色|配色
续航|续航时间|电池
防水|防水等级|防水指数
连接|连接方式|网络
产地|原产地|来源
包装|包装方式
香型|香味|香调
口味|风味
块数|件数|零件数|数量
适用年龄|年龄|适合年龄
适合肤质|适用肤质|肤质
洗涤|洗涤方式
""".strip().splitlines()]
NUMBER = re.compile(r"\d+(?:\.\d+)?")
SILENT = ("<|zh|>", "<|en|>", "<|scene|>", "<|channel|>", "<|tone|>", "<|copy|>")
OF_PRODUCT = ("<|product|>", "<|brand|>", "<|category|>", "<|price|>", "<|was|>")


def plain(text):
    return re.sub(r"\s+", "", text).lower().strip("。.!！，,“”\"'")


def sections(path):
    """(name behind `== `, attribute, lines) of a file of the corpus."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("== "):
            words = line[3:].split(" ")
            behind = " ".join(word for word in words[1:] if "=" not in word)
            found.append((words[0], behind, []))
        elif line and not line.startswith("#") and found:
            found[-1][2].append(line)
    return found


def expanded(text):
    """A line of the corpus without choices: "[a|b] c" is "a c" and "b c"."""
    begin = text.find("[")
    if begin < 0:
        return [text]
    end, depth, parts, last = begin, 0, [], begin + 1
    for end in range(begin, len(text)):
        depth += {"[": 1, "]": -1}.get(text[end], 0)
        if (text[end] == "|" and depth == 1) or depth == 0:
            parts.append(text[last:end])
            last = end + 1
        if depth == 0:
            break
    return [whole for part in parts for whole in expanded(text[:begin] + part + text[end + 1:])]


def expression_of(text):
    """The regular expression of a line without choices, and how many of its characters are fixed."""
    out, fixed, at = "", 0, 0
    while at < len(text):
        if text[at] == "{":
            end = text.index("}", at)
            slot = text[at + 1:end].split(" ")[0]
            inside = {"fact": r"[^。！？!?：:，]{1,24}?", "value": r"(?:[^。！？!?.]|\.(?=\S))+?", "about": r"[^\n]+?"}.get(slot)
            out += f"(?P<{slot}>{inside})" if inside else r".{1,60}?"
            at = end + 1
        else:
            out += r"\s?" if text[at] == " " else re.escape(text[at])
            fixed += text[at] not in " ，。：:,.!！“”"
            at += 1
    return out + r"(?!(?<=\.)\d)", fixed  # "1.8" does not end with its point


class Shape:
    """A sentence that tells a fact."""

    def __init__(self, line, kind, name):
        expression, self.fixed = expression_of(line)
        self.kind, self.name = kind, name
        self.re = re.compile(r"(?:^|(?<=[。！？!?\n”])|(?<=[.!?\"] )|(?<=。[”]))" + expression, re.IGNORECASE)


def shapes(language):
    """All, and the names of attributes."""
    found, names = [], set()
    for path in [CORPUS / language / "general.txt", *sorted((CORPUS / language / "categories").glob("*.txt"))]:
        for what, name, lines in sections(path):
            if what in ("attribute", "fact") and name:
                names.add(name.lower())
            if what in ("fact", "about"):
                found += [Shape(line, what, name.lower()) for line in lines for line in expanded(line)]
    names -= {"year"}  # "A modest plan for this year: …"
    unique = {(shape.re.pattern, shape.name): shape for shape in found}
    return sorted(unique.values(), key=lambda shape: -shape.fixed), names


def same_name(a, b):
    return a == b or any(a in line and b in line for line in SAME_NAME)


class Product:
    def __init__(self, record):
        fields = [(tag, text.strip()) for tag, text in record["request"]["fields"]]
        self.title = next(text for tag, text in fields if tag == "<|product|>")
        self.about = next((text for tag, text in fields if tag == "<|about|>"), "")
        self.facts = []
        for tag, text in fields:
            if tag == "<|fact|>":
                name, value = re.split("：|: ", text, maxsplit=1)
                self.facts.append((name.lower(), value))
        self.of_customer = [text for tag, text in fields if tag not in SILENT + OF_PRODUCT + ("<|fact|>", "<|about|>")]
        self.own_text = plain(" ".join([self.title, self.about] + [text for tag, text in fields if tag in OF_PRODUCT + ("<|fact|>",)]))


def judge(product, name, value):
    """Whether a value, said under a name ("": none), is the product's."""
    said = plain(value)
    under = [own for own, text in product.facts if plain(text) == said]
    if not under:
        # "100% cotton, as listed": more words than the value.
        under = [own for own, text in product.facts if plain(text) in said and not NUMBER.search(said.replace(plain(text), ""))]
    if not under:
        return "no value of the product"
    if name and not any(same_name(name, own) for own in under):
        return "value of " + ", ".join(under)
    return ""


def statements(text, product, language, known, catalogue):
    """(name, value, what is wrong or "") of each statement of a copy."""
    all_shapes, names = known
    out, taken = [], []

    def free(begin, end):
        return not any(begin < other_end and other_begin < end for other_begin, other_end in taken)

    hidden = text
    for called in sorted([product.title, *product.of_customer, *catalogue["titles"]], key=len, reverse=True):
        if len(called) > 1:  # as many marks, so that places stay
            hidden = hidden.replace(called, "\u25a1" * len(called))
    found = []  # a sentence may have several shapes: one in which it is exact comes first
    for place, shape in enumerate(all_shapes):
        for match in shape.re.finditer(hidden):
            said = match.groupdict()
            value = said.get("value") or said.get("about") or ""
            name = (said.get("fact") or shape.name).strip().lower()
            if shape.kind == "about":
                if product.about and shape.fixed >= 3:
                    original = text[match.start("about"):match.end("about")]
                    exact = plain(original) in plain(product.about) and len(plain(original)) > 3
                    found.append((not exact, place, match.span(), ("(description)", original, "" if exact else "not what the shop says")))
                continue
            if "\u25a1" in value or (shape.fixed < 2 and not said.get("fact")):
                continue
            if said.get("fact") and name not in names and name not in [own for own, _ in product.facts]:
                continue
            wrong = judge(product, name, value)
            found.append((bool(wrong), place, match.span(), (name, value, wrong)))
    for _, _, span, statement in sorted(found):
        if free(*span):
            taken.append(span)
            out.append(statement)
    own_names = {own for own, _ in product.facts} | names
    binder = r"(?:标着|写着|写作|写的是|标的是|标注为|是|为|：|选的是|叫|用的是| is listed as| is given as| is| are|:)\s?"
    for name in sorted(own_names, key=len, reverse=True):
        if len(name) < 2:
            continue
        edge = r"\b" if language == "en" else ""
        for match in re.finditer((edge or "(?<!大)") + re.escape(name) + binder + r"((?:[^。！？!?，,；;.]|\.(?=\S))+)", hidden, re.IGNORECASE):
            value = match.group(1)
            if not free(*match.span()) or "\u25a1" in value or len(plain(value)) > 24:
                continue
            if language == "en" and not match.group(0)[len(name):].startswith(":"):
                if not judge(product, "", value) or NUMBER.search(value):
                    pass  # "the weight is 300 g"
                else:
                    continue  # "the fit is up to you"
            taken.append(match.span())
            out.append((name, value, judge(product, name, value)))
    for name, value in catalogue["facts"]:
        if any(value in title for title in catalogue["titles"]):
            continue  # of a name that is not quite one
        for match in re.finditer((r"(?<![\w.])" if language == "en" else r"(?<![\d.])") + re.escape(value) + (r"(?!\w)" if language == "en" else ""), hidden):
            if not free(*match.span()) or (len(value) < 2 or (language == "en" and len(value) < 5 and not NUMBER.search(value))):
                continue
            taken.append(match.span())
            own = plain(value) in product.own_text
            out.append(("", value, "" if own else f"value of another product's {name}"))
    return out


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("adlib")
    arguments.add_argument("store")
    arguments.add_argument("--list", action="store_true", help="print every statement that is not exact")
    arguments.add_argument("--all", action="store_true", help="print every copy with its statements")
    options = arguments.parse_args()
    audit = subprocess.run([options.adlib, "audit", options.store], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    records = [json.loads(line) for line in audit.splitlines()]
    for language in ("zh", "en"):
        own = [record for record in records if record["language"] == language]
        if not own:
            continue
        known = shapes(language)
        products = {record["copy"]: Product(record) for record in own}
        facts = {fact for product in products.values() for fact in product.facts}
        catalogue = {"titles": {product.title for product in products.values()},
                     "facts": sorted(facts, key=lambda fact: -len(fact[1]))}
        counts = collections.Counter()
        for record in own:
            found = statements(record["text"], products[record["copy"]], language, known, catalogue)
            blocked = record["status"] == "blocked"
            counts["copies"] += 1
            counts["blocked"] += blocked
            counts["telling"] += bool(found)
            for name, value, wrong in found:
                kind = "about" if name == "(description)" else "value"
                counts[kind] += 1
                counts[kind + " exact"] += not wrong
                counts[kind + " passed"] += not blocked
                counts[kind + " passed exact"] += not blocked and not wrong
                if wrong and options.list:
                    rules = {finding["rule"] for finding in record["findings"] if finding["level"] in ("error", "ban")}
                    print(f"{record['copy']}\t{'blocked by ' + ', '.join(sorted(rules)) if blocked else 'PASSED'}\t{name}\t{value}\t{wrong}\t{record['text']}")
            if options.all:
                print(f"{record['copy']} {record['status']} {record['text']}\n    {found}")
        def share(part, whole):
            return f"{counts[part]} of {counts[whole]}" + (f" ({100 * counts[part] / counts[whole]:.2f} %)" if counts[whole] else "")
        print(f"{language}: {counts['copies']} copies, {counts['blocked']} blocked; {counts['telling']} tell a fact or quote the description")
        print(f"  attribute values exact: as written {share('value exact', 'value')}; not blocked {share('value passed exact', 'value passed')}")
        print(f"  description exact:      as written {share('about exact', 'about')}; not blocked {share('about passed exact', 'about passed')}")


if __name__ == "__main__":
    main()
