"""TLS: a server context whose certificate is read again when its files change."""

from __future__ import annotations

import ssl
from pathlib import Path


class ServerTls:
    """One ``SSLContext`` for all listeners. New handshakes use what was loaded last."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises ``OSError`` or ``ssl.SSLError`` if the files cannot be used."""
        self._cert = cert
        self._key = key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._stamp = self._stat()
        self.context.load_cert_chain(cert, key)

    def reload_if_changed(self) -> bool:
        """Load the files again if they are others than before; ``True`` if so.

        Raises like the constructor; the context then goes on with the old certificate.
        """
        stamp = self._stat()
        if stamp == self._stamp:
            return False
        # Tried on a context of its own first: a half-written pair must not break the live one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._cert, self._key)
        self.context.load_cert_chain(self._cert, self._key)
        self._stamp = stamp
        return True

    def _stat(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(
            (status.st_mtime_ns, status.st_size, status.st_ino)
            for status in (self._cert.stat(), self._key.stat())
        )
