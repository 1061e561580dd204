"""The server's configuration: one model per component, every key with its default and bounds.

``gamecast.server.config_load.load_config`` fills it from a TOML file, the environment
(``GAMECAST_<SECTION>__<KEY>``) and the command line. A component takes its own section, nothing
more. All times are seconds, all sizes bytes, all rates bits per second.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from gamecast.server.config_values import BitRate, HostList, NetworkList, Port, Section, split

_MIB = 1024 * 1024
_ICE_URL = r"^(stun|turn)s?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?$"
_QUOTABLE = r"^[ !#-\[\]-~]*$"
"""What stands between quotes in a header without being escaped."""


def _checked_passphrase(value: SecretStr) -> SecretStr:
    length = len(value.get_secret_value().encode())
    if length and not 10 <= length <= 79:
        raise ValueError("a passphrase has 10 to 79 bytes")
    return value


def _with_urls(value: Any) -> Any:
    """Addresses alone, with commas between them, will do for servers without credentials."""
    servers = split(value)
    if not isinstance(servers, list):
        return servers
    return [{"url": each} if isinstance(each, str) else each for each in servers]


class ServerSection(Section):
    """The process as a whole."""

    name: str = Field(default="Gamecast", min_length=1, max_length=80)
    """What the pages call this site."""
    host: str = Field(default="0.0.0.0", min_length=1, max_length=253)
    """Address that every listener binds."""
    data_dir: Path = Path("gamecast-data")
    """Where the database and ``ready.json`` live; made when it is missing."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    demo: bool = False
    """Also publish the built-in test scene on the channel ``demo``."""


class DatabaseSection(Section):
    """Where channels and keys are kept."""

    url: SecretStr = SecretStr("")
    """An SQLAlchemy URL (``postgresql+asyncpg://…``); empty for SQLite in the data directory."""


class HttpSection(Section):
    """Pages, API and media over HTTP and WebSocket. HTTPS when ``tls`` is set."""

    port: Port = 8080
    public_url: str = Field(default="", max_length=500, pattern=r"^(https?://[^\s/?#]+)?/?$")
    """The origin that viewers use, when a proxy stands in front; empty: what the request says."""
    allow_origin: str = Field(default="*", max_length=500, pattern=r"^(\*|https?://[^\s/?#]+)?$")
    """``Access-Control-Allow-Origin`` of media answers; empty sends none."""
    metrics_from: NetworkList = Field(default=[])
    """Addresses that may read ``/metrics``; empty: everybody."""
    header_timeout: float = Field(default=10.0, ge=0.1, le=300)
    """From the connection (or the last answer's end) to the end of a request's header."""
    idle_timeout: float = Field(default=75.0, ge=0.1, le=3600)
    """A kept-alive connection without a request."""
    max_connections: int = Field(default=10_000, ge=1, le=1_000_000)
    max_connections_per_address: int = Field(default=1_000, ge=1, le=1_000_000)


class RtmpSection(Section):
    """RTMP, and RTMPS when ``tls`` is set."""

    enabled: bool = True
    port: Port = 1935
    tls_port: Port = 1936
    """RTMPS; only served when ``tls.cert`` and ``tls.key`` are set."""
    handshake_timeout: float = Field(default=10.0, ge=0.1, le=300)
    """From the connection to an accepted ``publish`` or ``play``."""
    idle_timeout: float = Field(default=15.0, ge=0.1, le=3600)
    """A publisher that sends nothing for this long is closed."""
    max_message_size: int = Field(default=10 * _MIB, ge=64 * 1024, le=64 * _MIB)
    max_connections: int = Field(default=10_000, ge=1, le=1_000_000)
    max_connections_per_address: int = Field(default=1_000, ge=1, le=1_000_000)


class SrtSection(Section):
    """SRT over UDP: callers publish and play; rendezvous and bonding are not served."""

    enabled: bool = True
    port: Port = 8890
    latency: float = Field(default=0.12, ge=0.02, le=8.0)
    """How long packets are held so that lost ones can be sent again; a peer may ask for more."""
    hold: bool = True
    """Publishers' packets wait out the latency; otherwise only those behind a lost one wait."""
    passphrase: SecretStr = SecretStr("")
    """10 to 79 bytes: everybody has to encrypt with it; empty: nobody may."""
    passphrases: dict[str, SecretStr] = Field(default={}, max_length=10_000)
    """Passphrases of single channels, by name; they go before ``passphrase``."""
    idle_timeout: float = Field(default=5.0, ge=0.5, le=3600)
    """A peer that is silent for this long is gone."""
    max_connections: int = Field(default=2_000, ge=1, le=100_000)
    max_connections_per_address: int = Field(default=200, ge=1, le=100_000)

    @field_validator("passphrase")
    @classmethod
    def _right_length(cls, value: SecretStr) -> SecretStr:
        return _checked_passphrase(value)

    @field_validator("passphrases")
    @classmethod
    def _right_lengths(cls, values: dict[str, SecretStr]) -> dict[str, SecretStr]:
        return {name: _checked_passphrase(value) for name, value in values.items()}

    def passphrase_of(self, channel: str) -> str:
        """What callers of this channel have to encrypt with; empty for nothing."""
        return self.passphrases.get(channel, self.passphrase).get_secret_value()


