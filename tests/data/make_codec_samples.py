"""Make ``codec_configs.json`` and ``codec_frames.json``: encoders' bytes, ffprobe's answers.

Run it as ``python tests/data/make_codec_samples.py`` in the development environment, with Debian's
ffmpeg and ffprobe on the path; ffmpeg 9 comes in the ``imageio-ffmpeg`` wheel. Every picture is
ffmpeg's own test source, so the files hold nobody's work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg

HERE = Path(__file__).parent
NEW = imageio_ffmpeg.get_ffmpeg_exe()
BOXES = {"h264": b"avcC", "hevc": b"hvcC", "av1": b"av1C", "vp9": b"vpcC", "opus": b"dOps"}
PROBED = [
    *("codec_name", "profile", "level", "width", "height", "pix_fmt", "r_frame_rate"),
    *("has_b_frames", "color_range", "color_space", "color_transfer", "color_primaries"),
    *("sample_rate", "channels"),
]

X264 = "-c:v libx264 -preset ultrafast"
X265 = "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=none:info=0"
AOM = "-c:v libaom-av1 -cpu-used 8 -row-mt 0"
SVT = "-c:v libsvtav1 -preset 13"
PARAMS = "-vf setparams=range=tv:colorspace={0}:color_primaries={1}:color_trc={2}"
BT709 = PARAMS.format("bt709", "bt709", "bt709")
HDR = PARAMS.format("bt2020nc", "bt2020", "smpte2084")

CONFIGS: dict[str, tuple[str, str, str]] = {
    # name: size@rate, pixel format, encoder's options
    "h264 baseline": ("320x180@30", "yuv420p", f"{X264} -profile:v baseline"),
    "h264 main 1366x768": ("1366x768@60", "yuv420p", f"{X264} -profile:v main -bf 0"),
    "h264 high b-frames": ("1920x1080@60", "yuv420p", f"{X264} -profile:v high -bf 3 -coder 1"),
    "h264 high pyramid": ("640x360@30", "yuv420p", "-c:v libx264 -preset veryfast -bf 3"),
    "h264 ntsc rate": ("854x480@30000/1001", "yuv420p", f"{X264} -bf 2"),
    "h264 odd crop": ("638x362@25", "yuv420p", X264),
    "h264 high 10": ("1366x768@30", "yuv420p10le", X264),
    "h264 high 4:2:2": ("1366x766@30", "yuv422p", X264),
    "h264 high 4:4:4": ("1365x767@30", "yuv444p", X264),
    "h264 gray": ("366x242@30", "gray", X264),
    "h264 intra": ("320x180@30", "yuv422p10le", f"{X264} -g 1"),
    "h264 bt709": ("1280x720@30", "yuv420p", f"{X264} {BT709}"),
    "h264 full range": ("1280x720@30", "yuvj420p", f"{X264} -color_range pc"),
    "h264 hrd": ("1280x720@30", "yuv420p",
                 f"{X264} -b:v 1M -maxrate 1M -bufsize 1M -x264-params nal-hrd=cbr:bframes=2"),
    "h264 anamorphic": ("720x576@25", "yuv420p", f"{X264} -aspect 16:9"),
    "h264 interlaced": ("1920x1080@25", "yuv420p", f"{X264} -flags +ildct+ilme"),
    "h264 high scaling": ("320x180@30", "yuv420p",
                          "-c:v libx264 -preset veryfast -x264-params cqm=jvt"),
    "h264 8k": ("7680x4320@30", "yuv420p", X264),
    "h264 openh264": ("1366x768@30", "yuv420p", "-c:v libopenh264"),
    "hevc main": ("320x180@30", "yuv420p", X265),
    "hevc main 1366x768": ("1366x768@60", "yuv420p", f"{X265}:bframes=0"),
    "hevc b-frames": ("640x360@60", "yuv420p", f"{X265}:bframes=4:b-adapt=0:b-pyramid=1"),
    "hevc main 10": ("640x360@30", "yuv420p10le", X265),
    "hevc hdr": ("640x360@60000/1001", "yuv420p10le", f"{X265} {HDR}"),
    "hevc 4:2:2 10": ("638x362@30", "yuv422p10le", X265),
    "hevc 4:4:4": ("637x361@30", "yuv444p", X265),
    "hevc bt709 hrd": ("1280x720@25", "yuv420p",
                       f"{X265}:hrd=1:vbv-maxrate=1000:vbv-bufsize=1000 -b:v 1M {BT709}"),
    "hevc layers": ("640x360@60", "yuv420p", f"{X265}:temporal-layers=3:bframes=3"),
    "hevc scaling": ("640x360@60", "yuv420p", f"{X265}:scaling-list=default:rd=3"),
    "hevc kvazaar": ("640x360@30", "yuv420p", "-c:v libkvazaar -tag:v hvc1"),
    "hevc vps timing": ("640x360@25", "yuv420p", f"{X265} -bsf:v hevc_metadata=tick_rate=25"),
    "av1 svt": ("1366x768@60", "yuv420p", SVT),
    "av1 svt 10": ("640x360@30", "yuv420p10le", SVT),
    "av1 hdr": ("640x360@30", "yuv420p10le", f"{SVT} {HDR}"),
    "av1 aom": ("637x361@30", "yuv420p", AOM),
    "av1 4:4:4": ("640x360@30", "yuv444p", AOM),
    "av1 4:2:2 12": ("640x360@30", "yuv422p12le", AOM),
    "av1 gray": ("640x360@30", "gray", AOM),
    "av1 bt709": ("640x360@30", "yuv420p", f"{AOM} {BT709}"),
    "av1 gbr": ("640x360@30", "gbrp", AOM),
    "av1 rav1e": ("640x360@30", "yuv420p", "-c:v librav1e -speed 10"),
    "vp9 profile 0": ("640x360@30", "yuv420p", "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime"),
    "vp9 4:4:4": ("640x360@30", "yuv444p", "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime"),
    "vp9 hdr": ("640x360@30", "yuv420p10le",
                f"-c:v libvpx-vp9 -cpu-used 8 -deadline realtime {HDR}"),
    "aac 48000 stereo": ("48000:2", "", "-c:a aac"),
    "aac 44100 mono": ("44100:1", "", "-c:a aac"),
    "aac 5.1": ("48000:6", "", "-c:a aac"),
    "aac 7.1": ("96000:8", "", "-c:a aac"),
    "aac quad": ("48000:4", "", "-c:a aac -af aformat=channel_layouts=quad"),
    "aac 2.1": ("44100:3", "", "-c:a aac -af aformat=channel_layouts=2.1"),
    "aac 8000": ("8000:1", "", "-c:a aac"),
    "opus stereo": ("48000:2", "", "-c:a libopus"),
    "opus 5.1": ("48000:6", "", "-c:a libopus -mapping_family 1"),
    "flac": ("44100:2", "", "-c:a flac"),
    "flac 96": ("96000:1", "", "-c:a flac -sample_fmt s32"),
    "mp3": ("44100:2", "", "-c:a libmp3lame"),
    "mp3 low": ("22050:1", "", "-c:a libmp3lame"),
    "ac3": ("48000:6", "", "-c:a ac3"),
    "ac3 mono": ("44100:1", "", "-c:a ac3"),
    "eac3": ("48000:2", "", "-c:a eac3"),
}  # fmt: skip

SMALL = "64x64@30"
FRAMES: dict[str, tuple[str, str, str]] = {
    "h264": (SMALL, "yuv420p", "-c:v libx264 -preset veryfast -crf 45 -g 12 -bf 2 -sc_threshold 0"),
    "h264 open gop": (SMALL, "yuv420p",
                      "-c:v libx264 -preset veryfast -crf 45 -g 12 -bf 2 -sc_threshold 0 "
                      "-x264-params open-gop=1"),
    "h264 intra refresh": (SMALL, "yuv420p",
                           "-c:v libx264 -preset veryfast -crf 45 -g 12 "
                           "-x264-params intra-refresh=1"),
    "hevc": (SMALL, "yuv420p", f"{X265}:keyint=12:open-gop=0:bframes=2:b-adapt=0:crf=45"),
    "hevc open gop": (SMALL, "yuv420p", f"{X265}:keyint=12:open-gop=1:bframes=2:b-adapt=0:crf=45"),
    "hevc layers": (SMALL, "yuv420p",
                    f"{X265}:keyint=12:open-gop=0:bframes=3:b-adapt=0:temporal-layers=3:crf=45"),
    "av1": (SMALL, "yuv420p", f"{SVT} -crf 60 -g 12"),
    "vp8": (SMALL, "yuv420p", "-c:v libvpx -g 12 -b:v 20k -deadline realtime"),
    "vp9": (SMALL, "yuv420p", "-c:v libvpx-vp9 -g 12 -b:v 20k -deadline realtime"),
}  # fmt: skip


def source(spec: str, pixels: str) -> list[str]:
    """ffmpeg's input arguments for ``WxH@rate`` or ``rate:channels``."""
    if "@" in spec:
        size, rate = spec.split("@")
        pattern = "testsrc" if size[-1] in "13579" else "testsrc2"  # testsrc2 has even sizes only
        head = ["-f", "lavfi", "-i", f"{pattern}=size={size}:rate={rate}"]
        return [*head, "-pix_fmt", pixels]
    rate, channels = spec.split(":")
    return ["-f", "lavfi", "-i", f"sine=sample_rate={rate}", "-ac", channels, "-ar", rate]


