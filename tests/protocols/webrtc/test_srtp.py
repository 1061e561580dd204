"""SRTP against the RFCs' vectors, against libsrtp, and against replay and forgery."""

from __future__ import annotations

import os

import pylibsrtp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.batch import PacketBatch
from gamecast.protocols.webrtc.rtp import (
    build_extensions,
    build_header,
    parse_rtp,
    rtp_header_size,
)
from gamecast.protocols.webrtc.srtp import (
    MAX_SSRCS,
    SrtpReceiver,
    SrtpSender,
)
from gamecast.protocols.webrtc.srtp_keys import (
    MasterKey,
    SessionKeys,
    SrtpKeys,
    SrtpProfile,
    derive,
)
from gamecast.protocols.webrtc.srtp_transform import GcmTransform, make_transform

PROFILES = list(SrtpProfile)
LIBSRTP = {
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    SrtpProfile.AES128_CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}
SSRC = 0xCAFEBABE


def _keys(profile: SrtpProfile) -> tuple[SrtpKeys, SrtpKeys]:
    """Both ends' view of one exporter."""
    material = bytes(range(2 * (profile.key_size + profile.salt_size)))
    return (
        SrtpKeys.from_exporter(material, profile, is_client=False),
        SrtpKeys.from_exporter(material, profile, is_client=True),
    )


def _pair(profile: SrtpProfile) -> tuple[SrtpSender, SrtpReceiver]:
    ours, theirs = _keys(profile)
    return SrtpSender(ours), SrtpReceiver(theirs)


def _libsrtp(profile: SrtpProfile, master: MasterKey, *, inbound: bool) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=master.key + master.salt,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND
        if inbound
        else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=LIBSRTP[profile],
    )
    policy.window_size = 1024
    policy.allow_repeat_tx = True
    return pylibsrtp.Session(policy=policy)


def _header(sequence: int, ssrc: int = SSRC, *, extended: bool = False) -> bytes:
    block = build_extensions({1: b"\1", 4: b"abc"}) if extended else b""
    return build_header(
        payload_type=96,
        sequence=sequence & 0xFFFF,
        timestamp=sequence * 3000 & 0xFFFFFFFF,
        ssrc=ssrc,
        extension_block=block,
    )


