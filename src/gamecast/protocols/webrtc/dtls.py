"""DTLS 1.2 for SRTP keys (RFC 5764) on pyOpenSSL's memory BIO.

One :class:`DtlsConnection` is one handshake. It takes datagrams and gives datagrams; the peer's
certificate is compared with the SDP's fingerprints *inside* the handshake, so no key is ever
derived for a stranger. OpenSSL offers no DTLS 1.3 yet; nothing here forbids it.

Lost flights: OpenSSL retransmits by its own clock after 1, 2, 4 ... seconds. That is slow for a
viewer and deaf to our clock, so the last flight is also repeated after ``RESEND_AFTER`` seconds,
its plaintext records under fresh numbers (which we hand out, for nothing protects them). OpenSSL's
own timer stays underneath for the one case that repetition cannot mend: the last flight, towards us
as a client, for which the peer wants to see a *new* Finished.
"""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

from gamecast.protocols.webrtc.certificate import Certificate, Fingerprint, certificate_matches
from gamecast.protocols.webrtc.dtls_records import (
    is_plaintext,
    pack_datagrams,
    renumbered,
    split_records,
    without_forgeable,
)
from gamecast.protocols.webrtc.srtp_keys import SrtpKeys, SrtpProfile

MTU = 1200
"""Longest DTLS datagram that we send, without IP and UDP headers."""
RESEND_AFTER = 0.15
MAX_RESENDS = 6
MAX_HANDSHAKE_BYTES = 64 * 1024
"""What a peer may send before its handshake has to be finished (certificate chains included)."""
_DTLS_1_2 = 0xFEFD
_EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
)


class DtlsState(Enum):
    """Where a connection is; it only moves downwards."""

    HANDSHAKING = "handshaking"
    ESTABLISHED = "established"
    CLOSED = "closed"
    """The peer said close_notify, or we did."""
    FAILED = "failed"


@dataclass(slots=True)
class DtlsOutcome:
    """Why a connection is where it is: ``reason`` for FAILED and CLOSED."""

    state: DtlsState
    reason: str = ""
    untrusted: bool = False
    """The peer completed the exchange with a certificate that SDP did not announce."""


