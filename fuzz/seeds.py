"""Where a target begins: what real programs sent, and what once broke it.

``fuzz/seeds/<target>/`` holds one input a file. A crash that ``make fuzz`` finds is written there;
commit it with its mend. Recordings that tests have elsewhere are used where they are.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEEDS = Path(__file__).parent / "seeds"
DATA = ROOT / "tests" / "data"

RECORDED = {
    "rtmp_server": (DATA / "rtmp", "*-p*.bin"),
    "rtmp_client": (DATA / "rtmp", "nginx-*.bin"),
    "sdp": (ROOT / "tests" / "protocols" / "webrtc" / "data", "*.sdp"),
}
CONFIGS = {"avcc": "h264", "hvcc": "hevc", "av1c": "av1", "aac": "aac", "opus_head": "opus"}


def seeds_of(target: str) -> list[bytes]:
    """All inputs that a target begins with; the empty one is always among them."""
    found = [b""]
    found += [path.read_bytes() for path in sorted((SEEDS / target).glob("*"))]
    if target in RECORDED:
        folder, pattern = RECORDED[target]
        found += [path.read_bytes() for path in sorted(folder.glob(pattern))]
    if target in CONFIGS:
        found += configs_of(CONFIGS[target])
    return found


def configs_of(codec: str) -> list[bytes]:
    """Codec configurations that real encoders wrote."""
    samples = json.loads((DATA / "codec_configs.json").read_text("utf-8"))
    return [bytes.fromhex(each["config"]) for each in samples.values() if each["codec"] == codec]
