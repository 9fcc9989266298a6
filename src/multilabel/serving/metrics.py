"""What Prometheus reads of a server."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        """All at 0."""
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.", "method", "path", "status")
        self.records = self._counter("records", "Records predicted.", "model")
        self.problems = self._counter("problems", "Records that could not be read.", "model")
        self.seconds = Histogram(
            "multilabel_request_seconds",
            "From the first byte to the answer.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.batch_records = Histogram(
            "multilabel_batch_records", "Records computed at once.", ["model"], buckets=RECORDS, registry=self.registry
        )
        self.waiting = Gauge("multilabel_waiting_records", "Records that wait.", ["model"], registry=self.registry)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request; `path` is one of the server's. Any word is a method, and a series for each would have no end."""
        self.requests.labels(method if method in METHODS else "other", path, status).inc()
        self.seconds.labels(path).observe(seconds)

    def page(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"multilabel_{name}", text, labels, registry=self.registry)
