"""The ways people type Mongolian, Kazakh and Russian on a phone, drawn at random for training.

Facts: Latin spellings are free (MNS 5217 is rarely followed), Kazakh has had three official Latin
alphabets since 2017, letters missing on a Russian keyboard are replaced by their neighbours.
"""

import re
from collections.abc import Callable
from random import Random

Variant = Callable[[str, Random], str]


def _ways(pairs: str) -> dict[str, list[str]]:
    """The ways to write each letter or word, likely ones repeated."""
    return {key: ways.split("|") for key, _, ways in (p.partition(":") for p in pairs.split())}


_VOWELS = "аэиоуөүыйеёюяaeiouyvöüáóúý"
_MN_LETTERS = _ways(
    """
    а:a б:b в:v|w|v|b г:g д:d е:ye|e|i|yo ё:yo|io ж:j|j|zh з:z и:i й:i|i|y к:k л:l м:m н:n о:o
    ө:u|o|o|v|ö|oe п:p р:r с:s т:t у:u ү:u|v|u|y|ü|w ф:f|p х:h|h|kh|x ц:ts|ts|c ч:ch|ch|c
    ш:sh|sh|w|s щ:sh ъ:|i ы:ii|y|i|iin ь:i||i|' э:e ю:yu|yu|iu|u|yv я:ya|ya|ia|y
    """
)
_KK_LETTERS = _ways(
    """
    а:a ә:a|a|e|ä|á|a' б:b в:v|w г:g ғ:g|g|gh|ğ|ǵ|g'|h д:d е:e ё:yo|e ж:j|j|zh з:z и:i|i|y|ı|ï
    й:i|i|y|j|ı|ĭ к:k қ:k|k|q|q|h л:l м:m н:n ң:n|n|ng|ñ|ń|n' о:o ө:o|o|o|ö|ó|o' п:p р:r с:s
    т:t у:u|u|w|y|ý|y' ұ:u|u|u|y|ū ү:u|u|y|ü|ú|u' ф:f х:h|h|x|kh һ:h ц:c|ts ч:ch|c'|sh
    ш:sh|sh|w|s|ş|s' щ:sh|shsh ъ: ы:y|y|i|ı|u і:i|i|i|ı|y ь: э:e ю:yu|iu|u я:ya|ia|ja
    """
)
_RU_LETTERS = _ways(
    """
    а:a б:b в:v|v|w г:g д:d е:e|e|ie|ye ё:e|yo|jo ж:zh|zh|j|g з:z и:i й:i|y|j к:k|k|k|c л:l
    м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:h|h|kh|x ц:c|ts|ts|tc ч:ch|ch|tch ш:sh|sh|w
    щ:sch|shch|sh ъ:|' ы:y|y|i ь:|'|' э:e ю:yu|u|ju|iu я:ya|ya|ja|ia
    """
)
_MN_CHAT = _ways(
    """
    байна:бна|бн|бнаа|бйна байгаа:бга|бгаа|бгаа байх:бх байхгүй:бхгүй|бхгуй|бхг болно:блн|болн
    гэж:гж|геж гэсэн:гсн|гсэн сайн:сн|сайн юм:ym|юм юу:ю|юу вэ:в|ве|вэ бэ:бе|б уу:у|уу
    үү:ү|vv|үү хэрэгтэй:хргтэй|хэргтэй|хрэгтэй яагаад:ягд|ягаад одоо:одо|одоо шүү:шд|шү|шуу
    дээ:дэ|дээ|даа гээд:гд|гээд болсон:блсн|болсн мэдэхгүй:мдхгүй|мдку|мдкү ямар:ямар|ямр
    байсан:бсн|бсан|байсн надад:ндд|надад би:би төгрөг:төг|төгрөг|төгрөгөөр утас:утс|утас
    юмаа:ймаа хүмүүс:хүмүс|хвмvvс тэгээд:тгэд|тэгд|тгд хийж:хж|хийж үгүй:үгү|угуй|үгүй
    """
)


