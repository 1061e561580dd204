"""Security: the keys of one connection, and their refresh (draft sections 6.1.5 and 6.1.6)."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.protocols.srt.cipher import (
    TAG_SIZE,
    AuthenticatedCipher,
    CounterCipher,
    PayloadCipher,
)
from gamecast.protocols.srt.keys import (
    EVEN,
    ODD,
    BadSecret,
    KeyMaterial,
    build_km,
    derive_kek,
    new_material,
    parse_km,
)

_MIN_KM_INTERVAL = 0.05
"""Seconds between key messages of a peer that are opened: each may cost a derivation."""


class Security:
    """Encrypts what is sent, decrypts what is received. Both directions begin with one key.

    A message that does not open changes nothing (CVE-2026-55868).
    """

    def __init__(
        self,
        passphrase: str,
        *,
        random_bytes: Callable[[int], bytes],
        refresh: int = 1 << 24,
        announce: int = 1 << 12,
    ) -> None:
        self._passphrase = passphrase
        self._random = random_bytes
        self._refresh = max(refresh, 16)
        self._announce = min(announce, (self._refresh - 1) // 2)
        self._keks: dict[tuple[bytes, int], bytes] = {}
        self._receive: dict[int, PayloadCipher] = {}
        self._send: dict[int, PayloadCipher] = {}
        self._material: KeyMaterial | None = None
        self._opened_at = -1.0
        self._used = 0
        self._pending: bytes | None = None
        self._taken = b""
        self._sent_at = 0.0
        self.sending = EVEN
        """KK of the key in use for sending."""
        self.refreshes = 0

    # Handshake ----------------------------------------------------------------------------------

    def begin(self, key_length: int, *, authenticated: bool = False) -> bytes:
        """The caller makes the keys; returns the KM message."""
        self._material = new_material(key_length, self._random, authenticated=authenticated)
        self._install(self._material, self._receive)
        self._install(self._material, self._send)
        return self._wrap(self._material)

    def open(self, message: bytes) -> None:
        """The listener takes the caller's keys; ``SrtError`` or ``BadSecret`` if it cannot."""
        material = self._unwrap(message)
        self._install(material, self._receive)
        self._install(material, self._send)
        self._material = material
        self.sending = EVEN if material.even else ODD

    @property
    def authenticated(self) -> bool:
        """AES-GCM: payloads are authenticated, and longer by a tag."""
        return self._material is not None and self._material.authenticated

    @property
    def overhead(self) -> int:
        """Bytes that encrypting adds to a payload."""
        return TAG_SIZE if self.authenticated else 0

    # Keys in use --------------------------------------------------------------------------------

    def next_key(self) -> int:
        """KK of the key for one more packet: counts towards its change."""
        self._used += 1
        if self._used >= self._refresh - self._announce:
            self._step()
        return self.sending

    def encrypt(self, sequence: int, header: bytes, payload: bytes) -> bytes:
        """Encrypt with the key that ``next_key`` has told and ``header`` names."""
        return self._send[self.sending].encrypt(sequence, header, payload)

    def decrypt(self, flags: int, sequence: int, header: bytes, payload: bytes) -> bytes | None:
        """Decrypt with the key that ``flags`` names; ``None`` where there is none, and of
        forgeries where they can be told."""
        cipher = self._receive.get(flags)
        return cipher.decrypt(sequence, header, payload) if cipher is not None else None

    def receive_refresh(self, message: bytes, now: float) -> bytes | None:
        """The peer's new keys: the answer that confirms them, ``None`` if they are not taken."""
        if message == self._taken:
            return message
        if now - self._opened_at < _MIN_KM_INTERVAL:
            return None
        self._opened_at = now
        try:
            material = self._unwrap(message)
        except BadSecret:
            return None
        if material.authenticated != self.authenticated:
            return None
        self._install(material, self._receive)
        self._taken = message
        return message

    def confirmed(self, message: bytes) -> None:
        """The peer's answer to our new keys."""
        if message == self._pending:
            self._pending = None

    def message_to_send(self, now: float, interval: float) -> bytes | None:
        """A KM message that is due now: new keys, until the peer has confirmed them."""
        if self._pending is None or now - self._sent_at < interval:
            return None
        self._sent_at = now
        return self._pending

    # Inside -------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Announce the next key; change to it once the peer has confirmed that it has it."""
        material = self._material
        if material is None:
            return
        other = ODD if self.sending == EVEN else EVEN
        if self._used == self._refresh - self._announce:
            key = self._random(material.key_length)
            even, odd = (material.even, key) if other == ODD else (key, material.odd)
            self._material = KeyMaterial(material.salt, even, odd, material.authenticated)
            self._install(self._material, self._send)
            self._pending = self._wrap(self._material)
            self._sent_at = float("-inf")
        elif self._used >= self._refresh and self._pending is None:
            self.sending = other
            self.refreshes += 1
            self._used = 0

    def _install(self, material: KeyMaterial, ciphers: dict[int, PayloadCipher]) -> None:
        kind = AuthenticatedCipher if material.authenticated else CounterCipher
        for flag, key in ((EVEN, material.even), (ODD, material.odd)):
            if key:
                ciphers[flag] = kind(key, material.salt)

    def _wrap(self, material: KeyMaterial) -> bytes:
        return build_km(material, self._kek(material.salt, material.key_length))

    def _unwrap(self, message: bytes) -> KeyMaterial:
        parsed = parse_km(message)
        return parsed.unwrap(self._kek(parsed.salt, parsed.key_length))

    def _kek(self, salt: bytes, length: int) -> bytes:
        found = self._keks.get((salt, length))
        if found is None:
            found = derive_kek(self._passphrase, salt, length)
            if len(self._keks) >= 4:
                self._keks.clear()
            self._keks[salt, length] = found
        return found
