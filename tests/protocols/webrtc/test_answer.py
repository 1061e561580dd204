"""Which codecs, extensions and layers an answer picks for real offers."""

from __future__ import annotations

import os

import pytest

from gamecast.protocols.webrtc.answer import Agreement, OutgoingStream, answer_play, answer_publish
from gamecast.protocols.webrtc.candidate import host_candidates
from gamecast.protocols.webrtc.capabilities import (
    ABS_CAPTURE_TIME,
    MID,
    PLAYOUT_DELAY,
    RID,
    TRANSPORT_CC,
    find_playable,
)
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.h264_profile import match_rank, parse_profile_level_id
from gamecast.protocols.webrtc.offer import accept_answer, play_offer, publish_offer
from gamecast.protocols.webrtc.sdp import Direction
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.transport import LocalTransport
from tests.protocols.webrtc.peers import certificate
from tests.protocols.webrtc.test_sdp import OFFERS, offer_text

PUBLISHERS = [name for name in OFFERS if not name.endswith("recvonly")]
VIEWERS = [name for name in OFFERS if name.endswith("recvonly")]
SAFARI = "composed_safari17_recvonly"
AUDIO = OutgoingStream(kind="audio", codec="opus", ssrc=20)


def _local() -> LocalTransport:
    return LocalTransport(
        credentials=IceCredentials.generate(os.urandom),
        fingerprint=certificate("server").fingerprint,
        candidates=host_candidates(["192.0.2.1"], 8189, tcp_port=8189),
    )


def _video(codec: str, **parameters: str) -> OutgoingStream:
    named = {name.replace("_", "-"): value for name, value in parameters.items()}
    return OutgoingStream(kind="video", codec=codec, parameters=named, ssrc=10, rtx_ssrc=11)


def _publish(name: str) -> Agreement:
    return answer_publish(parse_sdp(offer_text(name)), _local(), session_id=1)


def _play(name: str, *streams: OutgoingStream) -> Agreement:
    return answer_play(parse_sdp(offer_text(name)), _local(), streams, session_id=1)


@pytest.mark.parametrize("name", PUBLISHERS)
def test_every_publisher_gets_an_answer_that_fits_its_offer(name: str) -> None:
    offer = parse_sdp(offer_text(name))
    agreement = _publish(name)
    answer = parse_sdp(str(agreement.answer))
    assert answer.ice_lite
    assert [section.kind for section in answer.media] == [s.kind for s in offer.media]
    for ours, theirs in zip(answer.media, offer.media, strict=True):
        assert ours.mid == theirs.mid
        if theirs.kind == "application":
            assert ours.is_rejected
            continue
        assert ours.direction is Direction.RECVONLY
        assert set(ours.formats) <= set(theirs.formats)
        assert ours.simulcast_recv == theirs.simulcast_send
        assert ours.setup == ("active" if theirs.setup == "passive" else "passive")
        offered = {(e.uri, e.id) for e in theirs.extensions}
        assert {(e.uri, e.id) for e in ours.extensions} <= offered
    assert set(answer.bundle) == {s.mid for s in answer.media if not s.is_rejected}
    candidates = [c for section in answer.media for c in section.candidates]
    assert {c.transport for c in candidates} == {"udp", "tcp"}


def test_obs_gets_all_its_layers() -> None:
    agreement = _publish("composed_obs32_simulcast")
    video = next(media for media in agreement.media if media.kind == "video")
    assert video.rids == ["0", "1", "2"]
    assert video.extensions.keys() >= {MID, RID}
    text = str(agreement.answer)
    assert "a=simulcast:recv 0;1;2\r\n" in text
    assert text.count("a=rid:") == 3


def test_ffmpeg_wants_us_to_begin_dtls() -> None:
    agreement = _publish("ffmpeg9_sendonly")
    assert agreement.remote.we_are_dtls_client
    video = next(media for media in agreement.media if media.kind == "video")
    assert (video.codec, video.payload_type, video.rtx_payload_type) == ("h264", 106, 105)
    assert video.rtx_of == {1456677193: 1456677192}
    assert "nack" in video.feedback


def test_h264_is_preferred_to_the_browsers_own_order() -> None:
    video = next(m for m in _publish("chromium_sendonly").media if m.kind == "video")
    assert video.codec == "h264"
    firefox = next(m for m in _publish("firefox_sendonly").media if m.kind == "video")
    assert firefox.codec == "av1"
    assert firefox.rids == ["h", "f"]


