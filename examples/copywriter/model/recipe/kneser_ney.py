#!/usr/bin/env python3
"""Interpolated modified Kneser-Ney by character: what the counts of n-grams alone predict of a shop's copy.

    kneser_ney.py own.jsonl --held-out held-out.jsonl

Learns from the completions of own.jsonl and prints the bits per character of those of held-out.jsonl, as `adlib eval`
counts them: -log2 of the probability of all characters and of the end behind each text, over the number of characters.

The model (Chen & Goodman, An Empirical Study of Smoothing Techniques for Language Modeling, 1999, section 3.2.4). A
text is w_1 ... w_m: its characters, which are Unicode code points, and the end of text; w_0 is a sign for its begin,
which is never predicted. The history of w_i is h = w_max(0, i-n+1) ... w_(i-1), for n = 5. With h' = h without its
first character,

    p(w | h) = max(c(h w) - D(c(h w)), 0) / c(h .) + (D1 N1(h .) + D2 N2(h .) + D3 N3(h .)) / c(h .) * p(w | h')

where c(h .) is the sum of c(h w) over w; p(w | h) = p(w | h') for a history that was not seen; and behind the empty
history, where there is no h', the uniform distribution over the alphabet stands in its place. c(h w) is how often h w
occurs when it has n characters or begins with the begin of text, which nothing can precede; else the number of
different characters that precede h w. Nk(h .) is the number of w with c(h w) = k, N3 of those with 3 or more. D(0) = 0,
D(1) = D1, D(2) = D2, D(3 and more) = D3 are set for each length of h w from n_k, the number of its n-grams with
c(h w) = k: Y = n1 / (n1 + 2 n2), D1 = 1 - 2 Y n2/n1, D2 = 2 - 3 Y n3/n2, D3 = 3 - 4 Y n4/n3; where one of n1 to n4 is
0 or a Dk not between 0 and k, all three are Y, or 1/2 if n1 or n2 is 0 (plain Kneser-Ney, Ney et al. 1994).

The alphabet: the end of text, all 21,886 characters of GBK that are no control characters, and all characters of the
texts, those of the held-out ones included, which is in favour of this model. So p(. | h) is a distribution for any h.
"""

import argparse
import collections
import json
import math
import sys
import unicodedata

BEGIN, END = "\x02", "\x03"  # texts hold no control characters: own_copy.py drops them


def gbk():
    """What Python's codec of GBK can encode, without control characters."""
    def encodes(character):
        try:
            return len(character.encode("gbk")) > 0
        except UnicodeEncodeError:
            return False
    return {character for character in map(chr, range(0x10000))
            if unicodedata.category(character) not in ("Cc", "Cs") and encodes(character)}


class KneserNey:
    def __init__(self, texts, order=5, alphabet=()):
        self.order = order
        self.alphabet = {END, *alphabet, *"".join(texts)}
        self.histories = {}  # h -> ({w: c(h w) - D(c(h w)), over c(h .)}, the weight of p(w | h'))
        for n_grams in self.adjusted_counts(texts):
            self.add(n_grams)

    def adjusted_counts(self, texts):
        """[{h w: c(h w)} of one character, of two, ...]"""
        counts = [collections.Counter() for _ in range(self.order)]
        for text in texts:
            text = BEGIN + text + END
            for end in range(2, len(text) + 1):
                for begin in range(max(0, end - self.order), end):
                    counts[end - begin - 1][text[begin:end]] += 1
        for shorter, longer in zip(counts, counts[1:]):
            preceded = collections.Counter(n_gram[1:] for n_gram in longer)
            for n_gram in shorter:
                if not n_gram.startswith(BEGIN):
                    shorter[n_gram] = preceded[n_gram]
        return counts

    def add(self, n_grams):
        discounts = self.discounts(collections.Counter(n_grams.values()))
        by_history = collections.defaultdict(dict)
        for n_gram, count in n_grams.items():
            by_history[n_gram[:-1]][n_gram[-1]] = count
        for history, counts in by_history.items():
            total = sum(counts.values())
            discounted = {w: (count - discounts[min(count, 3)]) / total for w, count in counts.items()}
            self.histories[history] = discounted, 1 - sum(discounted.values())

    @staticmethod
    def discounts(how_many):
        """[0, D1, D2, D3] from {count: number of n-grams with it}"""
        n1, n2, n3, n4 = (how_many[count] for count in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2) if n1 and n2 else 0.5
        if n1 and n2 and n3 and n4:
            d1, d2, d3 = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
            if 0 < d1 < 1 and 0 < d2 < 2 and 0 < d3 < 3:
                return [0, d1, d2, d3]
        return [0, y, y, y]

    def probability(self, w, before):
        """Of w behind a text that begins with BEGIN."""
        history = before[max(0, len(before) - self.order + 1):]
        p = 1 / len(self.alphabet) if w in self.alphabet else 0
        for begin in range(len(history), -1, -1):
            if history[begin:] in self.histories:
                discounted, weight = self.histories[history[begin:]]
                p = discounted.get(w, 0) + weight * p
        return p

    def bits(self, text, given=""):
        """Of a text and its end, behind a text that is given."""
        whole = BEGIN + given + text + END
        return -sum(math.log2(self.probability(whole[at], whole[max(0, at - self.order):at]))
                    for at in range(1 + len(given), len(whole)))


def measure(learned, held_out, order=5, titles=False):
    """Bits per character of the completions held out. With `titles`, a text is the title, a line end and the
    completion, of which only the completion is measured."""
    def given(example):
        return example["title"] + "\n" if titles else ""
    texts = [given(example) + example["completion"] for example in learned]
    alphabet = gbk() | set("".join(given(example) + example["completion"] for example in held_out))
    model = KneserNey(texts, order, alphabet)
    bits = sum(model.bits(example["completion"], given(example)) for example in held_out)
    return bits / sum(len(example["completion"]) for example in held_out)


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("learned", metavar="EXAMPLES", help="what own_copy.py wrote")
    parser.add_argument("--held-out", required=True, metavar="FILE", help="examples of other titles")
    parser.add_argument("--order", type=int, default=5, metavar="N", help="the longest n-grams (default: 5)")
    parser.add_argument("--titles", action="store_true", help="learn the titles, too, each in front of its completion")
    options = parser.parse_args(arguments)
    if options.order < 1:
        parser.error("--order is at least 1")
    try:
        learned, held_out = read_lines(options.learned), read_lines(options.held_out)
        print(f"{measure(learned, held_out, options.order, options.titles):.4f} bits per character")
    except (OSError, ValueError, KeyError) as error:
        print(f"kneser_ney: error: {error!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
