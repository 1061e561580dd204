import stat
from pathlib import Path

import pytest

from gamecast.client.capture.wayland.tokens import LIMIT, load_token, save_token, tokens_path


def test_tokens_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    path = tokens_path({"XDG_CONFIG_HOME": str(tmp_path)})
    assert path.parent.parent == tmp_path
    assert load_token("screen 0", path) is None
    save_token("screen 0", "one", path)
    save_token("window chess", "two", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_token("screen 0", path) == "one"
    save_token("screen 0", None, path)
    assert load_token("screen 0", path) is None
    assert load_token("window chess", path) == "two"


def test_the_oldest_choices_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "wayland.json"
    for number in range(LIMIT + 1):
        save_token(f"window {number}", str(number), path)
    assert load_token("window 0", path) is None
    assert load_token("window 1", path) == "1"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b'{"screen 0": 5}'])
def test_a_spoilt_file_is_like_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wayland.json"
    path.write_bytes(content)
    assert load_token("screen 0", path) is None
    save_token("screen 0", "new", path)
    assert load_token("screen 0", path) == "new"


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    save_token("screen 0", "new", tmp_path / "file" / "wayland.json")
