"""What is published comes out of every protocol unchanged: ffmpeg in, ffmpeg out, bit for bit.

Each clip is published once while one recorder per protocol copies it to the stream's end; the tests
then judge the recordings one by one. All clips are on air together: nothing is encoded meanwhile,
so that costs little more than one, and a broadcast takes as long as its clip.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import ffmpeg, hls, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.peers import CURRENT_FFMPEG

pytestmark = pytest.mark.interop

CLIPS = {
    "h264-aac": Clip(seconds=7),
    "h264-aac-10s-gop": Clip(seconds=12, gop_seconds=10),
    "h264-aac-half-second-gop": Clip(fps=30, gop_seconds=0.5, seconds=5, b_frames=0),
    "hevc-aac": Clip(video="hevc", seconds=7),
    "av1-opus": Clip(video="av1", audio="opus", seconds=7),
    "video-only": Clip(audio=None, seconds=7),
    "audio-only": Clip(video=None, seconds=7),
}
FORMS = ["rtmp", "flv", "mp4", "hls"]
TRANSPORT_STREAMS = ["ts", "srt"]
"""MPEG-TS: other delimiters around the same pictures, so those are compared decoded."""


@dataclass
class Broadcast:
    """A clip and what each protocol made of it."""

    clip: Clip
    source: Path
    recordings: dict[str, Path]


class BroadcastDesk:
    """Broadcasts all clips at once, on first use."""

    def __init__(
        self, server: GamecastServer, shelf: ClipShelf, folder: Path, new_name: Callable[[], str]
    ) -> None:
        self._server = server
        self._shelf = shelf
        self._folder = folder
        self._new_name = new_name
        self._running: dict[str, concurrent.futures.Future[Broadcast]] = {}

    def get(self, clip_name: str) -> Broadcast:
        """The broadcast of ``CLIPS[clip_name]``."""
        if not self._running:
            for clip in CLIPS.values():
                self._shelf.get(clip)
            with concurrent.futures.ThreadPoolExecutor(len(CLIPS)) as pool:
                self._running = {name: pool.submit(self._broadcast, name) for name in CLIPS}
        return self._running[clip_name].result()

    def _broadcast(self, clip_name: str) -> Broadcast:
        clip = CLIPS[clip_name]
        program = "ffmpeg" if clip.video in (None, "h264") else CURRENT_FFMPEG
        source = self._shelf.get(clip)
        name = self._new_name()
        forms = FORMS if clip.video == "av1" else [*TRANSPORT_STREAMS, *FORMS]
        paths = {form: self._folder / f"{clip_name}-{form}.mkv" for form in forms}
        with contextlib.ExitStack() as stack:
            url = f"{self._server.rtmp}/live/{name}"
            publisher = stack.enter_context(
                ffmpeg.publish(source, url, folder=self._folder, program=program)
            )
            self._server.wait_on_air(name, tracks=bool(clip.video) + bool(clip.audio))
            recorders = []
            for form, path in paths.items():
                if form == "hls":
                    hls.wait_for_segments(self._server, name)
                play = self._server.play_url(form, name)
                recorders.append(stack.enter_context(ffmpeg.record(play, path, program=program)))
            publisher.finish()
            for recorder in recorders:
                recorder.finish()
        return Broadcast(clip, source, paths)


@pytest.fixture(scope="module")
def desk(
    open_server: GamecastServer,
    clips: ClipShelf,
    tmp_path_factory: pytest.TempPathFactory,
    new_name: Callable[[], str],
) -> BroadcastDesk:
    """All broadcasts of this module."""
    return BroadcastDesk(open_server, clips, tmp_path_factory.mktemp("broadcasts"), new_name)


def cases(kind: str) -> list[tuple[str, str]]:
    """Every clip that has this half, with every protocol."""
    return [
        (name, form)
        for name, clip in CLIPS.items()
        for form in FORMS
        if (clip.video if kind == "v" else clip.audio)
    ]


@pytest.mark.parametrize(("clip_name", "form"), cases("v"))
def test_video_is_bit_exact(desk: BroadcastDesk, clip_name: str, form: str) -> None:
    broadcast = desk.get(clip_name)
    published = judge.units(broadcast.source)
    recorded = judge.units(broadcast.recordings[form])
    start = judge.assert_slice(recorded, published, at_least=broadcast.clip.fps)
    assert start in judge.keyframes(broadcast.source)
    assert start + len(recorded) == len(published), "the end of the stream is missing"


@pytest.mark.parametrize(("clip_name", "form"), cases("a"))
def test_audio_is_bit_exact(desk: BroadcastDesk, clip_name: str, form: str) -> None:
    broadcast = desk.get(clip_name)
    published = judge.units(broadcast.source, "a")
    recorded = judge.units(broadcast.recordings[form], "a")
    start = judge.assert_slice(recorded, published, at_least=40)
    assert start + len(recorded) == len(published), "the end of the stream is missing"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("clip_name", CLIPS)
def test_recording_is_clean(desk: BroadcastDesk, clip_name: str, form: str) -> None:
    broadcast = desk.get(clip_name)
    path = broadcast.recordings[form]
    judge.assert_clean(path)
    found = judge.streams(path)
    assert set(found) == {
        kind
        for kind, codec in (("video", broadcast.clip.video), ("audio", broadcast.clip.audio))
        if codec
    }
    if broadcast.clip.video:
        assert found["video"]["codec_name"] == broadcast.clip.video
        assert f"{found['video']['width']}x{found['video']['height']}" == broadcast.clip.size


@pytest.mark.parametrize("form", TRANSPORT_STREAMS)
@pytest.mark.parametrize("clip_name", ["h264-aac", "h264-aac-10s-gop", "hevc-aac", "video-only"])
def test_pictures_in_a_transport_stream_are_the_published_ones(
    desk: BroadcastDesk, clip_name: str, form: str
) -> None:
    broadcast = desk.get(clip_name)
    published = judge.pictures(broadcast.source)
    recorded = judge.pictures(broadcast.recordings[form])
    start = judge.find(recorded, published)
    assert start + len(recorded) == len(published), "the end of the stream is missing"
    assert len(recorded) >= broadcast.clip.fps


@pytest.mark.parametrize("form", TRANSPORT_STREAMS)
def test_sound_alone_in_a_transport_stream_is_bit_exact(desk: BroadcastDesk, form: str) -> None:
    broadcast = desk.get("audio-only")
    published = judge.units(broadcast.source, "a")
    recorded = judge.units(broadcast.recordings[form], "a")
    start = judge.assert_slice(recorded, published, at_least=40)
    assert start + len(recorded) == len(published), "the end of the stream is missing"


@pytest.mark.parametrize("form", ["rtmp", "flv", "mp4"])
def test_a_viewer_in_the_middle_of_a_long_group_starts_at_its_keyframe(
    desk: BroadcastDesk, form: str
) -> None:
    """Joined after a second of a 10 s group, the recording still holds the group from its start."""
    broadcast = desk.get("h264-aac-10s-gop")
    published = judge.units(broadcast.source)
    recorded = judge.units(broadcast.recordings[form])
    assert recorded[0].hash == published[0].hash
