#!/usr/bin/env python3
"""Writes the goldens of tests/tokenizer with Hugging Face `tokenizers` (made with version 0.23.3).

    python tests/data/tokenizer/make_goldens.py

Everything comes from this script and its seed: 10,000 short texts (texts.jsonl), and for each variant a
tokenizer.json trained on them (VARIANT/tokenizer.json), the ids of the first 300 texts in full (VARIANT/cases.jsonl:
ids, ids with special tokens, decoded without and with special tokens) and for all texts a 64-bit FNV-1a hash over the
ids (32-bit little-endian) followed by the decoded text (VARIANT/hashes.bin, little-endian).
"""
import collections
import json
import pathlib
import random
import struct
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
COUNT, FULL = 10_000, 300

WORDS = """the of and to in is was for on that with as by at from his it an were are which this also be had or has
first one their its new after but who they have her she two been other when there all year during into school time may
years more most only over city some world would where later up such used many can state about national out known
university united then made product price quality member coffee jacket running shoes comfortable waterproof lightweight
recommend wonderful discount today's don't won't we'll they're I've it's couldn't HELLO World iPhone JavaScript naïve
café façade Zürich señor coöperate résumé Ελλάδα Москва привет мир İstanbul straße ﬁnance ½ cup №7 Ⅷ ㎏""".split()
CHINESE = """的 一 是 在 不 了 有 和 人 这 中 大 为 上 个 国 我 以 要 他 时 来 用 们 生 到 作 地 于 出 就 分 对 成 会 可 主 发
年 动 同 工 也 能 下 过 子 说 产 种 面 而 方 后 多 定 行 学 法 所 民 得 经 十 三 之 进 着 等 部 度 家 电 力 里 如 水 化 高
自 二 理 起 小 物 现 实 加 量 都 两 体 制 机 当 使 点 从 业 本 去 把 性 好 应 开 它 合 还 因 由 其 些 然 前 外 天 政 四 日
推荐 一款 适合 科技 游戏 电影 会员 优惠 连衣裙 面料 舒适 透气 时尚 设计 版型 显瘦 百搭 耳机 手机 屏幕 性能 价格 満足 日本語 テスト
カタカナ 한국어 안녕하세요 體驗""".split()
CODE = ["for (int i = 0; i < n; ++i) {", "    return x;\n}", "def f(self, *args):", "\tif a != b && c:", "x=[1,2,3]",
        "<a href=\"https://example.com/?q=1&p=2\">", "#include <vector>", "git commit -m 'fix'", "SELECT * FROM t;",
        "/* note */", "a_b-c.d@e.f", "0x1F", "\\n\\t", "{{user.name}}", "==>", "...", "!!!", "?!", "--", "''", "\"\"",
        "'s", "'LL", "'Re ", "'ſ", "(c)", "[MASK]", "$19.99", "100%", "~/.bashrc", "C++20", "a'b'c"]
EMOJI = ["😀", "👍🏽", "👩‍💻", "🏳️‍🌈", "🇨🇳", "❤️", "🎉🎉", "☕", "1️⃣", "™"]
SPACES = [" ", " ", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\u2003", "\u200b",
          "\u2028", "\u180e", "\x0b", "\x85"]
MARKS = ["e\u0301", "a\u0308", "o\u0302\u0323", "q\u0307\u0323", "\u1100\u1161\u11a8", "が", "か\u3099", "\u0301", "\u212b",
         "\u0344", "\u1100\u1161", "ñ", "n\u0303", "Ⅻ", "ﷺ", "ﬃ", "\u0958", "\u05d0\u05b0", "กำ", "नमस्ते", "مَرْحَبًا", "𝒳", "𠀀", "𪚥"]
SPECIAL = ["<|endoftext|>", "<|begin_of_text|>", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]", "[UNK]", "<mask>", "<tool>",
           "word", "Keep", "<0x41>", "▁", "Ġ", "##", "<|im_start|>"]


def random_character(rng):
    while True:
        c = chr(rng.choice([rng.randrange(0x80, 0x600), rng.randrange(0x600, 0x3000), rng.randrange(0x3000, 0xFFFE),
                            rng.randrange(0x10000, 0x20000)]))
        # Old characters: the libraries behind `tokenizers` know different versions of Unicode.
        if unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs", "Co"):
            return c


