"""Reading mails: every kept one says what stands beside it, and none whatever raises."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail_html import plain_text
from channels.mail_parse import address_of, parse
from channels.mail_quotes import own_words
from channels.mail_read import AUTOMATIC, LONGEST, read
from channels.mail_rules import Own, automatic, forged, thread
from channels.mail_words import base64, decoded, header
from store.messages import DeliveryReport, Inbound, Kind, OutboundState
from tests.channels.cases import payloads, plain

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OWN = Own("gomdol@hariu.example.mn")
OURS = "<hariu.0123456789abcdef0123456789abcdef@hariu.example.mn>"
MAILS = payloads("email")


def only(raw: bytes | str) -> Inbound:
    """The one message of a mail."""
    (item,) = read(raw if isinstance(raw, bytes) else raw.encode(), OWN, NOW)
    assert isinstance(item, Inbound)
    return item


def letter(body: str = "Ус алга", **fields: str) -> str:
    """A mail of a person with other or more headers; an underscore stands for a hyphen."""
    known = {"From": "dorj@example.com", "Message_ID": "<1@example.com>", **fields}
    lines = [f"{name.replace('_', '-')}: {value}\n" for name, value in known.items() if value]
    return "".join(lines) + f"\n{body}\n"


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_kept_mail(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.stem}.expected.json").read_text())
    assert plain(read(path.read_bytes(), OWN, NOW)) == expected


def test_there_are_enough_kept_mails_of_every_kind() -> None:
    kinds = [path.stem.partition("__")[0] for path in MAILS]
    assert len(kinds) >= 60
    assert {"gmail", "outlook", "mailru", "yandex", "apple", "thunderbird", "k9"} < set(kinds)
    assert kinds.count("hoster") >= 5
    assert kinds.count("bounce") >= 8
    assert kinds.count("broken") >= 15


# Nothing raises, nothing is lost


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_cut_or_spoilt_anywhere(path: Path) -> None:
    raw, dice = path.read_bytes(), random.Random(path.stem)
    for _ in range(40):
        place = dice.randrange(len(raw))
        assert read(raw[:place], OWN, NOW)
        spoilt = bytearray(raw)
        for _ in range(dice.randint(1, 20)):
            spoilt[dice.randrange(len(raw))] = dice.randrange(256)
        assert read(bytes(spoilt), OWN, NOW)


@given(st.binary(max_size=2000))
@settings(max_examples=150, deadline=None)
def test_bytes(raw: bytes) -> None:
    assert len(read(raw, OWN, NOW)) == 1


HEADS = st.sampled_from(
    [
        "Content-Type: multipart/mixed; boundary=", "Content-Type: multipart/alternative; boundary=b",
        "Content-Type: text/plain; charset=", "Content-Type: message/rfc822", "--b", "", "From: ",
        "Content-Type: text/html", "Content-Type: message/delivery-status", "Subject: =?utf-8?B?",
        "Content-Transfer-Encoding: base64", "Content-Disposition: attachment; filename*0*=utf-8''",
        "Content-Type: text/plain; charset*=utf-8''x; charset=y", "Date: ", "--b--", "<![", "<a href=",
        "Content-Transfer-Encoding: x-uuencode", "begin 666 a", 'name="=?koi8-r?Q?=FF', "\0", "Өү",
        "References: " + OURS, "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    ]
)  # fmt: skip


@given(st.lists(st.tuples(HEADS, st.text(max_size=12)), max_size=14))
@settings(max_examples=300, deadline=None)
def test_pieces_of_mails_in_any_order(pieces: list[tuple[str, str]]) -> None:
    raw = "\n".join(head + rest for head, rest in pieces).encode("utf-8", "replace")
    assert len(read(raw, OWN, NOW)) == 1


def test_two_thousand_parts_in_one_another() -> None:
    levels = "".join(
        f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n"
        for number in range(2000)
    )
    found = parse(f"From: dorj@example.com\n{levels}\nУс алга\n".encode())
    assert "Ус алга" in found.text


HTML = b"Content-Type: text/html\n\n"
NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
    for number in range(59)
)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Transfer-Encoding: base64\nContent-Type: image/png\n\n" + (b"A" * 76 + b"\n") * 99_999,
        b"\n" + b"word\n" * 500_000,
        b"\n" + b"> on 10:00 2020 x@y wrote:\n" * 50_000,
        b"\n" + b"From: x\n" * 100_000,
        b"X-A: b\n" * 100_000 + b"\nx",
        b"Content-Type: text/plain; " + b"a=b; " * 100_000 + b"\n\nx",
        b"Reply-To: " + b'"\\' * 300_000 + b"\n\nx",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
        NESTED + b"\nx" * 500_000,
        HTML + b"<blockquote>a" * 50_000,
        HTML + b"<!--" * 100_000,
        HTML + b"<" * 400_000,
        HTML + b"<![a b]>" + b"<script" * 50_000,
    ],
    ids=lambda rest: repr(rest[:30]),
)  # fmt: skip
def test_a_hostile_mail_holds_nobody_up(rest: bytes) -> None:
    start = time.process_time()
    assert read(b"From: dorj@example.com\n" + rest, OWN, NOW)
    assert time.process_time() - start < 8  # they took minutes to hours once


def test_a_megabyte_on_one_line() -> None:
    assert only(letter("Ус " * 350_000)).text == ("Ус " * 350_000)[:LONGEST]


# Who


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("Dorj <Dorj@Example.COM>", "dorj@example.com"),
        ("dorj@example.com", "dorj@example.com"),
        ("dorj@example.com (Dorj)", "dorj@example.com"),
        ('"evil@example.net" <dorj@example.com>', "dorj@example.com"),
        ('"a <evil@example.net>, b" <dorj@example.com>', "dorj@example.com"),
        ("a@example.com, b@example.com", "a@example.com"),
        ("=?utf-8?B?RG9yaiA8ZG9yakBleGFtcGxlLmNvbT4=?=", "dorj@example.com"),
        ("Дорж <дорж@пример.example>", "дорж@пример.example"),
        ("<dorj@example.com>\n\t(x)", "dorj@example.com"),
        ("undisclosed-recipients:;", ""),
        ("", ""),
    ],
)
def test_address(raw: str, address: str) -> None:
    assert address_of(raw) == address


def test_the_name_is_no_address() -> None:
    assert only(letter(From='"office@example.net" <dorj@example.com>')).profile_name == ""


# When


@pytest.mark.parametrize(
    ("date", "sent"),
    [
        ("Sun, 1 Nov 2026 20:00:00 +0800", "2026-11-01T12:00:00+00:00"),
        ("1 Nov 2026 20:00", "2026-11-01T20:00:00+00:00"),
        ("Mon, 3 Nov 2026 20:00:00 +0000", None),
        ("Thu, 1 Jan 1970 00:00:00 +0000", None),
        ("Sun, 99 Foo 2026", None),
        ("Sun, 1 Nov 2026 20:00:00 +9999", None),
        ("", None),
    ],
)
def test_date(date: str, sent: str | None) -> None:
    assert plain(only(letter(Date=date)).sent_at) == sent


# Texts


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("Өргөө".encode(), "", "Өргөө"),
        ("Өргөө".encode(), "us-ascii", "Өргөө"),
        ("Өргөө".encode(), "windows-1251", "Өргөө"),
        ("Худаг".encode("cp1251"), "", "Худаг"),
        ("Худаг".encode("cp1251"), "utf-8", "Худаг"),
        ("колодец".encode("koi8-r"), "", "колодец"),
        ("Худаг".encode("cp1251"), "CP-1251", "Худаг"),
        ("Худаг ширгэсэн".encode()[:-1], "utf-8", "Худаг ширгэсэ\ufffd"),
        ("Ус".encode("utf-16"), "utf-16", "Ус"),
        ("Ус".encode("utf-7"), "utf-7", "Ус"),
        (b"abc", "rot13", "abc"),
        (b"a\\u0041", "unicode_escape", "a\\u0041"),
        (b"abc", "\0", "abc"),
        ("日本".encode("iso-2022-jp"), "iso-2022-jp", "日本"),
        (b"caf\xe9", "iso-8859-1", "café"),
    ],
)
def test_charset(content: bytes, charset: str, text: str) -> None:
    assert decoded(content, charset) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?Q?=D0=A3=D1=81_=D0=B0?=", "Ус а"),
        ("a =?utf-8?B?0KPRgQ==?= b", "a Ус b"),
        ("=?utf-8?B?0KPR?= =?utf-8?B?gQ==?=", "Ус"),
        ("=?utf-8*mn?Q?=D0=A3?=", "У"),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("a\r\n\tb", "a b"),
    ],
)
def test_header(raw: str, text: str) -> None:
    assert header(raw) == text


def test_base64_up_to_what_is_none() -> None:
    assert base64(b"0KPRgQ==\n-- \nfooter of a list") == "Ус".encode()
    assert base64(b"0KPR gQ=") == "Ус".encode()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("a<script>x<p>y</script>b", "ab"),
        ("a<style>x", "a"),
        ("<head><title>x</title><body>a", "a"),
        ("&#1059;&#1089; &amp; &lt;b&gt;", "Ус & <b>"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n> > b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<a href="https://a.example/x">https://a.example/x</a>', "https://a.example/x"),
        ('<a href="https://a.example/x">энд</a>', "энд (https://a.example/x)"),
        ('<a href="javascript:alert(1)">энд</a>', "энд"),
        ("a<![b", "a<![b"),
        ("<![if !x]>a<![endif]>", "a"),
        ("a < b", "a < b"),
        ("<script/>a", "a"),
    ],
)
def test_html(source: str, text: str) -> None:
    assert plain_text(source).strip() == text


def test_html_that_the_parser_of_some_pythons_gives_up_on() -> None:
    assert plain_text("<p>a</p><![foo bar]><p>b</p><script>x</script>").split() == ["a", "b"]


def test_subject_first_where_it_says_something_new() -> None:
    assert only(letter(Subject="Худаг")).text == "Худаг\nУс алга"
    assert only(letter(Subject="ус АЛГА!")).text == "Ус алга"
    assert only(letter("Бусад", Subject="Ус")).text == "Ус\nБусад"
    assert only(letter(Subject="Re: Худаг")).text == "Ус алга"
    assert only(letter(Subject="Худаг", In_Reply_To=OURS)).text == "Ус алга"


# Quotations


ATTRIBUTIONS = [
    "On Mon, Mar 3, 2025 at 9:30 AM Hariu <a@b.example> wrote:",
    "On 3/3/25 09:30, Hariu wrote:",
    "3 марта 2025 г., в 09:30, Hariu <a@b.example> написал(а):",
    "03.03.2025 09:30, Hariu пишет:",
    "пн, 3 мар. 2025 г. в 09:30, Hariu <a@b.example>:",
    "Понедельник, 3 марта 2025, 9:30 +08:00 от Hariu <a@b.example>:",
    "2025 оны 3-р сарын 3, Да 09:30 цагт Hariu <a@b.example> бичсэн:",
    "2025 оны 3-р сарын 3-ны өдрийн 09:30 цагт Hariu бичсэн нь:",
    "2025 ж. 3 нау., дс 09:30 Hariu <a@b.example> мынаны жазды:",
    "2025-03-03 09:30, Hariu жазған:",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
@pytest.mark.parametrize("quoted", ["> Сайн уу\n> бид", "Сайн уу\nбид"])
def test_attribution(line: str, quoted: str) -> None:
    assert own_words(f"Баярлалаа\n\n{line}\n\n{quoted}", OWN.address) == "Баярлалаа"


@pytest.mark.parametrize(
    "marker",
    [
        "-----Original Message-----", "---- Исходное сообщение ----", "----- Анхны мессеж -----",
        "-------- Эх захидал --------", "-------- Бастапқы хабар --------",
    ],
)  # fmt: skip
def test_original(marker: str) -> None:
    assert own_words(f"Баярлалаа\n{marker}\nСайн уу", OWN.address) == "Баярлалаа"


@pytest.mark.parametrize(
    "marker",
    [
        "---------- Forwarded message ---------", "-------- Пересылаемое сообщение --------",
        "-------- Дамжуулсан захидал --------", "-------- Қайта жіберілген хабар --------",
        "Begin forwarded message:",
    ],
)  # fmt: skip
def test_forwarded(marker: str) -> None:
    """Somebody else's words are news to us; our own are not."""
    foreign = f"{marker}\nFrom: boss@example.com\n\nВы уволены"
    assert own_words(f"Гляньте\n\n{foreign}", OWN.address) == f"Гляньте\n\n{foreign}"
    ours = f"{marker}\nFrom: Hariu <{OWN.address}>\n\nДугаар 26000018"
    assert own_words(f"Гляньте\n\n{ours}", OWN.address) == "Гляньте"


