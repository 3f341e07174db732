"""Makes measures.json and perplexity.json: what sacrebleu 2.6.0, rouge_score 0.1.2 and transformers 5.23 (torch 2.15)
say of texts that this script makes up. Needs: pip install sacrebleu rouge_score transformers torch numpy

    python make_goldens.py        # writes beside itself
"""
import json
import random
import re
from pathlib import Path

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF

HERE = Path(__file__).parent
SEED = 20240

EN = {
    "subject": ["This jacket", "The desk lamp", "Our trail shoe", "A linen shirt", "The ceramic cup", "This backpack"],
    "verb": ["keeps", "stays", "feels", "packs", "dries", "lasts", "shines"],
    "rest": ["warm at -5.5 degrees", "light, dry and quiet", "soft after 1,000 washes", "small (for a carry-on)",
             "for 3-4 days", "at only $49.99", "in \"storm\" weather", "like new; really", "for R&amp;D folk & friends",
             "well-made, well-priced", "with 100% cotton", "on rock/gravel", "2.5x longer", "in Zürich's old town"],
    "end": [".", "!", "...", ", and so will you.", " - try it today.", "?", " -- no kidding."],
}
ZH = {
    "subject": ["这款冲锋衣", "这盏台灯", "这双跑鞋", "亚麻衬衫", "手作盖碗", "正山小种红茶", "Fernway 越野跑鞋"],
    "verb": ["采用", "选用", "搭配", "带来", "呈现"],
    "rest": ["轻盈透气的面料", "可拆卸的帽檐设计", "细腻温润的釉色", "3.5毫米的鞋钉", "100%纯棉材质", "“复古”的圆领",
             "￥599的惊喜价", "IPX4级防水", "松烟香——回味悠长", "Q2降噪芯片，续航30小时", "A字版型（显瘦）", "①号配色"],
    "end": ["。", "！", "，通勤、露营都合适。", "，让你爱上每一天！", "……", "～"],
}
ODD = [  # text, reference
    ("", "something"), ("something", ""), ("", ""), ("   ", "a b"), ("one", "one"), ("one two three", "one two three"),
    ("a a a a a a", "a a"), ("the the the", "the cat sat on the mat"), ("Kelvin \u212A and \u0130stanbul", "kelvin k and istanbul"),
    ("line one-\nline two\nline three", "line oneline two line three"), ("x<skipped>y", "xy"),
    ("&quot;quoted&quot; &lt;b&gt;", "\"quoted\" <b>"), (".5 and 5. and 1,5 and 5-6 and -5", ".5 and 5 . and 1 , 5"),
    ("no\u00a0break\u3000and\u2028more", "no break and more"), ("naïve café’s “best”", "naive cafe's \"best\""),
    ("(hi) hi! !hi ?! - a-b", "( hi ) hi ! hi"), ("..,,..a.,b", "..a,b"), ("emoji 😀😀 end", "emoji 😀 end"),
    ("tail spaces   \n", "tail spaces"), ("1.2.3,4 5.a a.5", "1.2.3 , 4"),
]
ODD_ZH = [
    ("", "好"), ("好", ""), ("好", "好"), ("好用", "好用"), ("　好用　", "好用"), ("非常非常非常好", "非常好"),
    ("“引号”…—·", "\"引号\"..."), ("𠀀𠀁生僻字", "𠀀生僻字"), ("ＡＢＣ１２３", "ABC123"), ("iPhone15Pro手机壳,3.5元", "iPhone 15 Pro 手机壳，3.5元"),
    ("100.5-200，包邮", "100.5 - 200 , 包邮"), ("☆★新品♥", "新品"), ("①②③", "①③"), ("㎡ ㊣ ｶﾀｶﾅ", "平方米 正 カタカナ"),
]


def sentence(random_, parts):
    return [random_.choice(parts[key]) for key in ("subject", "verb", "rest", "end")]


def pairs(random_, parts, joint, count):
    """Texts of one to three sentences; their references have some parts drawn anew."""
    out = []
    for _ in range(count):
        sentences = [sentence(random_, parts) for _ in range(random_.randint(1, 3))]
        others = [[part if random_.random() < 0.7 else random_.choice(parts[key])
                   for part, key in zip(s, ("subject", "verb", "rest", "end"))] for s in sentences]
        random_.shuffle(others)

        def write(body):
            return joint.join(joint.join(s[:3]) + s[3] for s in body)
        out.append((write(sentences), write(others)))
    return out


class Given:
    """A tokenizer of rouge_score for texts that are tokens already, joined by blanks."""

    def tokenize(self, text):
        return [token for token in text.split(" ") if token]