def test_key_derivation_of_rfc_3711_b_3() -> None:
    master = MasterKey(
        bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    assert derive(master, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(master, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert derive(master, 1, 94).hex().upper().startswith("CEBE321F6FF7716B6FD4AB49AF256A15")


# RFC 7714 section 16: one RTP and one RTCP packet, with session keys given.
GCM_SALT = bytes.fromhex("517569642070726f2071756f")
GCM_RTP = bytes.fromhex(
    "8040f17b8041f8d35501a0b2"
    "47616c6c696120657374206f6d6e6973206469766973612069"
    "6e207061727465732074726573"
)
GCM_KEYS = {
    SrtpProfile.AEAD_AES_128_GCM: bytes(range(16)),
    SrtpProfile.AEAD_AES_256_GCM: bytes(range(32)),
}
GCM_SEALED = {
    SrtpProfile.AEAD_AES_128_GCM: (
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce"
    ),
    SrtpProfile.AEAD_AES_256_GCM: (
        "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
        "7aa3db36dfffd6b0f9bb7878d7a76c13"
    ),
}


@pytest.mark.parametrize("profile", list(GCM_KEYS))
def test_gcm_vectors_of_rfc_7714_section_16(profile: SrtpProfile) -> None:
    keys = SessionKeys(profile, GCM_KEYS[profile], b"", GCM_SALT)
    transform = GcmTransform(keys)
    header, payload = GCM_RTP[:12], GCM_RTP[12:]
    ssrc, sequence = 0x5501A0B2, 0xF17B
    assert transform.nonce(ssrc, sequence).hex() == "51753c6580c2726f20718414"
    sealed = transform.sealer(ssrc)(sequence, payload, header)
    assert sealed.hex() == GCM_SEALED[profile]
    assert transform.open(header + sealed, 12, ssrc, sequence) == payload


GCM_RTCP = bytes.fromhex(
    "81c8000d4d6172734e5450314e545032525450200000042a0000e93"
    "04c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
)
GCM_RTCP_SEALED = (
    "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda"
    "4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
)


def test_srtcp_vector_of_rfc_7714_section_17() -> None:
    keys = SessionKeys(SrtpProfile.AEAD_AES_128_GCM, bytes(range(16)), b"", GCM_SALT)
    transform = GcmTransform(keys)
    sealed = transform.seal_rtcp(GCM_RTCP, 0x5D4)
    assert sealed.hex() == GCM_RTCP_SEALED
    assert transform.open_rtcp(sealed) == GCM_RTCP


@pytest.mark.parametrize("profile", PROFILES)
def test_libsrtp_opens_what_we_protect(profile: SrtpProfile) -> None:
    ours, _ = _keys(profile)
    sender, peer = SrtpSender(ours), _libsrtp(profile, ours.local, inbound=True)
    for sequence in (65530, 65531, 65535, 65536, 65540, 65538):
        header, payload = _header(sequence, extended=sequence % 2 == 0), os.urandom(100)
        assert peer.unprotect(sender.protect(header, payload)) == header + payload
    for _ in range(3):
        plain = b"\x80\xc9\x00\x01" + os.urandom(4)
        assert peer.unprotect_rtcp(sender.protect_rtcp(plain)) == plain


@pytest.mark.parametrize("profile", PROFILES)
def test_we_open_what_libsrtp_protects(profile: SrtpProfile) -> None:
    ours, theirs = _keys(profile)
    receiver, peer = SrtpReceiver(theirs), _libsrtp(profile, ours.local, inbound=False)
    for sequence in (65534, 65535, 65536, 65537, 65600):
        plain = _header(sequence, extended=True) + os.urandom(500)
        assert receiver.unprotect(peer.protect(plain)) == parse_rtp(plain)
    for _ in range(3):
        plain = b"\x80\xc9\x00\x01" + os.urandom(4)
        assert receiver.unprotect_rtcp(peer.protect_rtcp(plain)) == plain


@pytest.mark.parametrize("profile", PROFILES)
def test_a_batch_is_the_packets_one_by_one(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    for first in (65500, 65530, 65544):  # Across the wrap.
        headers = [_header(first + i, extended=True) for i in range(14)]
        payloads = [bytes([i]) * 1100 for i in range(13)] + [b"tail"]
        batch = PacketBatch(ssrc=SSRC, first_sequence=first, headers=headers, payloads=payloads)
        sealed = sender.seal(batch)
        size = batch.segment_size(sender.overhead)
        cut = [sealed[offset : offset + size] for offset in range(0, len(sealed), size)]
        opened = [receiver.unprotect(packet) for packet in cut]
        plain = [parse_rtp(h + p) for h, p in zip(headers, payloads, strict=True)]
        assert opened == plain


def test_no_sequence_of_a_batch_is_used_twice() -> None:
    """RFC 7714 section 8.4: whoever sees two packets under one nonce can forge any other."""

    sender, receiver = _pair(SrtpProfile.AEAD_AES_128_GCM)
    first = _batch(100, 4)
    assert sender.seal(first)
    assert sender.seal(_batch(110, 1)), "a gap is no matter"
    for again in (first, _batch(100, 1), _batch(103, 9), _batch(110, 1)):
        assert sender.seal(again) == b""
    assert sender.refused == 4 + 1 + 9 + 1
    rider = _batch(7, 1, ssrc=SSRC + 1)
    assert sender.seal(_batch(111, 1, rider=rider))
    assert sender.seal(_batch(112, 1, rider=rider)) == b"", "nor of what rides"
    assert receiver.unprotect(sender.seal(_batch(113, 1))) is not None


def _batch(
    first: int, count: int, *, ssrc: int = SSRC, rider: PacketBatch | None = None
) -> PacketBatch:
    """Packets whose payloads differ from those of any other batch."""
    return PacketBatch(
        ssrc=ssrc,
        first_sequence=first,
        headers=[_header(first + number, ssrc) for number in range(count)],
        payloads=[os.urandom(50)] * count,
        rider=rider,
    )


def test_viewers_share_a_batch_but_not_its_bytes() -> None:
    batch = PacketBatch(
        ssrc=SSRC, first_sequence=5, headers=[_header(5), _header(6)], payloads=[b"a" * 50, b"b"]
    )
    viewers = []
    for index in range(3):
        material = bytes([index]) * 56
        profile = SrtpProfile.AEAD_AES_128_GCM
        sender = SrtpSender(SrtpKeys.from_exporter(material, profile, is_client=False))
        receiver = SrtpReceiver(SrtpKeys.from_exporter(material, profile, is_client=True))
        viewers.append((receiver, sender.seal(batch)))
    assert len({sealed for _, sealed in viewers}) == 3
    for receiver, sealed in viewers:
        assert receiver.unprotect(sealed[:78]) == parse_rtp(_header(5) + b"a" * 50)


def test_a_batch_needs_packets() -> None:
    with pytest.raises(ValueError):
        PacketBatch(ssrc=1, first_sequence=1, headers=[], payloads=[])


@pytest.mark.parametrize("profile", PROFILES)
def test_rollover_counts_for_hours(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    for sequence in range(65000, 65000 + 5 * 65536, 1021):
        plain = _header(sequence) + b"x"
        assert receiver.unprotect(sender.protect(plain[:12], b"x")) == parse_rtp(plain)


def test_rollover_survives_the_loss_of_the_packets_around_the_wrap() -> None:
    sender, receiver = _pair(SrtpProfile.AEAD_AES_128_GCM)
    for sequence in (65000, 65535, 65537, 65536, 65534):
        sealed = sender.protect(_header(sequence), b"x")
        if sequence not in (65535,):
            assert receiver.unprotect(sealed) is not None, sequence


@pytest.mark.parametrize("profile", PROFILES)
def test_replays_and_forgeries_are_dropped(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    sealed = sender.protect(_header(9), b"payload")
    for position in range(len(sealed)):
        forged = bytearray(sealed)
        forged[position] ^= 1
        assert receiver.unprotect(bytes(forged)) is None
    assert receiver.unprotect(sealed) is not None
    assert receiver.unprotect(sealed) is None
    assert receiver.dropped["replayed"] == 1
    rtcp = sender.protect_rtcp(b"\x80\xc9\x00\x01abcd")
    for position in range(len(rtcp)):
        forged = bytearray(rtcp)
        forged[position] ^= 1
        assert receiver.unprotect_rtcp(bytes(forged)) is None
    assert receiver.unprotect_rtcp(rtcp) is not None
    assert receiver.unprotect_rtcp(rtcp) is None


def test_unknown_sources_make_no_state_unless_authentic() -> None:
    sender, receiver = _pair(SrtpProfile.AEAD_AES_128_GCM)
    for ssrc in range(10_000):
        assert receiver.unprotect(_header(1, ssrc) + bytes(40)) is None
    assert receiver.dropped == {"not authentic": 10_000}
    for ssrc in range(MAX_SSRCS):
        assert receiver.unprotect(sender.protect(_header(1, ssrc), b"x")) is not None
    assert receiver.unprotect(sender.protect(_header(1, 99_999), b"x")) is None
    assert receiver.dropped["too many sources"] == 1


@given(st.binary(max_size=120))
@settings(max_examples=200)
def test_any_bytes_are_survived(data: bytes) -> None:
    _, receiver = _pair(SrtpProfile.AES128_CM_SHA1_80)
    assert receiver.unprotect(data) is None
    assert receiver.unprotect_rtcp(data) is None
    assert 0 <= rtp_header_size(data) <= len(data)
    gcm = _pair(SrtpProfile.AEAD_AES_128_GCM)[1]
    assert gcm.unprotect(data) is None
    assert gcm.unprotect_rtcp(data) is None


def test_keys_are_not_in_reprs() -> None:
    ours, _ = _keys(SrtpProfile.AEAD_AES_128_GCM)
    assert "\\x" not in repr(ours)
    assert make_transform(SessionKeys(ours.profile, bytes(16), b"", bytes(12))).overhead == 16