@pytest.mark.parametrize(
    "text",
    [
        "Дарга надад бичсэн:\nта яв.",
        "2025 онд дарга бичсэн:\nта яв.",
        "I cannot get the Android app to work",
        "Хариуг хэзээ илгээсэн",
        "Хат жіберілген",
        "От: станции\nДо: школы",
        "Хийх зүйл:\n1. ус\n2. гэрэл",
        "-5 градус хүйтэн\n-10 шөнө",
        "Call me: 00000000\n-- \n",
    ],
)
def test_own_words_stay(text: str) -> None:
    assert own_words(text, OWN.address) == text.removesuffix("\n-- \n").strip()


@pytest.mark.parametrize(
    "footer",
    [
        "Sent from my iPhone", "Get Outlook for Android", "Отправлено с iPhone",
        "Отправлено из мобильной Почты Mail.ru", "Миний iPhone-оос илгээв",
        "Samsung телефонынан жіберілді", "-- \nДорж\n00000000",
    ],
)  # fmt: skip
def test_footer(footer: str) -> None:
    assert own_words(f"Ус алга\n\n{footer}", OWN.address) == "Ус алга"


# Who must not be answered


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"Auto_Submitted": "no"}, ""),
        ({"X_Auto_Response_Suppress": "None"}, ""),
        ({"Precedence": "first-class"}, ""),
        ({"Auto_Submitted": "auto-replied"}, "auto-submitted"),
        ({"Auto_Submitted": "AUTO-generated; x=y"}, "auto-submitted"),
        ({"Precedence": "bulk"}, "list"),
        ({"Precedence": "Junk"}, "list"),
        ({"List_Id": "<water.lists.example.org>"}, "list"),
        ({"List_Unsubscribe": "<https://example.org/u>"}, "list"),
        ({"X_Loop": "x"}, "x-loop"),
        ({"X_Auto_Response_Suppress": "OOF"}, "x-auto-response-suppress"),
        ({"Return_Path": "<>"}, "null return path"),
        ({"Return_Path": "< >"}, "null return path"),
        ({"From": "no-reply@example.com"}, "machine"),
        ({"From": "MAILER-DAEMON"}, "no sender"),
        ({"From": "gomdol@hariu.example.mn"}, "our own"),
        ({"Message_ID": OURS}, "our own"),
        ({"Subject": "Out of office: Bat"}, "subject"),
    ],
)
def test_automatic(fields: dict[str, str], why: str) -> None:
    raw = letter(**fields)
    assert automatic(parse(raw.encode()), OWN) == why
    found = only(raw)
    assert (found.kind is Kind.OTHER) == bool(why)
    assert found.choice == (AUTOMATIC if why else "")
    assert "Ус алга" in found.text