def make_context(
    certificate: Certificate, profiles: tuple[SrtpProfile, ...] = tuple(SrtpProfile)
) -> SSL.Context:
    """The OpenSSL context that all connections of a process share. Earlier profiles win."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    # A viewer is silent here once it has its keys: 18 kB of buffers need not wait for its goodbye.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    context.set_cipher_list(_CIPHERS)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.private_key)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verify)
    context.set_tlsext_use_srtp(b":".join(profile.openssl_name for profile in profiles))
    return context


def _verify(connection: SSL.Connection, x509: Any, _error: int, depth: int, _ok: int) -> bool:
    """OpenSSL asks about each certificate of the chain; only the leaf (depth 0) matters to us."""
    if depth != 0:
        return True
    owner: DtlsConnection | None = connection.get_app_data()()
    if owner is None:
        return False
    der = x509.to_cryptography().public_bytes(serialization.Encoding.DER)
    return owner.judge_certificate(der)


class DtlsConnection:
    """One DTLS association, as server (the peer is ``active``) or as client."""

    def __init__(
        self, context: SSL.Context, *, is_client: bool, fingerprints: list[Fingerprint]
    ) -> None:
        self.outcome = DtlsOutcome(DtlsState.HANDSHAKING)
        self.keys: SrtpKeys | None = None
        self._is_client = is_client
        self._fingerprints = fingerprints
        self._certificate_ok = False
        self._received = 0
        self._flight: list[bytes] = []
        self._plaintext_sent = 0
        self._to_send: list[bytes] = []
        self._resends = 0
        self._resend_at: float | None = None
        self._openssl_at: float | None = None
        self._connection = SSL.Connection(context, None)
        # Weak, for a circle would keep what OpenSSL holds (140 kB a session) until Python looks for
        # circles, which a long-running server hardly ever does.
        self._connection.set_app_data(weakref.ref(self))
        self._connection.set_ciphertext_mtu(MTU)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    @property
    def state(self) -> DtlsState:
        """Where the connection is now."""
        return self.outcome.state

    def judge_certificate(self, der: bytes) -> bool:
        """Called by OpenSSL during the handshake; ``False`` ends it."""
        self._certificate_ok = certificate_matches(der, self._fingerprints)
        if not self._certificate_ok:
            reason = "the certificate does not match the SDP's fingerprint"
            self.outcome = DtlsOutcome(DtlsState.FAILED, reason, untrusted=True)
        return self._certificate_ok

    def start(self, now: float) -> None:
        """As client: send the ClientHello. As server: nothing, the peer begins."""
        if self._is_client:
            self._advance(now)

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take one datagram from the trusted pair."""
        if self.state in (DtlsState.FAILED, DtlsState.CLOSED):
            return
        established = self.state is DtlsState.ESTABLISHED
        data = without_forgeable(data, established=established)
        if not data or not self._within_limit(len(data)):
            return
        self._connection.bio_write(data)
        if established:
            self._read(now)
        else:
            self._advance(now)

    def datagrams_to_send(self) -> list[bytes]:
        """Datagrams for the selected pair."""
        datagrams, self._to_send = self._to_send, []
        return datagrams

    def next_timer(self) -> float | None:
        """When :meth:`handle_timer` wants to be called."""
        if self.state is not DtlsState.HANDSHAKING:
            return None
        timers = [at for at in (self._resend_at, self._openssl_at) if at is not None]
        return min(timers, default=None)

    def handle_timer(self, now: float) -> None:
        """Repeat the last flight if it is due."""
        if self.state is not DtlsState.HANDSHAKING:
            return
        if self._openssl_at is not None and now >= self._openssl_at:
            self._openssl_retransmit(now)
        if self._resend_at is not None and now >= self._resend_at:
            self._send(self._flight)
            self._resends += 1
            more = self._resends < MAX_RESENDS
            self._resend_at = now + RESEND_AFTER * 2**self._resends if more else None

    def close(self) -> None:
        """Say close_notify, so that the peer need not wait for a time-out."""
        if self.state is DtlsState.ESTABLISHED:
            with contextlib.suppress(SSL.Error):
                self._connection.shutdown()
            self._flush()
        if self.state is not DtlsState.FAILED:
            self.outcome = DtlsOutcome(DtlsState.CLOSED, "closed by us")

    def _within_limit(self, size: int) -> bool:
        if self.state is DtlsState.ESTABLISHED:
            return True
        self._received += size
        if self._received > MAX_HANDSHAKE_BYTES:
            self._fail("the handshake is larger than we allow")
            return False
        return True

    def _advance(self, now: float) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._after_step(now)
        except (SSL.Error, ValueError) as error:
            self._flush()
            self._fail(_describe(error))
        else:
            self._after_step(now)
            self._finish()

    def _after_step(self, now: float) -> None:
        flight = self._flush()
        if flight:
            self._flight = flight
            self._resends = 0
            self._resend_at = now + RESEND_AFTER
        remaining = self._connection.DTLSv1_get_timeout()
        self._openssl_at = None if remaining is None else now + remaining

    def _openssl_retransmit(self, now: float) -> None:
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(_describe(error))
            return
        self._flush()
        remaining = self._connection.DTLSv1_get_timeout()
        # A little later than OpenSSL says, for our clocks may differ and it must have expired.
        self._openssl_at = None if remaining is None else now + max(remaining, 0.01)

    def _finish(self) -> None:
        name = self._connection.get_selected_srtp_profile()
        profile = next((p for p in SrtpProfile if p.openssl_name == name), None)
        if not self._certificate_ok:
            self._fail("the peer sent no certificate")
        elif profile is None:
            self._fail("no SRTP profile in common")
        else:
            size = 2 * (profile.key_size + profile.salt_size)
            material = self._connection.export_keying_material(_EXPORTER_LABEL, size)
            self.keys = SrtpKeys.from_exporter(material, profile, is_client=self._is_client)
            self.outcome = DtlsOutcome(DtlsState.ESTABLISHED)

    def _read(self, now: float) -> None:
        """Let OpenSSL work; application data is read away, for nothing here speaks SCTP."""
        try:
            for _ in range(16):
                self._connection.recv(2048)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.outcome = DtlsOutcome(DtlsState.CLOSED, "closed by the peer")
        except SSL.Error as error:
            self._fail(_describe(error))
        self._flush()

    def _flush(self) -> list[bytes]:
        """Send what OpenSSL has written; returns its records."""
        data = b""
        while True:
            try:
                data += self._connection.bio_read(65536)
            except SSL.WantReadError:
                break
        records = list(split_records(data))
        self._send(records)
        return records

    def _send(self, records: list[bytes]) -> None:
        numbered = []
        for record in records:
            if is_plaintext(record):
                record = renumbered(record, self._plaintext_sent)
                self._plaintext_sent += 1
            numbered.append(record)
        self._to_send += pack_datagrams(numbered, MTU)

    def _fail(self, reason: str) -> None:
        if self.state is not DtlsState.FAILED:
            self.outcome = DtlsOutcome(DtlsState.FAILED, reason)


def _describe(error: Exception) -> str:
    """OpenSSL's reason strings ('no shared cipher'); they hold nothing secret."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list | tuple):
        reasons = [str(entry[-1]) for entry in queue if entry]
        return f"DTLS: {', '.join(reasons[:3])}" if reasons else "DTLS failed"
    return f"DTLS: {queue}"