def test_a_publisher_is_asked_for_stereo() -> None:
    answer = _publish("chromium_sendonly").answer
    opus = answer.media[0].codecs[0]
    assert (opus.name, opus.parameters["stereo"]) == ("opus", "1")


@pytest.mark.parametrize("name", VIEWERS)
def test_every_viewer_gets_vp8_and_opus(name: str) -> None:
    agreement = _play(name, _video("vp8"), AUDIO)
    assert sorted(media.codec for media in agreement.media) == ["opus", "vp8"]
    for section in parse_sdp(str(agreement.answer)).media:
        assert section.direction is Direction.SENDONLY
        assert section.msid.startswith("gamecast ")
    video = next(section for section in agreement.answer.media if section.kind == "video")
    assert video.ssrc_groups == [("FID", [10, 11])]
    assert list(video.ssrcs.values()) == ["gamecast", "gamecast"]


@pytest.mark.parametrize(
    ("stream", "offered"),
    [
        ("42c01f", "42e01f"),  # Constrained Baseline, exactly
        ("42001f", "42001f"),
        ("4d0028", "4d001f"),  # Main; the level is asymmetric
        ("64001f", "f4001f"),  # High is not there, High 4:4:4 covers it
        ("640c1f", "f4001f"),
    ],
)
def test_h264_profiles_are_matched(stream: str, offered: str) -> None:
    agreement = _play("chromium_recvonly", _video("h264", profile_level_id=stream))
    (media,) = agreement.media
    codec = agreement.answer.media[0].codec(media.payload_type)
    assert codec is not None
    assert codec.parameters["profile-level-id"] == offered
    assert codec.parameters["packetization-mode"] == "1"


def test_safari_gets_high_and_hevc() -> None:
    high = _play(SAFARI, _video("h264", profile_level_id="64001f")).media[0]
    assert high.payload_type == 96
    baseline = _play(SAFARI, _video("h264", profile_level_id="42c01f")).media[0]
    assert baseline.payload_type == 98
    hevc = _play(SAFARI, _video("hevc")).media[0]
    assert (hevc.codec, hevc.payload_type, hevc.rtx_payload_type) == ("hevc", 100, 101)
    main10 = _video("hevc", profile_id="2")
    with pytest.raises(WebRtcError):
        _play(SAFARI, main10)


@pytest.mark.parametrize(
    ("stream", "fits"),
    [
        ("64001f", True),  # High: browsers decode it under any name
        ("4d001f", True),
        ("f4001f", False),  # High 4:4:4
        ("6e001f", False),  # High 10
        ("7a001f", False),  # High 4:2:2
    ],
)
def test_what_a_baseline_offer_is_given(stream: str, fits: bool) -> None:
    offer = play_offer(_local(), video=("h264",), audio=(), session_id=3)
    text = str(offer).replace("profile-level-id=640033", "profile-level-id=42e01f")
    text = text.replace("profile-level-id=4d0033", "profile-level-id=42e01f")
    found = find_playable(parse_sdp(text).media[0], "h264", {"profile-level-id": stream})
    assert (found is not None) is fits


def test_the_first_stream_that_fits_is_given() -> None:
    streams = (_video("hevc"), _video("av1"), _video("vp8"), AUDIO)
    assert _play("chromium_recvonly", *streams).media[0].codec == "av1"
    assert _play(SAFARI, *streams).media[0].codec == "hevc"


def test_a_stream_without_sound_rejects_the_audio_section() -> None:
    agreement = _play("chromium_recvonly", _video("vp8"))
    assert [section.is_rejected for section in agreement.answer.media] == [False, True]
    assert agreement.answer.bundle == ["0"]


def test_extensions_follow_the_offer() -> None:
    media = _play("firefox_recvonly", _video("vp8")).media[0]
    assert media.extensions[PLAYOUT_DELAY] == 6
    assert ABS_CAPTURE_TIME not in media.extensions
    asked = parse_sdp(
        offer_text("chromium_recvonly").replace(
            "a=recvonly\r\n", f"a=recvonly\r\na=extmap:14 {ABS_CAPTURE_TIME}\r\n"
        )
    )
    both = answer_play(asked, _local(), [_video("vp8"), AUDIO], session_id=1)
    assert [each.extensions[ABS_CAPTURE_TIME] for each in both.media] == [14, 14]
    assert f"a=extmap:14 {ABS_CAPTURE_TIME}" in str(both.answer)
    assert "transport-cc" not in media.feedback, "which needs an extension that we do not send"
    published = _publish("firefox_sendonly").media[1]
    assert published.extensions[TRANSPORT_CC] == 7
    assert "transport-cc" in published.feedback


