"""Sound keeps its time: through codecs, rates, gaps, jitter and hours."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind
from gamecast.transcode.audio_line import AudioLine, SampleLine
from gamecast.transcode.recipes import AudioRecipe
from tests.transcode.scenes import START, Collector, beep_times, flash_and_beep, load, sound

ONSET = 0.001
"""Seconds: how sharply a beep can be placed that has been through codecs."""

ADDED = {Codec.OPUS: 0.040, Codec.AAC: 0.064}
"""Seconds by which conversion may delay sound. AAC is three blocks of 1024 samples: one has to be
filled, FFmpeg's encoder looks at the next one, and the transform overlaps one."""


def transcoded(packets: list[Packet], codec: Codec = Codec.OPUS) -> list[Packet]:
    out = Collector()
    line = AudioLine(AudioRecipe(codec=codec), out)
    track = None
    for packet in packets:
        if packet.track is not track:
            track = packet.track
            line.configure(track)
        line.write(packet, encode=True)
    line.finish()
    return out.packets


def steps(packets: list[Packet]) -> set[int]:
    return {later.dts - earlier.dts for earlier, later in pairwise(packets)}


@pytest.mark.parametrize(
    ("source", "name", "rate"),
    [
        (["aac", "-b:a", "96k"], "a.m4a", 48_000),
        (["aac", "-b:a", "96k"], "a.m4a", 44_100),
        (["flac"], "a.mp4", 44_100),
        (["libmp3lame", "-b:a", "128k"], "a.mp3", 44_100),
        (["ac3", "-b:a", "192k"], "a.mp4", 48_000),
        (["libopus", "-b:a", "96k"], "a.mp4", 48_000),
    ],
)
@pytest.mark.parametrize("target", [Codec.OPUS, Codec.AAC])
def test_sound_of_every_codec_stays_where_it_was(
    tmp_path: Path, source: list[str], name: str, rate: int, target: Codec
) -> None:
    packets = load(flash_and_beep(tmp_path / name, seconds=3, audio=source, rate=rate))
    made = transcoded(packets, target)
    assert steps(made) == {960 if target is Codec.OPUS else 1024}
    assert made[0].track.codec is target
    assert made[0].track.kind is Kind.AUDIO
    assert made[0].track.id == 1
    expected = beep_times(packets)
    assert len(expected) == 3
    assert beep_times(made) == pytest.approx(expected, abs=ONSET)


def test_nothing_is_lost_at_the_start(tmp_path: Path) -> None:
    path = flash_and_beep(tmp_path / "a.mp4", seconds=1, audio=["flac"])  # begins with a beep
    made = transcoded(load(path))
    first = sound(made)[312 : 312 + 48]
    wave = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48) / 48_000)
    assert made[0].pts == START * 48_000 - 312
    assert float(np.corrcoef(first, wave)[0, 1]) > 0.95


