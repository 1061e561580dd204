"""Watching a mountpoint of Janus' streaming plugin through its HTTP API.

``http://host:8088/janus?stream=1``. Janus offers and the viewer answers; the plugin speaks of it in
events, which a long poll brings.
"""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gamecast.bench.errors import BenchError
from gamecast.bench.exchange import request
from gamecast.bench.webrtc_session import Joined, local_transport, start
from gamecast.protocols.webrtc.answer import answer_publish
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp_parse import parse_sdp

_PLUGIN = "janus.plugin.streaming"
_POLLS = 5
_JSON = {"content-type": "application/json"}


async def join_janus(url: str) -> Joined:
    """A session that is about to check. Raises :class:`BenchError` or ``OSError``."""
    parts = urlsplit(url)
    base = f"http://{parts.netloc}{parts.path}"
    stream = int(parse_qs(parts.query).get("stream", ["1"])[0])
    session = f"{base}/{await _create(base, {'janus': 'create'})}"
    handle = f"{session}/{await _create(session, {'janus': 'attach', 'plugin': _PLUGIN})}"
    await _say(handle, {"janus": "message", "body": {"request": "watch", "id": stream}})
    offer = await _offer(session)
    local = local_transport()
    try:
        description = parse_sdp(offer)
        # It answers as a server would, which takes itself for the lite side; here Janus is that.
        description.ice_lite = False
        agreement = answer_publish(description, local, session_id=1)
        agreement.answer.ice_lite = False
    except WebRtcError as error:
        raise BenchError(f"Janus' offer: {error}") from None
    jsep = {"type": "answer", "sdp": str(agreement.answer)}
    await _say(handle, {"janus": "message", "body": {"request": "start"}, "jsep": jsep})
    return start(local, agreement)


def checked(status: int, body: bytes) -> dict[str, Any]:
    """An answer of Janus that is none of its errors. Raises :class:`BenchError`."""
    try:
        answer = json.loads(body) if status == 200 else {"janus": f"HTTP {status}"}
    except (ValueError, RecursionError):
        raise BenchError("Janus: no JSON") from None
    said = _inside(answer, "janus")
    if said not in ("success", "ack", "event", "keepalive", "webrtcup", "media"):
        raise BenchError(f"Janus: {_inside(answer, 'error', 'reason') or said}")
    return dict(answer)


def id_of(answer: dict[str, Any]) -> int:
    """The number of what was created. Raises :class:`BenchError`."""
    number = _inside(answer, "data", "id")
    if not isinstance(number, int):
        raise BenchError("Janus: it created nothing")
    return number


def offer_of(event: dict[str, Any]) -> str:
    """The SDP of an event, empty if it has none. Raises :class:`BenchError` for a refusal."""
    if _inside(event, "jsep", "type") == "offer":
        return str(_inside(event, "jsep", "sdp"))
    problem = _inside(event, "plugindata", "data", "error")
    if problem:
        raise BenchError(f"Janus: {problem}")
    return ""


def _inside(value: Any, *path: str) -> Any:
    """What stands at a path of names; ``None`` if nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


async def _offer(session: str) -> str:
    for _ in range(_POLLS):
        offer = offer_of(checked(*await request("GET", f"{session}?maxev=1")))
        if offer:
            return offer
    raise BenchError("Janus made no offer")


async def _create(url: str, body: dict[str, Any]) -> int:
    return id_of(await _say(url, body))


async def _say(url: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body | {"transaction": f"{random.getrandbits(48):x}"}).encode()
    return checked(*await request("POST", url, data, _JSON))
