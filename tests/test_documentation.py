"""The documentation tells what is: links lead somewhere, settings are listed with defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from scripts import check_links

from gamecast.server.config import ServeConfig

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \| (?:`([^`]*)`|none) \|", re.MULTILINE)


def settings() -> dict[str, Any]:
    """Every key of the server's configuration with its default."""
    found = {}
    for section, model in ServeConfig():
        for key, value in model:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            found[f"{section}.{key}"] = str(plain) if isinstance(plain, Path) else plain
    return found


def test_every_link_leads_somewhere() -> None:
    found = [line for page in check_links.pages(ROOT) for line in check_links.broken(page, ROOT)]
    assert found == []


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    documented = {
        key: tomllib.loads(f"value = {default}")["value"] if default else None
        for key, default in ROW.findall(text)
    }
    assert documented == settings()


def test_the_examples_of_the_documentation_are_valid(tmp_path: Path) -> None:
    from gamecast.server.config_load import load_config

    blocks = [
        block
        for page in check_links.pages(ROOT)
        for block in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.toml"
        path.write_text(block, "utf-8")
        load_config(path, environ={})


def test_both_readmes_say_the_same_commands() -> None:
    commands = [
        re.findall(r"^(?:\.venv/bin/gamecast|make|ff\w+) [^#\n]*", text, re.MULTILINE)
        for text in (
            (ROOT / name).read_text("utf-8").replace("你的密钥", "YOUR_KEY")
            for name in ("README.md", "README.zh-CN.md")
        )
    ]
    assert commands[0]
    assert [c.strip() for c in commands[0]] == [c.strip() for c in commands[1]]
