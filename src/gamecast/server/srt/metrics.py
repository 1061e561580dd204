"""Prometheus metrics of SRT publishers: libsrt's statistics, read when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gamecast.server.srt.session import LinkReport

_PREFIX = "gamecast_srt_"
_PRESENT = ("ms_", "mbps_", "pkt_flight_size")
"""How the names of values begin that go up and down; the others are totals."""


class SrtCollector(Collector):
    """One value per stream that is published over SRT; viewers' are in the API."""

    def __init__(self, links: Callable[[], list[LinkReport]]) -> None:
        self._links = links

    def collect(self) -> Iterator[Metric]:
        """Called by the registry on each scrape."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for link in self._links():
            if link.role != "publisher" or not link.channel:
                continue
            for name, value in asdict(link.statistics).items():
                family = families.get(name)
                if family is None:
                    family = families[name] = _family(name)
                family.add_metric([link.channel], value)
        yield from families.values()


def _family(name: str) -> GaugeMetricFamily | CounterMetricFamily:
    first, *rest = name.split("_")
    libsrt = first + "".join(word.capitalize() for word in rest)
    kind = GaugeMetricFamily if name.startswith(_PRESENT) else CounterMetricFamily
    return kind(_PREFIX + name, f"libsrt's {libsrt} of the publisher.", labels=["stream"])
