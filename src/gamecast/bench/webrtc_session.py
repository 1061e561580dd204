"""How publishers and viewers of the load get a WebRTC session: our offer, the server's answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache

from OpenSSL import SSL

from gamecast.bench.errors import BenchError
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.answer import Agreement
from gamecast.protocols.webrtc.certificate import Certificate, generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.offer import accept_answer
from gamecast.protocols.webrtc.sdp import SessionDescription
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport

Exchange = Callable[[str], Awaitable[str]]
"""Takes an offer to the server and brings its answer."""


@dataclass(slots=True)
class Joined:
    """A session that is about to check its candidates, and what was agreed."""

    session: Session
    agreement: Agreement
    address: Address
    """The server's first candidate: one UDP address is enough for a light peer."""


async def join(make_offer: Callable[[LocalTransport], SessionDescription], ask: Exchange) -> Joined:
    """Offer and start ICE. Raises :class:`BenchError` or ``OSError``."""
    local = local_transport()
    offer = make_offer(local)
    answer = await ask(str(offer))
    try:
        agreement = accept_answer(offer, parse_sdp(answer))
    except WebRtcError as error:
        raise BenchError(f"the server's answer: {error}") from None
    return start(local, agreement)


def local_transport() -> LocalTransport:
    """Our side of a new session."""
    return LocalTransport(
        credentials=IceCredentials.generate(os.urandom), fingerprint=_identity()[0].fingerprint
    )


def start(local: LocalTransport, agreement: Agreement) -> Joined:
    """The session of an agreement, about to check. Raises :class:`BenchError`."""
    remote, now = agreement.remote, asyncio.get_running_loop().time()
    usable = [each for each in remote.candidates if each.is_udp and each.ip is not None]
    if not usable:
        raise BenchError("the server names no UDP address")
    agent = IceClientAgent(
        local.credentials, remote.credentials, random=os.urandom, allowed=lambda address: True
    )
    agent.start(usable[:1], now)
    parameters = DtlsParameters(
        context=_identity()[1],
        is_client=remote.we_are_dtls_client,
        fingerprints=remote.fingerprints,
    )
    address = (str(usable[0].ip), usable[0].port)
    return Joined(Session(agent, parameters, now=now), agreement, address)


@cache
def _identity() -> tuple[Certificate, SSL.Context]:
    """One certificate for all: making one takes as long as a hundred packets."""
    certificate = generate_certificate(time.time())
    return certificate, make_context(certificate)
