"""What may leave for Sentry and for an OpenTelemetry collector: what broke where, and how long.

Both are extras, and off unless their setting is given. What leaves is built here from nothing: the
type and our code of an error, the module, function and line of its frames, the name of a step, its
duration and a few facts from `FACTS`. Never an error's message, a variable, an address, a body.
Nothing waits for either: they send from threads of their own and drop what does not fit.
"""

from __future__ import annotations

import atexit
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from traceback import walk_tb
from typing import Any, Literal

from config.errors import HariuError
from config.settings import settings

Step = Literal["request", "accept", "drain", "deliver", "tick"]
Note = Callable[..., None]

ROOMS = frozenset({"admin", "bot", "channels", "config", "store", "workflow"})
# The facts a span may hold, by the names that collectors know.
FACTS = {
    "channel": "hariu.channel",
    "count": "hariu.count",
    "error": "error.type",
    "method": "http.request.method",
    "outcome": "hariu.outcome",
    "part": "hariu.part",
    "route": "http.route",
    "status": "http.response.status_code",
}
FLUSH_SECONDS = 2.0
SEND_SECONDS = 5.0
QUIET_SECONDS = 60.0  # between two reports of the same error from the same line
MOST_FRAMES = 50
MOST_CAUSES = 5
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_WORD = re.compile(r"[\w.:/<>-]{1,100}", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{6}")  # references, private codes and phones are longer than codes


def plain(word: str) -> str:
    """``word`` where it can only be a word of a programme; else "other"."""
    return word if _WORD.fullmatch(word) and not _LONG_NUMBER.search(word) else "other"


# -- errors -------------------------------------------------------------------------------------


def facts_of(error: BaseException) -> list[dict[str, Any]]:
    """``error`` and what caused it, the cause first, as Sentry wants them.

    https://develop.sentry.dev/sdk/data-model/event-payloads/exception/
    """
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found and len(found) < MOST_CAUSES:
        found.append(each)
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return [_one(each) for each in reversed(found)]


def _one(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    facts: dict[str, Any] = {"type": kind.__name__, "module": kind.__module__}
    if isinstance(error, HariuError):
        facts["value"] = plain(error.code)
    if frames := [_frame(*each) for each in walk_tb(error.__traceback__)]:
        facts["stacktrace"] = {"frames": frames[-MOST_FRAMES:]}
    return facts


def _frame(frame: Any, line: int) -> dict[str, Any]:
    # Jinja names a template by its path.
    module = str(frame.f_globals.get("__name__", "")).rpartition("/")[2]
    ours = module.partition(".")[0] in ROOMS
    return {"module": module, "function": frame.f_code.co_name, "lineno": line, "in_app": ours}


class _Sentry:
    """A client of our own: nobody else in this process can send anything through it."""

    def __init__(self, dsn: str, process: str) -> None:
        import sentry_sdk

        self._facts = {
            "platform": "python", "level": "error", "release": f"hariu@{version('hariu')}",
            "tags": {"process": process},
        }  # fmt: skip
        self._told: dict[tuple[str, int], float] = {}
        self._client = sentry_sdk.Client(
            dsn, before_send=self._build, default_integrations=False, max_breadcrumbs=0,
            auto_enabling_integrations=False, auto_session_tracking=False, server_name="",
            send_client_reports=False, include_local_variables=False, environment="production",
            include_source_context=False, propagate_traces=False,
            enable_backpressure_handling=False, spotlight=False, debug=False,
        )  # fmt: skip

    def report(self, error: BaseException) -> None:
        if self._is_new(error):
            hint = {"exc_info": (type(error), error, error.__traceback__)}
            self._client.capture_event({}, hint)

    def _is_new(self, error: BaseException) -> bool:
        """An outage makes the same error a thousand times; its lines in the log are enough."""
        frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
        place = frames[-1] if frames else (type(error).__name__, 0)
        now = time.monotonic()
        if now - self._told.get(place, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._told[place] = now
        return True

    def _build(self, event: Any, hint: dict[str, Any]) -> Any:
        """The event from nothing but these facts, whatever the SDK has put into its own."""
        if "exc_info" not in hint:
            return None
        kept = {name: event[name] for name in ("event_id", "timestamp")}
        return kept | self._facts | {"exception": {"values": facts_of(hint["exc_info"][1])}}

    def close(self) -> None:
        self._client.close(FLUSH_SECONDS)


# -- traces -------------------------------------------------------------------------------------


class _Traces:
    """A provider of our own, not the global one: no instrumentation of a library sees it."""

    def __init__(self, endpoint: str, share: float, process: str) -> None:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON
        from opentelemetry.trace import get_current_span

        about = {"service.name": f"hariu-{process}", "service.version": version("hariu")}
        self._provider = TracerProvider(ALWAYS_ON, Resource(about), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(
            _traces_url(endpoint), timeout=SEND_SECONDS, compression=Compression.Gzip
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("hariu")
        self._share, self._current = share, get_current_span

    def wants(self) -> bool:
        """A share of all steps, and what happens inside of those."""
        mine = random.random() < self._share  # noqa: S311 - a sample, not a secret
        return mine or self._current().is_recording()

    @contextmanager
    def span(self, step: Step, facts: dict[str, str | int]) -> Iterator[Note]:
        with self._tracer.start_as_current_span(
            step, record_exception=False, set_status_on_exception=False
        ) as span:

            def note(**more: str | int) -> None:
                for name, value in more.items():
                    kept = value if isinstance(value, int) else plain(value)
                    span.set_attribute(FACTS[name], kept)

            note(**facts)
            try:
                yield note
            except BaseException as error:
                note(error=type(error).__name__)
                raise

    def close(self) -> None:
        self._provider.shutdown()


def _traces_url(endpoint: str) -> str:
    """https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp"""
    return endpoint if endpoint.endswith("/v1/traces") else f"{endpoint.rstrip('/')}/v1/traces"


# -- this process -------------------------------------------------------------------------------


class _Closer(threading.Thread):
    """Waits for the end from the beginning: at exit Python starts no more threads."""

    def __init__(self, close: Callable[[], None]) -> None:
        super().__init__(name="observe", daemon=True)
        self._close, self.asked = close, threading.Event()

    def run(self) -> None:
        self.asked.wait()
        self._close()


_sentry: _Sentry | None = None
_traces: _Traces | None = None
_closers: list[_Closer] = []
_NOTHING: AbstractContextManager[Note] = nullcontext(lambda **_: None)


def set_up(process: str) -> None:
    """Begin to tell those whom the settings name about ``process``; nothing without a setting."""
    global _sentry, _traces
    chosen = settings()
    close()
    if dsn := chosen.sentry_dsn.get_secret_value():
        _sentry = _Sentry(dsn, process)
    if endpoint := chosen.otlp_endpoint.get_secret_value():
        _traces = _Traces(endpoint, chosen.trace_share, process)
    _closers[:] = [_Closer(each.close) for each in (_sentry, _traces) if each]
    for closer in _closers:
        closer.start()


@atexit.register
def close() -> None:
    """Send what still waits, for at most `FLUSH_SECONDS`; from here on nothing is told."""
    global _sentry, _traces
    _sentry = _traces = None
    until = time.monotonic() + FLUSH_SECONDS
    for closer in _closers:
        closer.asked.set()
    for closer in _closers:
        closer.join(max(0.0, until - time.monotonic()))
    _closers.clear()


def report(error: BaseException) -> None:
    """Tell Sentry what broke and where; returns at once."""
    if _sentry:
        _sentry.report(error)


def span(step: Step, **facts: str | int) -> AbstractContextManager[Note]:
    """Measure a step where traces are on. ``note(count=3)`` inside adds facts of `FACTS`."""
    return _traces.span(step, facts) if _traces and _traces.wants() else _NOTHING


def traced(app: Any) -> Any:
    """A WSGI application with a span for each request, named by the route's rule, not its path."""
    if _traces is None:
        return app

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        with span("request", method=method if method in _METHODS else "other") as note:

            def start(status: str, *rest: Any) -> Any:
                note(status=int(status[:3]), route=_rule(environ))
                return start_response(status, *rest)

            return app(environ, start)  # type: ignore[no-any-return]

    return application


def _rule(environ: dict[str, Any]) -> str:
    """``/cases/<reference>``: what Flask matched, without the limits of its converters.

    Flask forgets the request once it is answered, so this is asked when the answer starts.
    """
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return re.sub(r"\(.*?\)", "", rule.rule) if rule else "none"
