"""One key for the many ways a word is typed.

People leave out the letters their keyboard lacks (ө, ү, қ, ң ...), type Mongolian and Kazakh in
Latin letters, or borrow a Latin letter that looks right ("ЗYЙН"). Three keys, each coarser than
the one before:

- :func:`fold` joins case, missing letters and look-alikes: "Худгийн" and "ХУДГИИН" are "худгин";
- :func:`fold_latin` joins Latin typing to that: "hudgiin" and "khudgiyn" are "худгин" too;
- :func:`fold_key` also joins what Latin typing cannot tell apart (о and у) and doubled letters:
  "өргөдөл", "urgudul" and "orgodol" share a key.

All are pure, take any string, never raise, and run in time linear in its length; keys hold words
of lower-case letters and digits parted by single blanks. Neither SQLite nor PostgreSQL folds these
letters itself, so search compares such keys.
"""

import re
import unicodedata
from functools import lru_cache

__all__ = ["fold", "fold_key", "fold_latin", "one_slip"]

# є ї ѳ ɵ θ γ ÿ stood for ө and ү in old fonts and on neighbouring keyboards; they still arrive.
_LETTERS: dict[int, str | None] = {
    ord(letter): plain
    for plain, letters in {
        "а": "ә",
        "г": "ғ",
        "е": "ёэ",
        "и": "йыі",
        "к": "қ",
        "н": "ң",
        "о": "өєѳɵθӧ",
        "у": "үұїӱγÿў",
        "х": "һҳ",
    }.items()
    for letter in letters
}
_LETTERS |= dict.fromkeys(map(ord, "ьъ"))

# Apostrophes, soft hyphens, joiners, variation selectors and keycaps part no words.
_DROPPED = re.compile(
    "[\u0300-\u036f'’‘ʼʹ`´\u00ad\u180b-\u180f\u200b-\u200f\u2060\u20e3\ufe00-\ufe0f\ufeff]+"
)

_MIXED = re.compile(r"(?<=[A-Za-z])[Ѐ-ӿ]|(?<=[Ѐ-ӿ])[A-Za-z]")
_WORD = re.compile(r"\w+")
_LOOK_ALIKES = str.maketrans("ABCEHIKMOPTXYUVaceiopxyuvhkmt", "авсенікмортхүүүасеіорхүүүһкмт")
_LATIN = re.compile(r"[A-Za-z]")
_GAP = re.compile(r"[\W_]+")
_LONG_I = re.compile(r"и{2,}")
_REPEATED = re.compile(r"([^\W\d_])\1+")


def _read_look_alikes(word: re.Match[str]) -> str:
    """Turn the Latin letters of a Cyrillic word into the ones they look like, if all of them do."""
    text = word[0]
    if not _MIXED.search(text):
        return text
    read = text.translate(_LOOK_ALIKES)
    return text if _LATIN.search(read) else read


@lru_cache(maxsize=512)  # one message is folded by many on its way
def fold(text: str) -> str:
    """Return the text in lower case without the letters that keyboards lack.

    ө→о ү→у ё→е й→и э→е ы→и ә→а ғ→г қ→к ң→н ұ→у һ→х і→и є→о ї→у, ь and ъ dropped, "ий" and "ии" as
    "и"; Latin words stay Latin; what is neither letter nor digit becomes a single blank.
    """
    text = _DROPPED.sub("", unicodedata.normalize("NFKC", text))
    if _MIXED.search(text):
        text = _WORD.sub(_read_look_alikes, text)
    text = _LONG_I.sub("и", text.casefold().translate(_LETTERS))
    return _GAP.sub(" ", text).strip()


_ACCENTS = str.maketrans({"ı": "i", "ş": "sh", "š": "sh", "ç": "ch", "č": "ch", "ž": "zh"})
_MARKS = re.compile("[\u0300-\u036f]+")
_LATIN_WORD = re.compile(r"[a-z]+")

# What stands around y and v tells their sound: "tany" таны, "sayn" сайн, "hyn" хүн, "hvn" хүн.
_Y_AFTER_VOWEL = re.compile(r"(?<=[aeiou])y(?![aeou])")
_FIRST_Y = re.compile(r"^([b-df-hj-np-tv-xz]*)y(?![aeou])")
_LATER_Y = re.compile(r"y(?![aeou])")
_V_AS_VOWEL = re.compile(r"[vw]{2}|(?<![aeiouy])[vw](?![aeiouy])")

_SOUNDS = {
    "shch": "щ", "kh": "х", "gh": "г", "zh": "ж", "dj": "ж", "ch": "ч", "sh": "ш", "ts": "ц",
    "tz": "ц", "ya": "я", "ye": "е", "yo": "е", "yu": "ю",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и",
    "j": "ж", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р",
    "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "х", "z": "з",
}  # fmt: skip
_SOUND = re.compile("|".join(_SOUNDS))


def _read_latin(word: re.Match[str]) -> str:
    """Spell one Latin word in folded Cyrillic."""
    text = _Y_AFTER_VOWEL.sub("i", word[0])
    if "q" not in text:  # Kazakh: its y is ы from the first syllable on
        text = _FIRST_Y.sub(r"\1u", text)
    text = _V_AS_VOWEL.sub("u", _LATER_Y.sub("i", text))
    return _SOUND.sub(lambda sound: _SOUNDS[sound[0]], text)


@lru_cache(maxsize=512)
def fold_latin(text: str) -> str:
    """Return :func:`fold` of the text with every Latin word spelt in the same folded Cyrillic.

    h, kh, x→х; ts, c→ц; j, zh→ж; ch→ч; sh→ш; q→к; u, ü→у and so y and v where they stand for a
    vowel; "ii" as "и".
    """
    text = fold(text)
    if text.isascii() and not _LATIN_WORD.search(text):
        return text
    text = _MARKS.sub("", unicodedata.normalize("NFD", text.translate(_ACCENTS)))
    text = unicodedata.normalize("NFC", text)
    return _LONG_I.sub("и", _LATIN_WORD.sub(_read_latin, text))


def fold_key(text: str) -> str:
    """Return the coarsest key: :func:`fold_latin` with о read as у and runs of a letter as one.

    Made for equality and for a search column, not for reading: "ус" and "оос" share the key "ус".
    """
    return _REPEATED.sub(r"\1", fold_latin(text).replace("о", "у"))


def one_slip(typed: str, name: str) -> bool:
    """Tell whether one letter lost, added, changed or swapped turns the one into the other."""
    if abs(len(typed) - len(name)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(typed, name, strict=False)) if a != b), None)
    if start is None:
        return True
    typed, name = typed[start:], name[start:]
    return (
        typed[1:] == name[1:]
        or typed[1:] == name
        or typed == name[1:]
        or (typed[:2] == name[1::-1] and typed[2:] == name[2:])
    )


def search_key(text: str) -> str:
    """What is searched for words of ``text``: as typed, and Latin typing read as Cyrillic."""
    plain = fold(text)
    if not any("a" <= letter <= "z" for letter in plain):
        return plain
    return f"{plain} {fold_latin(text)}"
