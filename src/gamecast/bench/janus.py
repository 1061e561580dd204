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


async def _offer(session: str) -> str:
    for _ in range(_POLLS):
        event = _checked(*await request("GET", f"{session}?maxev=1"))
        if event.get("jsep", {}).get("type") == "offer":
            return str(event["jsep"]["sdp"])
        problem = event.get("plugindata", {}).get("data", {}).get("error")
        if problem:
            raise BenchError(f"Janus: {problem}")
    raise BenchError("Janus made no offer")


async def _create(url: str, body: dict[str, Any]) -> int:
    return int((await _say(url, body))["data"]["id"])


async def _say(url: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body | {"transaction": f"{random.getrandbits(48):x}"}).encode()
    return _checked(*await request("POST", url, data, _JSON))


def _checked(status: int, body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(body) if status == 200 else {"janus": f"HTTP {status}"}
    if answer.get("janus") not in ("success", "ack", "event", "keepalive", "webrtcup", "media"):
        raise BenchError(f"Janus: {answer.get('error', {}).get('reason', answer.get('janus'))}")
    return answer
