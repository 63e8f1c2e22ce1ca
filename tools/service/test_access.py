"""The page for everybody: on a phone, in the dark, by ear, with long words."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from visitor import PHONE, WIDE, after, change, changed, generate, idea, shot


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_serious(visit, width, scheme):
    page = visit(
        viewport=PHONE if width == 390 else WIDE, color_scheme=scheme, reduced_motion="reduce"
    )
    generate(page)
    page.get_by_text("Options").click()
    faults = serious(page)
    page.locator("#grid .face").nth(1).click()
    first = after(page)
    change(page, "older")
    second = changed(page, first)
    idea(page, "nothing")
    expect(page.locator(".state")).to_be_visible()
    page.get_by_text("Keep as it is").click()
    page.locator(".shelf button").first.click()
    changed(page, second)
    page.get_by_label("Favourite", exact=True).click()
    faults += serious(page)
    shot(page, f"axe-{width}-{scheme}")
    page.get_by_label("Remove this face").click()
    expect(page.locator("#notice")).to_be_visible()
    faults += serious(page)
    assert not faults


def serious(page):
    """What axe finds that keeps somebody out, each with the elements that are to blame."""
    found = Axe().run(page).response["violations"]
    grave = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in grave]


def test_everything_has_a_name(visit):
    page = visit()
    generate(page).first.click()
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, input, textarea, summary")]
        .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
        .map((e) => e.outerHTML)""")
    assert nameless == []


def test_what_is_finished_is_announced(visit):
    page = visit()
    said = page.locator("#said")
    generate(page).first.click()
    expect(said).to_have_text("6 faces are ready.")
    idea(page, "older")
    expect(said).to_have_text("“older”, +80 %: done.")
    idea(page, "nothing")
    expect(said).to_have_text("“nothing”, +80 %: no visible change.")
    assert said.get_attribute("role") == "status"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_its_fingers(visit, scheme):
    page = visit(
        viewport=PHONE, color_scheme=scheme, device_scale_factor=2, has_touch=True, is_mobile=True
    )
    generate(page)
    page.get_by_text("Options").tap()
    shot(page, f"phone-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert small_targets(page) == []
    page.locator("#grid .face").nth(1).tap()
    covers = "e => e.clientWidth === innerWidth && e.clientHeight === innerHeight"
    assert page.locator("#editor").evaluate(covers)
    assert page.locator("#editor").evaluate("e => e.scrollWidth <= e.clientWidth")
    first = after(page)
    idea(page, "smiling")
    changed(page, first)
    page.get_by_text("Keep as it is").tap()
    shot(page, f"phone-editor-{scheme}")
    assert small_targets(page) == []
    page.get_by_label("Close the editor").tap()
    expect(page.locator("#grid")).to_be_visible()


def small_targets(page):
    """What can be pressed and is less than 44 pixels high or wide."""
    return page.evaluate("""() => [...document.querySelectorAll("button, summary, input, textarea")]
        .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.tabIndex >= 0)
        .filter((e) => {
            const { width, height } = e.getBoundingClientRect();
            return Math.min(width, height) < 43.9;
        })
        .map((e) => e.outerHTML.slice(0, 80))""")


def test_long_words_wrap(visit):
    page = visit(viewport=PHONE)
    generate(page, "a woman " + "who smiles at everybody " * 6 + "x" * 90)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shot(page, "phone-long")
    page.locator("#grid .face").first.click()
    first = after(page)
    change(page, "with glasses that " + "are round and " * 8 + "y" * 60)
    changed(page, first)
    assert page.locator("#editor").evaluate("e => e.scrollWidth <= e.clientWidth")
    lines = "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).fontSize)"
    assert all(
        label.evaluate(lines) > 2
        for label in page.locator(".tree .label, .editor h2, .adjust label span").all()
    )
    shot(page, "phone-editor-long")


def test_dark_is_a_click_away(visit):
    page = visit(color_scheme="light")
    generate(page).first.click()
    page.get_by_label("Switch between dark and light").click()
    idea(page, "older")
    page.wait_for_timeout(300)
    shot(page, "dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
