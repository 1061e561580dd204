from __future__ import annotations

import pytest

from gamecast.protocols.rtmp import RtmpLimits, RtmpProtocolError
from gamecast.protocols.rtmp.rate import CommandRate


def test_a_burst_and_then_a_rate() -> None:
    rate = CommandRate(0.0, RtmpLimits(command_burst=10, commands_per_second=2))
    for _ in range(10):
        rate.spend(0.0)
    for second in range(1, 5):
        rate.spend(float(second))
        rate.spend(float(second))
    with pytest.raises(RtmpProtocolError, match="too many commands"):
        rate.spend(4.0)


def test_rest_does_not_add_up_beyond_the_burst() -> None:
    rate = CommandRate(0.0, RtmpLimits(command_burst=3, commands_per_second=1))
    for _ in range(3):
        rate.spend(1000.0)
    with pytest.raises(RtmpProtocolError):
        rate.spend(1000.0)
