"""What the store tells Prometheus, read from the engine when asked."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from store.engine import Engine


class StoreCollector(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that one process may hold several stores."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        engine, counts = self._engine, self._engine.counts
        yield _gauge("revision", "The newest revision.", engine.revision)
        yield _gauge("compacted_revision", "The oldest revision that can be read.", max(engine.keys.compacted, 0))
        yield _gauge("keys", "Keys in memory, those deleted since the last compaction included.", len(engine.keys))
        yield _gauge("watchers", "Watches on keys.", len(engine.hub))
        yield _gauge("leases", "Leases that have not ended.", len(list(engine.leases)))
        yield _gauge("writable", "0 while the disk refuses.", int(not engine.refusal))
        yield CounterMetricFamily("podling_store_writes", "Requests committed.", counts.writes)
        yield CounterMetricFamily("podling_store_commits", "Commits that they shared.", counts.commits)
        yield CounterMetricFamily("podling_store_commit_seconds", "Time in commits.", counts.commit_seconds)
        yield CounterMetricFamily("podling_store_refusals", "Requests that the disk refused.", counts.refusals)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"podling_store_{name}", text, value)
