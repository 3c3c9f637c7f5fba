import asyncio
import io
import json
import logging
import sys

import pytest
import structlog

from libs.settings import Settings
from libs.telemetry import configure_logging, get_logger, tracing
from libs.telemetry.masking import REMOVED
from libs.telemetry.request import RequestFacts, current_request

CANARIES = {
    "nik": "3307041503080001",
    "mail": "siti.aminah@sekolah.sch.id",
    "phone": "081234567890",
    "password": "Rahasia-123!",
    "jwt": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "token": "q7Xh2mZk0vTn5cRb8LwYp3sJd6Gf1aEu9oIxKzQtVyM",
}
MESSAGE = (
    "nik {nik}, mail {mail}, phone {phone}, password={password}, wrong password {password}, "
    "bearer {token}, Authorization: Bearer {jwt}, link /reset/{token}?t={jwt}"
).format(**CANARIES)


@pytest.fixture
def lines(monkeypatch):
    """Configures logging onto a buffer and gives what was written so far; puts everything back."""
    root = logging.getLogger()
    names = ["libs", "subgraphs", "deploy", "uvicorn", "uvicorn.error", "uvicorn.access"]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    configure_logging(Settings(log_level="debug"), "academic")
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:], root.level = handlers, level
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)
    structlog.reset_defaults()


def raise_with_canaries():
    try:
        {}[MESSAGE]
    except KeyError as error:
        raise RuntimeError(f"row failed: {MESSAGE}\nDETAIL: {MESSAGE}") from error


def test_a_line_says_who_when_and_where(lines):
    token = current_request.set(RequestFacts("request-1"))
    with tracing("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        get_logger("libs.example").info("seat_taken", tenant_id="t", ms=1.5)
    current_request.reset(token)
    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "seat_taken",
        "level": "info",
        "logger": "libs.example",
        "process": "academic",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "request_id": "request-1",
        "tenant_id": "t",
        "ms": 1.5,
    }


def test_no_canary_gets_out(lines):
    log = get_logger("libs.example")
    log.info(MESSAGE, **CANARIES)
    log.info("planted", reason=MESSAGE, error=[CANARIES, MESSAGE, RuntimeError(MESSAGE)])
    log.info("bound %s", MESSAGE)
    logging.getLogger("uvicorn.error").warning("library %s", MESSAGE, extra={"password": CANARIES["password"]})
    for logger in (log, logging.getLogger("nats")):
        try:
            raise_with_canaries()
        except RuntimeError:
            logger.exception("failed")
    text = json.dumps(lines())
    assert len(lines()) == 6
    for name, canary in CANARIES.items():
        assert canary not in text, name


def test_an_error_keeps_what_helps(lines):
    try:
        raise_with_canaries()
    except RuntimeError:
        get_logger("libs.example").exception("failed")
    [line] = lines()
    assert [one.split(":")[0] for one in line["exception"]] == ["RuntimeError", "KeyError"]
    assert line["stack"][-1].endswith(" raise_with_canaries")
    assert line["level"] == "error"


def test_unknown_names_lose_their_value(lines):
    get_logger("libs.example").info("planted", full_name="Siti", status=1)
    [line] = lines()
    assert (line["full_name"], line["status"]) == (REMOVED, 1)


def test_libraries_speak_from_warning_on_and_uvicorn_from_info(lines):
    logging.getLogger("sqlalchemy.engine").info("SELECT")
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("nats").warning("slow")
    get_logger("subgraphs.example").debug("ours")
    assert [line["event"] for line in lines()] == ["started", "slow", "ours"]


def test_what_nobody_caught_is_logged(lines, capsys):
    try:
        raise_with_canaries()
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    [line] = lines()
    assert (line["event"], line["level"]) == ("uncaught", "critical")
    assert capsys.readouterr().err == ""


async def test_the_loop_s_own_errors_pass_the_gate(lines):
    asyncio.get_running_loop().call_exception_handler({"message": MESSAGE, "exception": RuntimeError(MESSAGE)})
    text = json.dumps(lines())
    assert lines()[0]["logger"] == "asyncio"
    assert not [name for name, canary in CANARIES.items() if canary in text]