def _spelling(letters: dict[str, list[str]], rng: Random) -> dict[str, str]:
    """One person's way to write each letter."""
    return {letter: rng.choice(ways) for letter, ways in letters.items()}


def _romanise(text: str, letters: dict[str, list[str]], rng: Random) -> str:
    """Each person keeps to a spelling but for one letter in twenty."""
    own, other = _spelling(letters, rng), _spelling(letters, rng)
    return "".join((own if rng.random() < 0.95 else other).get(letter, letter) for letter in text)


def mn_latin(text: str, rng: Random) -> str:
    """Mongolian in somebody's Latin letters; long vowels and й may be shortened."""
    text = text.replace("ий", rng.choice(("ии", "и", "ы", "ий")))
    if rng.random() < 0.3:
        text = mn_chat(text, rng)
    if rng.random() < 0.3:
        text = shortened(text, rng)
    return _romanise(text, _MN_LETTERS, rng)


def kk_latin(text: str, rng: Random) -> str:
    """Kazakh in somebody's Latin letters or in one of the official alphabets."""
    return _romanise(text, _KK_LETTERS, rng)


def ru_latin(text: str, rng: Random) -> str:
    """Russian in Latin letters."""
    return _romanise(text, _RU_LETTERS, rng)


def mn_plain(text: str, rng: Random) -> str:
    """Mongolian without ө and ү: neighbours on the keyboard, Latin v and Y, legacy Є and Ї."""
    way = rng.choice(("оу", "оу", "оу", "уу", "vv", "оv", "өy", "єү", "єї", "ое", "еу", "ov"))
    return text.translate(str.maketrans("өү", way))


def mn_chat(text: str, rng: Random) -> str:
    """Mongolian with the abbreviations of chats."""
    words = [
        rng.choice(_MN_CHAT[word]) if word in _MN_CHAT and rng.random() < 0.7 else word
        for word in text.split()
    ]
    return " ".join(words)


def mn_short(text: str, rng: Random) -> str:
    """Abbreviated Mongolian, with or without its letters."""
    text = mn_chat(text, rng)
    if rng.random() < 0.4:
        text = shortened(text, rng)
    return mn_plain(text, rng) if rng.random() < 0.5 else text


def kk_plain(text: str, rng: Random) -> str:
    """Kazakh on a Russian keyboard: its letters replaced by their neighbours."""
    schwa, short = rng.choice("ааэея"), rng.choice("ииииы")
    h, o = rng.choice("хх"), rng.choice("оооө")
    plain = text.translate(str.maketrans("әғқңөұүһі", f"{schwa}гкн{o}уу{h}{short}"))
    return shortened(plain, rng) if rng.random() < 0.05 else plain


def same(text: str, rng: Random) -> str:
    """As it was written."""
    return text


def shortened(text: str, rng: Random) -> str:
    """Some long vowels written once, some inner vowels left out."""
    text = re.sub(r"([аэоуөүиеaeouöü])\1", lambda m: m[1] if rng.random() < 0.5 else m[0], text)
    if rng.random() < 0.5:
        return text
    inner = rf"(?<=\w[^\W{_VOWELS}])[{_VOWELS}](?=[^\W{_VOWELS}]\w)"
    return re.sub(inner, lambda m: "" if rng.random() < 0.35 else m[0], text)


def mistyped(text: str, rng: Random) -> str:
    """One slip: a letter lost, doubled, swapped with the next one, or a space lost."""
    if len(text) < 4:
        return text
    at = rng.randrange(1, len(text) - 2)
    slips = (
        text[:at] + text[at + 1 :],
        text[:at] + text[at] + text[at:],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        text.replace(" ", "", 1),
        text.replace(" ", ""),
    )
    return rng.choices(slips, (4, 2, 3, 2, 1))[0]


def span(text: str, rng: Random) -> str:
    """The whole text, a few words of it, or one word."""
    words = text.split()
    kind = rng.random()
    if kind < 0.35 or len(words) < 2:
        return text
    size = 1 if kind > 0.8 else rng.randint(2, 5)
    start = rng.randrange(max(1, len(words) - size + 1))
    return " ".join(words[start : start + size])
