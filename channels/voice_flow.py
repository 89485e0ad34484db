"""The call, step by step: what was pressed or said leads to what is heard next.

At most three choices and a person on 0; ``*`` repeats. After two failed tries it records anyway,
and nobody who spoke is hung up on without a number. The same request leads to the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from channels import voice_rows
from channels.voice import connects
from channels.voice_twiml import Sheet
from config.profile import profile
from config.prompts import PAUSE, STATUSES, spoken_date
from store.case import Case
from workflow.states import Outcome, Status

PATIENCE = 2  # failed tries before it records anyway
MOST_TURNS = 60  # then somebody plays with the keys, and the line is needed
_ANSWERED = {Status.REDRESS_PROPOSED, Status.CLOSED}
_NOTHING_TO_READ = {Outcome.WITHDRAWN, Outcome.UNREACHABLE}
LANGUAGES = {"1": "mn", "2": "kk", "3": "en"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a call. ``of`` names the recording that the grievance of this call is."""

    here: str
    account: str
    sid: str
    caller: str
    step: str
    turn: int = 0
    language: str = "mn"
    fails: int = 0
    keys: str = ""
    do: str = "record"
    of: str = ""
    recording: str = ""
    dialed: str = ""
    letter: int = 0
    heard: Callable[[str], str] = str

    @property
    def sheet(self) -> Sheet:
        """An empty answer."""
        return Sheet(self.here, self.language, self.turn)

    @property
    def texts(self) -> bool:
        """Whether the caller's phone takes SMS."""
        return profile().voice.takes_texts(self.caller)


def answer(call: Call) -> Sheet:
    """What is heard after this step."""
    if call.turn > MOST_TURNS and call.step != "recorded":
        return _goodbye(call)
    return _STEPS.get(call.step, _menu)(call)


def _ring(call: Call) -> Sheet:
    known = voice_rows.language_of(call.caller, call.account, call.sid)
    call = replace(call, language=known or "mn")
    sheet = call.sheet.ring(profile().voice.ring_seconds)
    return _ask_menu(call, sheet) if known else _ask_language(call, sheet)


def _ask_language(call: Call, sheet: Sheet) -> Sheet:
    spoken = profile().languages
    clips = [f"{language}/language" for language in LANGUAGES.values() if language in spoken]
    return sheet.say("mn/hello").ask("language", clips, fails=call.fails)


def _language(call: Call) -> Sheet:
    chosen = LANGUAGES.get(call.keys)
    if chosen in profile().languages:
        return _ask_menu(replace(call, language=str(chosen), fails=0))
    if call.fails + 1 < PATIENCE:
        failed = replace(call, fails=call.fails + 1)
        return _ask_language(failed, failed.sheet)
    return _recording(call, "mn/notice", "mn/record", "kk/notice", "kk/record")


def _menu(call: Call) -> Sheet:
    return _ask_menu(call)


def _ask_menu(call: Call, sheet: Sheet | None = None) -> Sheet:
    return (sheet or call.sheet).ask("chosen", ("menu", "menu_more"), fails=call.fails)


def _chosen(call: Call) -> Sheet:
    if call.keys == "1":
        return _recording(call)
    if call.keys == "2":
        return call.sheet.ask("number", ["enter_number"], longest=10)
    if call.keys == "3":
        return _ask_language(replace(call, fails=0), call.sheet)
    if call.keys == "0":
        return _person(call)
    if call.keys == "*":
        return _ask_menu(call)
    return _failed(call)


def _failed(call: Call) -> Sheet:
    """Say what was wrong, ask once more, then record anyway."""
    said = call.sheet.say("invalid" if call.keys else "no_input")
    if call.fails + 1 < PATIENCE:
        return _ask_menu(replace(call, fails=call.fails + 1), said)
    return _recording(call)


# -- a grievance ----------------------------------------------------------------------------------


def _recording(call: Call, *clips: str) -> Sheet:
    sheet = call.sheet.say(*(clips or ("notice", "record")))
    return sheet.record(profile().voice.longest_seconds, do=call.do, fails=call.fails, of=call.of)


def _silent(call: Call) -> Sheet:
    """Nothing was said: listen once more, then say goodbye."""
    if call.do == "add":
        return _ask_after(call)
    if call.fails + 1 < PATIENCE:
        sheet = call.sheet.say("no_input", "record")
        return sheet.record(profile().voice.longest_seconds, do=call.do, fails=call.fails + 1)
    return _goodbye(call)


def _recorded(call: Call) -> Sheet:
    """The recording is a grievance by now; its number twice, digit by digit."""
    if call.do == "add":
        return _ask_after(call, call.sheet.say("added"))
    case = voice_rows.case_of(call.account, f"{call.sid}:{call.recording}")
    if case is None:  # it lies in the spool until the database is back
        return call.sheet.say("kept", "goodbye").end()
    if call.keys != "hangup":
        voice_rows.acknowledge(case.id)
    call = replace(call, of=call.recording)
    sheet = _number_twice(call.sheet.say("acknowledged"), case)
    sheet.say("promise" if call.texts else "write_down")
    return sheet.ask("agreed", ["abroad", "agree"], of=call.of)


