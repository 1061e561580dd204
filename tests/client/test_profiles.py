import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.profiles import (
    FILE_VARIABLE,
    ProfileError,
    load_profile,
    profiles_path,
    save_profile,
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_values_of_a_profile(tmp_path: Path) -> None:
    path = write(tmp_path / "push.toml", '[ranked]\nscreen = 1\nbitrate = "6M"\n[other]\n')
    assert load_profile("ranked", path) == {"screen": 1, "bitrate": "6M"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[other]\n", "no profile 'ranked'.* there are: other"),
        ("ranked = 1\n", "outside a"),
        ("[ranked\n", "push.toml"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProfileError, match=problem):
        load_profile("ranked", write(tmp_path / "push.toml", text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="does not exist"):
        load_profile("ranked", tmp_path / "push.toml")


def test_where_it_is() -> None:
    assert profiles_path({FILE_VARIABLE: "/x/y.toml"}) == Path("/x/y.toml")
    if profiles_path({}).parts[-3:-2] == (".config",):
        assert profiles_path({"XDG_CONFIG_HOME": "/c"}) == Path("/c/gamecast/push.toml")


def test_a_saved_profile_is_read_back_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "new" / "push.toml"
    values = {
        "screen": 0,
        "test": True,
        "keyframe-interval": 1.5,
        "window": 'a "quoted" \\d+ 游戏',
        "destinations": ["rtmp://h/live/k?x=1", "a.mp4"],
    }
    save_profile("my game", values, path)
    save_profile("other", {"fps": "30"}, path)
    assert load_profile("my game", path) == values
    assert load_profile("other", path) == {"fps": "30"}
    assert path.stat().st_mode & 0o077 == 0


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=4), st.text(max_size=8))
def test_any_text_survives(values: dict[str, str], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = save_profile(name, values, Path(folder) / "push.toml")
        assert load_profile(name, path) == values


def test_a_profile_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError):
        save_profile("x", {}, tmp_path / "file" / "push.toml")
