"""What becomes of a publisher's sources: other SSRCs, layers that stop; in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from gamecast.media.packet import Packet
from gamecast.protocols.webrtc.answer import AgreedMedia
from gamecast.protocols.webrtc.capabilities import MID, RID
from gamecast.protocols.webrtc.media_receiver import MediaReceiver
from gamecast.protocols.webrtc.rtcp import SenderReport
from gamecast.protocols.webrtc.rtcp_feedback import PictureLossIndication
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.server.webrtc.intake import Intake
from gamecast.server.webrtc.layers import SILENT_SECONDS

STEP = 0.02
SIZES = {"": (640, 360), "q": (160, 90), "h": (320, 180), "f": (640, 360)}


def vp8(size: tuple[int, int], *, keyframe: bool) -> bytes:
    """A payload with a whole picture (RFC 7741 section 4.2, RFC 6386 section 9.1)."""
    if not keyframe:
        return b"\x10\x01\0\0picture"
    return b"\x10\x10\0\0\x9d\x01\x2a" + b"".join(n.to_bytes(2, "little") for n in size) + b"key"


class Layer:
    """One source of a publisher: a picture or a sound every 20 ms while it is on."""

    def __init__(self, bench: Bench, ssrc: int, *, rid: str = "", kind: str = "video") -> None:
        self._bench, self._rid, self._kind = bench, rid, kind
        self.rate = 90_000 if kind == "video" else 48_000
        self.on = True
        self.ahead = 0.0
        """Seconds by which its reports are wrong: a busy encoder captures late."""
        self.keyframes = 0
        self.renew(ssrc)

    def renew(self, ssrc: int) -> None:
        """Go on with another SSRC, and with the random numbers that it brings."""
        self.ssrc = ssrc
        self._sequence = ssrc * 7919 & 0xFFFF
        self._offset = ssrc * 0x9E3779B1 & 0xFFFFFFFF
        self.wants_keyframe = True

    @property
    def timestamp(self) -> int:
        """What is sampled now."""
        return self._offset + round(self._bench.now * self.rate) & 0xFFFFFFFF

    def packet(self) -> RtpPacket:
        """The next."""
        self._sequence = self._sequence + 1 & 0xFFFF
        number, payload = 111, b"\x7c sound"
        if self._kind == "video":
            number = 96
            payload = vp8(SIZES[self._rid], keyframe=self.wants_keyframe)
            self.keyframes += self.wants_keyframe
        self.wants_keyframe = False
        extensions = {2: self._rid.encode()} if self._rid else {}
        return RtpPacket(
            number, self._sequence, self.timestamp, self.ssrc, payload, True, (), extensions
        )

    def report(self) -> SenderReport:
        """What its clock says."""
        ntp = round((3_900_000_000 + self._bench.now + self.ahead) * (1 << 32))
        return SenderReport(self.ssrc, ntp, self.timestamp, 1, 1)


class Bench:
    """A publisher of these layers and the receiving side, without delay in between."""

    def __init__(self, *, rids: Sequence[str] = (), sound: bool = True) -> None:
        self.now = 100.0
        self.written: list[Packet] = []
        media = AgreedMedia(
            mid="0",
            kind="video",
            codec="vp8",
            payload_type=96,
            clock_rate=90_000,
            rtx_payload_type=None,
            extensions={MID: 1, RID: 2},
            feedback=["nack pli"],
            rids=list(rids),
        )
        opus = replace(
            media, mid="1", kind="audio", codec="opus", payload_type=111, clock_rate=48_000, rids=[]
        )
        self.receiver = MediaReceiver([media, opus], ssrc=1, now=self.now)
        self.intake = Intake(self.receiver, channel="main")
        self.layers = [Layer(self, 10 + n, rid=rid) for n, rid in enumerate(rids or [""])]
        self.sound = Layer(self, 50, kind="audio")
        self.sound.on = sound

    def run(self, seconds: float, *, reports: bool = True) -> None:
        """So much media, with sender reports twice a second."""
        for step in range(round(seconds / STEP)):
            self.now += STEP
            for layer in (each for each in (self.sound, *self.layers) if each.on):
                self.receive(layer.packet())
                if reports and step % 25 == 0:
                    self.receiver.receive_rtcp([layer.report()], self.now)
                    self.intake.align()
            self._timer()

    def receive(self, packet: RtpPacket) -> None:
        """What it sent, in whatever order."""
        self.intake.read(self.receiver.receive_rtp([packet], self.now), self.now, self._write)

    def _write(self, packet: Packet) -> None:
        # ``wall`` is free for the time of capture, which is that of arrival here.
        self.written.append(replace(packet, wall=self.now))

    def _timer(self) -> None:
        self.intake.read(self.receiver.handle_timer(self.now), self.now, self._write)
        for asked in self.receiver.rtcp_to_send(self.now):
            if isinstance(asked, PictureLossIndication):
                for layer in self.layers:
                    layer.wants_keyframe |= layer.ssrc == asked.media_ssrc

    def of(self, track: int) -> list[Packet]:
        """What has been written of a track."""
        return [packet for packet in self.written if packet.track.id == track]

    def departure(self, packet: Packet) -> float:
        """Seconds by which the timeline departs from the clock on the wall."""
        return packet.dts / packet.track.clock_rate - (packet.wall - 100.0)


def heights(packets: Sequence[Packet]) -> list[int]:
    """Of the pictures, each once in a row."""
    found = [packet.track.height for packet in packets]
    return found[:1] + [after for before, after in pairwise(found) if before != after]


# --- another SSRC ---------------------------------------------------------------------------------


def test_a_picture_goes_on_when_its_ssrc_changes_however_often() -> None:
    bench = Bench()
    bench.run(1)
    for number in range(12):
        bench.layers[0].renew(1000 + number)
        bench.run(2)
    assert {packet.track.id for packet in bench.written} == {0, 1}
    pictures = bench.of(0)
    assert len(pictures) > 24 * 50
    assert sum(packet.keyframe for packet in pictures) == 13, "one for each SSRC"
    steps = [(b.dts - a.dts) / 90_000 for a, b in pairwise(pictures)]
    assert max(steps) < 0.1
    assert min(steps) > 0.01, "put right by sender reports, little by little"


def test_sender_reports_put_the_new_ssrc_in_its_place() -> None:
    bench = Bench()
    bench.run(2)
    for number in range(10):
        bench.layers[0].renew(1000 + number)
        bench.run(2)
    departures = [bench.departure(bench.of(track)[-1]) for track in (0, 1)]
    assert abs(departures[0] - departures[1]) < 0.021


def test_without_reports_it_goes_by_arrival() -> None:
    bench = Bench(sound=False)
    bench.run(2, reports=False)
    before = bench.departure(bench.of(0)[-1])
    bench.layers[0].renew(1000)
    bench.run(2, reports=False)
    assert abs(bench.departure(bench.of(0)[-1]) - before) < 0.03
    bench.layers[0].on = False
    bench.run(30)
    bench.layers[0].renew(1001)
    bench.layers[0].on = True
    bench.run(2, reports=False)
    assert abs(bench.departure(bench.of(0)[-1]) - before) < 0.06, "the pause is kept"


def test_a_picture_of_a_new_ssrc_is_asked_for_and_begins_with_a_keyframe() -> None:
    bench = Bench()
    bench.run(1)
    bench.layers[0].renew(1000)
    bench.layers[0].wants_keyframe = False  # the first one of it was lost
    count = len(bench.of(0))
    bench.run(1)
    after = bench.of(0)[count:]
    assert after[0].keyframe
    assert len(after) > 40


def test_late_packets_of_the_old_ssrc_cost_nothing() -> None:
    bench = Bench()
    bench.run(1)
    late = [bench.layers[0].packet() for _ in range(10)]
    bench.layers[0].renew(1000)
    bench.run(0.1)
    for packet in late:
        bench.receive(packet)
        bench.run(STEP)
    bench.run(1)
    steps = [(b.dts - a.dts) / 90_000 for a, b in pairwise(bench.of(0))]
    assert max(steps) < 0.1


def test_sound_may_change_its_ssrc_too() -> None:
    bench = Bench()
    bench.run(2)
    bench.sound.renew(2000)
    bench.run(2)
    sound = bench.of(1)
    steps = [(b.dts - a.dts) / 48_000 for a, b in pairwise(sound)]
    assert min(steps) > 0
    assert max(steps) < 0.05
    departures = [bench.departure(bench.of(track)[-1]) for track in (0, 1)]
    assert abs(departures[0] - departures[1]) < 0.021


def test_a_report_may_come_before_the_first_packet_of_the_new_ssrc_is_in_order() -> None:
    bench = Bench()
    bench.run(1)
    layer = bench.layers[0]
    layer.renew(1000)
    assert not bench.receiver.receive_rtp([layer.packet()], bench.now), "held for a moment"
    bench.receiver.receive_rtcp([layer.report()], bench.now)
    bench.intake.align()
    bench.run(1)
    assert len(bench.of(0)) > 95


def test_reports_that_contradict_each_other_move_the_picture_without_a_jump() -> None:
    bench = Bench()
    bench.run(1)
    for ahead in (0.1, -0.1, 0.05):
        bench.layers[0].ahead = ahead
        bench.run(1.5)
        departures = [bench.departure(bench.of(track)[-1]) for track in (0, 1)]
        assert abs(departures[0] - departures[1] - ahead) < 0.021
    steps = [(b.dts - a.dts) / 90_000 for a, b in pairwise(bench.of(0))]
    assert min(steps) > 0.75 * STEP - 0.001
    assert max(steps) < 1.25 * STEP + 0.001


# --- layers ---------------------------------------------------------------------------------------


def test_the_largest_layer_is_the_picture_and_the_others_are_kept() -> None:
    bench = Bench(rids=["q", "h", "f"])
    bench.run(2)
    assert heights(bench.of(0))[-1] == 360
    others = {packet.track.id: packet.track.height for packet in bench.written[-8:]}
    assert sorted(others.values())[1:] == [90, 180, 360], others


def test_a_layer_that_stops_gives_way_to_the_next_and_comes_back() -> None:
    bench = Bench(rids=["q", "h", "f"])
    bench.run(2)
    bench.written.clear()
    bench.layers[2].on = False
    bench.run(3)
    assert heights(bench.of(0)) == [180]
    change = bench.of(0)[0]
    assert change.keyframe
    assert bench.layers[1].keyframes >= 2, "asked for"
    assert change.wall - 102 < SILENT_SECONDS + 0.5
    bench.layers[2].on = True
    bench.run(2)
    assert heights(bench.of(0)) == [180, 360]
    assert bench.layers[2].keyframes >= 2, "asked for"


def test_all_layers_but_the_smallest_may_stop() -> None:
    bench = Bench(rids=["q", "h", "f"], sound=False)
    bench.run(2)
    count = len(bench.of(0)) - 1
    bench.layers[1].on = bench.layers[2].on = False
    bench.run(4)
    pictures = bench.of(0)[count:]
    assert heights(pictures) == [360, 90]
    steps = [(b.dts - a.dts) / 90_000 for a, b in pairwise(pictures)]
    assert min(steps) > -0.03
    assert max(steps) < SILENT_SECONDS + 0.5


def test_a_single_picture_that_stands_still_stays_the_picture() -> None:
    bench = Bench()
    bench.run(2)
    bench.layers[0].on = False
    bench.run(5)
    bench.layers[0].on = True
    bench.run(1)
    assert heights(bench.of(0)) == [360]
    assert bench.layers[0].keyframes == 1


def test_layers_that_stand_still_together_change_nothing() -> None:
    bench = Bench(rids=["q", "f"])
    bench.run(2)
    bench.written.clear()
    for _ in range(10):
        for layer in bench.layers:
            layer.on = False
        bench.run(0.98)
        for layer in bench.layers:
            layer.on = True
        bench.run(0.02)
    assert heights(bench.of(0)) == [360]
