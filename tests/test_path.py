"""One grievance carried end to end on real wires: phones, webhooks, processes, doubles."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.house import House, until

WELL = "Манай сумын худаг ширгэсэн, ус алга"
INTERNET = "Біздің ауылда интернет жоқ"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house") / "home") as running:
        yield running


def test_a_first_text_is_registered_and_acknowledged_in_mongolian(house: House) -> None:
    began = time.monotonic()
    assert house.sms("+97688110101", WELL)["status"] == 200
    text = house.told("+97688110101", "Дугаар")
    assert time.monotonic() - began < 2
    reference = re.search(r"\d{8}", text)
    assert reference
    case = next(c for c in house.dump("grievances") if c["reference"] == reference[0])
    assert (case["language"], case["channel"]) == ("mn", "sms")
    assert case["due_at"][:10].replace("-", ".") in text or "хүртэл" in text
    until(
        lambda: next(
            c for c in house.dump("grievances") if c["reference"] == reference[0]
        )["status"] == "acknowledged",
        5, "acknowledged",
    )  # fmt: skip


def test_kazakh_is_answered_in_kazakh(house: House) -> None:
    house.telegram(880101, INTERNET)
    assert "тіркелді" in house.told(880101, "Тіркеу нөмірі")


def test_neither_language_gets_the_joint_text_and_a_digit_chooses(house: House) -> None:
    house.sms("+97688110102", "Il n'y a plus d'eau dans notre village depuis lundi")
    joint = house.told("+97688110102", "Бүртгэлээ / Тіркелді")
    assert "3 English" in joint
    house.sms("+97688110102", "3")
    house.told("+97688110102", "English")
    case = next(c for c in house.dump("grievances") if c["reference"] in joint)
    assert len([c for c in house.dump("grievances") if c["reference"] == case["reference"]]) == 1


def test_status_by_text(house: House) -> None:
    house.sms("+97688110103", WELL)
    reference = re.search(r"\d{8}", house.told("+97688110103", "Дугаар"))
    assert reference
    house.sms("+97688110103", f"ЯВЦ {reference[0]}")
    house.told("+97688110103", f"Дугаар {reference[0]}: ")
    house.sms("+97688110104", f"ЯВЦ {reference[0]}")
    house.told("+97688110104", reference[0])
    assert not any("хүлээн авсан" in text for text in house.texts_to("+97688110104"))


def test_a_repeat_of_the_provider_changes_nothing(house: House) -> None:
    sid = "SM" + "a" * 32
    for _ in range(3):
        assert house.sms("+97688110105", WELL, sid=sid)["status"] == 200
    house.told("+97688110105", "Дугаар")
    time.sleep(0.5)
    assert len(house.texts_to("+97688110105")) == 1
    assert len([row for row in house.dump("inbox") if row["external_id"] == sid]) == 1


def test_a_burst_becomes_one_grievance(house: House) -> None:
    for text in (WELL, "Малчид холоос ус зөөж байна", "Хоёр долоо хонож байна"):
        house.sms("+97688110106", text)
    house.told("+97688110106", "Дугаар")
    time.sleep(0.5)
    assert len(house.texts_to("+97688110106")) == 1


def test_a_hanging_provider_delays_nobody_else(house: House) -> None:
    house.behave("telegram", "timeout", seconds=6)
    try:
        stop = threading.Event()

        def rain() -> None:
            number = 0
            while not stop.wait(0.05):
                number += 1
                house.telegram(890000 + number, WELL, retry=False)

        thread = threading.Thread(target=rain)
        thread.start()
        time.sleep(1)
        began = time.monotonic()
        house.sms("+97688110107", WELL)
        house.told("+97688110107", "Дугаар")
        took = time.monotonic() - began
        stop.set()
        thread.join()
        assert took < 2
    finally:
        house.behave("telegram", "ok")


@pytest.mark.parametrize("name", ["worker", "deliver", "web", "clock", "redis"])
def test_killing_a_process_loses_nothing(house: House, name: str) -> None:
    pid = house.kill(name)
    number = f"+9768811020{['worker', 'deliver', 'web', 'clock', 'redis'].index(name)}"
    until(lambda: house.sms(number, WELL)["status"] == 200, 20, "accepted")
    house.told(number, "Дугаар", 15)
    assert all(process.pid != pid for process in house.processes(name))


def test_the_trail_is_whole(house: House) -> None:
    done = house.hariu("verify")
    assert done.returncode == 0, done.stderr
    assert "0 wrong" in done.stdout


class Desk:
    """An officer's browser without JavaScript."""

    def __init__(self, house: House) -> None:
        self.http = httpx.Client(base_url=house.url("desk"), follow_redirects=True, timeout=20)

    def post(self, page: str, path: str, **fields: str) -> httpx.Response:
        """Fill a form of ``page`` in and send it."""
        found = self.http.get(page).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', found)
        version = re.search(r'name="version" value="([^"]+)"', found)
        assert token
        hidden = {"csrf_token": token[1]} | ({"version": version[1]} if version else {})
        headers = {"referer": str(self.http.base_url)}
        return self.http.post(path, data=hidden | fields, headers=headers)


def test_an_officer_carries_the_case_to_closure_and_the_person_is_told(house: House) -> None:
    house.telegram(880301, INTERNET)
    reference = re.search(r"\d{8}", house.told(880301, "Тіркеу нөмірі"))
    assert reference
    desk, case = Desk(house), f"/cases/{reference[0]}"
    new = "urt nuuts ug 2026"
    answer = desk.post("/sign-in", "/sign-in", login="officer", password=house.password)
    assert "password" in str(answer.url)
    desk.post(str(answer.url), "/account/password", old=house.password, new=new, again=new)
    assert reference[0] in desk.post("/", "/search", words=reference[0]).text
    assert INTERNET in desk.http.get(case).text
    officer = re.search(r'<option value="(\d+)"', desk.http.get(case).text)
    assert officer
    desk.post(case, f"{case}/do/assign", assignee=officer[1])
    house.told(880301, "жауапты маман")
    desk.post(case, f"{case}/do/propose_redress", summary="Антенна орнатамыз")
    house.told(880301, "Антенна орнатамыз")
    desk.post(case, f"{case}/do/close", outcome="resolved", summary="Антенна орнатылды")
    house.told(880301, "Антенна орнатылды")
    row = next(c for c in house.dump("grievances") if c["reference"] == reference[0])
    assert (row["status"], row["outcome"]) == ("closed", "resolved")
    house.telegram(880301, "БАРЫС")
    house.told(880301, "жабылды")
    assert all(reference[0] in text for text in house.texts_to(880301)[:4])