def encode(path: Path, spec: str, pixels: str, options: str, frames: int) -> None:
    """Encode a few frames into ``path``."""
    limit = ["-frames:v", str(frames)] if "@" in spec else ["-t", "0.3"]
    command = [NEW, "-v", "error", "-nostdin", "-y", *source(spec, pixels), *options.split()]
    environment = {"SVT_LOG": "0", "PATH": "/usr/bin:/bin"}
    subprocess.run([*command, *limit, path], check=True, env=environment)


def probe(path: Path) -> dict[str, Any]:
    """ffprobe's view of the only stream."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path)]
    stream = json.loads(subprocess.check_output(command))["streams"][0]
    return {name: stream[name] for name in PROBED if name in stream}


def box(path: Path, kind: bytes) -> bytes:
    """The body of the first box of a kind that occurs once."""
    data = path.read_bytes()
    at = data.index(kind)
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")]


def packets(path: Path) -> tuple[bytes, list[av.Packet[Any]]]:
    """PyAV's configuration of the stream and its packets."""
    with av.open(path) as container:
        stream = container.streams[0]
        found = [packet for packet in container.demux(stream) if packet.size]
        return bytes(stream.codec_context.extradata or b""), found


def configuration(folder: Path, name: str) -> dict[str, Any]:
    """Everything that the tests want to know of one encoder's output."""
    path = folder / "sample.mp4"
    encode(path, *CONFIGS[name], frames=8 if "8k" not in name else 1)
    codec = name.split()[0]
    extradata, found = packets(path)
    config = box(path, BOXES[codec]) if codec in BOXES else extradata
    entry: dict[str, Any] = {"codec": codec, "config": config.hex(), "probe": probe(path)}
    if "@" not in CONFIGS[name][0]:
        frame = found[1]
        samples = Fraction(frame.duration or 0) * Fraction(frame.time_base)
        entry["frame"] = bytes(frame)[:64].hex()
        entry["frame_size"] = frame.size
        entry["frame_seconds"] = str(samples)
    elif codec == "vp9":
        entry["frame"] = bytes(found[0])[:32].hex()
    return entry


def frames(folder: Path, name: str) -> dict[str, Any]:
    """All packets of a short clip, as containers carry them, with libavformat's keyframe flag."""
    suffix = ".webm" if name == "vp8" else ".mp4"
    path = folder / f"frames{suffix}"
    encode(path, *FRAMES[name], frames=30)
    extradata, found = packets(path)
    return {
        "codec": name.split()[0],
        "config": extradata.hex(),
        "packets": [
            {"key": packet.is_keyframe, "pts": packet.pts, "dts": packet.dts,
             "droppable": packet.is_disposable, "data": bytes(packet).hex()}
            for packet in found
        ],
    }  # fmt: skip


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, cases, make in (
            ("codec_configs.json", CONFIGS, configuration),
            ("codec_frames.json", FRAMES, frames),
        ):
            entries = {}
            for case in cases:
                try:
                    entries[case] = make(folder, case)
                except subprocess.CalledProcessError as error:
                    sys.stderr.write(f"{case}: {error}\n")
            (HERE / file).write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
