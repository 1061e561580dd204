from pathlib import Path

import pytest

from gamecast.client.profiles import (
    FILE_VARIABLE,
    ProfileError,
    load_profile,
    profiles_path,
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