def make_text(rng):
    out = []
    for _ in range(rng.choice([1, 2, 3, 5, 8, 12])):
        kind = rng.random()
        if kind < 0.42:
            word = rng.choice(WORDS)
            out.append(word.capitalize() if rng.random() < 0.1 else word)
        elif kind < 0.62:
            out.append("".join(rng.choice(CHINESE) for _ in range(rng.randrange(1, 5))))
            if rng.random() < 0.3:
                out.append(rng.choice("，。！？、：；《》"))
        elif kind < 0.70:
            out.append(str(rng.randrange(10 ** rng.randrange(1, 12))))
        elif kind < 0.78:
            out.append(rng.choice(CODE))
        elif kind < 0.83:
            out.append(rng.choice(EMOJI))
        elif kind < 0.88:
            out.append(rng.choice(MARKS))
        elif kind < 0.92:
            out.append(rng.choice(SPECIAL))
        elif kind < 0.95:
            out.append(random_character(rng))
        elif kind < 0.97:
            out.append(rng.choice(["a", "ab", "!", "中", "\u0301", " "]) * rng.randrange(1, 40))
        if rng.random() < 0.72:
            out.append(rng.choice(SPACES))
    return "".join(out)


def byte_bpe(texts, pre_tokenizer, vocab_size, specials, normalizer=None, **model):
    tok = Tokenizer(models.BPE(**model))
    tok.pre_tokenizer = pre_tokenizer
    tok.decoder = decoders.ByteLevel()
    if normalizer:
        tok.normalizer = normalizer
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=specials, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tok


def edited(tok, edit):
    """The tokenizer after `edit` changed its JSON."""
    data = json.loads(tok.to_str())
    edit(data)
    return Tokenizer.from_str(json.dumps(data))


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(**options):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": False, **options})


def gpt2(texts):
    return byte_bpe(texts, byte_level(use_regex=True), 1500, ["<|endoftext|>"])


def gpt2_added(texts):
    tok = byte_bpe(texts, byte_level(use_regex=True, add_prefix_space=True), 900, ["<|endoftext|>"])
    tok.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False), AddedToken("<s>", rstrip=True)])
    tok.add_tokens([AddedToken("<tool>", lstrip=True, rstrip=True), AddedToken("word", single_word=True),
                    AddedToken("Keep", single_word=True, lstrip=True, normalized=False), AddedToken("科技"),
                    AddedToken("<"), AddedToken("</s>", rstrip=True)])
    return tok


def llama3(texts):
    tok = byte_bpe(texts, pre_tokenizers.Sequence([split(LLAMA3), byte_level()]), 1500, [])

    def edit(data):
        data["model"]["ignore_merges"] = True
        for token in ["Ġwonderful", "Ġrecommend", "eum", "Ġ9", "推荐"]:  # whole pieces that no merge makes
            alphabet = token if token.isascii() or token[0] == "Ġ" else "".join(
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(token)[0][0])
            data["model"]["vocab"].setdefault(alphabet, len(data["model"]["vocab"]))

    tok = edited(tok, edit)
    tok.add_special_tokens(["<|begin_of_text|>", "<|endoftext|>"])
    bos = tok.token_to_id("<|begin_of_text|>")
    tok.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", bos)])])
    return tok


def qwen2(texts):
    tok = byte_bpe(texts, pre_tokenizers.Sequence([split(QWEN2), byte_level()]), 1200, [], normalizers.NFC(),
                   continuing_subword_prefix="", end_of_word_suffix="")
    tok.add_special_tokens(["<|endoftext|>", "<|im_start|>"])
    tok.add_tokens([AddedToken("\u1100\u1161", normalized=True), AddedToken("<tool>", normalized=False)])
    return tok


def o200k(texts):
    tok = byte_bpe(texts, pre_tokenizers.Sequence([split(O200K), byte_level()]), 900, ["<|endoftext|>"])
    data = json.loads(tok.to_str())
    data["decoder"] = None  # tokens are joined by spaces then
    return Tokenizer.from_str(json.dumps(data))


def deepseek(texts):
    steps = [split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(r"[一-龥ࠀ-一가-퟿]+"),
             pre_tokenizers.Digits(individual_digits=True), byte_level()]
    return byte_bpe(texts, pre_tokenizers.Sequence(steps), 900, ["<|endoftext|>"])


def clip(texts):
    tok = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tok.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                           normalizers.Lowercase()])
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        split(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
              "removed", True), byte_level()])
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=900, special_tokens=["<|endoftext|>"], show_progress=False, end_of_word_suffix="</w>",
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    end = tok.token_to_id("<|endoftext|>")
    tok.post_processor = processors.RobertaProcessing(("<|endoftext|>", end), ("<|endoftext|>", end))
    return tok