def _number_twice(sheet: Sheet, case: Case) -> Sheet:
    for first in (True, False):
        if not first:
            sheet.say(PAUSE, "again")
        sheet.digits(case.reference).say("code").digits(case.code)
    return sheet


def _agreed(call: Call) -> Sheet:
    return _ask_after(call)


def _ask_after(call: Call, sheet: Sheet | None = None) -> Sheet:
    return (sheet or call.sheet).ask("after", ["after"], of=call.of, fails=call.fails)


def _after(call: Call) -> Sheet:
    if call.keys == "1":
        return _ask_after(call, call.sheet.play(call.heard(call.of)))
    if call.keys in {"2", "3"}:
        return _recording(replace(call, do="add"), "record")
    if call.keys == "*":
        case = voice_rows.case_of(call.account, f"{call.sid}:{call.of}")
        return _ask_after(call, _number_twice(call.sheet, case) if case else None)
    if call.keys and call.fails + 1 < PATIENCE:
        return _ask_after(replace(call, fails=call.fails + 1), call.sheet.say("invalid"))
    return _goodbye(call)


def _goodbye(call: Call) -> Sheet:
    return call.sheet.say("goodbye").end()


# -- where it stands ------------------------------------------------------------------------------


def _number(call: Call) -> Sheet:
    if call.keys:
        return call.sheet.ask("code", ["enter_code"], longest=8, fails=call.fails)
    return _ask_number(call, "no_input")


def _ask_number(call: Call, said: str) -> Sheet:
    if call.fails + 1 < PATIENCE:
        sheet = call.sheet.say(said)
        return sheet.ask("number", ["enter_number"], longest=10, fails=call.fails + 1)
    return _ask_menu(replace(call, fails=0), call.sheet.say(said))


def _code(call: Call) -> Sheet:
    found = voice_rows.opened(call.caller, call.keys)
    if found == "locked":
        return call.sheet.say("locked", "goodbye").end()
    if isinstance(found, str):
        return _ask_number(call, found)
    return _ask_menu(replace(call, fails=0), _told(call.sheet, found, call.language))


def _told(sheet: Sheet, case: Case, language: str) -> Sheet:
    """Status and date, and where the answer is; of a sealed matter not even the status."""
    status = case.outcome if case.status == "closed" else case.status
    known = status in STATUSES and not case.sensitive
    sheet.say(f"status-{status}" if known else "status-acknowledged")
    if case.due_at and case.is_open:
        day = case.due_at.astimezone(profile().zone_at(case.place)).date()
        sheet.say("due", *spoken_date(day, language))
    return _where_the_answer_is(sheet, case) if known and case.status in _ANSWERED else sheet


def _where_the_answer_is(sheet: Sheet, case: Case) -> Sheet:
    """No clip holds an officer's own words: say where they were sent, and offer a person."""
    if case.outcome in _NOTHING_TO_READ:
        return sheet
    way = voice_rows.way_of_answer(case)
    return sheet.say(*([f"answer_{way}"] if way else []), "answer_person")


# -- a person -------------------------------------------------------------------------------------


def _person(call: Call) -> Sheet:
    if connects():
        voice = profile().voice
        return call.sheet.say("connecting").dial(voice.dial, voice.dial_seconds)
    return _recording(call, "closed", "notice")


def _dialed(call: Call) -> Sheet:
    if call.dialed in {"completed", "answered"}:
        return _goodbye(call)
    return call.sheet.ask("callback", ["callback"])


def _callback(call: Call) -> Sheet:
    if call.keys == "2":
        return call.sheet.say("called_back", "goodbye").end()
    return _recording(call)


# -- calls of ours --------------------------------------------------------------------------------


def _out(call: Call) -> Sheet:
    """We called: about a grievance, or because they had called us."""
    found = voice_rows.news(call.letter)
    if found is None:
        return call.sheet.end()
    known = found.language or voice_rows.language_of(call.caller, call.account, call.sid)
    call = replace(call, language=known or "mn")
    if found.case is None:
        sheet = call.sheet.say("missed")
        return _ask_menu(call, sheet) if known else _ask_language(call, sheet)
    sheet = call.sheet.say("news").digits(found.case.reference)
    return _ask_menu(call, _told(sheet, found.case, call.language))


_STEPS: dict[str, Callable[[Call], Sheet]] = {
    "": _ring,
    "out": _out,
    "language": _language,
    "chosen": _chosen,
    "silent": _silent,
    "recorded": _recorded,
    "agreed": _agreed,
    "after": _after,
    "number": _number,
    "code": _code,
    "dialed": _dialed,
    "callback": _callback,
}
