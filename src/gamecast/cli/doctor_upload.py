"""The doctor on the line to a server that will be published to."""

from __future__ import annotations

import os

from gamecast.cli.findings import Finding, missing, ok, problem
from gamecast.cli.values import show_bitrate

LEAST = 2_500_000
"""Bits per second that a stream of 720p needs to look good."""


def examine(url: str, *, seconds: float = 5.0) -> Finding:
    """Publish noise there for so long; the channel shows it."""
    from gamecast.client.push.target import TargetError, parse_target
    from gamecast.client.uploadtest import UploadError, measure_upload, safe_bitrate

    if "://" not in url:
        return missing("upload", f"not measured: {url} is no URL of a server")
    try:
        measured = measure_upload(parse_target(url, os.environ), seconds=seconds)
    except (TargetError, UploadError) as error:
        return missing("upload", f"not measured: {error}")
    safe = safe_bitrate(measured)
    detail = f"{show_bitrate(measured)}: a stream should use {show_bitrate(safe)} at most"
    if safe < LEAST:
        return problem("upload", detail, "a smaller picture: --size 854x480 --bitrate 1000k")
    return ok("upload", detail)
