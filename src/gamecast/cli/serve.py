"""``gamecast serve``: options over configuration, then the server until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from gamecast.cli.options import ConfigFile, DataDir, read_config

app = typer.Typer(add_completion=False)


def _port(name: str, help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(name, metavar="N", help=help)
    return option


@app.command()
def serve(
    config: ConfigFile = None,
    data_dir: DataDir = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDR", help="Address to listen on. Default: 0.0.0.0"),
    ] = None,
    http_port: Annotated[
        int | None, _port("--http-port", "Pages, API, HLS, HTTP-FLV. Default: 8080")
    ] = None,
    rtmp_port: Annotated[int | None, _port("--rtmp-port", "RTMP. Default: 1935")] = None,
    srt_port: Annotated[int | None, _port("--srt-port", "SRT, UDP. Default: 8890")] = None,
    ice_port: Annotated[
        int | None, _port("--ice-port", "WebRTC, UDP and TCP. Default: 8189")
    ] = None,
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo",
            show_default=False,
            help="Also publish a moving test scene with sound on the channel 'demo'.",
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--log-format", metavar="console|json", help="Default: console"),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error."),
    ] = None,
) -> None:
    """Run the server until Ctrl+C or SIGTERM.

    Port 0 means any free port. Options win over the environment
    (GAMECAST_HTTP__PORT=9090), and that over the file's http.port.
    """
    settings = read_config(
        config,
        {
            "server.data_dir": data_dir,
            "server.host": host,
            "http.port": http_port,
            "rtmp.port": rtmp_port,
            "srt.port": srt_port,
            "ice.port": ice_port,
            "server.demo": demo,
            "server.log_format": log_format,
            "server.log_level": log_level,
        },
    )
    from gamecast.cli.serving import run

    run(settings)
