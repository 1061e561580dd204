"""What can be known of the pages by reading them: policy, texts, links, modules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.web.modulegraph import PAGES, WEB, entry_of, graph, preloaded, written

ASSETS = WEB / "assets"
SCRIPTS = sorted((ASSETS / "js").rglob("*.js"))
LOCALES = ("en", "zh-CN")

_ENTRY = re.compile(r"^  (?:'([^']+)'|([a-z][\w-]*)): (.+),$", re.M)


def page(name: str) -> str:
    return (WEB / "pages" / f"{name}.html").read_text("utf-8")


def texts(locale: str) -> dict[str, str]:
    """The entries of a locale file, values as written."""
    source = (ASSETS / "js" / "locales" / f"{locale}.js").read_text("utf-8")
    return {quoted or bare: value for quoted, bare, value in _ENTRY.findall(source)}


@pytest.mark.parametrize("name", PAGES)
def test_pages_need_nothing_that_the_policy_forbids(name: str) -> None:
    html = page(name)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html), "an inline script"
    assert "<style" not in html
    assert not re.search(r'\s(?:style|on\w+)="', html), "an inline style or handler"
    sources = re.findall(r'<(?:script|link|img)[^>]*\s(?:src|href)="([^"]+)"', html)
    assert all(source.startswith("/assets/") for source in sources), "something from elsewhere"


@pytest.mark.parametrize("name", PAGES)
def test_the_server_can_put_the_language_in(name: str) -> None:
    assert page(name).count('<html lang="en">') == 1


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_exists(name: str) -> None:
    for path in re.findall(r'(?:src|href)="/assets/([^"]+)"', page(name)):
        assert (ASSETS / path).is_file(), path


@pytest.mark.parametrize("name", PAGES)
def test_all_modules_are_named_ahead(name: str) -> None:
    html = page(name)
    message = "run: python -m tests.web.modulegraph"
    assert preloaded(html) == graph(entry_of(html)), message
    assert written(html) == html, message


def test_every_module_is_used_by_some_page() -> None:
    used = {"js/boot.js"}
    for name in PAGES:
        used |= {entry_of(page(name)), *graph(entry_of(page(name)))}
    assert {path.relative_to(ASSETS).as_posix() for path in SCRIPTS} == used


def test_scripts_use_nothing_that_the_policy_forbids() -> None:
    for path in SCRIPTS:
        source = path.read_text("utf-8")
        for word in (
            "eval(",
            "new Function",
            "innerHTML",
            "document.write",
            "setAttribute('style'",
        ):
            assert word not in source, f"{word} in {path.name}"


def test_files_stay_small() -> None:
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in SCRIPTS}
    for locale in LOCALES:
        del lengths[f"{locale}.js"]
    assert {name: count for name, count in lengths.items() if count > 400} == {}


def test_locales_have_the_same_keys_and_values_to_fill_in() -> None:
    english, chinese = texts("en"), texts("zh-CN")
    assert len(english) > 150
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        names = set(re.findall(r"\{(\w+)\}", text))
        assert set(re.findall(r"\{(\w+)\}", chinese[key])) == names, key


def used_keys() -> tuple[set[str], set[str]]:
    """Keys that pages and scripts name whole, and the beginnings of keys that they put together."""
    sources = "\n".join(
        path.read_text("utf-8")
        for path in [*SCRIPTS, *(WEB / "pages").glob("*.html")]
        if path.parent.name != "locales"
    )
    whole = set(re.findall(r"""['"]([a-z][\w-]*(?:\.[\w-]+)+)['"]""", sources))
    whole |= set(re.findall(r"""\bt\('([\w.-]+)'""", sources))
    whole |= set(re.findall(r"""data-i18n(?:-tip|-label)?'?[=:] ?['"]([\w.-]+)['"]""", sources))
    built = set(re.findall(r"`([a-z]+\.[\w-]*)\$\{", sources))
    return whole, built


def test_every_text_that_is_asked_for_exists() -> None:
    known = texts("en").keys()
    areas = {key.split(".")[0] for key in known if "." in key}
    whole, built = used_keys()
    asked = {key for key in whole if key.split(".")[0] in areas}
    files = {key for key in asked if key.endswith((".js", ".svg", ".html"))}
    assert asked - files - known == set()
    for prefix in built:
        assert any(key.startswith(prefix) for key in known), prefix


def test_every_text_is_asked_for() -> None:
    whole, built = used_keys()
    constructed = ("log.", "warning.", *built)
    asked = {key for key in texts("en") if key.removesuffix("-exit") in whole}
    unused = {key for key in texts("en").keys() - asked if not key.startswith(constructed)}
    bare = {"yes", "no", "copied", "copy-failed", "copy"}  # chosen by expressions
    assert unused - bare == set()


def test_log_texts_match_the_codes_that_are_logged() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    logged = set(re.findall(r"""log\('(?:debug|info|warning|error)', '([\w-]+)'""", sources))
    logged |= set(re.findall(r"""#log\('(?:debug|info|warning|error)', '([\w-]+)'""", sources))
    assert len(logged) > 8
    known = {key.removeprefix("log.") for key in texts("en") if key.startswith("log.")}
    assert logged - known == set()


def test_server_warnings_have_texts() -> None:
    """The codes in server/http/views.py are words for viewers here."""
    views = (WEB.parent / "server" / "http" / "views.py").read_text("utf-8")
    codes = re.findall(r'warnings\.append\("(\w+)"\)', views)
    assert codes
    for code in codes:
        assert f"warning.{code}" in texts("en")


def test_vendor_files_are_there() -> None:
    wanted = json.loads((WEB / "vendor.json").read_text("utf-8"))
    for package, entry in wanted.items():
        for name in entry["files"].values():
            assert (WEB / "vendor" / name).is_file(), f"{package}: run python hatch_build.py"


def test_vendor_files_that_engines_load_are_asked_for() -> None:
    wanted = json.loads((WEB / "vendor.json").read_text("utf-8"))
    names = {name for entry in wanted.values() for name in entry["files"].values()}
    engines = (ASSETS / "js" / "player" / "engines").glob("*.js")
    loaded = {
        Path(path).name
        for engine in engines
        for path in re.findall(r"vendor/([\w.]+)'", engine.read_text("utf-8"))
    }
    assert loaded == names
