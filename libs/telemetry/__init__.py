"""Logs, traces, metrics and health of every process."""

from libs.telemetry.health import Check, health_routes
from libs.telemetry.logs import configure_logging, get_logger
from libs.telemetry.masking import mask, mask_error
from libs.telemetry.metrics import Metrics, metrics_route
from libs.telemetry.middleware import MAX_BODY_BYTES, TelemetryMiddleware
from libs.telemetry.request import current_request, name_operation
from libs.telemetry.tracing import TraceContext, correlation_id, current_trace, traceparent, tracing

__all__ = [
    "MAX_BODY_BYTES",
    "Check",
    "Metrics",
    "TelemetryMiddleware",
    "TraceContext",
    "configure_logging",
    "correlation_id",
    "current_request",
    "current_trace",
    "get_logger",
    "health_routes",
    "mask",
    "mask_error",
    "metrics_route",
    "name_operation",
    "traceparent",
    "tracing",
]
