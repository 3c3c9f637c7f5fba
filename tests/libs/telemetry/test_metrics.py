import httpx
from starlette.applications import Starlette

from libs.telemetry import Metrics, metrics_route
from libs.telemetry.metrics import BoundedNames


def test_several_registries_live_beside_each_other():
    one, two = Metrics("academic"), Metrics("academic")
    one.count_request(method="POST", status=200, operation="Classes", seconds=0.02)
    labels = {"service": "academic", "method": "POST", "status": "200"}
    assert one.registry.get_sample_value("http_requests_total", labels) == 1
    assert two.registry.get_sample_value("http_requests_total", labels) is None


def test_names_that_clients_choose_are_bounded():
    metrics = Metrics("academic")
    for number in range(1_000):
        metrics.count_request(method=f"M{number}", status=200, operation=f"Op{number}", seconds=0.02)
        metrics.count_error(f"CODE_{number}")
    families = {family.name: family.samples for family in metrics.registry.collect()}
    assert len({sample.labels["method"] for sample in families["http_requests"]}) == 1
    operations = {sample.labels["operation"] for sample in families["http_request_duration_seconds"]}
    assert len(operations) == 201
    assert {"Op0", "other"} <= operations
    assert len({sample.labels["code"] for sample in families["graphql_errors"]}) == 101


def test_only_names_are_names():
    names = BoundedNames(2)
    assert [names(given) for given in ("A", None, "a b", "x" * 65, "_b", "C", "A")] == [
        "A", "other", "other", "other", "_b", "other", "A",
    ]  # fmt: skip


async def test_the_route_shows_every_metric():
    metrics = Metrics("academic")
    metrics.count_request(method="POST", status=200, operation=None, seconds=0.02)
    metrics.count_error("FORBIDDEN")
    metrics.outbox_lag_seconds.labels("academic").set(1.5)
    metrics.queue_messages_pending.labels("academic", "dead_letters").set(2)
    metrics.consumer_lag.labels("academic", "roster").set(3)
    metrics.database_connections_active.labels("academic").set(4)
    transport = httpx.ASGITransport(Starlette(routes=[metrics_route(metrics)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'http_requests_total{method="POST",service="academic",status="200"} 1.0',
        'http_request_duration_seconds_count{operation="other",service="academic"} 1.0',
        'graphql_errors_total{code="FORBIDDEN"} 1.0',
        'outbox_lag_seconds{service="academic"} 1.5',
        'queue_messages_pending{queue="dead_letters",service="academic"} 2.0',
        'consumer_lag{consumer="roster",service="academic"} 3.0',
        'database_connections_active{service="academic"} 4.0',
    ):
        assert line in answer.text.splitlines()
