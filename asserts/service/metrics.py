"""What is counted, for Prometheus. Each application has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["Metrics"]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))


class Metrics:
    """The counters of one application."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._requests = Counter(
            "shapeproof_requests", "Requests.", ["method", "route", "status"], registry=own
        )
        self._seconds = Histogram(
            "shapeproof_request_seconds",
            "Seconds by route.",
            ["route"],
            buckets=BUCKETS,
            registry=own,
        )
        self.open = Gauge("shapeproof_requests_open", "Requests being answered.", registry=own)
        self.problems = Counter(
            "shapeproof_problems", "Problems by kind.", ["kind"], registry=own
        )
        self.jobs = Counter(
            "shapeproof_jobs", "Jobs by how they ended.", ["verb", "end"], registry=own
        )
        self.workers = Gauge("shapeproof_workers", "Workers alive.", ["pool"], registry=own)
        self.waiting = Gauge(
            "shapeproof_waiting", "Requests that wait.", ["pool"], registry=own
        )
        self.restarts = Gauge(
            "shapeproof_worker_restarts", "Workers replaced.", ["pool"], registry=own
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that is over."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' format."""
        return generate_latest(self.registry)
