"""Outgoing texts spelt in Latin letters, for people and networks that want that. Pure.

A Cyrillic SMS has 70 units, one in Latin letters 160, and some networks carry no other.
"""

import re
import unicodedata

__all__ = ["cased", "is_latin", "to_latin"]

_LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "j", "з": "z",
    "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "ө": "u", "п": "p",
    "р": "r", "с": "s", "т": "t", "у": "u", "ү": "u", "ф": "f", "х": "h", "ц": "ts", "ч": "ch",
    "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "i", "э": "e", "ю": "yu", "я": "ya",
    "ә": "a", "ғ": "g", "қ": "k", "ң": "n", "ұ": "u", "һ": "h", "і": "i",
}  # fmt: skip
_KAZAKH_LATIN = _LATIN | {"ж": "zh", "ө": "o", "ь": ""}
# Signs outside the GSM 03.38 basic table, and those its extension table counts twice.
_SIGNS = {
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "`": "'", "–": "-",
    "—": "-", "…": "...", "№": "No. ", "₮": " MNT", "[": "(", "]": ")", "{": "(", "}": ")",
    "\\": "/", "|": "/", "^": "", "~": "-", "•": "-", "\u00a0": " ",
}  # fmt: skip
_CYRILLIC_WORD = re.compile(r"[Ѐ-ӿ]+")
_BLANKS = re.compile(" {2,}")
_YE = re.compile(r"(?:^|(?<=[аэиоуыөүяёюе]))е")


def to_latin(text: str, language: str) -> str:
    """Return the text spelt in ASCII that a GSM-7 message carries, one unit a letter.

    "Таны гомдлыг бүртгэлээ" becomes "Tany gomdlyg burtgelee"; signs without a counterpart are
    left out, placeholders in braces become round brackets, so fill them in before.
    """
    table = _KAZAKH_LATIN if language == "kk" else _LATIN

    def spell(found: re.Match[str]) -> str:
        word = found[0].lower()
        if language != "kk":
            word = _YE.sub("ye", word)
        return cased("".join(table.get(letter, letter) for letter in word), found[0])

    spelt = _CYRILLIC_WORD.sub(spell, unicodedata.normalize("NFC", text))
    spelt = _BLANKS.sub(" ", "".join(_SIGNS.get(sign, sign) for sign in spelt))
    return unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode("ascii")


def cased(word: str, model: str) -> str:
    """Return the word in the case of its model: capital letters, a capital, or none."""
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def is_latin(text: str) -> bool:
    """Tell whether most letters of the text are Latin ones."""
    latin = sum("a" <= letter <= "z" for letter in text.lower())
    return 2 * latin > sum(map(str.isalpha, text))
