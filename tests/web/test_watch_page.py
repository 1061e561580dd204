"""The watch page around the player: panels, keyboard, languages, themes, sizes."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.support.browser import PHONE
from tests.web.conftest import OpenPage
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, until, until_moving, until_state

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]


async def reads(page: Page, selector: str) -> str:
    return (await page.locator(selector).inner_text()).strip()


async def test_statistics_are_alive(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page, seconds=3)
        panel = page.get_by_role("tabpanel", name="Statistics")
        assert await panel.is_visible()
        text = await panel.inner_text()
        for word in ("HTTP-FLV", "320 × 180", "avc1.", "H.264", "AAC", "kHz", "Connected"):
            assert word in text
        for chart in ("latency", "bitrate", "fps", "buffer", "viewers"):
            shown = await reads(page, f".chart-{chart} output")
            assert shown[0].isdigit(), (chart, shown)
        painted = """selector => {
          const canvas = document.querySelector(selector);
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value) => value !== 0);
        }"""
        await until(page, painted, ".chart-bitrate canvas")


async def test_the_event_log_and_its_copy(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await until_state(page, "playing")
        await page.get_by_role("tab", name="Event log").click()
        lines = await page.get_by_role("log").inner_text()
        assert "Connecting by HTTP-FLV" in lines
        assert "Playing" in lines
        await page.get_by_role("button", name="Copy log").click()
        await page.get_by_role("button", name="Copied").wait_for()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert page.url in copied
        assert "engine-opening" in copied
        await page.get_by_role("button", name="Clear").click()
        assert await page.locator(".log-lines li").count() == 0


async def test_keys_and_tabs_of_the_side(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        side = page.locator("#side")
        await page.keyboard.press("s")
        assert await side.is_hidden()
        await page.keyboard.press("e")
        assert await page.get_by_role("tabpanel", name="Event log").is_visible()
        await page.get_by_role("tab", name="Event log").focus()
        await page.keyboard.press("ArrowRight")
        assert await page.get_by_role("tabpanel", name="Statistics").is_visible()
        await page.reload()
        assert (
            await page.get_by_role("tab", name="Statistics").get_attribute("aria-selected")
            == "true"
        )


async def test_keys_of_the_player(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        muted = "document.querySelector('video').muted"
        await page.keyboard.press("m")
        assert await page.evaluate(muted)
        await page.keyboard.press("ArrowUp")
        assert not await page.evaluate(muted), "louder also unmutes"
        before = await page.evaluate("document.querySelector('video').volume")
        await page.keyboard.press("ArrowDown")
        assert await page.evaluate("document.querySelector('video').volume") < before
        mode = "document.documentElement.dataset.mode"
        for key, name in (("t", "theatre"), ("w", "web")):
            await page.keyboard.press(key)
            assert await page.evaluate(mode) == name
            await page.keyboard.press("Escape")
            assert await page.evaluate(mode) == ""
        await page.keyboard.press("f")
        await until(page, "() => document.fullscreenElement?.id === 'player'")
        await page.keyboard.press("f")
        await until(page, "() => document.fullscreenElement === null")
        await page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        assert await dialog.is_visible()
        await page.keyboard.press("m")
        assert not await page.evaluate(muted), "keys in a dialog are the dialog's"
        await page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")


async def test_theatre_is_remembered(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        await page.keyboard.press("t")
        width = "document.querySelector('#player').clientWidth"
        assert await page.evaluate(f"{width} === document.documentElement.clientWidth")
        await page.reload()
        await until_state(page, "playing")
        assert await page.evaluate("document.documentElement.dataset.mode") == "theatre"


async def test_a_double_click_is_full_screen_and_no_pause(
    open_page: OpenPage, scene: Scene
) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        await page.locator(".surface").dblclick()
        await until(page, "() => document.fullscreenElement?.id === 'player'")
        await page.wait_for_timeout(400)
        assert await page.evaluate("gamecast.player.state") == "playing"
        await page.locator(".surface").click()
        await until_state(page, "paused")


async def test_controls_hide_and_return(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        await page.mouse.move(5, 5)
        await until(page, "() => document.querySelector('#player').classList.contains('idle')")
        await page.mouse.move(400, 300)
        assert not await page.evaluate(
            "document.querySelector('#player').classList.contains('idle')"
        )


async def test_the_menu_by_keyboard(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        button = page.get_by_role("button", name="Settings")
        await button.focus()
        await page.keyboard.press("Enter")
        assert await button.get_attribute("aria-expanded") == "true"
        focused = "document.activeElement.textContent"
        assert "Quality" in await page.evaluate(focused)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowRight")
        chosen = page.locator("[role=menuitemradio][aria-checked=true]")
        assert await page.get_by_role("menuitemradio", name="Automatic").count() == 1
        assert "HTTP-FLV" in await chosen.inner_text()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("Escape")
        assert await button.get_attribute("aria-expanded") == "false"
        assert (
            await page.evaluate("document.activeElement.getAttribute('aria-label')") == "Settings"
        )


async def test_chinese_by_the_browsers_wish(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}", locale="zh-CN") as page:
        await until_state(page, "playing")
        assert await page.evaluate("document.documentElement.lang") == "zh-CN"
        assert await reads(page, "#tab-stats") == "实时数据"
        assert "直播" in await reads(page, ".live-badge")


async def test_the_language_can_be_changed_and_is_remembered(
    open_page: OpenPage, scene: Scene
) -> None:
    async with open_page(f"/{scene.name}", locale="zh-CN") as page:
        await page.get_by_label("语言").select_option("en")
        assert await reads(page, "#tab-stats") == "Statistics"
        assert await page.get_by_role("button", name="Full screen").count() == 1
        await page.reload()
        await until(page, "() => document.documentElement.lang === 'en'")
        assert await reads(page, "#tab-log") == "Event log"


async def test_themes(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}", dark=True) as page:
        theme = "document.documentElement.dataset.theme"
        assert await page.evaluate(theme) == "dark"
        await page.emulate_media(color_scheme="light")
        await until(page, f"() => {theme} === 'light'")
        await page.get_by_role("button", name="Theme: system").click()
        await page.get_by_role("button", name="Theme: light").click()
        assert await page.evaluate(theme) == "dark"
        await page.reload()
        assert await page.evaluate(theme) == "dark", "though the system is light"


async def test_sharing(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.get_by_role("button", name="Share").click()
        dialog = page.get_by_role("dialog", name="Share")
        text = await dialog.inner_text()
        for part in (f"/{scene.name}", "<iframe", f"/live/{scene.name}.flv", "rtmp://"):
            assert part in text
        await dialog.get_by_role("button", name="Copy").first.click()
        await dialog.get_by_role("button", name="Copied").wait_for()
        assert await page.evaluate("navigator.clipboard.readText()") == page.url


async def test_a_phone(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}", size=PHONE, phone=True) as page:
        await until_state(page, "playing")
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wider), "nothing sticks out to the side"
        await page.locator(".surface").tap()
        await page.get_by_role("button", name="Settings").tap()
        await page.get_by_role("menuitem", name="Protocol").tap()
        assert await page.get_by_role("menuitemradio").count() >= 4
        box = await page.get_by_role("menu").bounding_box()
        assert box is not None
        assert box["y"] > PHONE[1] / 3
        assert box["y"] + box["height"] <= PHONE[1]
        small = await page.evaluate(
            """() => [...document.querySelectorAll('button, a[href], select')]
              .filter((e) => e.offsetParent && !e.closest('.skip-link'))
              .map((e) => [e.className, e.getBoundingClientRect()])
              .filter(([name, box]) => box.height < 44 && !/skip-link|live-badge|small/.test(name))
              .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""
        )
        assert small == []


