"""The page with the simulated phones; it works without JavaScript, and better with it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from channels.sandbox.phones import KEYS, Phones
from channels.sandbox.uploads import BadAction, upload
from channels.sandbox.world import World

# Visibly invented: no operator gives out 8811 00xx.
PRESET = {
    "phone": "+97688110001",
    "chat": "88110001",
    "name": "Жишээ",
    "psid": "9900000088110001",
    "mail": "jishee@example.com",
}
NUMBERS = ("+97688110001", "+97688110002", "+97688110003")
EXAMPLES = (
    ("mn", "Манай сумын худаг ширгэсэн, ус алга"),
    ("kk", "Біздің ауылда интернет жоқ"),
    ("mn", "Сургуулийн халаалт гурван хоног ажиллахгүй байна"),
    ("kk", "Жолды қашан жөндейсіздер?"),
)
AWAY = "Би амралттай байна."
SENDABLE = {
    "location": "Location",
    "contact": "Contact",
    "photo": "Photo",
    "voice": "Voice",
    "document": "Document",
    "sticker": "Sticker",
}
# What can be done in Messenger besides writing, and what it means to `POST /phone/messenger`.
MESSENGER = {
    "get_started": "Get started",
    "image": "Picture",
    "audio": "Recording",
    "file": "File",
    "sticker": "Like 👍",
    "comment": "Comment on the page",
}
STATES = {
    ("in", "sending"): "Sending…",
    ("in", "delivered"): "Delivered to Hariu",
    ("in", "queued"): "Waits until Hariu fetches it",
    ("in", "retrying"): "Hariu did not take it, trying again",
    ("in", "failed"): "Not delivered",
    ("in", "dropped"): "Not delivered",
    ("out", "queued"): "On its way",
    ("out", "sent"): "On its way",
    ("out", "delivered"): "Received",
    ("out", "undelivered"): "Not delivered",
    ("out", "deleted"): "Deleted by Hariu",
}


def blueprint(world: World, phones: Phones) -> Blueprint:
    """`GET /`, `GET /page/thread` (new or changed messages as HTML), and what the forms post to."""
    routes = Blueprint("page", __name__)
    routes.add_app_template_filter(language)
    routes.add_app_template_filter(_state, "state")

    def threads(since: int = 0) -> dict[str, Any]:
        who = _who(request.args.to_dict())
        return {
            **who,
            "sms": world.history.list("sms", who["phone"], since),
            "telegram": world.history.list("telegram", who["chat"], since),
            "messenger": world.history.list("messenger", who["psid"], since),
            "email": world.history.list("email", who["mail"], since),
        }

    @routes.get("/")
    def show() -> str:
        links = (world.settings.public_url, f"http://127.0.0.1:{world.settings.desk_port}")
        lists = {
            "numbers": NUMBERS,
            "examples": EXAMPLES,
            "sendable": SENDABLE,
            "deeds": MESSENGER,
        }
        return render_template("phones.html", links=links, **lists, **threads())

    @routes.get("/page/thread")
    def thread() -> str:
        found = threads(request.args.get("since", 0, type=int))
        chosen = next((KEYS[name] for name in request.args if name in KEYS), "sms")
        return render_template("thread.html", entries=found[chosen], form=chosen)

    @routes.post("/page/<channel>")
    def act(channel: str) -> Response | tuple[str, int]:
        form = request.form.to_dict()
        try:
            if form.get("do") != "switch":
                _act(phones, channel, form)
        except ValueError as error:
            return f"{error}\n", 400
        if request.accept_mimetypes.best == "application/json":
            return "", 204
        return redirect(f"/?{urlencode(_who(form))}", 303)

    return routes


def language(text: str) -> str:
    """The likely language of a bubble, for screen readers: kk, mn or en."""
    if re.search("[әғқңұһіӘҒҚҢҰҺІ]", text):
        return "kk"
    return "mn" if re.search("[а-яөүёА-ЯӨҮЁ]", text) else "en"


def _state(entry: dict[str, Any]) -> str:
    words = STATES.get((entry["direction"], entry["status"]), entry["status"])
    return f"{words}: {entry['error']}" if entry["error"] else words


def _who(given: dict[str, str]) -> dict[str, str]:
    """Whose phones are shown."""
    return {name: given.get(name) or preset for name, preset in PRESET.items()}


def _act(phones: Phones, channel: str, form: dict[str, str]) -> None:
    who = _who(form)
    text = form.get("example") or form.get("text", "").replace("\r\n", "\n").strip()
    if channel == "sms":
        media = [_attachment("photo")] if form.get("do") == "photo" else []
        body = {"from": who["phone"], "text": text, "media": media}
        phones.sms(body, request.host_url)
    elif channel == "messenger":
        person = {"psid": who["psid"], "name": who["name"]}
        phones.messenger(person | _done_in_messenger(form, text), request.host_url)
    elif channel == "email":
        phones.post.send(_mail(who, form, text))
    else:
        person = {"chat_id": who["chat"], "first_name": who["name"]}
        phones.chat(person | _done(phones, who["chat"], form, text))


def _mail(who: dict[str, str], form: dict[str, str], text: str) -> dict[str, Any]:
    """The mail that the form describes."""
    do, subject = form.get("do", ""), form.get("subject", "").strip()
    if not (text or subject or do):
        raise BadAction("write something first")
    files = [_attachment(do)] if do in ("photo", "document") else []
    away = {"Auto-Submitted": "auto-replied"} if do == "away" else {}
    reply = do in ("reply", "away")
    return {
        "from": who["mail"],
        "name": who["name"],
        "subject": "" if reply else subject,
        "text": text or (AWAY if away else ""),
        "attachments": files,
        "headers": away,
        "reply": reply,
    }


def _attachment(kind: str) -> dict[str, str]:
    content, content_type, name = upload(kind, {})
    return {
        "name": name,
        "content_type": content_type,
        "base64": base64.b64encode(content).decode(),
    }


def _done(phones: Phones, chat: str, form: dict[str, str], text: str) -> dict[str, Any]:
    """What the pressed button of the Telegram form means."""
    if "press" in form:
        pressed: dict[str, Any] = json.loads(form["press"])
        return pressed
    if form.get("do") in SENDABLE:
        return {form["do"]: {"caption": text} if text else {}}
    if form.get("do") == "edit":
        return {"edit": {"message_id": _last_text(phones, chat), "text": text}}
    if form.get("do") in ("block", "unblock"):
        return {"block": form["do"] == "block"}
    if not text:
        raise BadAction("write something first")
    return {"text": text}


def _done_in_messenger(form: dict[str, str], text: str) -> dict[str, Any]:
    """What the pressed button of the Messenger form means."""
    if "press" in form:
        pressed: dict[str, Any] = json.loads(form["press"])
        return pressed
    do = form.get("do", "")
    if do in MESSENGER and do != "comment":
        return {do: {"text": text} if text else {}}
    if not text:
        raise BadAction("write something first")
    return {"comment" if do == "comment" else "text": text}


def _last_text(phones: Phones, chat: str) -> int:
    for entry in reversed(phones.world.history.list("telegram", chat)):
        if entry["direction"] == "in" and entry["kind"] == "text":
            found: int = entry["message_id"]
            return found
    raise BadAction("there is no message to edit yet")
