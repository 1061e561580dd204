"""The text of HLS playlists (RFC 8216bis section 4.4), rendered from what the packager holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction

from gamecast.media.track import Kind, Track
from gamecast.packaging.hls import HlsPackager, Segment

VERSION = 9
"""EXT-X-VERSION: 9 for EXT-X-SKIP; parts and EXT-X-MAP need less."""


def multivariant(tracks: list[Track], *, bandwidth: int, average: int, media_uri: str) -> str:
    """The multivariant playlist: one variant with picture and sound together.

    ``bandwidth`` and ``average`` are bits per second, peak segment and average.
    """
    attributes = [f"BANDWIDTH={bandwidth}", f"AVERAGE-BANDWIDTH={average}"]
    codecs = ",".join(track.codec_string for track in tracks if track.codec_string)
    if codecs:
        attributes.append(f'CODECS="{codecs}"')
    for track in tracks:
        if track.kind is Kind.VIDEO and track.width and track.height:
            attributes.append(f"RESOLUTION={track.width}x{track.height}")
            if track.fps:
                attributes.append(f"FRAME-RATE={_decimal(track.fps)}")
    return (
        f"#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        f"#EXT-X-STREAM-INF:{','.join(attributes)}\n{media_uri}\n"
    )


class MediaPlaylist:
    """Renders the media playlist of one rendition, each version once."""

    def __init__(self, packager: HlsPackager, *, epoch: str) -> None:
        """``epoch`` goes into every media URL: a name is never used for other bytes."""
        self._packager = packager
        self.epoch = epoch
        self._cache: dict[bool, tuple[int, bytes]] = {}
        self._lines: dict[int, str] = {}

    def segment_uri(self, msn: int) -> str:
        """Relative URL of a whole segment."""
        return f"{self.epoch}-{msn}.m4s"

    def part_uri(self, msn: int, part: int) -> str:
        """Relative URL of a part."""
        return f"{self.epoch}-{msn}.{part}.m4s"

    def init_uri(self, init: int) -> str:
        """Relative URL of an initialisation segment."""
        return f"{self.epoch}-init{init}.mp4"

    def render(self, *, skip: bool = False) -> bytes:
        """The playlist now; ``skip`` asks for a delta update (EXT-X-SKIP) where one helps."""
        version, text = self._cache.get(skip, (-1, b""))
        if version != self._packager.version:
            text = ("\n".join(self._render(skip=skip)) + "\n").encode()
            self._cache[skip] = (self._packager.version, text)
        return text

    def _render(self, *, skip: bool) -> Iterator[str]:
        packager = self._packager
        target = packager.target_duration
        listed = packager.listed
        yield "#EXTM3U"
        yield f"#EXT-X-VERSION:{VERSION}"
        yield f"#EXT-X-TARGETDURATION:{target}"
        yield (
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={6 * target:.1f}"
            f",HOLD-BACK={3 * target:.1f},PART-HOLD-BACK={self._part_hold_back():.3f}"
        )
        yield f"#EXT-X-PART-INF:PART-TARGET={packager.settings.part_target:.3f}"
        yield f"#EXT-X-MEDIA-SEQUENCE:{listed[0].msn if listed else packager.position[0]}"
        if packager.discontinuities:
            yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{packager.discontinuities}"
        skipped = self._skippable(listed) if skip else 0
        if skipped:
            yield f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}"
        yield from self._segments(listed, skipped)
        if packager.ended:
            yield "#EXT-X-ENDLIST"
        else:
            yield f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{self.part_uri(*packager.position)}"'

    def _part_hold_back(self) -> float:
        settings = self._packager.settings
        return max(settings.part_hold_back, 3 * settings.part_target)

    def _segments(self, listed: list[Segment], skipped: int) -> Iterator[str]:
        recent = 3 * self._packager.target_duration
        age = sum(segment.elapsed for segment in listed)
        init = 0
        for number, segment in enumerate(listed):
            age -= segment.elapsed
            if number < skipped:
                init = segment.init
                continue
            if segment.discontinuity:
                yield "#EXT-X-DISCONTINUITY"
            if segment.init != init:
                init = segment.init
                yield f'#EXT-X-MAP:URI="{self.init_uri(init)}"'
            yield f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment.wall)}"
            if age <= recent and not self._packager.ended:
                yield from self._parts(segment)
            if segment.duration is not None:
                yield f"#EXTINF:{segment.duration:.5f},"
                yield self.segment_uri(segment.msn)

    def _parts(self, segment: Segment) -> Iterator[str]:
        for number, part in enumerate(segment.parts):
            independent = ",INDEPENDENT=YES" if part.independent else ""
            yield (
                f"#EXT-X-PART:DURATION={part.duration:.5f}"
                f',URI="{self.part_uri(segment.msn, number)}"{independent}'
            )

    def _skippable(self, listed: list[Segment]) -> int:
        """Segments further from the end than the skip boundary (section 4.4.5.2)."""
        boundary = 6 * self._packager.target_duration
        remaining = sum(segment.elapsed for segment in listed)
        count = 0
        for segment in listed:
            remaining -= segment.elapsed
            if remaining < boundary or segment.duration is None:
                break
            count += 1
        return count


def _decimal(rate: Fraction) -> str:
    return f"{float(rate):.3f}"


def _date_time(wall: float) -> str:
    return (
        datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
