"""Simulated phones: what a person sends goes to Hariu's real endpoints as the provider sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from channels.sandbox import gateway, graph_events
from channels.sandbox.calls import params_of
from channels.sandbox.graph_state import Graph
from channels.sandbox.mail import Post
from channels.sandbox.telegram_state import Telegram
from channels.sandbox.telegram_updates import build
from channels.sandbox.twilio_state import Media, Sms, Twilio, new_sid, new_sms
from channels.sandbox.uploads import BadAction, decoded
from channels.sandbox.webhook import Answer
from channels.sandbox.world import World

Json = dict[str, Any]

# The name under which each kind of phone is asked for, and its channel.
KEYS = {"phone": "sms", "chat": "telegram", "psid": "messenger", "mail": "email"}


@dataclass
class Phones:
    """The hands that hold the phones."""

    world: World
    telegram: Telegram
    twilio: Twilio
    graph: Graph
    post: Post

    def sms(self, body: Json, host: str) -> Json:
        """Send an SMS to Hariu as `POST /phone/sms` says; ``host`` is our own address.

        Answers Twilio's id and how our endpoint answered. Raises `BadAction`.
        """
        sms = self._written(body)
        shown = [
            {"url": f"/twilio/cdn/{sms.sid}/{part.sid}", "content_type": part.content_type}
            for part in sms.media
        ]
        kind = "media" if shown else "text"
        about = {"text": sms.body, "parts": sms.parts, "sid": sms.sid, "media": shown, "kind": kind}
        entry = self.world.history.add("sms", sms.sender, "in", status="sending", **about)
        base = self.world.settings.twilio_api or f"{host}twilio"
        extra = {str(name): str(value) for name, value in (body.get("params") or {}).items()}
        answer = self.twilio.receive(sms, base.rstrip("/"), extra)
        status = "delivered" if answer.ok else "failed"
        self.world.history.change(entry, status=status, error=_reason(answer))
        return {"sid": sms.sid, "status": answer.status, "answer": answer.body}

    def _written(self, body: Json) -> Sms:
        sender, text = str(body.get("from") or ""), str(body.get("text") or "")
        given = body.get("media") or []
        if not sender or not (text or given):
            raise BadAction("from, and text or media, are needed")
        return new_sms(
            sid=body.get("sid"),
            direction="inbound",
            sender=sender,
            to=str(body.get("to") or self.twilio.number),
            body=text,
            status="received",
            service=self.twilio.service,
            media=[
                Media(new_sid("ME"), str(part.get("content_type")), decoded(part.get("base64")))
                for part in given
            ],
        )

    def chat(self, body: Json) -> Json:
        """Do something in a Telegram chat as `POST /phone/telegram` says; raises `BadAction`."""
        try:
            action = build(self.telegram, body)
        except (KeyError, TypeError, ValueError) as error:
            raise BadAction(f"malformed: {error}") from None
        entry = self.world.history.add(
            "telegram",
            str(body["chat_id"]),
            "in",
            status="sending",
            message_id=action.message_id,
            **action.shown,
        )
        update_id = int(body.get("update_id") or self.telegram.number())
        answer = self.telegram.deliver(
            {"update_id": update_id, **action.update},
            entry,
            poll=_true(body.get("poll", False)),
            retry=_true(body.get("retry", True)),
        )
        return {
            "update_id": update_id,
            "message_id": action.message_id,
            "status": answer.status,
            "answer": answer.body,
        }

    def messenger(self, body: Json, host: str) -> Json:
        """Do something in Messenger as `POST /phone/messenger` says; raises `BadAction`."""
        if body.get("verify") is not None:
            return _answered(self.graph.verify())
        try:
            action = graph_events.build(self.graph, body, host)
        except (KeyError, TypeError) as error:
            raise BadAction(f"malformed: {error}") from None
        entry = self.world.history.add(
            "messenger", str(body["psid"]), "in", status="sending", sid=action.identity,
            **action.shown,
        )  # fmt: skip
        answer = self.graph.deliver(action.entry, entry, retry=_true(body.get("retry", True)))
        return {"mid": action.identity, **_answered(answer)}


def blueprint(world: World, phones: Phones) -> Blueprint:
    """`POST /phone/<sms|telegram|messenger|mail>`, `GET /phone/messages`, `GET /phone/file/…`."""
    routes = Blueprint("phones", __name__, url_prefix="/phone")

    @routes.errorhandler(BadAction)
    def wrong(error: BadAction) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 400

    @routes.post("/sms")
    def sms() -> Response:
        return jsonify(phones.sms(params_of(request), request.host_url))

    @routes.post("/telegram")
    def chat() -> Response:
        return jsonify(phones.chat(params_of(request)))

    @routes.post("/messenger")
    def messenger() -> Response:
        return jsonify(phones.messenger(params_of(request), request.host_url))

    @routes.post("/mail")
    def mail() -> Response:
        return jsonify(phones.post.send(params_of(request)))

    @routes.post("/gateway")
    def through_gateway() -> Response:
        return jsonify(gateway.person(world, params_of(request)))

    @routes.get("/messages")
    def messages() -> Response:
        whose = [(name, value) for name, value in request.args.items() if name in KEYS and value]
        key, address = whose[0] if whose else ("", "")
        since = request.args.get("since", 0, type=int)
        return jsonify(world.history.list(KEYS.get(key, ""), address, since))

    @routes.get("/file/<file_id>")
    def file(file_id: str) -> Response:
        found = phones.telegram.files.get(file_id)
        if found is None:
            return Response("Not found\n", 404, mimetype="text/plain")
        return Response(found.content, mimetype=found.content_type)

    return routes


def _reason(answer: Answer) -> str | None:
    return None if answer.ok else f"Hariu's endpoint answered {answer.status or answer.body}"


def _answered(answer: Answer) -> Json:
    return {"status": answer.status, "answer": answer.body}


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "1")