async def test_every_control_has_a_name(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        await page.get_by_role("button", name="Settings").click()
        nameless = await page.evaluate(
            """() => [...document.querySelectorAll('button, a[href], input, select')]
              .filter((e) => e.offsetParent)
              .filter((e) => !e.getAttribute('aria-label') && !e.innerText.trim())
              .filter((e) => !e.labels?.length)
              .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == []


CONTRAST = """() => {
  const style = getComputedStyle(document.documentElement);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const luminance = (name) => {
    canvas.fillStyle = style.getPropertyValue(name);
    canvas.fillRect(0, 0, 1, 1);
    const channels = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2];
  };
  const pairs = [];
  for (const front of ['--text', '--muted', '--accent', '--warn', '--chart-dropped']) {
    for (const back of ['--bg', '--surface', '--raised']) pairs.push([front, back]);
  }
  pairs.push(['--accent-ink', '--accent-strong']);
  return pairs.map(([front, back]) => {
    const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    return [front, back, (high + 0.05) / (low + 0.05)];
  }).filter(([, , ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("dark", [True, False])
async def test_text_stands_out(open_page: OpenPage, dark: bool) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    async with open_page("/nobody", dark=dark) as page:
        assert await page.evaluate(CONTRAST) == []


async def test_less_motion_where_it_is_asked_for(open_page: OpenPage) -> None:
    async with open_page("/nobody") as page:
        await page.emulate_media(reduced_motion="reduce")
        duration = await page.evaluate(
            "getComputedStyle(document.querySelector('.ring')).animationDuration"
        )
        assert duration in ("0.001s", "1ms")
