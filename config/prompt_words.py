"""Days and months as they are said in a date, whole: an ending fits one number and not the next.

Mongolian: "арван хоёрдугаар сарын" "хорин нэгний өдөр"; Kazakh: "жиырма бірінші" "желтоқсан";
English: "December" "the twenty-first". Drafts, to be read by native speakers before a launch.
"""

from __future__ import annotations

from typing import Final

_MN_OF_ONES = (
    "нэгний", "хоёрны", "гуравны", "дөрөвний", "тавны", "зургааны", "долооны", "наймны", "есний",
)  # fmt: skip
_KK_ONES = (
    "бірінші", "екінші", "үшінші", "төртінші", "бесінші", "алтыншы", "жетінші", "сегізінші",
    "тоғызыншы",
)  # fmt: skip
_EN_ONES = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
)  # fmt: skip
_EN_TEENS = (
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
    "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip


def _days(
    ones: tuple[str, ...], tens: tuple[str, str, str], round_: tuple[str, str, str]
) -> tuple[str, ...]:
    """1 to 31, from the ones, "ten" before a one, and the round tens themselves."""
    found = list(ones)
    for number in range(10, 32):
        ten, one = divmod(number, 10)
        found.append(f"{tens[ten - 1]} {ones[one - 1]}" if one else round_[ten - 1])
    return tuple(found)


_MN_DAYS = _days(_MN_OF_ONES, ("арван", "хорин", "гучин"), ("аравны", "хорины", "гучны"))
_KK_DAYS = _days(
    _KK_ONES, ("он", "жиырма", "отыз"), ("оныншы", "жиырмасыншы", "отызыншы")
)  # fmt: skip
_EN_DAYS = (
    *_EN_ONES, *_EN_TEENS, "twentieth", *(f"twenty-{one}" for one in _EN_ONES), "thirtieth",
    "thirty-first",
)  # fmt: skip
_MN_MONTHS = (
    "нэгдүгээр", "хоёрдугаар", "гуравдугаар", "дөрөвдүгээр", "тавдугаар", "зургаадугаар",
    "долоодугаар", "наймдугаар", "есдүгээр", "аравдугаар", "арван нэгдүгээр",
    "арван хоёрдугаар",
)  # fmt: skip

DAYS: Final = {
    "mn": tuple(f"{day} өдөр" for day in _MN_DAYS),
    "kk": _KK_DAYS,
    "en": tuple(f"the {day}" for day in _EN_DAYS),
}
MONTHS: Final = {
    "mn": tuple(f"{month} сарын" for month in _MN_MONTHS),
    "kk": (
        "қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек",
        "қазан", "қараша", "желтоқсан",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
}  # fmt: skip
