"""``python -m tests.browser.screenshots``: the pictures of README and guides, from a live house.

Starts ``hariu up`` in a folder of its own, writes from simulated phones, signs in at the desk and
photographs what a reader would see. Needs Chromium.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from tests.house import ROOT, House

IMAGES = ROOT / "config" / "guides" / "images"
LARGEST = 200_000  # bytes of one picture
WIDTH = 1280
PASSWORD = "a password for pictures"
# Visibly invented: no operator gives out 8811 00xx.
FIRST, CHAT = "+97688110001", 88110007
WELL = "Манай сумын худаг ширгэсэн, ус алга"
ROAD = "The road to the clinic has been closed since Monday"
OTHERS = {
    "+97688110002": "Біздің ауылда интернет жоқ, балалар сабаққа қатыса алмайды",
    "+97688110003": "Сургуулийн халаалт гурван хоног ажиллахгүй байна",
    "+97688110004": "Цахим үйлчилгээний сайт руу нэвтэрч чадахгүй байна",
    "+97688110005": "Жолды қашан жөндейсіздер? Қыста ауылға көлік жетпейді",
    "+97688110006": "Төслийн ажилчид миний хашааны ойролцоо хог хаясан",
}


def write(house: House) -> str:
    """Messages from invented people; the reference that the first of them was told."""
    for number, text in OTHERS.items():
        house.sms(number, text)
        house.told(number, "26")
    house.telegram(CHAT, ROAD)
    house.told(CHAT, "26")
    house.sms(FIRST, WELL)
    found = re.search(r"\d{8}", house.told(FIRST, "26"))
    assert found
    house.sms(FIRST, "ЯВЦ")
    house.told(FIRST, f"Дугаар {found[0]}")
    return found[0]


def sign_in(page: Page, house: House) -> None:
    """Sign in with the one-time password, choose English and a password."""
    page.goto(f"{house.url('desk')}/sign-in?lang=en")
    page.fill("#login", "officer")
    page.fill("#password", house.password)
    page.click("main button")
    page.click("header button[name=language][value=en]")
    page.fill("#old", house.password)
    page.fill("#new", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("main button")
    page.wait_for_selector("#board")


def photograph(page: Page, name: str) -> None:
    """Keep what is to be seen as ``name``.png."""
    page.evaluate("document.fonts.ready")
    path = IMAGES / f"{name}.png"
    size = len(page.screenshot(path=path))
    print(f"{path.relative_to(ROOT)}: {size} bytes")
    if size > LARGEST:
        sys.exit(f"{path.name} is larger than {LARGEST} bytes")


def pictures(page: Page, house: House) -> None:
    """Phones, queue and the page of one grievance."""
    reference = write(house)
    who = urlencode({"phone": FIRST, "chat": CHAT, "name": "Жишээ"})
    page.goto(f"{house.url('sandbox')}/?{who}")
    photograph(page, "phones")
    sign_in(page, house)
    page.goto(f"{house.url('desk')}/cases/{reference}")
    photograph(page, "case")
    page.goto(f"{house.url('desk')}/?view=open")
    photograph(page, "desk")


def main() -> None:
    """Take every picture anew."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("NOT RUN: Chromium is missing")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="hariu-pictures-") as folder,
        House(Path(folder) / "instance") as house,
        sync_playwright() as playwright,
    ):
        print(f"ready after {house.seconds_to_ready:.1f} s")
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        pictures(browser.new_page(viewport={"width": WIDTH, "height": 860}), house)
        browser.close()


if __name__ == "__main__":
    main()