def test_ten_minutes_do_not_drift_by_a_sample(tmp_path: Path) -> None:
    """44.1 kHz to 48 kHz: the ratio is no round number, and 600 s are 600 s."""
    clip = load(
        flash_and_beep(tmp_path / "a.m4a", seconds=8, audio=["aac", "-b:a", "64k"], rate=44_100)
    )
    packets = [
        Packet(clip[0].track, at := clip[0].dts + number * 1024, at, clip[number % 300 + 10].data)
        for number in range(600 * 44_100 // 1024)
    ]
    made = transcoded(packets)
    assert steps(made) == {960}
    end = (packets[-1].pts + 1024) * 480 // 441
    assert 0 <= made[-1].pts + 960 - (end - 312) < 2 * 960  # the last block, and what flushes it
    before, after = beep_times(packets[-200:]), beep_times(made[-250:])
    shared = [at for at in before if at > made[-240].pts / 48_000]
    assert len(shared) >= 3
    assert after[-len(shared) :] == pytest.approx(shared, abs=ONSET)


def test_a_source_clock_that_runs_off_is_followed(tmp_path: Path) -> None:
    """Stamps that grow by one sample per frame more than sound does: 100 ms after 100 s."""
    packets = load(flash_and_beep(tmp_path / "a.m4a", seconds=12, audio=["aac", "-b:a", "64k"]))
    for number, packet in enumerate(packets):
        packet.pts = packet.dts = packet.dts + number
    made = transcoded(packets)
    assert steps(made) == {960}
    last, heard = beep_times(packets)[-1], beep_times(made)[-1]
    late = len(packets) * 11 / 12 / 48_000  # what the naive count of samples is behind by
    assert late > 0.009
    assert heard == pytest.approx(last + late, abs=0.003)


def test_a_gap_becomes_silence_of_its_length(tmp_path: Path) -> None:
    packets = load(flash_and_beep(tmp_path / "a.m4a", seconds=4, audio=["aac", "-b:a", "64k"]))
    lost = [packet for packet in packets if not START + 1.3 < packet.dts / 48_000 < START + 1.7]
    made = transcoded(lost)
    assert steps(made) == {960}
    assert beep_times(made) == pytest.approx(beep_times(packets), abs=ONSET)


def test_a_long_gap_is_left_open(tmp_path: Path) -> None:
    packets = load(flash_and_beep(tmp_path / "a.m4a", seconds=4, audio=["aac", "-b:a", "64k"]))
    cut = len(packets) * 5 // 8  # between two beeps
    for packet in packets[cut:]:
        packet.pts = packet.dts = packet.dts + 600 * 48_000
    made = transcoded(packets)
    assert len(made) == pytest.approx(200, abs=6)
    late = [packet for packet in made if packet.pts > 300 * 48_000]
    assert len(steps(made)) == 2
    assert late[0].pts == packets[cut].pts - 312
    assert beep_times(late) == pytest.approx(beep_times(packets[cut:]), abs=ONSET)
    assert len(beep_times(late)) == 1


@pytest.mark.parametrize(("first", "second"), [(44_100, 48_000), (48_000, 44_100)])
def test_a_changed_sample_rate_is_played_on(tmp_path: Path, first: int, second: int) -> None:
    options = ["aac", "-b:a", "64k"]
    one = load(flash_and_beep(tmp_path / "1.m4a", seconds=3, audio=options, rate=first))
    other = load(flash_and_beep(tmp_path / "2.m4a", seconds=3, audio=options, rate=second))
    cut = one[-1].dts / first
    shift = round((cut - START) * second)
    for packet in other:
        packet.pts = packet.dts = packet.dts + shift
    made = transcoded([*one[:-1], *other[1:]])
    assert len({packet.track for packet in made}) == 1
    expected = [*beep_times(one), *beep_times(other)]
    assert beep_times(made)[:2] == pytest.approx(expected[:2], abs=ONSET)
    assert beep_times(made)[-2:] == pytest.approx(expected[-2:], abs=ONSET)


def test_mono_and_surround_become_stereo(tmp_path: Path) -> None:
    for channels in (1, 6):
        path = tmp_path / f"{channels}.m4a"
        packets = load(flash_and_beep(path, seconds=3, audio=["aac"], channels=channels))
        assert packets[0].track.channels == channels
        made = transcoded(packets)
        assert made[0].track.channels == 2
        assert beep_times(made) == pytest.approx(beep_times(packets), abs=ONSET)


def test_garbage_between_frames_costs_those_frames_only(tmp_path: Path) -> None:
    packets = load(flash_and_beep(tmp_path / "a.m4a", seconds=3, audio=["aac", "-b:a", "64k"]))
    expected = beep_times(packets)
    broken = [
        replace(packet, data=bytes([number % 256]) * 40) if number % 9 == 5 else packet
        for number, packet in enumerate(packets)
    ]
    made = transcoded(broken)
    assert steps(made) == {960}
    assert len(expected) == 3
    assert beep_times(made)[-1] == pytest.approx(expected[-1], abs=0.03)


def test_wall_times_are_those_of_the_source(tmp_path: Path) -> None:
    packets = load(flash_and_beep(tmp_path / "a.m4a", seconds=2, audio=["aac"], rate=44_100))
    for packet in transcoded(packets):
        assert packet.wall == pytest.approx(1e9 + packet.pts / 48_000, abs=1e-4)


HOURS = 4


@dataclass
class EvenLine:
    """A SampleLine with a codec that does nothing: where each frame's sound comes to lie."""

    rate: int
    line: SampleLine = field(default_factory=SampleLine)
    position: int | None = None
    """The next sample of what comes out, in samples of the source."""
    begun: int = 0
    worst: float = 0.0
    """Seconds between a frame's time and the place of its sound."""

    def take(self, at: int, true: float, samples: int) -> None:
        """A frame that is stamped ``at``; ``true`` is its time in seconds."""
        change = self.line.place(at, samples, self.rate)
        if self.position is None or change is None:
            self.begun += 1
            self.position, change = at, 0
        placed = self.position + change
        self.worst = max(self.worst, abs(placed / self.rate - true))
        self.position = placed + samples


@pytest.mark.parametrize("ticks", [1000, 90_000], ids=["FLV", "TS"])
@pytest.mark.parametrize("parts_per_million", [0, 100, -300], ids=lambda each: f"{each} ppm")
@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_four_hours_do_not_drift(rate: int, parts_per_million: int, ticks: int) -> None:
    """Stamps rounded to a container's ticks, from a sound card whose clock is a little off."""
    made, samples, number = EvenLine(rate), 1024, 0
    pace = 1 + parts_per_million / 1e6
    while (true := number * samples / rate * pace) < HOURS * 3600:
        stamp = round(true * ticks)
        made.take((2 * stamp * rate + ticks) // (2 * ticks), true, samples)
        number += 1
    assert made.begun == 1
    assert made.worst < 0.003, "a millisecond's slack, and what rounding adds to it"


@pytest.mark.parametrize("target", [Codec.OPUS, Codec.AAC])
def test_conversion_adds_no_more_delay_than_it_may(tmp_path: Path, target: Codec) -> None:
    """By media time: how far what has come out lags behind the end of what has gone in."""
    source = ["aac", "-b:a", "96k"] if target is Codec.OPUS else ["libopus", "-b:a", "96k"]
    packets = load(flash_and_beep(tmp_path / "a.mp4", seconds=3, audio=source))
    rate, frame = 48_000, packets[1].pts - packets[0].pts
    out = Collector()
    line = AudioLine(AudioRecipe(codec=target), out)
    line.configure(packets[0].track)
    lags, walls = [], []
    for packet in packets:
        begun = time.perf_counter()
        line.write(packet, encode=True)
        walls.append(time.perf_counter() - begun)
        if packet.pts >= packets[0].pts + rate // 2:
            lags.append((packet.pts + frame - _end(out.packets)) / rate)
    assert 0 < max(lags) <= ADDED[target]
    assert sorted(walls)[len(walls) // 2] < frame / rate / 2, "no time is left for anything else"


def _end(packets: list[Packet]) -> int:
    """Up to where what has come out can be played."""
    return packets[-1].pts + packets[-1].pts - packets[-2].pts


def test_small_jitter_changes_nothing() -> None:
    line = SampleLine()
    assert line.place(1000, 1024, 48_000) is None
    for number in range(1, 100):
        jitter = (-1) ** number * 20
        assert line.place(1000 + 1024 * number + jitter, 1024, 48_000) == 0


def test_overlapping_sound_is_cut() -> None:
    line = SampleLine()
    line.place(0, 1024, 48_000)
    assert line.place(1024 - 2000, 1024, 48_000) == -1024
    assert line.place(1024, 1024, 48_000) == 0
