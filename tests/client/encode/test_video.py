from fractions import Fraction

import av
import numpy as np
import pytest

from gamecast.client.capture.scene import Scene
from gamecast.client.capture.testscene import new_picture
from gamecast.client.encode.settings import EncoderError, Latency, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.media.codecs import is_keyframe
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Color
from tests.client.pictures import luma

BT709 = Color(1, 1, 1, False)


def settings(**changes: object) -> VideoSettings:
    chosen: dict[str, object] = {"width": 320, "height": 180, "fps": Fraction(30)}
    chosen |= {"bitrate": 500_000, "keyframe_interval": 1.0, **changes}
    return VideoSettings(**chosen)  # type: ignore[arg-type]


def scene_frames(count: int, start: int = 0) -> list[av.VideoFrame]:
    painter = Scene(320, 180)
    frames = []
    for index in range(start, start + count):
        frame, picture = new_picture(320, 180)
        painter.paint(picture, index / 30, 1_795_000_000 + index / 30)
        frame.pts, frame.time_base = index, Fraction(1, 30)
        frames.append(frame)
    return frames


def encode(encoder: VideoEncoder, frames: list[av.VideoFrame], **at: int) -> list[Packet]:
    wanted = at.get("keyframe_at", -1)
    packets = []
    for index, frame in enumerate(frames):
        packets += encoder.encode(frame, keyframe=index == wanted)
    return packets + encoder.flush()


@pytest.mark.parametrize(
    ("name", "codec"),
    [("libx264", Codec.H264), ("libx265", Codec.HEVC), ("libsvtav1", Codec.AV1)],
)
def test_track_and_packets_of_each_software_encoder(name: str, codec: Codec) -> None:
    encoder = VideoEncoder(name, settings(codec=codec))
    track = encoder.track
    assert (track.codec, track.width, track.height) == (codec, 320, 180)
    assert track.color == BT709
    assert track.reorder_depth == 0
    packets = encode(encoder, scene_frames(45))
    assert [packet.dts for packet in packets] == [index * 3000 for index in range(45)]
    assert all(packet.pts == packet.dts for packet in packets)
    assert [index for index, packet in enumerate(packets) if packet.keyframe] == [0, 30]
    for packet in packets:
        assert is_keyframe(codec, packet.data) == packet.keyframe


@pytest.mark.parametrize("latency", list(Latency))
def test_frame_rate_stands_in_the_parameter_sets(latency: Latency) -> None:
    assert VideoEncoder("libx264", settings(latency=latency)).track.fps == 30


def test_quality_reorders_and_keeps_every_time() -> None:
    encoder = VideoEncoder("libx264", settings(latency=Latency.QUALITY))
    packets = encode(encoder, scene_frames(40))
    assert encoder.track.reorder_depth > 0
    assert sorted(packet.pts for packet in packets) == [index * 3000 for index in range(40)]
    assert [packet.dts for packet in packets] == sorted(packet.dts for packet in packets)
    assert all(packet.dts <= packet.pts for packet in packets)
    assert any(packet.pts != packet.dts for packet in packets)


@pytest.mark.parametrize("name", ["libx264", "libx265"])
def test_a_keyframe_comes_when_it_is_asked_for(name: str) -> None:
    codec = Codec.H264 if name == "libx264" else Codec.HEVC
    encoder = VideoEncoder(name, settings(codec=codec))
    packets = encode(encoder, scene_frames(20), keyframe_at=11)
    assert [index for index, packet in enumerate(packets) if packet.keyframe] == [0, 11]
    assert is_keyframe(codec, packets[11].data)


def test_pictures_are_scaled_and_converted_with_the_right_colours() -> None:
    encoder = VideoEncoder("libx264", settings(bitrate=3_000_000))
    red_green_blue_grey = np.zeros((360, 640, 3), np.uint8)
    colours = ((200, 30, 40), (30, 180, 60), (20, 40, 210), (128, 128, 128))
    for index, colour in enumerate(colours):
        red_green_blue_grey[:, index * 160 : (index + 1) * 160] = colour
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.extradata = encoder.track.config
    shown: list[av.VideoFrame] = []
    for index in range(4):
        frame = av.VideoFrame.from_ndarray(red_green_blue_grey, format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, 30)
        for packet in encoder.encode(frame):
            shown += decoder.decode(av.Packet(packet.data))
    shown += decoder.decode(None)
    back = shown[-1].to_ndarray(format="rgb24", src_colorspace="ITU709")
    for index, colour in enumerate(colours):
        middle = back[60:120, index * 80 + 20 : index * 80 + 60].reshape(-1, 3)
        assert np.abs(middle.mean(axis=0) - colour).max() < 4, (colour, middle.mean(axis=0))


def test_bitrate_is_kept_and_can_be_changed_while_running() -> None:
    encoder = VideoEncoder("libx264", settings(bitrate=800_000))
    noise = np.random.default_rng(1)

    def run(start: int, count: int) -> float:
        size = 0
        for index in range(start, start + count):
            picture = noise.integers(0, 256, (180, 320, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            size += sum(len(packet.data) for packet in encoder.encode(frame))
        return size * 8 * 30 / count

    run(0, 60)
    full = run(60, 60)
    encoder.change_bitrate(200_000)
    run(120, 60)
    low = run(180, 60)
    encoder.change_bitrate(10_000_000)  # never above what it was opened with
    run(240, 60)
    back = run(300, 60)
    assert 600_000 < full < 1_000_000
    assert low < 300_000
    assert 600_000 < back < 1_000_000


def test_times_that_do_not_rise_are_given_up() -> None:
    encoder = VideoEncoder("libx264", settings())
    first, second = scene_frames(2)
    assert encoder.encode(second)
    assert encoder.encode(first) == []


def test_pictures_without_time_are_our_mistake() -> None:
    frame, _ = new_picture(320, 180)
    with pytest.raises(EncoderError, match="timestamp"):
        VideoEncoder("libx264", settings()).encode(frame)


@pytest.mark.parametrize("name", ["h264_vaapi", "no_such_encoder", "aac"])
def test_an_encoder_that_is_not_there_says_so(name: str) -> None:
    with pytest.raises(EncoderError, match=name):
        VideoEncoder(name, settings())


def test_luma_of_the_scene_survives() -> None:
    encoder = VideoEncoder("libx264", settings(bitrate=2_000_000))
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.extradata = encoder.track.config
    frames = scene_frames(3)
    shown: list[av.VideoFrame] = []
    for frame in frames:
        for packet in encoder.encode(frame):
            shown += decoder.decode(av.Packet(packet.data))
    assert shown
    difference = np.abs(luma(shown[0]).astype(int) - luma(frames[0]).astype(int))
    assert difference.mean() < 3


@pytest.mark.parametrize(("name", "codec"), [("libx265", Codec.HEVC), ("libsvtav1", Codec.AV1)])
def test_other_encoders_are_opened_again_for_a_new_bitrate(name: str, codec: Codec) -> None:
    encoder = VideoEncoder(name, settings(codec=codec, bitrate=900_000, keyframe_interval=20.0))
    frames = scene_frames(40)
    packets: list[Packet] = []
    for index, frame in enumerate(frames):
        if index == 20:
            encoder.change_bitrate(300_000)
        packets += encoder.encode(frame)
    packets += encoder.flush()
    assert encoder.bitrate == 300_000
    assert [packet.pts for packet in packets] == [index * 3000 for index in range(40)]
    assert [index for index, packet in enumerate(packets) if packet.keyframe] == [0, 20]
