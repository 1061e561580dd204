"""Which sound ``--audio`` means on this machine."""

from __future__ import annotations

import sys

from gamecast.client.capture.source import Source, SourceError
from gamecast.client.capture.tone import Tone

NOT_YET = "sound can only be captured on Linux yet (PulseAudio or PipeWire): use --audio none"


def open_sound(name: str) -> Source:
    """A source of sound: ``tone``, ``default`` (what is heard), ``mic``, or a device's name.

    Raises ``SourceError``.
    """
    if name == "tone":
        return Tone()
    if sys.platform != "linux":
        raise SourceError(NOT_YET)
    from gamecast.client.capture.sound.pulse import open_sound_device, open_system_sound

    return open_system_sound() if name == "default" else open_sound_device(name)
