"""The self-signed certificate of this process and its SDP fingerprint (RFC 8122, RFC 8827 6.5)."""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gamecast.protocols.webrtc.errors import WebRtcError

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}
"""Accepted algorithms; ``sha-1``, ``md5`` and friends are as good as no fingerprint."""
_LIFETIME = datetime.timedelta(days=3650)


@dataclass(slots=True, frozen=True)
class Fingerprint:
    """One ``a=fingerprint``: algorithm in lower case, digest in upper-case hex with colons."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm} {self.value}"


@dataclass(slots=True, frozen=True)
class Certificate:
    """An ECDSA P-256 certificate with its key, made once per process."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    fingerprint: Fingerprint


def generate_certificate(now: float) -> Certificate:
    """A fresh certificate, valid from a day before ``now`` (Unix seconds) for ten years.

    Peers do not look at the dates, they look at the fingerprint; ECDSA P-256 is what RFC 8827
    section 6.5 asks for, and it keeps the handshake's flights within one datagram each.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WebRTC")])
    start = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFETIME)
        .sign(key, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    return Certificate(certificate, key, fingerprint_of(der, "sha-256"))


def fingerprint_of(der: bytes, algorithm: str) -> Fingerprint:
    """The fingerprint of a DER certificate; ``algorithm`` is one of sha-256, sha-384, sha-512."""
    digest = hashes.Hash(_HASHES[algorithm]())
    digest.update(der)
    return Fingerprint(algorithm, digest.finalize().hex(":").upper())


def parse_fingerprint(text: str) -> Fingerprint:
    """An ``a=fingerprint`` value. Raises WebRtcError if it is malformed."""
    algorithm, _, value = text.strip().partition(" ")
    digits = value.strip().replace(":", "")
    try:
        digest = bytes.fromhex(digits)
    except ValueError as error:
        raise WebRtcError("malformed certificate fingerprint") from error
    if not 16 <= len(digest) <= 64 or not algorithm.isascii():
        raise WebRtcError("malformed certificate fingerprint")
    return Fingerprint(algorithm.lower(), digest.hex(":").upper())


def usable_fingerprints(fingerprints: Iterable[Fingerprint]) -> list[Fingerprint]:
    """Those with an accepted hash. Raises WebRtcError if none is left."""
    usable = [each for each in fingerprints if each.algorithm in _HASHES]
    if not usable:
        raise WebRtcError("no certificate fingerprint with sha-256 or better")
    return usable


def certificate_matches(der: bytes, fingerprints: Iterable[Fingerprint]) -> bool:
    """Whether a certificate is the one that SDP announced.

    Every accepted algorithm that is listed has to match (RFC 8122 section 5 allows several values
    for one algorithm, of which one has to match); with none accepted, nothing matches.
    """
    by_algorithm: dict[str, list[str]] = {}
    for each in fingerprints:
        if each.algorithm in _HASHES:
            by_algorithm.setdefault(each.algorithm, []).append(each.value)
    return bool(by_algorithm) and all(
        any(hmac.compare_digest(fingerprint_of(der, algorithm).value, v) for v in values)
        for algorithm, values in by_algorithm.items()
    )