@pytest.mark.parametrize("name", OFFERS)
def test_mixed_header_extensions_are_allowed_where_the_offer_allows_them(name: str) -> None:
    """RFC 8285 section 6: at the level at which the offer has it (Firefox: each section's)."""
    offer = parse_sdp(offer_text(name))
    agreement = _play(name, _video("vp8"), AUDIO) if name in VIEWERS else _publish(name)
    answer = parse_sdp(str(agreement.answer))
    assert answer.extmap_allow_mixed == offer.extmap_allow_mixed
    for ours, theirs in zip(answer.media, offer.media, strict=True):
        assert ours.is_rejected or ours.extmap_allow_mixed == theirs.extmap_allow_mixed
    allowed = "extmap-allow-mixed" in offer_text(name)
    assert ("extmap-allow-mixed" in str(agreement.answer)) == allowed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        ("a=rtcp-mux\r\n", ""),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=fingerprint:sha-256", "a=fingerprint:sha-1"),
        ("a=ice-pwd:BZ8z17taips7hhW+PwJjQQoy", "a=ice-pwd:abc"),
        ("a=ice-ufrag:MNFN", "a=ice-ufrag:"),
        ("a=group:BUNDLE 0 1\r\n", ""),
        ("a=recvonly", "a=sendonly"),
        ("a=group:BUNDLE", "a=ice-lite\r\na=group:BUNDLE"),
    ],
)
def test_unusable_offers_are_refused(old: str, new: str) -> None:
    text = offer_text("chromium_recvonly")
    assert old in text
    offer = parse_sdp(text.replace(old, new))
    with pytest.raises(WebRtcError):
        answer_play(offer, _local(), [_video("vp8"), AUDIO], session_id=1)


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(WebRtcError):
        _play("chromium_recvonly", _video("hevc"))
    with pytest.raises(WebRtcError):
        _publish("chromium_recvonly")


def test_profile_garbage_is_refused() -> None:
    for text in ("", "42e0", "zzzzzz", "42e01f00"):
        with pytest.raises(WebRtcError):
            parse_profile_level_id(text)
    offered = offer_text("chromium_recvonly").replace(
        "profile-level-id=42e01f", "profile-level-id=x"
    )
    agreement = answer_play(
        parse_sdp(offered), _local(), [_video("h264", profile_level_id="42e01f")], session_id=1
    )
    assert agreement.media[0].codec == "h264"
    assert match_rank("42e01f", "42c01f") < match_rank("4d001f", "42c01f")


def test_our_own_offers_and_answers_agree() -> None:
    streams = [_video("h264", profile_level_id="42e01f"), AUDIO]
    local = _local()
    offer = publish_offer(local, streams, session_id=3)
    theirs = answer_publish(parse_sdp(str(offer)), _local(), session_id=4)
    ours = accept_answer(offer, parse_sdp(str(theirs.answer)))
    assert [(m.codec, m.payload_type, m.extensions) for m in ours.media] == [
        (m.codec, m.payload_type, m.extensions) for m in theirs.media
    ]
    assert ours.remote.we_are_dtls_client
    assert not theirs.remote.we_are_dtls_client
    assert len(ours.remote.candidates) == 2
    assert theirs.media[0].ssrcs == [10]


def test_our_own_viewer_finds_its_stream() -> None:
    offer = play_offer(_local(), session_id=3)
    theirs = answer_play(
        parse_sdp(str(offer)),
        _local(),
        [_video("h264", profile_level_id="64001f"), AUDIO],
        session_id=4,
    )
    ours = accept_answer(offer, parse_sdp(str(theirs.answer)))
    assert [media.codec for media in ours.media] == ["h264", "opus"]
    assert ours.media[0].ssrcs == [10]
    assert ours.media[0].rtx_of == {11: 10}


@pytest.mark.parametrize(
    ("old", "new"), [("m=audio", "m=video"), ("a=mid:1", "a=mid:7"), ("H264", "H265")]
)
def test_an_answer_to_another_offer_is_refused(old: str, new: str) -> None:
    offer = publish_offer(_local(), [_video("h264"), AUDIO], session_id=3)
    text = str(answer_publish(parse_sdp(str(offer)), _local(), session_id=4).answer)
    text = text.replace(old, new).replace(
        "BUNDLE 0 1", "BUNDLE 0 7" if "7" in new else "BUNDLE 0 1"
    )
    with pytest.raises(WebRtcError):
        accept_answer(offer, parse_sdp(text))