def wordpiece(texts, lowercase, **options):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20 if lowercase else 100))
    tok.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **options)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece(prefix="##", cleanup=lowercase)
    tok.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=2000, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    cls, sep = tok.token_to_id("[CLS]"), tok.token_to_id("[SEP]")
    if lowercase:
        tok.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    else:
        tok.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    return tok


def bert_lower(texts):
    return wordpiece(texts, True)


def bert_cased(texts):
    return wordpiece(texts, False, strip_accents=None, handle_chinese_chars=False)


BYTES = [f"<0x{b:02X}>" for b in range(256)]


def llama2(texts):
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)  # only to train words
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=1500, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, show_progress=False, limit_alphabet=300))

    def edit(data):
        data["pre_tokenizer"] = None
        data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]

    tok = edited(tok, edit)
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tok


def unigram(texts):
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.decoder = decoders.Metaspace()
    common = {c for c, _ in collections.Counter("".join(texts)).most_common(350)}
    tok.train_from_iterator(["".join(c for c in text if c in common) for text in texts], trainers.UnigramTrainer(
        vocab_size=1200, special_tokens=["<s>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    tok.post_processor = processors.TemplateProcessing(single="<s> $A </s>",
                                                       special_tokens=[("<s>", 0), ("</s>", 1)])
    return tok


def unigram_bytes(texts):
    tok = unigram(texts)

    def edit(data):
        vocab = [v for v in data["model"]["vocab"] if len(v[0]) > 1 or ord(v[0]) < 0x500][:900]
        data["model"].update(vocab=vocab + [[b, -10.0] for b in BYTES], byte_fallback=True)
        data["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
        data["decoder"] = {"type": "Sequence", "decoders": [
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
            {"type": "ByteFallback"}, {"type": "Fuse"}]}
        data["normalizer"] = None

    return edited(tok, edit)


def mixed(texts):
    """Every other normalizer, splitter and behaviour, in front of a BPE over characters."""
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=False, continuing_subword_prefix="##"))
    tok.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFD(), normalizers.StripAccents(),
                                           normalizers.Lowercase(), normalizers.NFKD(), normalizers.Replace("a", "o")])
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"),
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split("o", "merged_with_next"),
        pre_tokenizers.Split(Regex("[xyz]"), "contiguous"), pre_tokenizers.CharDelimiterSplit("q")])
    tok.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=900, special_tokens=["<unk>"], show_progress=False, limit_alphabet=250,
        continuing_subword_prefix="##"))
    return tok


def words(texts):
    """Whitespace, whose words are \\w+, and a BPE that marks the ends of words."""
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, end_of_word_suffix="</w>"))
    tok.decoder = decoders.BPEDecoder(suffix="</w>")
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(),
                                                 split(r"(?i:the)|\w\W|[^\w\s]", "merged_with_next")])
    tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=900, special_tokens=["<unk>"], show_progress=False,
                                                       limit_alphabet=400, end_of_word_suffix="</w>"))
    return tok


VARIANTS = [gpt2, gpt2_added, llama3, qwen2, o200k, deepseek, clip, bert_lower, bert_cased, llama2, unigram, unigram_bytes,
            mixed, words]


def fnv1a(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def main():
    rng = random.Random(20240607)
    texts = [make_text(rng) for _ in range(COUNT)]
    with open(HERE / "texts.jsonl", "w", encoding="utf-8", newline="\n") as out:
        for text in texts:
            out.write(json.dumps(text, ensure_ascii=False) + "\n")
    for variant in VARIANTS:
        name = variant.__name__
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        tok = variant(texts)
        data = json.loads(tok.to_str())
        (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n",
                                               encoding="utf-8")
        tok = Tokenizer.from_file(str(folder / "tokenizer.json"))
        hashes = bytearray()
        with open(folder / "cases.jsonl", "w", encoding="utf-8", newline="\n") as out:
            for i, text in enumerate(texts):
                ids = tok.encode(text, add_special_tokens=False).ids
                decoded = tok.decode(ids, skip_special_tokens=True)
                hashes += struct.pack("<Q", fnv1a(struct.pack(f"<{len(ids)}i", *ids) + decoded.encode()))
                if i >= FULL:
                    continue
                full = tok.encode(text).ids
                out.write(json.dumps([ids, full, decoded, tok.decode(full, skip_special_tokens=False)],
                                     ensure_ascii=False, separators=(",", ":")) + "\n")
        (folder / "hashes.bin").write_bytes(hashes)
        print(name, tok.get_vocab_size(), len(set(hashes[i:i + 8].hex() for i in range(0, len(hashes), 8))))


main()
