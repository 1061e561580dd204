"""What a streamer sees while a push runs, and at its end, in terminals of two widths."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from gamecast.cli.push_view import panel, summary_lines
from gamecast.client.report import DestinationReport, Snapshot
from gamecast.client.session import Outcome

SERVED = DestinationReport(
    name="srt://streaming.example.com:8890",
    state="live",
    problem="",
    fps=59.9,
    bitrate=6_180_000,
    dropped=0,
    dropped_share=0.0,
    queue_ms=12.4,
    rtt_ms=131.2,
    lost_share=0.012,
    reconnects=1,
    bytes_sent=123_456_789,
)
AWAY = replace(
    SERVED,
    name="rtmp://live.platform.example/app/****",
    state="reconnecting",
    problem="live.platform.example:1935 refuses connections (is the server running?)",
    fps=0.0,
    bitrate=0.0,
    dropped=1234,
    dropped_share=0.12,
    rtt_ms=None,
    lost_share=None,
)
SNAPSHOT = Snapshot(
    seconds=5025.5,
    fps_captured=60.0,
    fps_encoded=59.9,
    bitrate=6_100_000,
    target_bitrate=6_000_000,
    encode_ms=4.31,
    missed=3,
    skipped=12,
    dropped=1234,
    cpu=0.87,
    audio_level=0.25,
    destinations=[SERVED, AWAY],
)


def shown(snapshot: Snapshot, width: int) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(panel(snapshot))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_the_panel_says_everything_on_a_line_each(width: int) -> None:
    lines = shown(SNAPSHOT, width)
    assert lines[0] == "1:23:45  60 fps captured  60 encoded  6100 of 6000 kbit/s  CPU 87 %"
    assert lines[1].startswith("lost by capture 3, encoder 12, network 1234  ")
    assert lines[1].endswith("encoding 4.3 ms  sound ||||....")
    titles = ["destination", "state", "fps", "kbit/s", "dropped", "queue", "RTT", "loss"]
    assert lines[2].split() == titles
    assert "6180" in lines[3]
    assert "1.2 %" in lines[3]
    assert lines[4].startswith("rtmp://live.platform.exampl")
    assert lines[4].split()[-5:] == ["0", "0", "12.0", "%", "12", "ms"][-5:]
    assert " ".join(lines[5:-1]) == f"{AWAY.name}: {AWAY.problem}"
    assert "Ctrl+C ends it" in lines[-1]


def test_columns_that_nobody_fills_are_left_out() -> None:
    recording = replace(SERVED, name="game.mp4", rtt_ms=None, lost_share=None)
    lines = shown(replace(SNAPSHOT, destinations=[recording]), 80)
    assert lines[2].split() == ["destination", "state", "fps", "kbit/s", "dropped", "queue"]


def test_the_summary_counts_what_was_lost_and_by_whom() -> None:
    first, *rest = summary_lines(SNAPSHOT, Outcome(5025.5))
    assert first == (
        "pushed 1:23:45, pictures lost: 3 by capture, 12 by the encoder, 1234 by the network"
    )
    assert rest[0] == f"  {SERVED.name}: live, 123.5 MB, 0 dropped, 1 reconnects"
    clean = replace(SNAPSHOT, missed=0, skipped=0, dropped=0)
    assert summary_lines(clean, Outcome(61.0))[0] == "pushed 0:01:01, no picture lost"
