"""Every setting, declared once; nothing else in Hariu reads the environment.

Values come from ``HARIU_…`` variables, then from ``HOME/keys.env`` (keys made by ``hariu up``).
``python -m config`` prints the table that the README repeats.
"""

from __future__ import annotations

import hmac
import os
import re
from functools import cache
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.errors import HariuError

Network = IPv4Network | IPv6Network

KEYS_FILE = "keys.env"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# A channel is configured by all of its required settings, or by none.
CHANNEL_SETTINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "telegram": (("telegram_token",), ("telegram_secret", "telegram_api")),
    "messenger": (
        ("messenger_app_secret", "messenger_verify_token", "messenger_page_token"),
        ("messenger_api",),
    ),
    "sms": (("twilio_account_sid", "twilio_auth_token", "twilio_from"), ("twilio_api",)),
    "mail": (("imap_url", "smtp_url", "mail_address"), ()),
}

# Who is told of errors and durations: setting -> (module, extra that brings it).
OBSERVERS = {
    "sentry_dsn": ("sentry_sdk", "sentry"),
    "otlp_endpoint": ("opentelemetry.exporter.otlp.proto.http", "otel"),
}


class SettingsError(HariuError):
    """Settings that are missing, malformed or only half there; the message lists all of them."""

    code = "settings"


class Settings(BaseSettings):
    """All settings of one process. Secrets never show in ``repr``."""

    model_config = SettingsConfigDict(env_prefix="HARIU_", extra="ignore", env_ignore_empty=True)

    home: Annotated[Path, Field(description="Folder of this instance: database, keys, files")] = (
        Path("instance")
    )
    database_url: Annotated[
        str, Field(description="SQLAlchemy URL; default: SQLite file in HOME")
    ] = ""
    redis_url: Annotated[
        str, Field(description="Redis URL; default: a server of its own, embedded")
    ] = ""
    profile: Annotated[
        str, Field(description="Name of a shipped profile, or path of a TOML file")
    ] = "smart-government-2"
    public_url: Annotated[
        str, Field(description="Address citizens and providers use; default http://127.0.0.1:PORT")
    ] = ""
    secret_key: Annotated[
        SecretStr, Field(description="Signs sessions, links and the trail; made at first start")
    ] = SecretStr("")
    data_key: Annotated[
        SecretStr,
        Field(description="Encrypts personal data: `id:base64`, newest first, comma separated"),
    ] = SecretStr("")
    port: Annotated[int, Field(description="Port of the public app", ge=1, le=65535)] = 8000
    desk_port: Annotated[int, Field(description="Port of the desk", ge=1, le=65535)] = 8001
    sandbox_port: Annotated[int, Field(description="Port of the sandbox", ge=1, le=65535)] = 8002
    sandbox: Annotated[
        Literal["auto", "off"],
        Field(description="auto: simulated phones while PUBLIC_URL is on loopback; off: never"),
    ] = "auto"
    bind: Annotated[str, Field(description="Address the servers listen on")] = "127.0.0.1"
    trusted_proxies: Annotated[
        str,
        Field(description="Proxies on other hosts whose X-Forwarded-For counts: networks, comma"),
    ] = ""
    hook_networks: Annotated[
        str, Field(description="Internal networks that webhooks may call: networks, comma")
    ] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level logged")
    ] = "info"
    metrics_token: Annotated[
        SecretStr, Field(description="Bearer token of the desk's /metrics; made at first start")
    ] = SecretStr("")
    sentry_dsn: Annotated[
        SecretStr, Field(description="Sentry: where errors are told, https://key@host/number")
    ] = SecretStr("")
    otlp_endpoint: Annotated[
        SecretStr, Field(description="OpenTelemetry: collector, https://[user:password@]host:4318")
    ] = SecretStr("")
    trace_share: Annotated[
        float, Field(description="Share of steps that OpenTelemetry hears of, 0 to 1", ge=0, le=1)
    ] = 0.02
    burst_seconds: Annotated[
        float, Field(description="Messages within this window join one grievance", ge=0, le=300)
    ] = 20.0
    provider_timeout: Annotated[
        float, Field(description="Seconds to wait for a provider's answer", gt=0, le=60)
    ] = 10.0

    telegram_token: Annotated[SecretStr, Field(description="Telegram: bot token")] = SecretStr("")
    telegram_secret: Annotated[
        SecretStr, Field(description="Telegram: webhook secret; derived from the token if not set")
    ] = SecretStr("")
    telegram_api: Annotated[str, Field(description="Telegram: base URL of the Bot API")] = ""
    messenger_app_secret: Annotated[SecretStr, Field(description="Messenger: app secret")] = (
        SecretStr("")
    )
    messenger_verify_token: Annotated[SecretStr, Field(description="Messenger: verify token")] = (
        SecretStr("")
    )
    messenger_page_token: Annotated[SecretStr, Field(description="Messenger: page token")] = (
        SecretStr("")
    )
    messenger_api: Annotated[str, Field(description="Messenger: base URL of the Graph API")] = ""
    twilio_account_sid: Annotated[str, Field(description="Twilio: account SID")] = ""
    twilio_auth_token: Annotated[SecretStr, Field(description="Twilio: auth token")] = SecretStr("")
    twilio_from: Annotated[
        str, Field(description="Twilio: sender number (+…) or messaging service SID (MG…)")
    ] = ""
    twilio_api: Annotated[str, Field(description="Twilio: base URL of the REST API")] = ""
    imap_url: Annotated[
        SecretStr, Field(description="E-mail in: imaps://user:password@host/INBOX")
    ] = SecretStr("")
    smtp_url: Annotated[
        SecretStr, Field(description="E-mail out: smtps://user:password@host, smtp+starttls://…")
    ] = SecretStr("")
    mail_address: Annotated[str, Field(description="E-mail: our own address")] = ""
    gateways: Annotated[
        dict[str, dict[str, SecretStr]],
        NoDecode,
        Field(description="SMS gateways: every GATEWAY_<NAME>_<KEY>, see the profile"),
    ] = {}

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        """Fill what follows from other settings, and name every half-configured channel."""
        self.home = self.home.expanduser().absolute()
        self.database_url = self.database_url or f"sqlite:///{self.home / 'hariu.db'}"
        if self.database_url.startswith(("postgresql://", "postgres://")):
            rest = self.database_url.split("://", 1)[1]
            self.database_url = f"postgresql+psycopg://{rest}"
        self.public_url = (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")
        problems = [problem for channel in CHANNEL_SETTINGS for problem in self._half(channel)]
        problems += [problem for name in OBSERVERS if (problem := self._unheard(name))]
        for name, given in (
            ("TRUSTED_PROXIES", self.trusted_proxies), ("HOOK_NETWORKS", self.hook_networks),
        ):  # fmt: skip
            try:
                _networks(given)
            except ValueError:
                problems.append(f"HARIU_{name} holds something that is no network")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _half(self, channel: str) -> list[str]:
        required, optional = CHANNEL_SETTINGS[channel]
        missing = [name for name in required if not self._is_set(name)]
        present = [name for name in required + optional if self._is_set(name)]
        if not (missing and present):
            return []
        names = ", ".join(f"HARIU_{name.upper()}" for name in missing)
        return [f"channel {channel} is only half configured: set {names} as well"]

    def _unheard(self, name: str) -> str:
        """What keeps an observer from being told, or nothing."""
        given = getattr(self, name).get_secret_value()
        module, extra = OBSERVERS[name]
        if given and not _installed(module):
            return f"HARIU_{name.upper()} needs the extra hariu[{extra}]: see guides/monitoring.md"
        if given and not _is_address(given, keyed=name == "sentry_dsn"):
            return f"HARIU_{name.upper()} is no address"
        return ""

    def _is_set(self, name: str) -> bool:
        value = getattr(self, name)
        return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)

    def configured(self, channel: str) -> bool:
        """Whether ``channel`` (a key of `CHANNEL_SETTINGS`) has all it needs."""
        return all(self._is_set(name) for name in CHANNEL_SETTINGS[channel][0])

    @property
    def telegram_webhook_secret(self) -> str:
        """What Telegram repeats in ``X-Telegram-Bot-Api-Secret-Token`` (64 hex digits)."""
        given = self.telegram_secret.get_secret_value()
        token = self.telegram_token.get_secret_value()
        return given or hmac.new(token.encode(), b"telegram webhook", "sha256").hexdigest()

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of proxies; one on this very host is always believed."""
        return (*_networks("127.0.0.0/8, ::1"), *_networks(self.trusted_proxies))

    @property
    def hook_nets(self) -> tuple[Network, ...]:
        """The internal networks that webhooks may call."""
        return _networks(self.hook_networks)

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine can reach the public app."""
        return urlsplit(self.public_url).hostname in LOOPBACK

    @property
    def sandbox_on(self) -> bool:
        """Whether the simulated phones run: never where the world can reach us."""
        return self.sandbox == "auto" and self.on_loopback