def rough_words(text):
    """Something like words, to have tokens of several characters: any cut will do."""
    return re.findall(r"[A-Za-z0-9.]+|[\u4e00-\u9fff]{1,2}|[^\sA-Za-z0-9.\u4e00-\u9fff]", text)


def rouge(scorer, reference, text):
    scores = scorer.score(reference, text)
    return {name: [s.precision, s.recall, s.fmeasure] for name, s in scores.items()}


def measures(items, tokenizer):
    texts, references = [t for t, _ in items], [r for _, r in items]
    bleu = BLEU(tokenize=tokenizer)
    effective = BLEU(tokenize=tokenizer, effective_order=True)
    types = ["rouge1", "rouge2", "rougeL"]
    english = rouge_scorer.RougeScorer(types, use_stemmer=False)
    given = rouge_scorer.RougeScorer(types, tokenizer=Given())

    def spaced(tokens):
        return " ".join(tokens)

    def characters(text):
        return [c for c in text if not c.isspace()]
    corpus = bleu.corpus_score(texts, [references])
    chrf, chrfpp = CHRF(), CHRF(word_order=2)
    out = {
        "texts": texts, "references": references,
        "bleu": corpus.score, "precisions": corpus.precisions, "brevity_penalty": corpus.bp,
        "bleu_tokens": [bleu.tokenizer(t.rstrip()).split() for t in texts],
        "sentence_bleu": [effective.sentence_score(t, [r]).score for t, r in items],
        "chrf": chrf.corpus_score(texts, [references]).score,
        "chrf++": chrfpp.corpus_score(texts, [references]).score,
        "sentence_chrf": [chrf.corpus_score([t], [[r]]).score for t, r in items],
        "sentence_chrf++": [chrfpp.corpus_score([t], [[r]]).score for t, r in items],
        "words": [[rough_words(t), rough_words(r)] for t, r in items],
        "rouge_characters": [rouge(given, spaced(characters(r)), spaced(characters(t))) for t, r in items],
        "rouge_words": [rouge(given, spaced(rough_words(r)), spaced(rough_words(t))) for t, r in items],
    }
    if tokenizer == "13a":
        out["rouge"] = [rouge(english, r, t) for t, r in items]
    some = texts[:25]
    out["self_bleu_texts"] = len(some)
    each = [effective.sentence_score(t, some[:i] + some[i + 1:]).score for i, t in enumerate(some)]
    out["self_bleu"] = sum(each) / len(each)
    out["nearest_of_three"] = [effective.sentence_score(texts[i], references[i:i + 3]).score
                               for i in range(0, len(texts) - 3, 3)]
    return out


def perplexities():
    """Losses of the tiny GPT-2 of tests/data/generate, by transformers, in windows for long texts."""
    import torch
    from transformers import GPT2LMHeadModel
    model = GPT2LMHeadModel.from_pretrained(HERE.parent / "generate" / "tiny-gpt2", dtype=torch.float64).eval()
    context, vocabulary = model.config.n_positions, model.config.vocab_size
    random_ = random.Random(SEED)
    documents = []
    for length in (2, 3, 17, context // 2, context, context + 1, 3 * context + 5):
        ids = [random_.randrange(vocabulary) for _ in range(length)]
        documents.append({"ids": ids, "given": random_.randint(1, max(1, length // 3))})

    def losses(window, stride):
        out = []
        for document in documents:
            ids, counted, begin, total = document["ids"], document["given"], 0, 0.0
            while counted < len(ids):
                end = min(begin + window, len(ids))
                if counted < end:
                    with torch.no_grad():
                        logits = model(torch.tensor([ids[begin:end]])).logits[0]
                    logs = torch.log_softmax(logits, -1)
                    total -= sum(logs[i - 1 - begin, ids[i]].item() for i in range(counted, end))
                    counted = end
                begin += stride
            out.append(total)
        return out
    return {"documents": documents,
            "losses": [{"window": w, "stride": s, "totals": losses(w or context, s or (w or context) // 2)}
                       for w, s in ((0, 0), (16, 5), (2, 1), (context, context - 1))]}


def main():
    random_ = random.Random(SEED)
    en = pairs(random_, EN, " ", 60) + ODD
    zh = pairs(random_, ZH, "", 60) + ODD_ZH
    document = {"en": measures(en, "13a"), "zh": measures(zh, "zh")}
    (HERE / "measures.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    (HERE / "perplexity.json").write_text(json.dumps(perplexities()) + "\n")


if __name__ == "__main__":
    main()
