"""The pages' pure logic, tested in the browser that will run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route

import gamecast
from tests.support.browser import new_context
from tests.web.watching import IN_ONE_LOOP

TESTS = Path(__file__).parent / "js"
ASSETS = Path(gamecast.__file__).parent / "web" / "assets"
MODULES = sorted(path.stem for path in TESTS.glob("*.js") if path.stem != "assert")
ORIGIN = "http://gamecast.test"

RUN = """async (name) => {
  const { tests } = await import(`/tests/${name}.js`);
  const failures = [];
  for (const [title, test] of Object.entries(tests)) {
    try { await test(); } catch (error) { failures.push(`${title}: ${error.message}`); }
  }
  return { count: Object.keys(tests).length, failures };
}"""


async def serve_files(route: Route) -> None:
    """Answer from the source tree: no server is needed for logic."""
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        await route.fulfill(
            body="<!doctype html><html><body></body></html>", content_type="text/html"
        )
        return
    root, _, rest = path.lstrip("/").partition("/")
    file = {"assets": ASSETS, "tests": TESTS}[root] / rest
    await route.fulfill(path=file, content_type="text/javascript")


async def empty_page(browser: Browser) -> Page:
    """A page of an origin whose files are ours."""
    page = await (await new_context(browser)).new_page()
    await page.route("**/*", serve_files)
    await page.goto(ORIGIN + "/")
    return page


@pytest.mark.interop
@IN_ONE_LOOP
@pytest.mark.parametrize("name", MODULES)
async def test_logic(browser: Browser, name: str) -> None:
    page = await empty_page(browser)
    result = await page.evaluate(RUN, name)
    assert result["count"] > 0
    assert not result["failures"], "\n".join(result["failures"])


@pytest.mark.interop
@IN_ONE_LOOP
async def test_a_failing_assertion_is_reported(browser: Browser) -> None:
    """The runner itself: a test that fails must be seen."""
    page = await empty_page(browser)
    found = await page.evaluate(
        "async () => { const { equal } = await import('/tests/assert.js');"
        " try { equal(1, 2); } catch (error) { return error.message; } return 'passed'; }"
    )
    assert found == "expected 2, got 1"
