"""The evaluation's page in a real Chromium: what no parser can tell, such as places, colours and widths."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from evaluation_example import assessment
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from reviewbot.outputs import evaluation

pytestmark = pytest.mark.browser

OFFLINE = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Start one Chromium for all tests here."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        reason = "chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("CI") == "true":  # noqa: TID251 - a pipeline may not skip this quietly
            pytest.fail(reason)
        pytest.skip(reason)
    options = ChromeOptions()
    options.binary_location = str(programs[0])
    for argument in (*OFFLINE, *QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    driver = Chrome(options=options, service=ChromeService(str(programs[1])))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Chrome, tmp_path: Path) -> Chrome:
    """Open the page from disk, light and wide."""
    path = tmp_path / "eval.html"
    path.write_text(evaluation.render(assessment(), "html"), encoding="utf-8")
    size(browser, 1280)
    scheme(browser, "light")
    browser.get(path.as_uri())
    return browser


def size(browser: Chrome, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )


def scheme(browser: Chrome, name: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
    )


def test_labels_and_comments_stand_under_their_line(page: Chrome) -> None:
    missed = page.find_element(By.CSS_SELECTOR, ".note.missed")
    line = missed.find_element(By.XPATH, "./ancestor::tr/preceding-sibling::tr[1]")
    assert "info, _ := source.Stat()" in line.text
    assert missed.is_displayed()
    assert line.location["y"] < missed.location["y"]


def test_what_a_stranger_wrote_is_text(page: Chrome) -> None:
    notes = [note.text for note in page.find_elements(By.CSS_SELECTOR, ".note.false")]
    assert any("<script>alert(1)</script>" in note for note in notes)
    assert [] == page.find_elements(By.CSS_SELECTOR, "script, img, link, iframe")
    assert [] == page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")


def test_a_closed_case_opens_without_a_script(page: Chrome) -> None:
    first = page.find_element(By.CSS_SELECTOR, "details")
    first.find_element(By.TAG_NAME, "summary").click()
    assert not first.find_element(By.CSS_SELECTOR, ".diff").is_displayed()
    first.find_element(By.TAG_NAME, "summary").click()
    assert first.find_element(By.CSS_SELECTOR, ".diff").is_displayed()


@pytest.mark.parametrize(("name", "ground"), [("light", "rgb(246, 247, 249)"), ("dark", "rgb(13, 17, 23)")])
def test_every_text_has_enough_contrast_in_both_schemes(page: Chrome, name: str, ground: str) -> None:
    scheme(page, name)
    assert ground == page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert [] == page.execute_script(CONTRAST)


@pytest.mark.parametrize("width", [1280, 600, 360])
def test_the_page_never_scrolls_sideways(page: Chrome, width: int) -> None:
    size(page, width)
    page.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


CONTRAST = """
const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const parts = color => color.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = element => {
  for (; element; element = element.parentElement) {
    const color = parts(getComputedStyle(element).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
document.querySelectorAll('details').forEach(each => each.open = true);
const poor = [];
for (const element of document.body.querySelectorAll('*')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  if (!own || !element.getClientRects().length) continue;
  const lights = [light(parts(getComputedStyle(element).color)), light(behind(element))];
  const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
  if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 60)}`);
}
return [...new Set(poor)];
"""
"""WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1 for text of normal size."""
