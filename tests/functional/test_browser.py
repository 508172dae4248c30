"""The workbench in a real browser: stories of people, in both languages and themes, held to budgets and to axe.

Chromium is looked for where systems put it; without one these tests are skipped and say so.
"""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from isthmus.base.progress import Silence
from isthmus.flow.workspace import Workspace
from isthmus.serving.firstminute import PASSWORD, begin, go_on
from isthmus.serving.web.app import create
from isthmus.serving.web.pages.listed import PAGES

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]  # fmt: skip
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
REQUESTS, BYTES = 8, 450_000  # of a page, all together
ASKING = ("/log/proof", "/codes/one")  # for auditors; for who names a code
PLAIN = [page.address for page in PAGES if "{" not in page.address and not page.roles and page.address not in ASKING]


@dataclass
class Walk:
    """A visitor with a window: what the console said and what was fetched."""

    page: Any
    base: str
    said: list[str] = field(default_factory=list)
    fetched: list[Any] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open an address."""
        self.fetched.clear()
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("load")

    def as_(self, name: str) -> None:
        """Sign in as one of the people of the demonstration."""
        self.go("/sign-in")
        self.page.click(f'button:has-text("{name}")')
        self.page.wait_for_load_state("load")

    def whole(self) -> None:
        """Nothing was said by the console, and nothing came from elsewhere."""
        assert not self.said, self.said
        assert all(one.url.startswith((self.base, "data:")) for one in self.fetched)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration of the first minute, served."""
    root = tmp_path_factory.mktemp("demo")
    made = begin(root, hospitals=3, patients=150, seed=1, progress=Silence())
    go_on(made, Silence())
    server = uvicorn.Server(uvicorn.Config(create(made.root), host="127.0.0.1", port=0, log_level="error"))
    held = threading.Thread(target=server.run, daemon=True)
    held.start()
    while not server.started:
        held.join(0.05)
        assert held.is_alive()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        held.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as begun:
        browser = begun.chromium.launch(executable_path=BROWSER, headless=True, args=ARGS)
        yield browser
        browser.close()


