from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.push.hub import Hub
from gamecast.media.packet import Packet
from tests.support.media import aac_track, h264_track

VIDEO, AUDIO = h264_track(), aac_track()


def picture(seconds: float, *, keyframe: bool = False) -> Packet:
    ticks = round(seconds * 90_000)
    return Packet(VIDEO, ticks, ticks, b"\0\0\0\x01\x41", keyframe=keyframe)


def sound(seconds: float) -> Packet:
    ticks = round(seconds * 48_000)
    return Packet(AUDIO, ticks, ticks, b"\x21")


def at(packet: Packet) -> float:
    return packet.dts / packet.track.clock_rate


def run(packets: list[Packet], *, has_video: bool = True) -> list[Packet]:
    out: list[Packet] = []
    hub = Hub([out.append], has_video=has_video)
    for packet in packets:
        hub.write(packet)
    hub.finish()
    return out


def test_it_begins_with_a_keyframe_at_zero() -> None:
    out = run([picture(1.0), sound(1.0), picture(2.0, keyframe=True), picture(2.1), sound(2.05)])
    assert [(packet.is_video, round(at(packet), 3)) for packet in out] == [
        (True, 0.0),
        (True, 0.1),
        (False, 0.05),
    ]


def test_sound_that_came_before_a_slow_encoders_first_picture_is_kept() -> None:
    early = [sound(5 + index / 50) for index in range(50)]
    out = run([*early, picture(5.2, keyframe=True), picture(5.6), picture(5.99)])
    audio = [at(packet) for packet in out if not packet.is_video]
    assert audio[0] >= 0
    assert len(audio) == 40


def test_pictures_never_wait_and_sound_waits_for_pictures() -> None:
    out: list[Packet] = []
    hub = Hub([out.append], has_video=True)
    hub.write(picture(0, keyframe=True))
    assert len(out) == 1
    hub.write(sound(0.5))
    assert len(out) == 1
    hub.write(picture(0.6))
    assert [packet.is_video for packet in out] == [True, False, True]


def test_sound_does_not_wait_for_ever() -> None:
    out: list[Packet] = []
    hub = Hub([out.append], has_video=True)
    hub.write(picture(0, keyframe=True))
    for index in range(500):
        hub.write(sound(index / 50))
    assert at(out[-1]) > 6.5


def test_memory_is_bounded_before_the_first_picture() -> None:
    out: list[Packet] = []
    hub = Hub([out.append], has_video=True)
    for index in range(5000):
        hub.write(sound(index / 50))
    hub.write(picture(98.0, keyframe=True))
    hub.write(picture(101.0))
    audio = [at(packet) for packet in out if not packet.is_video]
    assert 95 < len(audio) <= 101
    assert audio[0] >= 0


def test_sound_alone_goes_straight_through() -> None:
    out = run([sound(3.0), sound(3.1)], has_video=False)
    assert [round(at(packet), 3) for packet in out] == [0.0, 0.1]


def test_all_outputs_get_the_same_objects_and_nothing_after_the_end() -> None:
    one: list[Packet] = []
    two: list[Packet] = []
    hub = Hub([one.append, two.append], has_video=True)
    hub.write(picture(0, keyframe=True))
    hub.finish()
    hub.write(picture(1, keyframe=True))
    assert len(one) == 1
    assert one[0] is two[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=100), st.integers(0, 120))
def test_all_times_rise_when_the_pictures_come_later_than_their_sound(
    steps: list[int], lag: int
) -> None:
    """An encoder that looks ahead by ``lag`` sixtieths of a second: sound is always there first."""
    video = 0.0
    audio = 0.0
    packets = []
    for index, step in enumerate(steps):
        while audio <= video + lag / 60:
            packets.append(sound(audio))
            audio += 1024 / 48_000
        packets.append(picture(video, keyframe=index == 0))
        video += step / 60
    out = run(packets)
    times = [at(packet) for packet in out]
    assert times == sorted(times)
    assert len(out) == len(packets)