def _networks(given: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in given.split(",") if part.strip())


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


def _is_address(url: str, *, keyed: bool) -> bool:
    """Whether ``url`` can be called; a DSN holds a key, and ends with the project's number."""
    parts = urlsplit(url)
    dsn = bool(parts.username) and parts.path.rpartition("/")[2].isdecimal()
    return parts.scheme in ("http", "https") and bool(parts.hostname) and (dsn or not keyed)


def _gateways() -> dict[str, dict[str, str]]:
    """``HARIU_GATEWAY_<NAME>_<KEY>`` grouped by gateway, both in lower case."""
    found: dict[str, dict[str, str]] = {}
    for variable, value in os.environ.items():
        if match := re.fullmatch(r"HARIU_GATEWAY_([A-Z0-9]+)_([A-Z_]+)", variable):
            found.setdefault(match[1].lower(), {})[match[2].lower()] = value
    return found


@cache
def settings() -> Settings:
    """The settings of this process, read once; raises `SettingsError` naming every problem."""
    home = Path(os.environ.get("HARIU_HOME") or "instance").expanduser()
    given: dict[str, Any] = {"gateways": _gateways(), "_env_file": home / KEYS_FILE}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """All problems in one sentence, without the values (they may be secrets)."""
    parts = []
    for problem in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in problem["loc"]).upper()
        message = problem["msg"].removeprefix("Value error, ")
        parts.append(f"HARIU_{name}: {message}" if name else message)
    return "; ".join(parts)


def table() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for the README and ``python -m config``."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if isinstance(default, SecretStr | dict) else str(default)
        variable = "HARIU_GATEWAY_<NAME>_<KEY>" if name == "gateways" else f"HARIU_{name.upper()}"
        rows.append((variable, shown, field.description or ""))
    return rows
