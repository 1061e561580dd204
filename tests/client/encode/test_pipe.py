"""The ffmpeg process, with an encoder that needs no graphics card."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from gamecast.client.encode.pipe import PipeEncoder
from gamecast.client.encode.settings import EncoderError, VideoSettings
from gamecast.media.packet import Packet
from tests.support.peers import require

SETTINGS = VideoSettings(
    width=320, height=180, fps=Fraction(30), bitrate=400_000, keyframe_interval=60
)


@pytest.fixture
def encoder() -> PipeEncoder:
    require("ffmpeg")
    return PipeEncoder("libx264", SETTINGS)


def picture(index: int) -> av.VideoFrame:
    luma = np.full((270, 320), 128, np.uint8)
    luma[:180, index * 4 % 320 :] = 60
    frame = av.VideoFrame.from_ndarray(luma, format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, 30)
    return frame


def decoded(encoder: PipeEncoder, packets: list[Packet]) -> list[av.VideoFrame]:
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = encoder.track.config
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet.data))]
    return frames + context.decode(None)


@pytest.mark.interop
def test_pictures_go_in_and_packets_with_their_times_come_out(encoder: PipeEncoder) -> None:
    packets: list[Packet] = []
    for index in range(12):
        packets += encoder.encode(picture(index))
    assert encoder.encode(picture(11)) == [], "its time does not rise"
    packets += encoder.flush()
    assert [packet.pts for packet in packets] == [index * 3000 for index in range(12)]
    assert [packet.keyframe for packet in packets] == [True] + [False] * 11
    assert (encoder.track.width, encoder.track.height) == (320, 180)
    assert encoder.track.color is not None
    assert encoder.track.color.matrix == 1
    frames = decoded(encoder, packets)
    assert len(frames) == 12
    for index in (0, 7, 11):
        got = frames[index].to_ndarray()[:180].astype(int)
        wanted = picture(index).to_ndarray()[:180].astype(int)
        assert np.abs(got - wanted).mean() < 6


@pytest.mark.interop
def test_a_keyframe_on_request_and_another_bitrate(encoder: PipeEncoder) -> None:
    packets: list[Packet] = encoder.encode(picture(0), keyframe=True)
    packets += encoder.encode(picture(1))
    packets += encoder.encode(picture(2), keyframe=True)
    encoder.change_bitrate(200_000)
    packets += encoder.encode(picture(3))
    packets += encoder.encode(picture(4)) + encoder.flush()
    assert [packet.keyframe for packet in packets] == [True, False, True, True, False]
    assert [packet.pts for packet in packets] == [index * 3000 for index in range(5)]
    assert len(decoded(encoder, packets)) == 5
    assert encoder.bitrate == 200_000
    assert encoder.flush() == []


@pytest.mark.interop
def test_what_does_not_work_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    require("ffmpeg")
    with pytest.raises(EncoderError, match="Unknown encoder"):
        PipeEncoder("no_such_encoder", SETTINGS)
    monkeypatch.setattr("gamecast.client.encode.pipe.RENDER_NODES", "/no/such/folder")
    with pytest.raises(EncoderError, match="no graphics card"):
        PipeEncoder("h264_vaapi", SETTINGS)
    monkeypatch.setenv("PATH", "/no/such/folder")
    with pytest.raises(EncoderError, match="no ffmpeg program"):
        PipeEncoder("h264_vaapi", SETTINGS)
