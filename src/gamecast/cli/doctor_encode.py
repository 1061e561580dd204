"""The doctor on encoders: each one really encodes five pictures, in a process of its own.

Graphics drivers crash and hang, and a driver that does must not take the doctor with it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from gamecast.cli.findings import Finding, missing, ok, problem

SOFTWARE = "x264"
"""The choice of ``--encoder`` that means encoding on the processor, whatever the codec."""
AUDIO = "audio"
_TIME_LIMIT = 60.0
_AT_ONCE = 2


def examine() -> Iterator[Finding]:
    """PyAV, every encoder that this platform may have, and the ffmpeg program."""
    try:
        yield _pyav()
    except ImportError as error:
        yield problem("PyAV", f"cannot be loaded: {error}", "reinstall: pip install --force av")
        return
    from gamecast.client.encode.probe import candidates

    families = (SOFTWARE, AUDIO, *(name for name in candidates() if name != SOFTWARE))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for family, results in zip(families, pool.map(_probe, families), strict=True):
            yield _judge(family, results)
    yield _ffmpeg()


def _pyav() -> Finding:
    import av
    from av.codec import codec

    version = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return ok(
        "PyAV", f"{av.__version__}, libavcodec {version}, {len(codec.codecs_available)} codecs"
    )


def _probe(family: str) -> dict[str, str | None] | str:
    """Codec to problem (``None``: works); or why the whole family could not be tried."""
    command = [sys.executable, "-m", "gamecast.cli.doctor_probe", family]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"does not answer within {_TIME_LIMIT:.0f} s"
    if done.returncode != 0:
        return f"crashes (exit status {done.returncode})"
    results: dict[str, str | None] = json.loads(done.stdout)
    return results


def _judge(family: str, results: dict[str, str | None] | str) -> Finding:
    name = {SOFTWARE: "software", AUDIO: "sound"}.get(family, family)
    if isinstance(results, str):
        return problem(name, results, "its driver is faulty: update it, or do not use --encoder")
    works = [codec for codec, why in results.items() if why is None]
    reasons = _distinct(why for why in results.values() if why is not None)
    if not works:
        return missing(name, f"not here: {'; '.join(reasons)}")
    detail = f"encodes {', '.join(works)}"
    lacking = [f"{codec}: {why}" for codec, why in results.items() if why is not None]
    if family in (SOFTWARE, AUDIO) and lacking:
        return problem(name, f"{detail}; {'; '.join(lacking)}", "reinstall PyAV")
    return ok(name, detail)


def _distinct(reasons: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(reason[:100] for reason in reasons))


def _ffmpeg() -> Finding:
    program = shutil.which("ffmpeg")
    if program is None:
        return missing("ffmpeg", "no program of that name; only needed to publish with it")
    try:
        done = subprocess.run(
            [program, "-hide_banner", "-version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return missing("ffmpeg", f"{program} does not run: {error}")
    first = (done.stdout.splitlines() or ["unknown version"])[0]
    return ok("ffmpeg", f"{' '.join(first.split()[:3])} ({program})")