@contextmanager
def walking(chromium: Any, base: str, language: str = "en", theme: str = "light", width: int = 1360) -> Iterator[Walk]:
    """A new visitor."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, bypass_csp=False)
    kept = {"isthmus-language": language, "isthmus-theme": theme}
    context.add_cookies([{"name": name, "value": value, "url": base} for name, value in kept.items()])
    walk = Walk(context.new_page(), base)
    walk.page.on("console", lambda one: walk.said.append(one.text) if one.type in ("error", "warning") else None)
    walk.page.on("pageerror", lambda one: walk.said.append(str(one)))
    walk.page.on("request", lambda one: walk.fetched.append(one))
    try:
        yield walk
    finally:
        context.close()


@pytest.mark.parametrize("path", PLAIN)
def test_a_page_is_accessible_light_and_of_one_host(chromium: Any, base: str, path: str) -> None:
    for language, theme in (("en", "light"), ("zh", "dark")):
        with walking(chromium, base, language, theme) as walk:
            walk.go(path)
            walk.whole()
            assert len(walk.fetched) <= REQUESTS
            assert sum(len(one.response().body()) for one in walk.fetched) < BYTES
    _accessible(chromium, base, path)


def _accessible(chromium: Any, base: str, path: str, cookies: list[Any] | None = None) -> None:
    """Nothing that axe finds, in both themes; `cookies` are those of somebody who has signed in."""
    context = chromium.new_context(viewport={"width": 1360, "height": 900}, bypass_csp=True)
    context.add_cookies(cookies or [])
    page = context.new_page()
    for theme in ("light", "dark"):
        context.add_cookies([{"name": "isthmus-theme", "value": theme, "url": base}])
        page.goto(base + path)
        found = axe.Axe().run(page).response["violations"]
        assert not found, [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found]
    context.close()


def _treated(walk: Walk) -> str:
    """Open the first patient whose page offers the treatment lines of several registries: none has more on it."""
    people: list[str] = []
    while walk.page.locator("main tbody a").count():
        people += [one.get_attribute("href") for one in walk.page.locator("main tbody a").all()]
        onward = walk.page.locator("main a[rel=next]")
        if not onward.count():
            break
        walk.go(onward.first.get_attribute("href"))
    for path in people:
        walk.go(path)
        if walk.page.locator("select[name=registry]").count():
            return path
    raise AssertionError("no patient of the list has treatment lines")


def _one_patient_over_time(chromium: Any, walk: Walk) -> None:
    """From the grants of whoever has signed in to one patient, on a desk and on a phone, in both languages."""
    walk.go("/patients")
    walk.page.click("main table a")
    walk.page.wait_for_url("**/patients/GR*")
    path = _treated(walk)
    assert walk.page.is_visible("svg.timeline.wide") and not walk.page.is_visible("svg.timeline.narrow")
    assert walk.page.locator("#events tbody tr").count() > 0
    assert "You see single patients under grant" in walk.page.inner_text(".ribbon")
    kept = [one for one in walk.page.context.cookies() if one["name"] in ("isthmus", "isthmus-language")]
    _accessible(chromium, walk.base, path, kept)
    walk.page.set_viewport_size({"width": 390, "height": 900})
    for language in ("zh", "en"):
        walk.go(f"{path}?lang={language}")
        assert walk.page.is_visible("svg.timeline.narrow") and not walk.page.is_visible("svg.timeline.wide")
        assert walk.page.evaluate("document.documentElement.scrollWidth") <= 390
    walk.page.set_viewport_size({"width": 1360, "height": 900})
    assert len(walk.fetched) <= REQUESTS and sum(len(one.response().body()) for one in walk.fetched) < BYTES
    walk.whole()


def test_a_cohort_is_told_in_words_step_by_step_and_its_link_keeps_the_edition(chromium: Any, base: str) -> None:
    with walking(chromium, base) as walk:
        walk.go("/cohorts")
        walk.page.click("main tbody a >> nth=0")
        walk.page.wait_for_url("**/cohorts/*")
        path = walk.page.url.removeprefix(base)
        for _ in range(60):
            if walk.page.locator("main svg.chart").count():
                break
            walk.page.wait_for_timeout(1000)
            walk.go(path)
        assert walk.page.is_visible("main svg.chart") and walk.page.locator("ul.said li").count() > 1
        walk.page.click(".head a.button")
        walk.page.wait_for_url("**?edition=*")
        assert all("edition=" in one.get_attribute("href") for one in walk.page.locator("main .files a").all())
        walk.whole()
    _accessible(chromium, base, path)
    for language, theme, width in (("zh", "dark", 1360), ("zh", "light", 390)):
        with walking(chromium, base, language, theme, width) as walk:
            walk.go(path)
            assert walk.page.evaluate("document.documentElement.scrollWidth") <= width
            assert walk.page.locator("main svg.chart").count() and len(walk.fetched) <= REQUESTS
            walk.whole()


@pytest.mark.parametrize("path", ["/", "/quality", "/requests", "/registries", "/cohorts", "/patients", "/sites/h01"])
def test_a_phone_needs_no_sideways_scroll(chromium: Any, base: str, path: str) -> None:
    with walking(chromium, base, width=390) as walk:
        walk.go(path)
        assert walk.page.evaluate("document.documentElement.scrollWidth") <= 390
        walk.whole()


def test_a_newcomer_is_led_through_three_steps(chromium: Any, base: str) -> None:
    with walking(chromium, base) as walk:
        walk.go("/")
        assert walk.page.locator(".steps li").count() == 3
        walk.page.click(".steps li:nth-child(1) a")
        assert "held back" in walk.page.inner_text("main")
        walk.go("/")
        walk.page.click(".steps li:nth-child(3) a")
        assert "What an approval allows" in walk.page.inner_text("main")
        walk.whole()


def test_a_committee_votes_and_grants_a_researcher_asks_an_auditor_proves(chromium: Any, base: str) -> None:
    with walking(chromium, base) as member:
        member.as_("Lin Wei")
        member.go("/requests")
        member.page.click("main table a")
        member.page.check('input[name=favour][value="yes"]')
        member.page.fill("textarea[name=reason]", "The question is worth it.")
        member.page.click('button:has-text("Sign and record")')
        member.page.wait_for_url("**done**")
        member.page.click('button:has-text("Turn votes into a grant")')
        member.page.wait_for_load_state("load")
        assert "In force" in member.page.inner_text("main")
        member.whole()
    with walking(chromium, base) as researcher:
        researcher.as_("Zhao Min")
        researcher.go("/query")
        researcher.page.fill("#sql", "SELECT count(*) AS persons FROM person")
        researcher.page.click('button:has-text("Ask")')
        researcher.page.wait_for_url("**answer=**")
        assert int(researcher.page.inner_text("main tbody td")) > 0
        stolen = researcher.page.url
        researcher.whole()
        _one_patient_over_time(chromium, researcher)
    with walking(chromium, base) as auditor:
        auditor.as_("He Jing")
        auditor.page.goto(stolen)
        assert auditor.page.locator("main tbody").count() == 0
        auditor.go("/log")
        assert "question" in auditor.page.inner_text("main")
        auditor.go("/log/proof")
        assert "as they were logged" in auditor.page.inner_text("main")
        auditor.whole()


def test_keys_search_and_open_pages(chromium: Any, base: str) -> None:
    with walking(chromium, base) as walk:
        walk.go("/")
        walk.page.keyboard.press("/")
        assert walk.page.evaluate("document.activeElement.id") == "search"
        walk.page.keyboard.press("Escape")
        walk.page.keyboard.press("g")
        walk.page.keyboard.press("q")
        walk.page.wait_for_url("**/quality")
        walk.page.keyboard.press("?")
        assert walk.page.is_visible("#keys")
        walk.page.keyboard.press("Escape")
        walk.page.click("details.source summary >> nth=0")
        assert walk.page.is_visible("details.source[open] .card")
        walk.page.keyboard.press("Escape")
        assert not walk.page.is_visible("details.source[open] .card")
        walk.whole()


def test_the_theme_is_chosen_and_kept(chromium: Any, base: str) -> None:
    with walking(chromium, base) as walk:
        walk.go("/")
        walk.page.click("#theme")
        assert walk.page.evaluate("document.documentElement.dataset.theme") == "dark"
        walk.go("/sites")
        assert walk.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_without_scripts_everything_is_there(chromium: Any, base: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in ("/", "/quality", "/lineage"):
        page.goto(base + path)
        assert page.locator("main svg").count() > 0 and page.locator("main table").count() > 0
    context.close()


def test_the_password_of_the_demonstration_is_of_the_demonstration_alone(base: str, tmp_path: Path) -> None:
    made = Workspace(begin(tmp_path / "x", hospitals=1, patients=20, seed=2, progress=Silence()).root)
    assert made.settings["demonstration"] == {"password": PASSWORD} and made.synthetic
