"""Latin typing read as Cyrillic for the officer. Pure.

:func:`to_cyrillic` is a reading aid beside the original, never stored instead of it: Latin "o" may
be о or ө, "u" may be у, ү or ө, and only vowel harmony and a list of common stems tell which.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from bot.language import identify
from store.fold import fold_latin
from store.translit import cased, is_latin

__all__ = ["reading", "to_cyrillic"]

# Stems with ө or ү that are typed with neither a nor e, so that harmony alone cannot tell.
_STEMS = (
    "хүний хүнд хүчин хүүхд хүсс хүсч хүрс хүрч бүрт бүрдүүл бүтс зүйл мөнгө мөнг мөрөн нүүр нөхөр "
    "нөхөн нөхц нөлөө нөгөө өвөл өвлийн өвчин өвчтөн өгсөн өгөөгүй өгөх өгнө өгдөг өгөөч "
    "өгөөд өгүүл өглөө өдөр өдрийн өмнө өмч өмгөөл өндөр өнөөдөр өнөө өнгө өнгөрс өөр өөрийн "
    "өөрсд өөрчл өргөдөл өргөдл өргөн өсөлт өчигдөр өшөө сүүл түрүүл түүний түүх төвийн "
    "төлбөр төлөв төлөөл төлөө төлсөн төмөр төрөл төрийн төсөв төсвийн төсөл төслийн төгрөг "
    "төгссөн төхөөрөмж үгүй үзүүл үйл үлдс үнийн үүний үүнийг үүсг үүсс хөдөлмөр хөдөө хөдөлгөөн "
    "хөгжил хөгжлийн хөгжүүл хөрөнгө хөрөнг хөнгөн хөнгөл цөөн бөгөөд дөрөв дөрвөн дөнгөж "
    "зөвлөгөө зөвлөл зөвлөмж зөвшөөр зөвхөн зөрчил зөрчс сөрөг сүрдүүл шөнө шөнийн шүүх бүсийн "
    "түшиг өрсөлд хүмүүс илүү өөрөө зүрх бүгд өвгөн өнгөрсөн бүхий ийнхүү чөлөө бүлийн "
    "бүлэг монгол интернэт"
)
_WORDS = (
    "хүн үг бүх бүр бүү дүү зөв мөн нүх өвс рүү сүү төв төвд төр түүн түр үүд үүн хүч хүү шүү үү "
    "юу уу үнэ миний нууц түүнд өрөө орон ногоон"
)
_TYPED = {
    "ni": "нь", "n": "нь", "chini": "чинь", "mini": "минь", "maani": "маань", "bi": "би",
    "bii": "бий", "bna": "байна", "bn": "байна", "bnu": "байна уу", "gj": "гэж", "ym": "юм",
}  # fmt: skip
_KAZAKH_WORDS = "күн күні үй үйде үш үшін төрт көп жүр түн сүт күй өз өзі көл жөн сөз"

_CHUNK = re.compile(r"\S+")
_ADDRESS = re.compile(r"https?://|www\.|[\w.\-]+\.(?:mn|com|org|net|kz)\b")
_LATIN_WORD = re.compile(r"[a-zA-Z\u00c0-\u024f'’]+")
_LONGEST_WORD = 40
_VOWELS = "aeiouöüäı"
_SPELT = str.maketrans(
    {"ş": "sh", "š": "sh", "ç": "ch", "č": "ch", "ž": "zh", "ğ": "gh", "ū": "ü", "'": "", "’": ""}
)
# v, w and y stand for ү where no vowel is beside them: "hvn", "hyn", "twh".
_V_FOR_U = re.compile(r"[vw]{2}|(?<![aeiouöüy])[vw](?![aeiouöüy])")
_Y_FOR_U = re.compile(r"^([b-df-hj-np-tvwxz]+)y(?=[b-df-hj-np-tvwxz])")
# These do not follow the harmony of the word they end.
_ENDINGS = {
    re.compile(r"g[uüvy][iy]$"): "гүй",
    re.compile(r"jee$"): "жээ",
    re.compile(r"chee$"): "чээ",
}

_MONGOLIAN = {
    "shch": "щ", "kh": "х", "gh": "г", "zh": "ж", "ch": "ч", "sh": "ш", "ts": "ц", "tz": "ц",
    "ya": "я", "ye": "е", "yo": "ё", "yu": "ю", "yü": "ю",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "э", "f": "ф", "g": "г", "h": "х", "i": "и",
    "j": "ж", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р",
    "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "х", "y": "ы", "z": "з",
    "ö": "ө", "ü": "ү", "ä": "а", "ı": "ы", "ñ": "н",
}  # fmt: skip
_KAZAKH = _MONGOLIAN | {
    "e": "е", "h": "х", "i": "і", "ä": "ә", "ñ": "ң", "w": "у", "gh": "ғ", "q": "қ",
    "ts": "тс",
}  # fmt: skip


def _pattern(table: dict[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(table, key=len, reverse=True)))


_MONGOLIAN_PARTS = _pattern(_MONGOLIAN)
_KAZAKH_PARTS = _pattern(_KAZAKH)
_GLIDE = re.compile(r"(?<=[aeouöüä])[iy](?![aeou])")
_LONG_I = re.compile(r"ii|iy(?![aeou])")
_BACK_II = re.compile(r"(?<=[бвдзлмнпрстфхц])ий(?=$|н|г|нх)")
_SOFT_END = re.compile(r"(?<=[влрх])и$")
_FRONT = str.maketrans("оу", "өү")


def _by_key(words: str) -> dict[str, str]:
    """Return the words by what `fold_latin` makes of their Latin typing, ө as o or as u."""
    return {fold_latin(word.replace("ө", typed)): word for word in words.split() for typed in "оу"}


@cache
def _spellings() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    return _by_key(_STEMS), _by_key(_WORDS), _by_key(_KAZAKH_WORDS)


def _known(word: str) -> tuple[str, str]:
    """Return a known beginning of the word in Cyrillic, and what is left of the word."""
    stems, words, _ = _spellings()
    if whole := words.get(fold_latin(word)):
        return whole, ""
    for end in range(len(word), 2, -1):
        if stem := stems.get(fold_latin(word[:end])):
            return stem, word[end:]
    return "", word


def _mongolian(word: str) -> str:
    word = _Y_FOR_U.sub(r"\1ü", _V_FOR_U.sub(lambda v: "ü" * len(v[0]), word))
    if word in _TYPED:
        return _TYPED[word]
    for ending, spelt in _ENDINGS.items():
        if (found := ending.search(word)) and found.start() > 1:
            return _mongolian(word[: found.start()]) + spelt
    back = "a" in word
    stem, rest = _known(word)
    if stem and not (back and re.search("[өү]", stem)):
        return stem + _harmonised(rest, front=bool(re.search("[эөү]", stem)))
    return _harmonised(word, front=not back and bool(re.search("[eöü]", word)))


def _read(word: str) -> str:
    word = _GLIDE.sub("й", _LONG_I.sub("ий", word))
    return _MONGOLIAN_PARTS.sub(lambda part: _MONGOLIAN[part[0]], word)


def _harmonised(word: str, front: bool) -> str:
    read = _read(word)
    if front:
        return read.translate(_FRONT)
    return _SOFT_END.sub("ь", _BACK_II.sub("ы", read) if re.search("[аоуяё]", read) else read)


_KAZAKH_Y = re.compile(r"(?<=[аеёоуөүә])і|(?<=[аеёоөә])ы")
_KAZAKH_GENITIVE = re.compile(r"(?<=\w{3}[ндт][ыі])н$")
_KAZAKH_U = re.compile(r"(?<=[бвгғджзкқлмнңпрстфхцчшщ])у(?=[бвгғджзкқлмнңпрстфхцчшщ])")


def _kazakh(word: str) -> str:
    if known := _spellings()[2].get(fold_latin(word)):
        return known
    read = _KAZAKH_PARTS.sub(lambda part: _KAZAKH[part[0]], word)
    read = _KAZAKH_GENITIVE.sub("ң", _KAZAKH_Y.sub("й", read))
    if re.search(r"[еәөүі]", read) and not re.search(r"[аықғ]", read):
        return _KAZAKH_U.sub("ү", read).replace("о", "ө")
    back = str.maketrans("кгі", "қғы")
    return _KAZAKH_U.sub("ұ", read.translate(back))


_READERS: dict[str, Callable[[str], str]] = {"mn": _mongolian, "kk": _kazakh}


def to_cyrillic(text: str, language: str) -> str:
    """Return the text with its Latin words read as Mongolian ("mn") or Kazakh ("kk") Cyrillic.

    Cyrillic words, numbers, web and e-mail addresses stay, and so does all in another language.
    """
    reader = _READERS.get(language)
    if reader is None:
        return text

    def read(found: re.Match[str]) -> str:
        word = found[0]
        if len(word) > _LONGEST_WORD:
            return word
        plain = unicodedata.normalize("NFC", word.lower()).translate(_SPELT)
        return cased(reader(plain), word)

    def read_chunk(found: re.Match[str]) -> str:
        chunk = found[0]
        is_address = "@" in chunk or _ADDRESS.match(chunk)
        return chunk if is_address else _LATIN_WORD.sub(read, chunk)

    return _CHUNK.sub(read_chunk, text)


def reading(text: str, language: str | None) -> str:
    """Return a Mongolian or Kazakh text typed in Latin letters as Cyrillic; "" for any other.

    Meant for the officer, beside the words as they came and marked as a machine's. Without a
    ``language`` it is identified.
    """
    if not is_latin(text):
        return ""
    found = identify(text)
    if found.sure and found.language not in _READERS:  # English words of a Mongolian speaker
        return ""
    spoken = language or found.language
    return to_cyrillic(text, spoken) if spoken in _READERS else ""
