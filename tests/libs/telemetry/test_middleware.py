import asyncio
import logging
from uuid import UUID

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from structlog.testing import LogCapture

from libs.telemetry import Metrics, TelemetryMiddleware, correlation_id, name_operation, traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def echo(request):
    name_operation("Echo")
    body = await request.body()
    return PlainTextResponse(f"{len(body)} {traceparent()} {correlation_id()}")


async def stubborn(request):
    """Catches everything, as some libraries' views do."""
    try:
        await request.body()
    except Exception as error:  # noqa: BLE001
        return PlainTextResponse(f"caught {type(error).__name__}", 400)
    return PlainTextResponse("read")


async def boom(request):
    raise RuntimeError("SELECT secret FROM students; host db.internal")


async def late_boom(request):
    async def parts():
        yield b"first"
        raise RuntimeError("late")

    return StreamingResponse(parts())


async def framed(request):
    return PlainTextResponse("ok", headers={"content-security-policy": "default-src 'none'"})


async def socket(websocket):
    await websocket.accept()
    await websocket.send_text(traceparent())
    await websocket.close()


@pytest.fixture
def metrics():
    return Metrics("academic")


@pytest.fixture
def app(metrics):
    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/files/echo", echo, methods=["PUT"]),
        Route("/stubborn", stubborn, methods=["POST"]),
        Route("/boom", boom),
        Route("/late", late_boom),
        Route("/framed", framed),
        WebSocketRoute("/socket", socket),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(TelemetryMiddleware, metrics=metrics, max_body=1_000, max_file=2_000)]
    )


@pytest.fixture
async def client(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
def lines():
    capture = LogCapture()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    yield capture.entries
    structlog.reset_defaults()


async def test_ids_go_in_and_out(client):
    given = {"x-request-id": "client-4711", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    answer = await client.get("/echo", headers=given)
    _, trace, correlation = answer.text.split()
    assert answer.headers["x-request-id"] == "client-4711"
    assert correlation == TRACE
    assert trace.split("-")[1] == TRACE


@pytest.mark.parametrize("given", ["short", "x" * 65, "a b c d e f g", "inject\u00e9-1234", "<script>alert"])
async def test_odd_request_ids_are_replaced(client, given):
    answer = await client.get("/echo", headers={"x-request-id": given.encode()})
    assert UUID(answer.headers["x-request-id"]).version == 7


async def test_files_may_be_larger_than_other_bodies(client):
    assert [(await client.put("/files/echo", content=b"x" * size)).status_code for size in (2_000, 2_001)] == [200, 413]
    assert [(await client.post("/echo", content=b"x" * size)).status_code for size in (1_000, 1_001)] == [200, 413]


async def test_security_headers_are_added_and_not_overwritten(client):
    answer = await client.get("/echo")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-xss-protection"] == "1; mode=block"
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert (await client.get("/framed")).headers.get_list("content-security-policy") == ["default-src 'none'"]


async def test_what_nobody_caught_tells_only_a_correlation_id(client, lines, metrics):
    answer = await client.get("/boom", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert answer.status_code == 500
    assert answer.json() == {
        "errors": [
            {
                "message": "Something went wrong on our side.",
                "extensions": {"code": "INTERNAL", "correlationId": TRACE},
            }
        ]
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [line["event"] for line in lines] == ["unhandled", "request"]
    labels = {"service": "academic", "method": "GET", "status": "500"}
    assert metrics.registry.get_sample_value("http_requests_total", labels) == 1


async def test_an_answer_that_has_begun_is_cut_off(client, lines):
    with pytest.raises(RuntimeError, match="late"):
        await client.get("/late")
    assert [line["event"] for line in lines] == ["unhandled", "request"]


@pytest.mark.parametrize("path", ["/echo", "/stubborn"])
async def test_large_bodies_are_refused(client, path):
    async def parts():  # no content-length: the limit is found while reading
        for _ in range(11):
            yield b"x" * 100

    for content in (b"x" * 1_001, parts()):
        answer = await client.post(path, content=content)
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"
        assert answer.headers["connection"] == "close"
    assert (await client.post(path, content=b"x" * 1_000)).status_code == 200


async def test_the_access_line_has_no_query(client, lines, metrics):
    await client.get("/echo?token=hidden")
    [line] = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request", "log_level": "info", "method": "GET", "path": "/echo", "status": 200, "operation": "Echo",
    }  # fmt: skip
    labels = {"service": "academic", "operation": "Echo"}
    assert metrics.registry.get_sample_value("http_request_duration_seconds_count", labels) == 1


async def test_a_request_the_client_left_is_recorded(app, lines):
    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/echo", "headers": [], "query_string": b""}
    task = asyncio.create_task(app(scope, receive, send))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [line["status"] for line in lines] == [499]


async def test_sockets_are_served_and_recorded(app, metrics):
    headers = [(b"traceparent", f"00-{TRACE}-{'1' * 16}-01".encode())]
    scope = {"type": "websocket", "path": "/socket", "headers": headers, "query_string": b"", "subprotocols": []}
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert sent[1]["text"].split("-")[1] == TRACE
    labels = {"service": "academic", "method": "WEBSOCKET", "status": "101"}
    assert metrics.registry.get_sample_value("http_requests_total", labels) == 1
