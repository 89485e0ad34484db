"""A run in numbers, for the table."""

from __future__ import annotations

from statistics import median

from tests.faults.checker import CLEAN, Checker


def counts(checker: Checker) -> dict[str, float]:
    """What was sent, stored, acknowledged, repeated and lost, in the order of the table."""
    facts = checker.facts
    letters = [letter for found in checker.acknowledgements.values() for letter in found]
    keys = [(letter.channel, letter.address, letter.text) for letter in letters]
    waits = _waits(checker)
    return {
        "people": len({(m.channel, m.address) for m in checker.readable}),
        "messages": len(facts.messages),
        "webhook calls": sum(len(m.attempts) for m in facts.messages),
        "of these without 200": sum(a.status != 200 for m in facts.messages for a in m.attempts),
        "exact repeats": sum(m.repeats for m in facts.messages),
        "accepted": sum(m.accepted_at is not None for m in facts.messages),
        "stored": sum(len(rows) for rows in checker.rows.values()),
        "lost": len(checker.lost),
        "dead letters": sum(row.state == "dead" for row in facts.inbox),
        "grievances": len(facts.cases),
        "acknowledged": sum(bool(checker.arrived[key]) for key in keys),
        "repeated": sum(max(0, checker.arrived[key] - 1) for key in keys),
        "taken without answer": sum(_unanswered(checker, key) for key in keys),
        "letters": len(facts.letters),
        "tries to send": sum(letter.attempts for letter in facts.letters),
        "median acknowledgement, s": round(median(waits), 1) if waits else 0.0,
        "slowest acknowledgement, s": round(max(waits, default=0.0), 1),
    }


def _unanswered(checker: Checker, key: tuple[str, str, str]) -> int:
    """Arrivals of this text that no clean answer can account for: each excuses one repeat."""
    clean = sum(
        not checker.unanswered(call) and call.answer in CLEAN for call in checker.calls[key]
    )
    return max(0, checker.arrived[key] - clean)


def _waits(checker: Checker) -> list[float]:
    """Seconds from each person's first acceptance to the last call that told them their number."""
    waits = []
    for phone, own in checker.people.items():
        begun = min((m.accepted_at for _, m in own if m.accepted_at), default=None)
        for id_ in checker.own_cases[phone] & checker.cases.keys():
            for letter in checker.acknowledgements[checker.cases[id_].reference]:
                calls = checker.calls[letter.channel, letter.address, letter.text]
                if calls and begun:
                    waits.append(calls[-1].at - begun)
    return waits
