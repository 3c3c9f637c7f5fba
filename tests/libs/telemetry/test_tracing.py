import asyncio

import pytest

from libs.telemetry import TraceContext, current_trace, traceparent, tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"


def test_parses_and_prints():
    assert TraceContext.parse(HEADER) == TraceContext(TRACE, SPAN, sampled=True)
    assert str(TraceContext.parse(HEADER)) == HEADER
    assert str(TraceContext.parse(f"00-{TRACE}-{SPAN}-00")).endswith("-00")
    assert TraceContext.parse(f"01-{TRACE}-{SPAN}-03-what-comes") == TraceContext(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        HEADER.upper(),
        HEADER + "-more",
        HEADER + "\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"01-{TRACE}-{SPAN}-01what",
    ],
)
def test_malformed_headers_start_a_new_trace(header):
    assert TraceContext.parse(header) is None
    with tracing(header) as context:
        assert context.trace_id != TRACE
        assert TraceContext.parse(str(context)) == context


def test_the_trace_goes_on_and_ends():
    with tracing(HEADER) as context:
        assert context.trace_id == TRACE
        assert context.span_id != SPAN
        assert traceparent() == str(context)
        with tracing() as inner:
            assert current_trace.get() is inner
        assert current_trace.get() is context
    assert current_trace.get() is None
    assert TraceContext.parse(traceparent())


async def test_concurrent_requests_keep_their_own():
    async def one() -> tuple[str, str]:
        with tracing() as context:
            await asyncio.sleep(0)
            return context.trace_id, traceparent()

    results = await asyncio.gather(*(one() for _ in range(20)))
    assert len({trace_id for trace_id, _ in results}) == 20
    assert all(trace_id in header for trace_id, header in results)
