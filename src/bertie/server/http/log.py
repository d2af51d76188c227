"""The log: a line for each request, never with its texts."""

import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from bertie.server.http.access_record import AccessRecord

LOGGER = logging.getLogger("bertie.server")


def set_up(format: str) -> None:
    """Send what the server logs to standard error.

    Args:
        format: "json" for an object a line, "text" for people, "none" for errors of the server's
            own alone.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Text() if format == "text" else _Json())
    for name in ("bertie.server", "uvicorn", "grpc"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    LOGGER.setLevel(logging.ERROR if format == "none" else logging.INFO)


def log_request(record: AccessRecord) -> None:
    """Log a request, in fields whose names don't change: people search for them."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {
        "request": record.id,
        "api": record.api,
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "ms": round(record.seconds * 1000, 2),
    }
    if record.error is not None:
        fields["fault"] = record.error
    if record.model is not None:
        responses = record.responses
        fields |= {
            "model": record.model,
            "inputs": record.inputs,
            "tokens": sum(sum(one.tokens) for one in responses),
            "truncated": sum(sum(one.truncated) for one in responses),
            "queue_ms": round(sum(one.queue_s for one in responses) * 1000, 2),
            "inference_ms": round(sum(one.inference_s for one in responses) * 1000, 2),
        }
    LOGGER.info("request", extra={"fields": fields})


class _Json(logging.Formatter):
    """An object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {"time": at, "level": record.levelname.lower()}
        fields = getattr(record, "fields", None)
        entry["event"] = record.getMessage()
        if fields:
            entry |= fields
        if record.exc_info:
            entry["traceback"] = _without_texts(self.formatException(record.exc_info))
        return msgspec.json.encode(entry).decode()


class _Text(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = getattr(record, "fields", {})
        said = " ".join(f"{name}={value}" for name, value in fields.items())
        line = f"{at} {record.levelname.lower()} {record.getMessage()} {said}".rstrip()
        if record.exc_info:
            line += "\n" + _without_texts(self.formatException(record.exc_info))
        return line


def _without_texts(traceback: str) -> str:
    """Keep where an error came from, and its kind; its message may quote what was sent."""
    lines = traceback.splitlines()
    kept = [line for line in lines[:-1] if line.startswith((" ", "Traceback"))]
    return "\n".join([*kept, lines[-1].partition(":")[0]]) if lines else ""
