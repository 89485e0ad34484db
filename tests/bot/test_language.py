"""Language identification: own sentences as people type them, and what must hold for any text."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.language import LANGUAGES, TABLE, Language, identify, identify_among

FOUR: tuple[Language, ...] = ("mn", "kk", "ru", "en")

TEXTS = """
mn cyrl: Манай сумын худаг ширгэсэн, ус алга
mn cyrl: Багийн төвд интернет гурав хоног тасарлаа
mn cyrl: Замын ажил зогсоод хоёр сар болж байна
mn cyrl: Сургалтад хамрагдах хүсэлт өгсөн ч хариу ирээгүй
mn cyrl: Тендерийн үнэлгээ шударга бус явагдсан гэж үзэж байна
mn cyrl: Цахилгаан өдөр бүр тасарч байна, яах вэ?
mn cyrl: манай суманд интернэт орж ирээгуй байна
mn cyrl: худгийн ус бохирдсон байна, хэн хариуцах вэ
mn cyrl: Гудамжны гэрэл асахгуй болоод удаж байна шуу
mn cyrl: ЗАМ ЭВДЭРСЭН БАЙНА
mn cyrl: тог бхгуй бна
mn cyrl: хог ачихгүй удлаа
mn cyrl: ус алга
mn cyrl: Барилгын тоос, чимээ шуугианаас болж нойргvй хонолоо
mn cyrl: Компанийн машин бэлчээр талхалж байна 99112233
mn latn: hudgiin us bohirdson baina
mn latn: manai suman ger bul internet baihgui
mn latn: Internet alga
mn latn: zam ewdersen bn hezee zasah ve
mn latn: tog tasraad 2 honoj bna yaah yum be
mn latn: surgaltand burtguulsen ch zar irsengui
mn latn: tender shudarga bus yawagdsan gej bodoj bna
mn latn: MANAI HOROOND US ALGA
mn latn: hog achihgui udlaa
mn latn: gudamjnii gerel asahgv bna
mn latn: barilgiin chimee shuugian ih bna
mn latn: belcheer talhalsan mashinii tuhai gomdol
mn latn: khudag shirgesen tul us zuuj bgaa
mn latn: sain bnu
mn mong: ᠤᠰᠤ ᠦᠭᠡᠢ
kk cyrl: Біздің ауылда интернет жоқ
kk cyrl: Құдық құрғап қалды, су жоқ
kk cyrl: Жол бұзылған, қашан жөндейсіздер?
kk cyrl: Жарық күн сайын сөніп тұрады
kk cyrl: Тендер әділ өткен жоқ деп ойлаймын
kk cyrl: Оқыту курсына жазылдым, бірақ жауап болмады
kk cyrl: биздин ауылда су жок, не истеймиз
kk cyrl: жол бузылган кашан жондейсиздер
kk cyrl: жарык кунде сонип калады, комектесиниз
kk cyrl: интернет жок болганына уш кун болды
kk cyrl: Көшеде шам жанбайды
kk cyrl: кудыктын суы лас
kk latn: su joq
kk latn: bizdin auylda internet joq
kk latn: jol buzylgan, kashan jondeisizder
kk latn: jaryq kúnde sónip qalady
kk latn: qudyqtyñ suy las bolyp ketti
kk latn: tender adil otken zhok dep oylaimyn
kk latn: auylymyzga su kirgizip beriniz
kk arab: بىزدىڭ اۋىلدا سۋ جوق
kk arab: جول بۇزىلعان، قاشان جوندەيسىزدەر
ru cyrl: В нашем сомоне нет воды уже третий день
ru cyrl: Дорогу перекопали и бросили
ru cyrl: Когда включат свет?
ru cyrl: Интернет не работает вторую неделю
ru cyrl: Считаю, что закупка прошла нечестно
ru cyrl: Записался на обучение, ответа нет
ru cyrl: мусор не вывозят
ru latn: u nas net vody uzhe tri dnya
en latn: The well in our village has run dry
en latn: Road works stopped two months ago
en latn: no electricity since yesterday
en latn: The tender was not fair and nobody answers
en latn: I signed up for the training but got no reply
en latn: internet is very slow here
en latn: Hello
und latn: Köyümüzde üç gündür su yok, ne yapacağız
und latn: Nous n'avons plus d'eau depuis hier
und latn: Wir haben seit gestern keinen Strom
und cyrl: У нашому селі немає води вже третій день
und cyrl: Биздин айылда суу жок болуп жатат, эмне кылабыз
und latn: ok
und none: 12345678
und none: 👍
und none: УБ12345678
und none: https://example.mn/gomdol someone@example.mn
und none: 我们村没有水
"""
LABELLED = [
    (*label.split(), text)
    for label, text in (line.split(": ", 1) for line in TEXTS.strip().splitlines())
]


@pytest.mark.parametrize(("language", "script", "text"), LABELLED)
def test_own_sentences(language: str, script: str, text: str) -> None:
    found = identify(text)
    assert (found.language, found.script) == (language, script)


def test_sure_of_plain_sentences_and_never_of_other_languages() -> None:
    sure = [identify(text).sure for language, _, text in LABELLED if language != "und"]
    assert sum(sure) / len(sure) > 0.85
    assert not any(identify(text).sure for language, _, text in LABELLED if language == "und")


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\x00", "...", "7", "+976 9911 2233", "😀😀"])
def test_nothing_to_read_is_und(text: str) -> None:
    found = identify(text)
    assert (found.language, found.script, found.confidence) == ("und", "none", 1.0)
    assert not found.sure


def test_links_numbers_and_addresses_inside_a_text_are_ignored() -> None:
    plain = identify("Манай сумын худаг ширгэсэн")
    noisy = "Манай 12 сумын https://example.com/the-well худаг mail@example.org ширгэсэн 2026.11.02"
    assert identify(noisy) == plain


def test_forced_to_a_set() -> None:
    turkish = "Köyümüzde üç gündür su yok"
    assert identify(turkish).language == "und"
    assert identify_among(turkish, FOUR).language in FOUR
    assert identify_among("ус алга", ("ru", "en")).language in {"ru", "en"}
    assert identify_among("ус алга", ["mn"]).confidence == pytest.approx(1)
    assert identify_among("12345678", FOUR).language == "und"


def test_same_answer_again_and_in_threads() -> None:
    texts = [text for _, _, text in LABELLED] * 5
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(identify, texts)) == [identify(text) for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_has_an_answer(text: str) -> None:
    found = identify(text)
    assert found.language in LANGUAGES
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.confidence == found.probabilities[found.language]


@pytest.mark.parametrize(
    "piece", ["ус алга ", "\ud800", "\x00", "a", "ё\u0308", "@a.", "7-", "www."]
)
def test_long_texts_are_answered_quickly(piece: str) -> None:
    start = time.perf_counter()
    identify(piece * (100_000 // len(piece)))
    assert time.perf_counter() - start < 0.5


def test_cost() -> None:
    assert TABLE.stat().st_size <= 300_000
    identify("алга")
    start = time.perf_counter()
    for _ in range(300):
        identify("Манай сумын худаг ширгэсэн, ус алга")
    assert (time.perf_counter() - start) / 300 < 0.001
