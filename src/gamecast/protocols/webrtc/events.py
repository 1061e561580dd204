"""What happens in a session, for whoever feeds it. Named in the past tense, in order of trust."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.rtcp import RtcpPacket
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.srtp_keys import SrtpProfile


@dataclass(slots=True)
class AddressValidated:
    """The peer proved by a STUN check that it is at ``address``; the router now sends it here."""

    address: Address


@dataclass(slots=True)
class AddressForgotten:
    """``address`` is no longer one of this peer's."""

    address: Address


@dataclass(slots=True)
class PairSelected:
    """From now on we send to ``address``: at first, and when the peer changed its network."""

    address: Address


@dataclass(slots=True)
class Connected:
    """DTLS has finished with the right certificate; media may be sent and will be received."""

    profile: SrtpProfile


@dataclass(slots=True)
class RtpReceived:
    """Authentic RTP packets that came together, decrypted, in the order of arrival."""

    packets: list[RtpPacket]


@dataclass(slots=True)
class RtcpReceived:
    """The packets of an authentic RTCP compound, decrypted; those of unknown type are left out."""

    packets: list[RtcpPacket]


@dataclass(slots=True)
class Closed:
    """The session is over, once and for all."""

    reason: str


Event = (
    AddressValidated
    | AddressForgotten
    | PairSelected
    | Connected
    | RtpReceived
    | RtcpReceived
    | Closed
)