class IceServer(Section):
    """A STUN or TURN server that is named to WHIP and WHEP clients."""

    url: str = Field(max_length=300, pattern=_ICE_URL)
    """``stun:host``, ``turn:host:port?transport=udp``; ``stuns:`` and ``turns:`` for TLS."""
    username: str = Field(default="", max_length=200, pattern=_QUOTABLE)
    credential: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    """Instead of a credential: the secret shared with a TURN server that takes credentials which
    expire (coturn: ``use-auth-secret``, ``static-auth-secret``)."""
    lifetime: float = Field(default=86_400.0, ge=60, le=30 * 86_400)
    """How long such credentials hold."""

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        credential = self.credential.get_secret_value()
        if credential and self.secret.get_secret_value():
            raise ValueError("credential or secret, not both")
        if bool(credential) and not self.username:
            raise ValueError("a credential needs a username")
        if not re.fullmatch(_QUOTABLE, credential):
            raise ValueError("a credential has printable characters without quotes")
        return self


class IceSection(Section):
    """The one UDP and TCP port of all WebRTC sessions."""

    port: Port = 8189
    tcp: bool = True
    """Also take sessions over TCP, for networks that let no UDP through."""
    public_addresses: HostList = Field(default=[])
    """Addresses or host names that viewers can reach, when this machine does not know them itself
    (NAT, cloud)."""
    servers: Annotated[list[IceServer], BeforeValidator(_with_urls)] = Field(
        default=[], max_length=8
    )
    """STUN and TURN servers for clients that do not reach this machine directly."""
    max_sessions: int = Field(default=5_000, ge=1, le=1_000_000)
    """Publishers and viewers by WebRTC, connected or about to be."""
    max_sessions_per_address: int = Field(default=1_000, ge=1, le=1_000_000)


class TlsSection(Section):
    """Certificate for HTTPS and RTMPS, read again when the files change."""

    cert: Path | None = None
    """PEM file: the certificate and its chain."""
    key: Path | None = None
    """PEM file: the private key."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together: set both or neither")
        return self

    @property
    def enabled(self) -> bool:
        """Whether a certificate is configured."""
        return self.cert is not None


class AuthSection(Section):
    """Who may publish and who may watch."""

    publish: Literal["key", "open"] = "key"
    """``key``: a stream key of the channel. ``open``: anybody, under any name."""
    play: Literal["open", "key", "token"] = "open"
    """``open``: anybody. ``key``: any key of the channel. ``token``: a token made for it."""


class HlsSection(Section):
    """Low-latency HLS."""

    part_seconds: float = Field(default=0.333, ge=0.1, le=2.0)
    """PART-TARGET: no part is longer."""
    segment_seconds: float = Field(default=1.0, ge=0.5, le=10.0)
    """The least length of a segment; each ends at the first keyframe after it."""
    window_segments: int = Field(default=7, ge=3, le=100)
    """Segments that a playlist lists."""

    @model_validator(mode="after")
    def _parts_fit_segments(self) -> Self:
        if self.part_seconds > self.segment_seconds:
            raise ValueError("part_seconds may not be above segment_seconds")
        return self


class StreamSection(Section):
    """One stream on air, whatever its protocol."""

    grace_seconds: float = Field(default=10.0, ge=0, le=120)
    """How long viewers keep their connections when the publisher is gone."""
    group_seconds: float = Field(default=30.0, ge=1, le=120)
    """Longest group that is cached for viewers who join; one without an end is cut here."""
    group_bytes: int = Field(default=64 * _MIB, ge=_MIB, le=1024 * _MIB)
    takeovers_per_minute: int = Field(default=20, ge=1, le=600)
    """Take-overs by the same key before two fighting encoders are refused."""
    max_bitrate: BitRate = 0
    """A publisher above this is closed; 0 sets no bound."""


class WebrtcSection(Section):
    """WHEP viewers."""

    b_frames: Literal["transcode", "drop", "refuse"] = "transcode"
    """What to do with a stream that has B-frames, which WebRTC cannot carry."""


class ServeConfig(Section):
    """Everything ``gamecast serve`` can be told. ``ServeConfig()`` is the defaults, always."""

    server: ServerSection = ServerSection()
    database: DatabaseSection = DatabaseSection()
    http: HttpSection = HttpSection()
    rtmp: RtmpSection = RtmpSection()
    srt: SrtSection = SrtSection()
    ice: IceSection = IceSection()
    tls: TlsSection = TlsSection()
    auth: AuthSection = AuthSection()
    hls: HlsSection = HlsSection()
    stream: StreamSection = StreamSection()
    webrtc: WebrtcSection = WebrtcSection()
