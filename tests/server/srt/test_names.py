"""Stream ids in every form of the contract, and those that ask for nothing we have."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.srt import Reject
from gamecast.server.srt.names import Asked, BadStreamId, parse

KEY = "gc_abcdefghijklmnopqrstuvwxyz234567"


@pytest.mark.parametrize(
    ("stream_id", "asked"),
    [
        (f"#!::r=live/main,m=publish,s={KEY}", Asked(True, "main", KEY)),
        (f"#!::m=publish,u=me,s={KEY},r=main", Asked(True, "main", KEY)),
        (f"#!::m=publish,s={KEY}", Asked(True, None, KEY)),
        ("#!::r=live/main,m=publish", Asked(True, "main", None)),
        ("#!::r=live/main,m=request", Asked(False, "main", None)),
        ("#!::r=live/main,m=request,s=token", Asked(False, "main", "token")),
        ("#!::r=/live/main", Asked(False, "main", None)),
        (f"publish:live/main::{KEY}", Asked(True, "main", KEY)),
        (f"publish:live/main:user:{KEY}", Asked(True, "main", KEY)),
        (f"publish:main:{KEY}", Asked(True, "main", KEY)),
        (f"publish:{KEY}", Asked(True, None, KEY)),
        ("publish:main", Asked(True, "main", None)),
        ("read:live/main", Asked(False, "main", None)),
        ("read:live/main:user:token", Asked(False, "main", "token")),
        ("live/main", Asked(False, "main", None)),
        ("main", Asked(False, "main", None)),
        (f"live/main?key={KEY}", Asked(True, "main", KEY)),
        (KEY, Asked(True, None, KEY)),
    ],
)
def test_what_is_asked_for(stream_id: str, asked: Asked) -> None:
    assert parse(stream_id) == asked
    assert KEY not in repr(parse(stream_id)) or stream_id == KEY


@pytest.mark.parametrize(
    ("stream_id", "reject"),
    [
        ("", Reject.BAD_REQUEST),
        ("#!::m=bidirectional,r=main", Reject.BAD_MODE),
        ("#!::t=file,r=main", Reject.BAD_MODE),
        ("#!:r=main", Reject.BAD_REQUEST),
        ("#!::r=../../x", Reject.BAD_REQUEST),
        ("#!::r=main,r=other", Reject.BAD_REQUEST),
        ("record:main", Reject.BAD_MODE),
        ("read:a/b/c", Reject.BAD_REQUEST),
    ],
)
def test_what_is_refused(stream_id: str, reject: Reject) -> None:
    with pytest.raises(BadStreamId) as caught:
        parse(stream_id)
    assert caught.value.reject == reject


@given(st.text(max_size=200), st.sampled_from(["", "#!::", "publish:", "read:", "#!::r=a,"]))
def test_any_text_is_read_or_refused(text: str, start: str) -> None:
    with suppress(BadStreamId):
        parse(start + text)
