"""Viewers of every protocol against a whole server, and what they say of it."""

from __future__ import annotations

import pytest

from gamecast.bench import watch as watch_module
from gamecast.bench.errors import BenchError
from gamecast.bench.figures import Figures
from gamecast.bench.watch import WatchSettings, protocol_of, watch, watch_steps
from gamecast.bench.watched import Watched
from tests.support.gamecast import GamecastServer


def url_of(server: GamecastServer, name: str, protocol: Watched) -> str:
    """Where a protocol's viewers go."""
    if protocol is Watched.WHEP:
        return f"{server.http}/live/{name}/whep"
    if protocol in (Watched.HLS, Watched.LL_HLS):
        return server.play_url("hls", name)
    return server.play_url(protocol.value, name)


@pytest.mark.parametrize(
    "protocol", [Watched.FLV, Watched.TS, Watched.MP4, Watched.RTMP, Watched.WHEP, Watched.SRT]
)
def test_every_frame_arrives(server: GamecastServer, on_air: str, protocol: Watched) -> None:
    assert server.process is not None
    settings = WatchSettings(
        viewers=4,
        protocol=protocol,
        sample=2,
        seconds=1.5,
        settle_seconds=0.5,
        calm=1.5,  # where its Opus becomes AAC first, that has to start
        patience=30,
        pids=(server.process.pid,),
    )
    result = watch([url_of(server, on_air, protocol)], settings)
    assert result.complete, result
    assert result.viewers == 4
    assert result.frames >= 2 * 30, "two viewers look at every frame"
    assert result.bits_per_second > 4 * 1.5e6
    assert 0 < result.delay[50] < 1.5
    for times in (result.connect, result.first_media, result.first_picture):
        assert 0 < times[50] <= times[95] < 5
    assert result.cpu is not None
    assert result.memory is not None
    assert result.memory > 2**24


@pytest.mark.parametrize("protocol", [Watched.LL_HLS, Watched.HLS])
def test_hls_parts_arrive_in_time(server: GamecastServer, on_air: str, protocol: Watched) -> None:
    settings = WatchSettings(viewers=4, protocol=protocol, sample=2, seconds=2.5, settle_seconds=1)
    result = watch([url_of(server, on_air, protocol)], settings)
    assert result.complete, result
    expected = 4 * 2.5 / (0.333 if protocol is Watched.LL_HLS else 2.0)
    assert result.parts >= expected * 0.5
    assert result.delay[50] < (1.5 if protocol is Watched.LL_HLS else 6)


def test_a_crowd_grows_in_steps(server: GamecastServer, on_air: str) -> None:
    settings = WatchSettings(viewers=6, seconds=1, settle_seconds=0.3)
    steps = watch_steps([url_of(server, on_air, Watched.WHEP)], settings, [2, 6])
    assert [step.viewers for step in steps] == [2, 6]


def test_a_small_crowd_is_looked_at_as_a_whole_and_a_sample_of_a_large_one(
    server: GamecastServer, on_air: str
) -> None:
    settings = WatchSettings(
        sample=1, whole=4, seconds=1, settle_seconds=0.3, calm=0.5, patience=30
    )  # for its Opus becomes AAC first
    whole, sample = watch_steps([url_of(server, on_air, Watched.FLV)], settings, [4, 8])
    assert whole.complete
    assert sample.complete
    assert 0 < sample.frames <= whole.frames / 3, "one viewer is looked at, after four"


class _Late:
    """A crowd whose pictures come late at first; a look at them takes no time."""

    failed = 0

    def __init__(self, delays: list[float]) -> None:
        self.figures = [Figures(scans=True, asked_at=0.0)]
        self._delays = iter(delays)
        self.looks = 0

    def grow(self, to: int, *, sample: int) -> None:
        """They are here."""

    def run(self, until: float) -> None:
        """One picture."""
        self.looks += 1
        self.figures[0].delays.append(next(self._delays))

    def close(self) -> None:
        """They go."""


@pytest.mark.parametrize(("calm", "looks"), [(0.0, 1), (0.05, 4)])
def test_what_newcomers_cost_is_worked_off_before_the_measurement(
    monkeypatch: pytest.MonkeyPatch, calm: float, looks: int
) -> None:
    crowd = _Late([0.9, 0.3, 0.1, 0.04, 0.01])
    monkeypatch.setattr(watch_module, "make_crowd", lambda *_: crowd)
    settings = WatchSettings(calm=calm, seconds=0, settle_seconds=0)
    (result,) = watch_steps(["http://h/live/a.flv"], settings, [1])
    assert crowd.looks == looks
    assert result.frames == 0


def test_a_stream_that_is_not_there_is_an_error(server: GamecastServer) -> None:
    with pytest.raises(BenchError, match="404"):
        watch([url_of(server, "nobody", Watched.WHEP)], WatchSettings(seconds=1))


def test_a_url_tells_its_protocol() -> None:
    assert protocol_of("http://h/live/a.flv?token=x") is Watched.FLV
    assert protocol_of("http://h/live/a/whep") is Watched.WHEP
    assert protocol_of("http://h/live/a/index.m3u8") is Watched.LL_HLS
    assert protocol_of("srt://h:1?streamid=x") is Watched.SRT
    assert protocol_of("rtmps://h/live/a") is Watched.RTMP
    assert protocol_of("https://h/live/a/whep") is Watched.WHEP
    with pytest.raises(BenchError, match="--protocol"):
        protocol_of("http://h/")
