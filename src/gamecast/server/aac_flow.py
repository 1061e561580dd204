"""Flows for players who know no Opus: sound of browsers and OBS's WHIP becomes AAC on the way.

FLV and RTMP had no Opus for twenty years, and most of what plays them still has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from gamecast.media.codecs import audio_track
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.relay.lane import Framing
from gamecast.relay.pace import Pace
from gamecast.relay.rendition import CallLater, FlowRendition, Packager
from gamecast.relay.viewer import Viewer
from gamecast.server.convert import Converter, MakeConverter

_AAC_LC_48K_STEREO = bytes.fromhex("1190")
"""AudioSpecificConfig (ISO/IEC 14496-3) of what the transcoder makes."""
_OLD = {Codec.H264}
"""Pictures that players show who know nothing newer; with HEVC or AV1 they know Opus as well."""
_PATIENCE = 3.0
"""Seconds that viewers wait for the sound of the cached group."""


class AacFlow(FlowRendition):
    """A flow whose Opus track is replaced by AAC, transcoded once for all of its viewers.

    The first viewer waits, while the sound of the cached group is made, for about as long as a
    worker takes to start; what comes meanwhile is held, so that sound and pictures stay in order.
    """

    def __init__(
        self,
        packager: Packager,
        *,
        tracks: Sequence[Track],
        packets: Iterable[Packet],
        pace: Pace,
        clock: Callable[[], float],
        call_later: CallLater,
        convert: MakeConverter,
    ) -> None:
        """As for :class:`FlowRendition`; ``convert`` makes the transcoder."""
        self._convert = convert
        self._opus: Track | None = None
        self._aac: Track | None = None
        self._converter: Converter | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._held: list[Packet] | None = None
        self._wait_for = 0.0
        self._wait_until = 0.0
        self._waiting: dict[Viewer, Framing] = {}
        super().__init__(
            packager,
            tracks=self._replace(tracks),
            packets=[],
            pace=pace,
            clock=clock,
            call_later=call_later,
        )
        self._begin(list(packets))

    # Rendition ----------------------------------------------------------------------------------

    @property
    def unwatched(self) -> bool:
        """No viewer is left, or waits."""
        unwatched = not self._waiting and super().unwatched
        if unwatched:
            self._stop_converter()
        return unwatched

    def write(self, packet: Packet) -> None:
        """Opus to the transcoder, everything else on its way."""
        if self._converter is not None and packet.track is self._opus:
            self._converter.write(packet)
        elif self._held is not None:
            self._held.append(packet)
        else:
            super().write(packet)

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """Other tracks: another transcoder, if there is Opus among them."""
        self._release()
        super().change_tracks(self._replace(tracks))

    def finish(self, reason: str) -> None:
        """End the transcoder and every viewer."""
        self._release()
        self._stop_converter()
        super().finish(reason)

    def tick(self, now: float) -> None:
        """Viewers do not wait for ever: a transcoder that fails leaves a stream without sound."""
        if self._held is not None and now >= self._wait_until:
            self._release()
        super().tick(now)

    # Viewers ------------------------------------------------------------------------------------

    def join(self, viewer: Viewer, frame: Framing) -> None:
        """Start a viewer, as soon as the cached group has its sound."""
        if self._held is not None:
            self._waiting[viewer] = frame
        else:
            super().join(viewer, frame)

    def leave(self, viewer: Viewer) -> None:
        """Stop a viewer, or its waiting."""
        if self._waiting.pop(viewer, None) is None:
            super().leave(viewer)

    # Inside -------------------------------------------------------------------------------------

    def _replace(self, tracks: Sequence[Track]) -> list[Track]:
        """The tracks with AAC in place of Opus, and a transcoder for it."""
        enhanced = any(track.kind is Kind.VIDEO and track.codec not in _OLD for track in tracks)
        opus = None
        if not enhanced:
            opus = next((track for track in tracks if track.codec is Codec.OPUS), None)
        if opus is not self._opus:
            self._stop_converter()
            self._opus = opus
        if opus is None:
            return list(tracks)
        if self._converter is None:
            self._aac = replace(audio_track(Codec.AAC, _AAC_LC_48K_STEREO), id=opus.id)
            self._converter = self._convert(opus, Codec.AAC, partial(self._converted, self._aac))
        assert self._aac is not None
        return [self._aac if track is opus else track for track in tracks]

    def _begin(self, packets: list[Packet]) -> None:
        """The cached group; with Opus in it, hold everything until that has become AAC."""
        sound = [packet for packet in packets if packet.track is self._opus]
        others = [packet for packet in packets if packet.track is not self._opus]
        if self._converter is None or not sound:
            for packet in others:
                super().write(packet)
            return
        self._held = others
        self._wait_until = self._clock() + _PATIENCE
        # Encoders keep a frame or two back, so the last of the group never comes out by itself.
        self._wait_for = sound[-1].dts / sound[-1].track.clock_rate - 0.1
        self._converter.catch_up(sound)

    def _converted(self, track: Track, packet: Packet) -> None:
        if track is not self._aac:
            return  # of a transcoder that has been replaced
        packet = replace(packet, track=track)
        if self._held is None:
            super().write(packet)
            return
        self._held.append(packet)
        if packet.dts / track.clock_rate >= self._wait_for:
            self._release()

    def _release(self) -> None:
        """Everything that was held, in order of time, and whoever waited for it."""
        held, self._held = self._held, None
        for packet in sorted(held or [], key=_seconds):
            super().write(packet)
        waiting, self._waiting = self._waiting, {}
        for viewer, frame in waiting.items():
            super().join(viewer, frame)

    def _stop_converter(self) -> None:
        converter, self._converter, self._opus, self._aac = self._converter, None, None, None
        if converter is not None:
            task = asyncio.ensure_future(converter.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _seconds(packet: Packet) -> float:
    return packet.dts / packet.track.clock_rate