def test_a_forged_bounce_names_no_letter_of_ours() -> None:
    raw = letter(f"550 5.1.1 unknown\n{OURS}", From="dorj@example.com")
    assert only(raw).kind is Kind.TEXT


def test_a_bounce_says_which_letter_failed() -> None:
    raw = letter(f"550 5.1.1 unknown\nMessage-ID: {OURS}", From="postmaster@example.com")
    (report,) = read(raw.encode(), OWN, NOW)
    assert isinstance(report, DeliveryReport)
    assert (report.provider_id, report.state, report.error) == (OURS, OutboundState.FAILED, "5.1.1")


# What a mail answers


def test_thread() -> None:
    def of(**fields: str) -> str:
        return thread(parse(letter(**fields).encode()), OWN)

    other = OURS.replace("0123", "9999")
    assert of() == ""
    assert of(In_Reply_To=OURS) == OURS
    assert of(References=f"{OURS} {other}") == other
    assert of(In_Reply_To=OURS.replace("hariu.example.mn", "example.net")) == ""
    # The topmost header is our own server's; those below came with the mail.
    bad, good = "mx.hariu.example.mn; dmarc=fail", "mx.example.net; dmarc=pass"
    assert of(In_Reply_To=OURS, Authentication_Results=bad) == ""
    assert of(In_Reply_To=OURS, Authentication_Results=good) == OURS


def test_the_first_authentication_result_counts() -> None:
    def of(*results: str) -> bool:
        lines = "".join(f"Authentication-Results: {result}\n" for result in results)
        return forged(parse(f"{lines}From: a@example.com\n\nx".encode()))

    assert of("mx; dmarc=fail", "x; dmarc=pass")
    assert not of("mx; dmarc=pass", "x; dmarc=fail")
    assert not of()


# Which mail


def test_identity() -> None:
    one, other = only(letter("a")), only(letter("b"))
    assert one.external_id != other.external_id
    assert one.external_id == only("Received: by another route\n" + letter("a")).external_id
    assert len(only(letter(Message_ID=f"<{'x' * 500}@example.com>")).external_id) < 200
    assert "example.com" not in only(letter(Message_ID="")).external_id


def test_files_say_where_to_fetch_them() -> None:
    raw = next(path for path in MAILS if "rfc2047_file_names" in path.stem).read_bytes()
    (item,) = read(raw, OWN, NOW, "17.4")
    assert isinstance(item, Inbound)
    assert [file.handle for file in item.attachments] == ["17.4:0", "17.4:1"]
