from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.server.logs_clean import MAX_LENGTH, clean, clean_event, escape, redact
from gamecast.store.credentials import make_key, make_token

CANARY = "canary7x"


@pytest.mark.parametrize(
    "text",
    [
        f"rtmp://host/live/main?key={CANARY}",
        f"rtmp://host/live/main?KEY={CANARY}&x=1",
        f"/live/main.flv?token={CANARY}",
        f"/live/main.flv?a=b&jwt={CANARY}#x",
        f"srt://host:8890?passphrase={CANARY}&latency=20",
        f"srt://host:8890?streamid=#!::r=live/main,m=publish,s={CANARY}",
        f"srt://host:8890?streamid=%23!::r=live/main%2Cm=publish%2Cs%3D{CANARY}",
        f"#!::s={CANARY},r=live/main",
        f"publish:live/main:user:{CANARY}",
        f"publish:live/main::{CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"authorization: basic {CANARY}",
        f"postgresql+asyncpg://gamecast:{CANARY}@host/db",
        f"rtmp://{CANARY}:{CANARY}@host/live",
        f"password={CANARY}",
        f"the url is http://h/?token={CANARY}, and it failed",
        f"?access_token={CANARY}",
    ],
)
def test_secrets_in_text_are_hidden(text: str) -> None:
    hidden = redact(text)
    assert CANARY not in hidden
    assert "***" in hidden


@pytest.mark.parametrize("make", [make_key, make_token])
@pytest.mark.parametrize("text", ["{}", "rtmp://host/live/{}", "live/{}?x=1", "'{}'", "a {} b"])
def test_our_own_keys_are_hidden_wherever_they_stand(make: object, text: str) -> None:
    assert callable(make)
    secret = make()
    assert secret[8:] not in redact(text.format(secret))
    assert secret[8:] not in redact(text.format(secret).upper()).lower()


@pytest.mark.parametrize(
    "text",
    [
        "rtmp://host/live/main",
        "/live/main/index.m3u8?_HLS_msn=3&_HLS_part=1",
        "publish:live/main",
        "gc_wfhe is how the key begins",
        "keyframe interval 2 s",
        "port 1935 on 0.0.0.0 is already in use",
        "OBS-Studio/29.0.2 (Linux; zh_CN)",
        "中文 und Ümläute",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert clean(text) == text


def test_control_characters_become_visible() -> None:
    assert escape("\x1b[31mred\r\n2026 forged\x00\x7f\x9b") == (
        r"\x1b[31mred\r\n2026 forged\x00\x7f\x9b"
    )
    assert escape("\u202eevil\u2028\ud800") == r"\u202eevil\u2028\ud800"


@given(st.text(max_size=2_000))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert len(cleaned) <= MAX_LENGTH + 1
    cleaned.encode()


@given(st.one_of(st.binary(), st.lists(st.text()), st.dictionaries(st.text(), st.text())))
def test_any_value_becomes_one_short_printable_line(value: object) -> None:
    cleaned = clean(value)
    assert cleaned.isprintable()
    assert len(cleaned) <= MAX_LENGTH + 1


def test_numbers_stay_numbers() -> None:
    for value in (None, True, 3, 2.5):
        assert clean(value) is value


def test_a_secret_cut_in_two_by_the_bound_does_not_show() -> None:
    for padding in range(200, 1_100, 50):
        assert CANARY not in clean("x" * padding + f"?key={CANARY}")


def test_fields_with_a_secrets_name_are_hidden_whatever_they_hold() -> None:
    event = clean_event(None, "info", {"event": "e", "key": CANARY, "Password": 3, "key_id": 5})
    assert event == {"event": "e", "key": "***", "Password": "***", "key_id": 5}


def test_a_traceback_cannot_forge_an_event_nor_tell_a_secret() -> None:
    text = f"Traceback:\nValueError: key={CANARY}\n2026-11-22 [info] forged\x1b[2J"
    event = clean_event(None, "error", {"event": "e", "exception": text})
    lines = event["exception"].splitlines()
    assert all(line.startswith("  | ") for line in lines)
    assert CANARY not in event["exception"]
    assert "\x1b" not in event["exception"]


def test_cleaning_a_hostile_string_takes_little_time() -> None:
    import time

    hostile = ["publish:" * 5_000, "a:" * 20_000, "://" * 20_000, "bearer " * 9_000, "s=" * 30_000]
    start = time.process_time()
    for text in hostile:
        clean(text)
    assert time.process_time() - start < 0.5
