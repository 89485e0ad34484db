"""What holds for every conversation: pure, nothing lost, one question at a time, short, sealed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from bot import engine
from bot.batch import Batch
from bot.engine import Conversation, Knowledge
from bot.intents import has_content
from config import clock
from config.profile import profile
from store import channels, conversations, inbox, people
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Attachment, Inbound, Kind
from store.schema import grievance, metadata, outbox, person, sealed_matter, task
from store.schema import inbox as inbox_table
from tests.bot.test_dialogues import fresh, template
from tests.bot.transcript import FORMS, Dialogue, too_long

__all__ = ["template"]

# Each example is an instance of its own, so a few are played at each run and many by hand.
EXAMPLES = int(os.environ.get("TESTS_EXAMPLES", "40"))
NOW = datetime.fromisoformat("2026-11-23T11:00:00+08:00")
WELL = "Манай суманд худаг ширгэсэн, ус алга"
HARM = "Дарга намайг бэлгийн дарамтад оруулсан"
PHONE = "+97688110001"

CONTENT = (
    WELL, "Біздің ауылда құдық құрғап қалды, су жоқ", "There is no water in our well",
    "manai suman deer us alga", "яаралтай", HARM, "Бастығым пара талап етті", "Улаанхус сум",
    "Булган сум", "Туршилт Болд", "У нас в посёлке нет воды", "{reference} {0} %s", "🙏 help us now",
)  # fmt: skip
KEYWORDS = (
    "ЯВЦ", "БАРЫС", "status", "help", "ХЭЛ", "монгол", "қазақша", "english", "русский", "STOP",
    "ЭХЛЭХ", "ДАХИН", "шешілмеді", "гомдлоо буцаах", "тийм", "жоқ", "за", "алгасах", "буцах",
    "*", "?", "цэс", "гомдол", "ДАРАМТ", "ажилтан", "латин", "баярлалаа", "сайн уу", "26000001", "123456",
    "26000001 123456", "👍", "!!!", "", "Алгасах", "Зөвшөөрч байна", "Шинэ асуудал", "Бусад",
)  # fmt: skip
BUTTONS = (
    "place:skip", "kind:thanks", "script:latin", "category:other", "category:sensitive", "consent:agree",
    "consent:anonymous", "name:skip", "behalf:other", "behalf:self", "affected:skip", "gender:not_say", "group:herder",
    "language:kk", "menu:status", "menu:complain", "same:1", "new:", "withdraw:1:yes",
    "withdraw:1:no", "rate:1:3", "solved:1:no", "safe:1:yes", "accept:1", "reject:1",
    "status:2", "nonsense", "place:nowhere:at:all",
)  # fmt: skip


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[None]:
    with fresh(template, tmp_path):
        yield


def play(*script: str, channel: str = "sms", address: str = PHONE) -> Dialogue:
    """Play these lines; the dialogue as it went."""
    dialogue = Dialogue(channel, address)
    dialogue.play(list(script))
    return dialogue


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


def readable(word: str) -> list[str]:
    """The columns in which ``word`` can be read without the key."""
    found = []
    with reading() as tx:
        for table in metadata.tables:
            for row in tx.execute(text(f'select * from "{table}"')).mappings():
                found += [
                    f"{table}.{column}"
                    for column, value in row.items()
                    if word in str(value) or (isinstance(value, bytes) and word.encode() in value)
                ]
    return found


# --- one message ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [*CONTENT, *KEYWORDS, *map(str, range(12))])
@pytest.mark.parametrize("asked", ["", "place", "consent", "name", "new", "more"])
def test_deciding_twice_gives_the_same(words: str, asked: str) -> None:
    conversation = Conversation(language="mn", asked=asked, asked_of=(asked,) if asked else ())
    knowledge = Knowledge(options=("place:skip",), profile=profile(), channel="sms")
    message = Inbound("sms", "700", "1", PHONE, text=words)
    first = engine.advance(conversation, message, NOW, knowledge)
    assert engine.advance(conversation, message, NOW, knowledge) == first
    state = first.conversation.to_state()
    assert Conversation.from_state(state) == first.conversation


# --- what is kept where --------------------------------------------------------------------------


def test_a_name_is_nowhere_to_be_read(store: None) -> None:
    play("> Улаанхус суманд интернет тасарсан", "~ 21 s", "> 1", "> 1", "> Туршилтын Нэр")
    assert not readable("Туршилтын Нэр")
    assert not readable("Туршилтын")
    (row,) = rows(select(person.c.name))
    assert row.name == "Туршилтын Нэр"
    assert [case.anonymous for case in rows(select(grievance))] == [False]


def test_sensitive_words_are_in_the_sealed_matter_alone(store: None) -> None:
    dialogue = play(f"> {WELL}", "~ 21 s", f"> {HARM}", "~ 21 s", "> 1", "> Тэр бас намайг цохисон")
    assert not readable("бэлгийн")
    assert not readable("цохисон")
    assert [row.sensitive for row in rows(select(grievance).order_by(grievance.c.id))] == [
        "",
        "sea",
    ]
    assert not [row for row in dialogue.sent if "дарамт" in row.text or "цохи" in row.text]
    assert readable("ширгэсэн")  # the ordinary matter stays as it was


def test_a_matter_called_sensitive_in_the_menu_is_sealed_with_its_first_words(store: None) -> None:
    play(
        "> Улаанхус суманд дарга муухай харьцсан", "~ 21 s", ">> Гомдол",
        ">> Эмзэг (бэлгийн дарамт, хүчирхийлэл)", channel="telegram", address="5001",
    )  # fmt: skip
    assert not readable("муухай")
    assert len(rows(select(sealed_matter))) == 1


def test_a_long_answer_about_the_place_is_kept_as_words_too(store: None) -> None:
    play(f"> {WELL}", "~ 21 s", "> Баян-Өлгий аймгийн Улаанхус сумын төвийн гүний худаг шүү")
    (case,) = rows(select(grievance))
    assert case.place == "bayan-ulgii/ulaankhus"
    assert "гуни" in case.folded


def test_the_place_of_the_first_text_is_taken_where_it_is_certain(store: None) -> None:
    play("> Улаанхус суманд эмч алга", "@ +97688110002", "> Булган суманд эмч алга")
    places = [row.place for row in rows(select(grievance.c.place).order_by(grievance.c.id))]
    assert places == ["bayan-ulgii/ulaankhus", None]


def test_the_bag_named_with_the_first_words_is_kept(store: None) -> None:
    play("> Улаанхус сумын 3-р багт эмч алга", "@ +97688110002", f"> {WELL}", "~ 21 s",
         "> Улаанхус сумын 5-р баг")  # fmt: skip
    found = rows(select(grievance.c.place, grievance.c.bag).order_by(grievance.c.id))
    assert [tuple(row) for row in found] == [
        ("bayan-ulgii/ulaankhus", "3"),
        ("bayan-ulgii/ulaankhus", "5"),
    ]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Санал: номын сан байгуулаач", "suggestion"),
        ("Надад нэг хүсэлт байна", "request"),
        ("Ұсыныс: кітапхана ашыңыздар", "suggestion"),
        ("I have a question.", "question"),
        ("Санал хураалтад луйвар гарсан", "complaint"),
        ("Хүсэлт гаргасан боловч хариу ирээгүй", "complaint"),
        ("Пропал мой сын", "complaint"),
    ],
)
def test_the_kind_is_what_the_words_call_it(store: None, words: str, kind: str) -> None:
    play(f"> {words}")
    (case,) = rows(select(grievance.c.kind, grievance.c.facts))
    assert (case.kind, "kind_said" in case.facts) == (kind, kind != "complaint")


def test_who_writes_for_another_is_the_submitter(store: None) -> None:
    """Both have their own record, and neither name can be read without the key."""
    start = ["> Улаанхус суманд интернет тасарсан", "~ 21 s", "> 1", "> 1", "> Туршилт Бичсэн"]
    play(*start, "> өөр хүний", "> Туршилт Өртсөн")
    (case,) = rows(select(grievance))
    names = {row.id: row.name for row in rows(select(person.c.id, person.c.name))}
    assert names == {case.submitter_id: "Туршилт Бичсэн", case.complainant_id: "Туршилт Өртсөн"}
    assert not [name for name in ("Бичсэн", "Өртсөн") if readable(name)]
    with reading() as tx:
        (row,) = people.others(tx, case.submitter_id)
        assert (row.id, people.others(tx, case.complainant_id)) == (case.address_id, [])


def test_who_writes_for_themselves_after_all_is_the_complainant(store: None) -> None:
    play("> Улаанхус суманд интернет тасарсан", "~ 21 s", "> 1", "> 1", "> алгасах",
         "> өөр хүний", "> буцах", "> өөрийн")  # fmt: skip
    (case,) = rows(select(grievance))
    with reading() as tx:
        (row,) = people.others(tx, case.complainant_id)
    assert (case.submitter_id, row.id) == (None, case.address_id)


def test_a_phone_shared_before_anything_else_stays_the_persons(store: None) -> None:
    play(f">+ contact {PHONE}", f"> {WELL}", channel="telegram", address="5001")
    (case,) = rows(select(grievance))
    with reading() as tx:
        ends = {row.channel: row.value for row in people.others(tx, case.complainant_id)}
    assert ends == {"telegram": "5001", "sms": PHONE}


def test_thirty_five_messages_are_all_kept_and_answered_with_one_notice(store: None) -> None:
    dialogue = play(f"> {WELL}", "~ 21 s", ">x 34 ус алга хэвээр")
    assert [row.template for row in dialogue.sent].count("flood.wait") == 1
    kept = rows(select(inbox_table.c.text, inbox_table.c.grievance_id))
    assert len(kept) == 35
    assert all(row.grievance_id for row in kept)


def test_a_machine_gets_no_answer(store: None) -> None:
    dialogue = play(">+ automatic Out of office until Monday", "~ 21 s")
    assert not dialogue.sent
    assert not rows(select(grievance))


def test_two_not_understood_in_a_row_are_a_call_to_make(store: None) -> None:
    play("> монгол", "> 7", "> 8")
    assert [row.kind for row in rows(select(task.c.kind))] == ["call"]


# --- any conversation at all ---------------------------------------------------------------------


@dataclass
class Run:
    """Messages of one person, drained without a net: an error is raised, not set aside."""

    channel: str
    said: list[str] = field(default_factory=list)
    seen: int = 0

    @property
    def address(self) -> str:
        return {"telegram": "5001", "mail": "a@example.invalid"}.get(self.channel, PHONE)

    def come(self, number: int, **values: Any) -> None:
        self.said.append(values.get("text", ""))
        message = Inbound(self.channel, "700", str(number), self.address, **values)
        inbox.accept(Receipt(self.channel, "700", b"raw", clock.now(), (message,)))
        self.drain()

    def drain(self) -> None:
        part = people.partition_of(people.address_index(self.channel, self.address))
        with transaction() as tx:
            ids = inbox.waiting_ids(tx, part, 100)
            due = conversations.due(tx, part, clock.now(), 100)
            Batch(tx, inbox.load(tx, ids), [] if ids else due).run()
        self.look()

    def look(self) -> None:
        """What was just said: in two parts, with its slots filled, one question at most."""
        new = rows(select(outbox).where(outbox.c.id > self.seen))
        self.seen = max([self.seen, *(row.id for row in new)])
        assert sum(bool(row.choices) for row in new) <= 1
        for row in new:
            assert not too_long(row), row.text
            assert "{" not in row.text, row.text


STEP = st.one_of(
    st.tuples(st.just("text"), st.sampled_from(CONTENT)),
    st.tuples(st.just("text"), st.sampled_from(KEYWORDS)),
    st.tuples(st.just("text"), st.integers(0, 12).map(str)),
    st.tuples(st.just("text"), st.text(st.characters(codec="utf-8"), max_size=40)),
    st.tuples(st.just("button"), st.sampled_from(BUTTONS)),
    st.tuples(st.just("image"), st.sampled_from(["", "худаг"])),
    st.tuples(st.just("wait"), st.sampled_from([3, 21, 3600, 200_000])),
)


@settings(
    max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(channel=st.sampled_from(sorted(FORMS)), steps=st.lists(STEP, min_size=1, max_size=14))
def test_any_conversation(template: Path, channel: str, steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as home, fresh(template, Path(home)):
        with transaction() as tx:
            channels.sync(tx, {code: ("700", caps) for code, caps in FORMS.items()})
        with time_machine.travel(NOW, tick=False) as traveller:
            run = Run(channel)
            for number, (what, value) in enumerate(steps):
                if what == "wait":
                    traveller.shift(timedelta(seconds=value))
                    run.drain()
                elif what == "button":
                    run.come(number, kind=Kind.CHOICE, choice=value)
                elif what == "image":
                    photo = Attachment("image", "image/jpeg", 1000, handle=str(number))
                    run.come(number, kind=Kind.MEDIA, text=value, attachments=(photo,))
                else:
                    run.come(number, text=value)
        nothing_is_lost(run.said)


def as_text(value: object) -> str:
    """The words in decrypted JSON, as they were written."""
    if isinstance(value, dict):
        value = list(value.values())
    return "\n".join(map(as_text, value)) if isinstance(value, list) else str(value)


def nothing_is_lost(said: list[str]) -> None:
    """Every text is in the inbox, in its encrypted part, or in a sealed matter."""
    kept = [row.text for row in rows(select(inbox_table.c.text))]
    kept += [as_text(row.details) for row in rows(select(inbox_table.c.details))]
    kept += [as_text(row.body) for row in rows(select(sealed_matter.c.body))]
    for words in said:
        assert any(inbox.clean(words) in each for each in kept) or not has_content(words), words
