"""Request heads that hypothesis makes of right and wrong parts: RFC 9112 sections 2 to 5."""

from __future__ import annotations

from fuzz.http_heads import answers_to
from hypothesis import example, given, settings
from hypothesis import strategies as st

METHODS = st.sampled_from([b"GET", b"HEAD", b"POST", b"OPTIONS", b"get", b"G\0T", b"", b"PRI"])
TARGETS = st.sampled_from([b"/", b"/live/a.flv?b=%00", b"*", b"http://x/", b"", b"/\xff", b"/a b"])
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 "])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
NAMES = st.sampled_from(
    [b"Host", b"X", b"Content-Length", b"Transfer-Encoding", b"Upgrade", b"Connection", b"X Y", b""]
)
VALUES = st.one_of(
    st.sampled_from([b"x", b"0", b"3", b"-1", b"chunked", b"websocket", b"close", b"keep-alive"]),
    st.binary(max_size=20),
)
FIELDS = st.lists(
    st.tuples(NAMES, VALUES, ENDS).map(lambda each: b"%s: %s%s" % each), max_size=6
).map(b"".join)
HEADS = st.tuples(METHODS, TARGETS, VERSIONS, ENDS, FIELDS, ENDS).map(
    lambda each: b"%s %s %s%s%s%s" % each
)


def status_of(answer: bytes) -> bytes:
    return answer[:12]


@settings(max_examples=300, deadline=None)
@example(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 16)
@example(b"GET / HTTP/1.1\r\nHost: x\r\nX: \r\r\n\r\n", 29)
@given(HEADS, st.integers(0, 200))
def test_a_head_is_answered_once_and_alike_however_it_is_cut(head: bytes, at: int) -> None:
    whole = answers_to(head)
    assert status_of(whole) in (b"", b"HTTP/1.1 200", b"HTTP/1.1 400")
    assert whole.count(b"HTTP/1.1 ") <= 1
    assert status_of(answers_to(head[:at], head[at:])) == status_of(whole)


def test_a_good_head_is_served() -> None:
    """The connection in memory is a whole one: without this, all of the above could be silence."""
    assert answers_to(b"GET / HTTP/1.1\r\n", b"Host: x\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
    assert answers_to(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
