"""Texts that tokenizers are tried with: English, many scripts, what is rare in all of them, and what was written to hurt."""
import random
import unicodedata

WORDS = """the quick brown fox jumps over lazy dogs I'm you're we've they'll he'd can't IT'S don't 3.14159 1234567890 2024-01-31
hello world function(x) { return x * 2; } https://example.org/a?b=c&d=%20 Füße naïve café Ångström straße Ελλάδα
Москва Київ العربية עברית हिन्दी বাংলা ไทย 日本語 テスト 漢字かな 中文字符 한국어 조선말 ქართული አማርኛ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ½ Ⅷ ٣٤ ४२ １２ x² H₂O
e\u0301 a\u0308\u0323 \u1100\u1161\u11a8 q\u0323\u0307 q\u0307\u0323 \u212b \u2126 \ufb01 ſ İ ı ﷽ ‰ € 👍 👍🏽 👩‍👩‍👧‍👦 🇩🇪 ❤️ 🏴‍☠️ ▁ ▁▁a
<s> </s> <|endoftext|> <think> <0x41> Ġ Ċ \u00a0 \u200b \u200d \ufeff \u2028 \u3000 \x00 \x01 \x7f \x85 \xad""".split(" ")
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\v", "\f", "\u2009", ""]


def assigned():
    """Characters of every plane that Unicode has assigned for long (3.2), so that no two libraries differ in them."""
    old = unicodedata.ucd_3_2_0
    return [c for c in map(chr, range(0x110000)) if old.category(c) not in ("Cn", "Cs") and
            old.category(c) == unicodedata.category(c)]


def texts(count, seed):
    rng = random.Random(seed)
    characters = assigned()
    by_kind = {}
    for c in characters:
        by_kind.setdefault(unicodedata.category(c), []).append(c)
    kinds = sorted(by_kind)
    out = ["", " ", "  ", "\n", "a", " a", "a ", "  a  b  ", "<s>", " <s> x", "x</s>", "aaaa", "1234567", "''s"]
    while len(out) < count:
        kind = rng.randrange(6)
        n = rng.randrange(1, 40)
        if kind == 0:
            text = "".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(n))
        elif kind == 1:
            text = " ".join(rng.choice(WORDS) for _ in range(n))
        elif kind == 2:
            text = "".join(rng.choice(characters) for _ in range(n))
        elif kind == 3:
            text = "".join(rng.choice(by_kind[rng.choice(kinds)]) for _ in range(n))
        elif kind == 4:
            text = "".join(rng.choice("ab 1'sS\n\t.,<>▁ée\u0301中") for _ in range(2 * n))
        else:
            text = "".join(chr(rng.randrange(0x250)) for _ in range(n))
        out.append(text)
    return out
