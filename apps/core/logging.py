"""structlog for everything: JSON in production, readable lines in development."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# Values that must never reach a sink, whatever field they stand in.
_SECRET = re.compile(
    r"(sk-[A-Za-z0-9_-]{8,}|pk-[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|Bearer\s+\S+)"
)
_SECRET_FIELD = re.compile(
    r"(?:.*[_-])?(?:password|secret|token|access|refresh|authorization|api[_-]?key|ticket|cookie)", re.IGNORECASE
)

# Libraries that tell of every request with its address, or at DEBUG of headers and of what a page was made of.
QUIET = ("asyncio", "mcp", "httpx", "httpx2", "httpcore", "httpcore2", "PIL", "botocore", "urllib3", "django.template")

Event = MutableMapping[str, Any]


def redact(_logger: object, _name: str, event: Event) -> Event:
    """Mask secret fields by name and secret-looking values by pattern, at any depth."""
    for field, value in event.items():
        event[field] = _redacted(field, value)
    return event


def _redacted(field: object, value: Any) -> Any:
    if isinstance(field, str) and _SECRET_FIELD.fullmatch(field):
        return "***"
    if isinstance(value, str):
        return _SECRET.sub("***", value)
    if isinstance(value, dict):
        return {name: _redacted(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", inner) for inner in value]
    return value


def _rename(_logger: object, _name: str, event: Event) -> Event:
    event["msg"] = event.pop("event", "")
    event["module"] = event.pop("logger", "")
    return event


def configure(*, fmt: str, level: str) -> None:
    """Route structlog and the standard library through one chain of processors."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,  # before the masking, which must see tracebacks too
        redact,
    ]
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if fmt == "json":
        final += [_rename, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        final += [structlog.dev.ConsoleRenderer(timestamp_key="ts", colors=False)]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_stdlib_config(shared, final, level))


def _stdlib_config(shared: list[Any], final: list[Any], level: str) -> dict[str, Any]:
    quiet = {name: {"level": "WARNING"} for name in QUIET}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "chain": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": final,
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "chain"}},
        "root": {"handlers": ["out"], "level": level},
        "loggers": quiet
        | {
            "django.server": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "celery": {"level": "WARNING"},
        },
    }
