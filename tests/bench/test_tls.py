"""Publishers and viewers of the load against a server that speaks TLS only where it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gamecast.bench import tls
from gamecast.bench.watch import WatchSettings, watch
from gamecast.bench.watched import Watched
from tests.support.certificates import write_certificate
from tests.support.gamecast import GamecastServer, command
from tests.support.process import Process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """HTTPS and RTMPS with a certificate of its own."""
    folder = tmp_path_factory.mktemp("tls")
    settings = {
        **write_certificate(folder, "localhost"),
        "GAMECAST_RTMP__TLS_PORT": "0",
        "GAMECAST_AUTH__PUBLISH": "open",
    }
    with GamecastServer(folder, settings=settings) as running:
        yield running


@pytest.fixture
def trusted(server: GamecastServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Its certificate is one that this process trusts."""
    path = server.folder / "cert.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    tls.context.cache_clear()
    yield path
    tls.context.cache_clear()


def urls(server: GamecastServer) -> dict[Watched, str]:
    return {
        Watched.FLV: f"{server.http}/live/fed.flv",
        Watched.RTMP: f"{server.ready['rtmps']}/live/fed",
        Watched.WHEP: f"{server.http}/live/fed/whep",
        Watched.LL_HLS: f"{server.http}/live/fed/index.m3u8",
    }


@pytest.fixture(scope="module", params=["rtmps", "whip"])
def on_air(server: GamecastServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """Published by ``gamecast bench publish`` over TLS."""
    whip = request.param == "whip"
    url = f"{server.http}/live/fed/whip" if whip else f"{server.ready['rtmps']}/live/fed"
    arguments = command("bench", "publish", url, "--bitrate", "6", "--fps", "30", "--audio", "opus")
    process = Process(
        [*arguments, "--keyframe-interval", "1"],
        log=server.folder / f"{request.param}.log",
        env={"SSL_CERT_FILE": str(server.folder / "cert.pem")},
    )
    with process:
        process.wait_for_output("1 publishing", timeout=30)
        server.wait_on_air("fed")
        yield request.param
        assert process.stop() == 0
    server.wait_off_air("fed")


@pytest.mark.usefixtures("on_air", "trusted")
@pytest.mark.parametrize("protocol", [Watched.FLV, Watched.RTMP, Watched.WHEP, Watched.LL_HLS])
def test_every_frame_arrives_through_tls(server: GamecastServer, protocol: Watched) -> None:
    """Of four viewers one looks at every frame; the others are counted, which TLS has to read."""
    settings = WatchSettings(
        viewers=4,
        protocol=protocol,
        sample=1,
        seconds=2,
        calm=5.0,  # FLV begins when its converter of the sound has started
        patience=20.0,
    )
    result = watch([urls(server)[protocol]], settings)
    assert not result.closed + result.failed + result.missed_frames + result.missed_groups, result
    assert result.frames > 20
    assert result.bits_per_second > 4 * 4e6, "the counted ones got theirs"


@pytest.mark.parametrize("protocol", [Watched.FLV, Watched.RTMP, Watched.WHEP, Watched.LL_HLS])
def test_a_certificate_of_nobody_is_refused(server: GamecastServer, protocol: Watched) -> None:
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        watch([urls(server)[protocol]], WatchSettings(protocol=protocol, seconds=1))
