"""SRTP protection profiles and session keys (RFC 3711 section 4.3, RFC 5764, RFC 7714)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class SrtpProfile(Enum):
    """Protection profiles in our order of preference. Sizes are in bytes."""

    AEAD_AES_128_GCM = ("SRTP_AEAD_AES_128_GCM", 16, 12, 16)
    AEAD_AES_256_GCM = ("SRTP_AEAD_AES_256_GCM", 32, 12, 16)
    AES128_CM_SHA1_80 = ("SRTP_AES128_CM_SHA1_80", 16, 14, 10)

    def __init__(self, openssl: str, key_size: int, salt_size: int, tag_size: int) -> None:
        self.openssl_name = openssl.encode()
        self.key_size = key_size
        self.salt_size = salt_size
        self.tag_size = tag_size
        """Bytes that protection adds to an RTP packet; SRTCP has 4 more for its index."""

    @property
    def is_aead(self) -> bool:
        """Whether one AES-GCM operation both encrypts and authenticates (RFC 7714)."""
        return self is not SrtpProfile.AES128_CM_SHA1_80


class Label(Enum):
    """Key derivation labels (RFC 3711 section 4.3.2): encryption, authentication, salt."""

    RTP = (0, 1, 2)
    RTCP = (3, 4, 5)


@dataclass(slots=True, frozen=True)
class MasterKey:
    """Master key and salt of one direction."""

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


@dataclass(slots=True, frozen=True)
class SessionKeys:
    """What encrypts and authenticates the packets of one kind (RTP or RTCP) in one direction."""

    profile: SrtpProfile
    cipher_key: bytes = field(repr=False)
    auth_key: bytes = field(repr=False)
    """Empty for AEAD profiles."""
    salt: bytes = field(repr=False)


@dataclass(slots=True, frozen=True)
class SrtpKeys:
    """Both directions, as DTLS exports them."""

    profile: SrtpProfile
    local: MasterKey
    """Protects what we send."""
    remote: MasterKey
    """Protects what the peer sends."""

    @classmethod
    def from_exporter(cls, material: bytes, profile: SrtpProfile, *, is_client: bool) -> SrtpKeys:
        """Cut exported keying material: client key, server key, client salt, server salt.

        RFC 5764 section 4.2.
        """
        key, salt = profile.key_size, profile.salt_size
        client = MasterKey(material[:key], material[2 * key : 2 * key + salt])
        server = MasterKey(material[key : 2 * key], material[2 * key + salt : 2 * key + 2 * salt])
        return cls(profile, client, server) if is_client else cls(profile, server, client)


def derive_session_keys(master: MasterKey, profile: SrtpProfile, label: Label) -> SessionKeys:
    """The session keys of a master key, with a key derivation rate of 0 (never derived again)."""
    encryption, authentication, salting = label.value
    return SessionKeys(
        profile=profile,
        cipher_key=derive(master, encryption, profile.key_size),
        auth_key=b"" if profile.is_aead else derive(master, authentication, 20),
        salt=derive(master, salting, profile.salt_size),
    )


def derive(master: MasterKey, label: int, size: int) -> bytes:
    """The AES-CM pseudo-random function of RFC 3711 section 4.3.3.

    A 96-bit salt (GCM) is shifted to the left end of the 112 bits that the PRF takes (RFC 7714
    section 11).
    """
    salt = int.from_bytes(master.salt.ljust(14, b"\0"), "big")
    counter = ((salt ^ label << 48) << 16).to_bytes(16, "big")
    encryptor = Cipher(algorithms.AES(master.key), modes.CTR(counter)).encryptor()
    return encryptor.update(bytes(size))
