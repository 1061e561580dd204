import json
import socket
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from gamecast.client import control
from gamecast.client.capture.sound.mixer import Channel
from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.control import ControlServer, call, running
from gamecast.client.controls import ControlError, Controls
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.target import parse_target
from gamecast.client.session import PushSession
from tests.client.rtmp_peer import RtmpPeer
from tests.support import judge
from tests.support.events import wait_until


class Live:
    """A push to a peer that is being controlled."""

    def __init__(self, peer: RtmpPeer) -> None:
        settings = VideoSettings(
            width=320, height=180, fps=Fraction(30), bitrate=400_000, keyframe_interval=2.0
        )
        self.mic = Channel("mic")
        self.session = PushSession(
            sources=[TestScene(320, 180, Fraction(30)), Tone()],
            video=VideoEncoder("libx264", settings),
            audio=[AudioEncoder(AudioSettings())],
            targets=[parse_target(peer.url(), {})],
            replay=2.0,
        )
        self.controls = Controls(self.session, channels=[self.mic])
        self.peer = peer
        self._thread = threading.Thread(target=self.session.run)
        self._thread.start()

    def pictures(self, count: int) -> None:
        self.peer.wait_for(
            lambda: (
                bool(self.peer.publications) and len(self.peer.publications[0].pictures) >= count
            )
        )

    def end(self) -> None:
        self.session.stop()
        self._thread.join(20)
        self.controls.close()


@pytest.fixture
def live() -> Iterator[Live]:
    with RtmpPeer() as peer:
        push = Live(peer)
        yield push
        push.end()


def test_replay_and_recording_beside_the_push(live: Live, tmp_path: Path) -> None:
    live.pictures(20)
    recorded = tmp_path / "r.mkv"
    assert live.controls.carry_out("record", ["start", str(recorded)]) == {"path": str(recorded)}
    with pytest.raises(ControlError, match="already recording"):
        live.controls.carry_out("record", ["start"])
    live.pictures(80)
    saved = tmp_path / "replay.mp4"
    answer = live.controls.carry_out("replay", [str(saved)])
    assert answer["path"] == str(saved)
    assert answer["seconds"] >= 1
    live.controls.carry_out("record", ["stop"])
    live.pictures(90)
    for path in (recorded, saved):
        assert len(judge.units(path)) > 20
        assert judge.units(path)[0].dts == 0
        assert judge.keyframes(path)[0] == 0
        judge.assert_clean(path)
    with pytest.raises(ControlError, match="nothing is being recorded"):
        live.controls.carry_out("record", ["stop"])


def test_a_recording_ends_well_with_the_push(tmp_path: Path) -> None:
    with RtmpPeer() as peer:
        push = Live(peer)
        push.pictures(5)
        push.controls.carry_out("record", ["start", str(tmp_path / "a.mp4")])
        push.pictures(30)
        push.end()
    assert len(judge.units(tmp_path / "a.mp4")) >= 20
    judge.assert_clean(tmp_path / "a.mp4")


def test_keyframe_bitrate_mute_status_stop(live: Live) -> None:
    live.pictures(5)
    count = len(live.peer.publications[0].pictures)
    live.controls.carry_out("keyframe", [])
    live.pictures(count + 10)
    kinds = [message.payload[0] >> 4 for message in live.peer.publications[0].pictures]
    assert 1 in kinds[count - 2 : count + 10]
    live.controls.carry_out("bitrate", ["200000"])
    encode = live.session.encode_stats
    wait_until(lambda: encode.target_bitrate == 200_000, "the new bitrate")
    assert live.controls.carry_out("mute", ["mic"]) == {"input": "mic", "muted": True}
    assert live.mic.muted
    assert live.controls.carry_out("toggle", [])["muted"] is False
    assert live.controls.carry_out("unmute", [])["muted"] is False
    status = json.loads(json.dumps(live.controls.carry_out("status", [])))
    assert status["destinations"][0]["state"] == "live"
    assert status["encode"]["frames_encoded"] >= 15
    assert "KEY" not in json.dumps(status)
    live.controls.carry_out("stop", [])
    live.peer.wait_for(lambda: live.peer.publications[0].stopped)


@pytest.mark.parametrize(
    ("command", "arguments", "problem"),
    [
        ("dance", [], "no command 'dance'"),
        ("mute", ["guitar"], "no sound input 'guitar' in this push; there are: mic"),
        ("bitrate", ["lots"], "must be from"),
        ("bitrate", ["9000000"], "must be from"),
        ("bitrate", [], "number of arguments"),
        ("record", ["pause"], "record start"),
        ("record", ["start", "rtmp://h/a/k"], "goes to a file"),
        ("record", ["start", "x.avi"], "neither a URL"),
        ("record", ["start", "/no/such/a.mp4"], "there is no folder"),
        ("replay", ["a.txt"], "is an .mp4 file"),
        ("replay", ["/no/such/a.mp4"], "there is no folder"),
    ],
)
def test_what_cannot_be_done(live: Live, command: str, arguments: list[str], problem: str) -> None:
    live.pictures(3)
    with pytest.raises(ControlError, match=problem):
        live.controls.carry_out(command, arguments)


# The socket --------------------------------------------------------------------------------------


def echo(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    if command == "fail":
        raise ControlError("no")
    return {"command": command, "arguments": list(arguments)}


def test_commands_go_through_the_socket(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with ControlServer(echo, folder) as server:
        (path,) = running(folder).values()
        assert path == server.path
        assert call(path, "mute", ["mic"]) == {"command": "mute", "arguments": ["mic"]}
        with pytest.raises(ControlError, match=r"^no$"):
            call(path, "fail", [])
        assert call(path, "again", []) == {"command": "again", "arguments": []}
    assert running(folder) == {}
    assert not path.exists()


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"{}\n", b"[1]\n", b"null\n", b'{"command": 3}\n', b"\xff\xfe\n", b"x" * 9000],
)
def test_nonsense_is_answered_and_harms_nobody(tmp_path: Path, line: bytes) -> None:
    with ControlServer(echo, tmp_path / "run") as server:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(server.path))
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            assert json.loads(connection.recv(4096)) == {"ok": False, "problem": "not a request"}
        assert call(server.path, "still", []) == {"command": "still", "arguments": []}


def test_a_folder_that_others_can_enter_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(PermissionError):
        ControlServer(echo, folder)


def test_what_a_killed_push_left_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "push-12345.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stale))
    assert running(tmp_path) == {}
    assert not stale.exists()
    with pytest.raises(ControlError, match="does not answer"):
        call(tmp_path / "push-1.sock", "status", [])


def test_where_the_sockets_are() -> None:
    assert control.control_folder({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path(
        "/run/user/7/gamecast"
    )
    assert control.control_folder({}).name.startswith("gamecast-")
