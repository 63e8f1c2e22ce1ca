"""Accessibility of the page: phones, dark mode, screen readers, long words."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from visitor import PHONE, WIDE, after, change, changed, generate, idea, shot


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_no_serious_violation(visit, width, scheme):
    page = visit(
        viewport=PHONE if width == 390 else WIDE, color_scheme=scheme, reduced_motion="reduce"
    )
    generate(page)
    page.get_by_text("Options").click()
    violations = serious(page)
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
    violations += serious(page)
    shot(page, f"axe-{width}-{scheme}")
    page.get_by_label("Remove this face").click()
    expect(page.locator("#notice")).to_be_visible()
    violations += serious(page)
    assert not violations


def serious(page):
    """Serious and critical violations found by axe, each with its elements."""
    found = Axe().run(page).response["violations"]
    severe = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]]) for violation in severe
    ]


def test_every_control_has_a_name(visit):
    page = visit()
    generate(page).first.click()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, textarea, summary")]
        .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
        .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_finished_tasks_are_announced(visit):
    page = visit()
    status = page.locator("#said")
    generate(page).first.click()
    expect(status).to_have_text("6 faces are ready.")
    idea(page, "older")
    expect(status).to_have_text("“older”, +80 %: done.")
    idea(page, "nothing")
    expect(status).to_have_text("“nothing”, +80 %: no visible change.")
    assert status.get_attribute("role") == "status"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_has_large_targets(visit, scheme):
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
    """Controls that are less than 44 pixels high or wide."""
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


def test_a_button_switches_to_dark_mode(visit):
    page = visit(color_scheme="light")
    generate(page).first.click()
    page.get_by_label("Switch between dark and light").click()
    idea(page, "older")
    page.wait_for_timeout(300)
    shot(page, "dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
