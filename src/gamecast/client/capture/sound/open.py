"""Which sound ``--audio`` means on this machine, and what there is."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from gamecast.client.capture.source import Source, SourceError
from gamecast.client.capture.tone import Tone


@dataclass(slots=True, frozen=True)
class Sound:
    """Something to record from."""

    address: str
    """What ``--audio`` and ``--mic`` take."""
    name: str
    hears_output: bool
    """Whether it is what is played, not a microphone."""


def open_sound(name: str) -> Source:
    """A source of sound: ``tone``, ``default`` (what is heard), ``mic``, or a device's name.

    Raises ``SourceError``.
    """
    if name == "tone":
        return Tone()
    if sys.platform == "linux":
        from gamecast.client.capture.sound import pulse as system
    else:
        from gamecast.client.capture.sound import card as system
    return system.open_system_sound() if name == "default" else system.open_sound_device(name)


def list_sounds() -> list[Sound]:
    """Everything that can be recorded. Raises ``SourceError``."""
    if sys.platform == "linux":
        from gamecast.client.capture.sound.libpulse import PulseError, sources

        try:
            return [Sound(each.name, each.description, each.is_monitor) for each in sources()]
        except PulseError as error:
            raise SourceError(f"no sound server: {error}") from error
    from gamecast.client.capture.sound.card import sounds

    return [Sound(each.name, each.name, each.hears_output) for each in sounds()]
