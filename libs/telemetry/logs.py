"""Logs: JSON lines on stdout, from us and from every library, through one gate of masking."""

import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter

from libs.settings import Settings
from libs.telemetry.masking import mask_error, safe_fields
from libs.telemetry.request import current_request
from libs.telemetry.tracing import current_trace

_OURS = ("libs", "subgraphs", "deploy")
_MAX_FRAMES = 30

Event = MutableMapping[str, Any]
Processor = Callable[[Any, str, Event], Any]


def get_logger(name: str) -> BoundLogger:
    """The logger of a module: `log = get_logger(__name__)`, then `log.info("seat_taken", tenant_id=…, ms=…)`.

    Fields need a name of `SAFE_FIELDS`; the value of another name is removed from the line.
    """
    logger: BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(settings: Settings, process: str) -> None:
    """Sends all logging of this process to stdout. `process` names it in every line.

    Ours from `log_level` on, uvicorn's from info on, other libraries' warnings and worse: their debug lines hold
    statements and payloads. uvicorn must be started with `log_config=None`; its access log gives
    way to the middleware's.
    """
    gate: list[Processor] = [
        _add_context(process),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render_exception,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *gate, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=gate, processors=[ProcessorFormatter.remove_processors_meta, _keep_safe, _to_json]
        )
    )
    level = settings.log_level.upper()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.INFO)
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)
    sys.excepthook = _log_uncaught


def _add_context(process: str) -> Processor:
    def add(_logger: Any, _method: str, event: Event) -> Event:
        event["process"] = process
        if (trace := current_trace.get()) is not None:
            event["trace_id"] = trace.trace_id
        if (request := current_request.get()) is not None:
            event["request_id"] = request.id
        return event

    return add


def _render_exception(_logger: Any, _method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = [mask_error(one) for one in _chain(error)]
        frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
        event["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _keep_safe(_logger: Any, _method: str, event: Event) -> Event:
    return safe_fields(event)


def _to_json(_logger: Any, _method: str, event: Event) -> str:
    return orjson.dumps(event, default=str).decode()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    get_logger("libs.telemetry").critical("uncaught", exc_info=(kind, error, trace))
