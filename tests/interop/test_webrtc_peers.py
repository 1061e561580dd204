"""Other people's WebRTC stacks: libwebrtc for Node.js, libdatachannel, ffmpeg's WHIP, webrtcbin.

Each is judged by what arrives: pictures and beeps at the right times, or every unit unchanged.
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from gamecast.media.codecs.h264 import parse_avcc
from gamecast.media.packet import Packet
from tests.support import ffmpeg, judge, lipsync
from tests.support.browser import chromium, new_context
from tests.support.clips import Clip, ClipShelf
from tests.support.firefox import own_address
from tests.support.gamecast import GamecastServer
from tests.support.peers import CURRENT_FFMPEG, gstreamer_peer, node_peer, require
from tests.support.process import Process
from tests.transcode.scenes import load
from tests.web.watching import until_moving

pytestmark = [pytest.mark.interop, pytest.mark.timeout(150)]

PEER_CLIP = Clip(audio="opus", fps=30, seconds=4, gop_seconds=1, b_frames=0)
ENCODERS = {"vp8": ("vp8enc", "opusenc"), "h264": ("x264enc", "opusenc")}
"""Elements of GStreamer."""
WATCH_SECONDS = 6.0
TOGETHER = 0.35
"""Seconds between picture and sound while libwebrtc still moves them together, which takes it some
ten seconds; what is left in the end is measured in browsers."""
AT_ONCE = 0.1
"""The same of GStreamer, which goes by the sender reports at once."""
LOOKS = 3
"""It has no buffer for what a busy machine makes late: sound that has to be converted, a moment."""


def watched(command: Sequence[str], url: str) -> dict[str, Any]:
    """What a viewer's program says that it has seen."""
    done = subprocess.run(
        [*command, url, str(WATCH_SECONDS)],
        capture_output=True,
        text=True,
        timeout=90,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def offset_of(found: dict[str, Any]) -> lipsync.Offset:
    """Between its flashes and its beeps."""
    flashes, beeps = ([t * 1000 for t in found[kind]] for kind in ("flashes", "beeps"))
    return lipsync.Offset.between(flashes, beeps)


def assert_plays(found: dict[str, Any], size: str, *, together: float = TOGETHER) -> None:
    """Pictures in motion, sound, and both of the same moment."""
    assert found["sizes"] == [size], found
    assert found["pictures"] >= 0.7 * 30 * WATCH_SECONDS, found
    assert len(found["beeps"]) >= WATCH_SECONDS - 2, found
    offset = offset_of(found)
    logging.getLogger(__name__).info("%s", offset)
    assert len(offset.pairs) >= WATCH_SECONDS - 3, found
    assert abs(offset.median) <= together, offset


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flashes and beeps with B-frames and AAC."""
    return lipsync.make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=36)


@pytest.fixture
def b_frames(
    open_server: GamecastServer, new_name: Callable[[], str], clip: Path, tmp_path: Path
) -> Iterator[str]:
    """A stream of the clip; its name."""
    name = new_name()
    with ffmpeg.publish(clip, f"{open_server.rtmp}/live/{name}", folder=tmp_path, loop=True):
        open_server.wait_on_air(name)
        yield name


def test_libwebrtc_without_h264_watches_b_frames(
    open_server: GamecastServer, b_frames: str
) -> None:
    """``@roamhq/wrtc`` has VP8, VP9 and AV1."""
    found = watched(node_peer("whep_view.mjs"), f"{open_server.http}/live/{b_frames}/whep")
    assert_plays(found, "320x180")
    assert found["video"]["packetsLost"] == 0


def test_libwebrtc_publishes_and_watches(
    open_server: GamecastServer, new_name: Callable[[], str], tmp_path: Path
) -> None:
    name = new_name()
    url = f"{open_server.http}/live/{name}"
    with Process([*node_peer("whip_publish.mjs"), f"{url}/whip"], log=tmp_path / "whip.log"):
        stream = open_server.wait_on_air(name)
        assert stream["publisher"]["protocol"] == "whip"
        found = watched(node_peer("whep_view.mjs"), f"{url}/whep")
    assert_plays(found, "320x180")


def test_webrtcbin_watches_b_frames(clip: Path, tmp_path: Path) -> None:
    """GStreamer's ICE, like Firefox's, leaves the loopback out."""
    program = gstreamer_peer("whep_view.py")
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    options = ("--host", own_address())
    with GamecastServer(tmp_path, settings=settings, options=options) as server:
        url = f"{server.rtmp}/live/scene"
        with ffmpeg.publish(clip, url, folder=tmp_path, loop=True):
            server.wait_on_air("scene")
            for _ in range(LOOKS):
                found = watched(program, f"{server.http}/live/scene/whep")
                offset = offset_of(found)
                if offset.pairs and abs(offset.median) <= AT_ONCE:
                    break
    assert not found["errors"]
    assert_plays(found, "320x180", together=AT_ONCE)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_webrtcbin_publishes(clip: Path, tmp_path: Path, codec: str) -> None:
    program = gstreamer_peer("whip_publish.py", *ENCODERS[codec])
    settings = {"GAMECAST_AUTH__PUBLISH": "open"}
    options = ("--host", own_address())
    with GamecastServer(tmp_path, settings=settings, options=options) as server:
        url = f"{server.http}/live/scene"
        command = [*program, f"{url}/whip", str(clip), codec]
        with Process(command, log=tmp_path / "whip.log"):
            stream = server.wait_on_air("scene")
            assert {track["codec"] for track in stream["tracks"]} == {codec, "opus"}
            assert await chosen_hls_plays_by(server) == "hls", "VP8 is H.264 there"
            if codec == "vp8":
                assert_plays(watched(node_peer("whep_view.mjs"), f"{url}/whep"), "320x180")


async def chosen_hls_plays_by(server: GamecastServer) -> str:
    """What the watch page plays with in Chromium when its viewer has chosen HLS."""
    async with chromium() as browser:
        page = await (await new_context(browser)).new_page()
        await page.add_init_script("localStorage.setItem('gamecast', '{\"protocol\": \"hls\"}')")
        await page.goto(f"{server.http}/scene")
        await until_moving(page, seconds=2)
        return str(await page.evaluate("gamecast.player.engine"))


def test_libdatachannel_publishes_every_unit(
    open_server: GamecastServer, new_name: Callable[[], str], clips: ClipShelf, tmp_path: Path
) -> None:
    source = clips.get(PEER_CLIP)
    units = tmp_path / "units"
    units.write_bytes(b"".join(_record(packet) for packet in load(source)))
    name = new_name()
    url = f"{open_server.http}/live/{name}/whip"
    command = [*node_peer("whip_datachannel.mjs"), url, str(units)]
    with Process(command, log=tmp_path / "whip.log"):
        assert_unchanged(open_server, name, source, tmp_path)


def test_ffmpeg_publishes_every_unit(
    open_server: GamecastServer, new_name: Callable[[], str], clips: ClipShelf, tmp_path: Path
) -> None:
    source = clips.get(PEER_CLIP)
    name = new_name()
    with whip_by_ffmpeg(source, f"{open_server.http}/live/{name}/whip", tmp_path):
        assert_unchanged(open_server, name, source, tmp_path)


@contextmanager
def whip_by_ffmpeg(source: Path, url: str, folder: Path) -> Iterator[Process]:
    """The newest ffmpeg sends a file over and over, as it is."""
    command = [require(CURRENT_FFMPEG), "-hide_banner", "-nostdin", "-v", "warning", "-re"]
    command += ["-stream_loop", "-1", "-i", str(source), "-c", "copy", "-f", "whip", url]
    with Process(command, log=folder / "whip.log") as process:
        yield process


def assert_unchanged(server: GamecastServer, name: str, source: Path, folder: Path) -> None:
    """A few seconds out of the server are the source's pictures and sound, one after the other."""
    stream = server.wait_on_air(name)
    codecs = {track["kind"]: track["codec"] for track in stream["tracks"]}
    assert codecs == {"video": "h264", "audio": "opus"}
    assert stream["publisher"]["protocol"] == "whip"
    recording = folder / "recording.mkv"
    url = server.play_url("mp4", name)
    ffmpeg.record(url, recording, seconds=3, program=CURRENT_FFMPEG).finish()
    judge.assert_clean(recording)
    published = [unit.hash for unit in judge.pictures(source)] * 4
    recorded = judge.pictures(recording)
    start = published.index(recorded[0].hash)
    assert len(recorded) > 75
    assert [unit.hash for unit in recorded] == published[start : start + len(recorded)]
    steps = [after.pts - before.pts for before, after in pairwise(recorded)]
    assert median(steps) == pytest.approx(1 / 30, abs=0.002)
    sound = [unit.hash for unit in judge.units(recording, "a")]
    heard = [unit.hash for unit in judge.units(source, "a")] * 4
    first = heard.index(sound[0])
    assert sound[:100] == heard[first : first + len(sound[:100])]


def _record(packet: Packet) -> bytes:
    """A unit as ``whip_datachannel.mjs`` reads it; keyframes with their parameter sets."""
    data, ticks = packet.data, packet.pts
    if packet.keyframe and packet.is_video:
        config = parse_avcc(packet.track.config)
        sets = (*config.sps, *config.pps)
        data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in sets) + data
    ticks = round(packet.pts - 2 * packet.track.clock_rate)  # as it is in the file
    kind = 1 if packet.is_video else 2
    return bytes([kind]) + max(0, ticks).to_bytes(4, "big") + len(data).to_bytes(4, "big") + data
