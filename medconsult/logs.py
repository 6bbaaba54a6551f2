"""Log lines: an event, its keys, the request's id. Never a resource's content or a query's values."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

from medconsult.settings import Settings

FLUSH_EVERY_S = 0.2
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logs(settings: Settings) -> None:
    """Set up structlog, and what uvicorn and others log through the standard library."""
    level = LEVELS[settings.log_level]
    _requests.direct = settings.log_format == "json"
    _requests.wanted = level <= LEVELS["info"]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where_it_broke,
            _renderer(settings.log_format),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_ToStructlog()], force=True)


def request_line(event: dict[str, Any]) -> None:
    """Log a request: the one line written thousands of times a second.

    In JSON it skips structlog's processors, and lines are written together a few times a second.
    """
    if not _requests.direct:
        structlog.get_logger("medconsult.requests").info(**event)
    elif _requests.wanted:
        moment = datetime.now(UTC).isoformat()
        _requests.write(msgspec.json.encode({**event, "level": "info", "timestamp": moment}))


@dataclass(slots=True)
class _Requests:
    direct: bool = False
    wanted: bool = True
    lines: list[bytes] = field(default_factory=list)

    def write(self, line: bytes) -> None:
        if not self.lines:
            asyncio.get_running_loop().call_later(FLUSH_EVERY_S, self.flush)
        self.lines.append(line)

    def flush(self) -> None:
        written, self.lines = b"\n".join(self.lines) + b"\n", []
        sys.stderr.buffer.write(written)
        sys.stderr.buffer.flush()


_requests = _Requests()


def _renderer(log_format: str) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer(serializer=_as_json)
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return lambda *call: console(*call).encode("utf-8", "replace")


def _as_json(event: dict[str, Any], **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def _where_it_broke(_: Any, __: str, event: EventDict) -> EventDict:
    """Give an exception's type and place; its message may quote what somebody sent."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["at"] = _places(error)
    return event


def _places(error: BaseException) -> list[str]:
    """Return file:line:function of the innermost calls, the place of the error last."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno}:{code.co_name}")
        trace = trace.tb_next
    return places[-12:]


class _ToStructlog(logging.Handler):
    """Hands a standard log record on; the message only when it is a constant of the code."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        event = str(record.msg) if record.args else record.getMessage()
        log.log(record.levelno, event, logger=record.name, exc_info=record.exc_info)
