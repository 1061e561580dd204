"""Which destination serves which kind of target. New protocols are added here."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.client.push.destination import Destination
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.recording import FileDestination
from gamecast.client.push.rtmp import RtmpDestination
from gamecast.client.push.srt import SrtDestination
from gamecast.client.push.srt_target import SrtTarget
from gamecast.client.push.target import FileTarget, RtmpTarget, Target
from gamecast.client.push.whip import WhipDestination
from gamecast.client.push.whip_target import WhipTarget


def make_destination(
    target: Target,
    network: NetworkThread,
    *,
    on_change: Callable[[], None],
    on_keyframe: Callable[[], None],
    keep_trying: bool,
) -> Destination:
    """The destination for a target; the callbacks are called in any thread."""
    match target:
        case RtmpTarget():
            return RtmpDestination(target, network, on_change=on_change, keep_trying=keep_trying)
        case SrtTarget():
            return SrtDestination(target, network, on_change=on_change, keep_trying=keep_trying)
        case WhipTarget():
            return WhipDestination(
                target,
                network,
                on_change=on_change,
                on_keyframe=on_keyframe,
                keep_trying=keep_trying,
            )
        case FileTarget():
            return FileDestination(target, on_change=on_change)
