"""Prometheus metrics: read from the hub when asked, so that nothing is counted per packet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gamecast import __version__
from gamecast.relay.directory import Directory
from gamecast.relay.pace import Pace
from gamecast.relay.stream import Stream, StreamEvent


class Metrics(Collector):
    """A registry of its own: importing this library changes nothing global."""

    def __init__(
        self,
        directory: Directory,
        *,
        pace: Pace,
        load: Callable[[], float],
        connections: dict[str, Callable[[], int]],
        more: Sequence[Collector] = (),
    ) -> None:
        """``connections`` gives the number of open connections of each listener.

        ``more``: metrics of single protocols.
        """
        self._directory = directory
        self._pace = pace
        self._load = load
        self._connections = connections
        self._events = dict.fromkeys(StreamEvent, 0)
        directory.listen(self._happened)
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        for collector in (self, *more):
            self._registry.register(collector)

    def render(self) -> tuple[bytes, str]:
        """The text format and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Metric]:
        """Called by the registry on each scrape."""
        yield InfoMetricFamily("gamecast_build", "The running version.", {"version": __version__})
        yield GaugeMetricFamily(
            "gamecast_loop_load_ratio", "Share of one core the event loop used.", self._load()
        )
        yield GaugeMetricFamily(
            "gamecast_flush_interval_seconds",
            "How long flushes to TCP viewers are gathered now.",
            self._pace.interval,
        )
        connections = GaugeMetricFamily(
            "gamecast_connections", "Open connections by listener.", labels=["listener"]
        )
        for name, count in self._connections.items():
            connections.add_metric([name], count())
        yield connections
        happened = CounterMetricFamily(
            "gamecast_stream_events", "What has happened to streams.", labels=["event"]
        )
        for event, number in self._events.items():
            happened.add_metric([event.value], number)
        yield happened
        yield from self._per_stream(list(self._directory))

    def _per_stream(self, streams: list[Stream]) -> Iterator[Metric]:
        yield GaugeMetricFamily("gamecast_streams", "Streams on air.", len(streams))
        viewers = GaugeMetricFamily(
            "gamecast_viewers", "Viewers by stream and protocol.", labels=["stream", "protocol"]
        )
        bitrate = GaugeMetricFamily(
            "gamecast_stream_bits_per_second", "Measured media bitrate.", labels=["stream", "kind"]
        )
        rate = GaugeMetricFamily(
            "gamecast_stream_frames_per_second", "Measured frame rate.", labels=["stream"]
        )
        interval = GaugeMetricFamily(
            "gamecast_stream_keyframe_interval_seconds", "As measured.", labels=["stream"]
        )
        for stream in streams:
            for protocol, number in stream.audience().items():
                if protocol != "total":
                    viewers.add_metric([stream.name, protocol], number)
            for track in stream.main_tracks:
                meter = stream.meters[track.id]
                bitrate.add_metric([stream.name, track.kind.value], meter.bitrate)
                if track.kind.value == "video":
                    rate.add_metric([stream.name], meter.fps)
                    interval.add_metric([stream.name], meter.keyframe_interval)
        yield from (viewers, bitrate, rate, interval)

    def _happened(self, stream: Stream, event: StreamEvent) -> None:
        self._events[event] += 1
