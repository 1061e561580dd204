"""The figures of ``gamecast bench`` as people read them."""

from __future__ import annotations

from gamecast.bench.published import PublishResult
from gamecast.bench.results import WatchResult


def publish_lines(result: PublishResult) -> list[str]:
    """The table after ``publish``."""
    lines = [
        f"publishers     {result.publishers} for {result.seconds:.1f} s",
        f"rate           {result.bits_per_second / 1e6:.1f} Mbit/s",
        f"frames         {result.frames} sent, {result.late} of them late",
        f"backlog        {result.backlog / 1024:.0f} KiB at most",
    ]
    if result.resent:
        lines.append(f"packets        {result.resent} sent again")
    lines.append(f"own CPU        {result.load_cpu:.1%} of a core")
    if result.cpu is not None and result.cpu_per_publisher is not None:
        lines.append(f"target's CPU   {result.cpu:.1%}, {result.cpu_per_publisher:.3%} a publisher")
    if result.memory is not None:
        lines.append(f"target's RAM   {result.memory / 2**20:.0f} MiB")
    return lines


def watch_lines(result: WatchResult) -> list[str]:
    """The table after ``watch``."""
    lines = [
        f"viewers        {result.viewers} ({result.closed} closed, {result.failed} not served)",
        f"rate           {result.bits_per_second / 1e6:.1f} Mbit/s",
        f"frames         {result.frames} checked, {result.missed_frames} missed",
        f"groups missed  {result.missed_groups}",
    ]
    if result.parts:
        lines.append(
            f"parts          {result.parts}, {result.late_parts} late, {result.missed_parts} missed"
            f", {result.discontinuities} discontinuities"
        )
    if result.lost or result.forged:
        lines.append(f"packets        {result.lost} lost, {result.forged} not authentic")
    lines += [
        f"longest gap    {result.longest_gap * 1e3:.0f} ms, {result.stalls} stalls",
        f"delay          {_times(result.delay)}",
        f"connect        {_times(result.connect)}",
        f"first media    {_times(result.first_media)}",
        f"first picture  {_times(result.first_picture)}",
        f"viewers' CPU   {result.load_cpu:.1%} of a core",
    ]
    if result.cpu is not None and result.cpu_per_viewer is not None:
        lines.append(f"target's CPU   {result.cpu:.1%}, {result.cpu_per_viewer:.3%} a viewer")
    if result.bits_per_core_second is not None:
        lines.append(f"per core       {result.bits_per_core_second / 1e9:.1f} Gbit/s")
    if result.memory is not None:
        lines.append(f"target's RAM   {result.memory / 2**20:.0f} MiB")
    return lines


def _times(values: dict[int, float]) -> str:
    names = {100: "max"}
    return ", ".join(f"{names.get(p, f'p{p}')} {v * 1e3:.1f} ms" for p, v in values.items())
