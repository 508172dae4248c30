"""Takes the pictures of the README: `make pictures`. Needs Chromium; every patient in them is invented."""

import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, sync_playwright

from isthmus.base.progress import Silence
from isthmus.serving.firstminute import begin, go_on
from isthmus.serving.web.app import create

FOLDER = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1280, "height": 860}
COUNTED = 240  # seconds within which what is counted beside everything else is there
PICTURES = (
    # name, address, who signs in, language, theme
    ("overview", "/", "", "en", "light"),
    ("quality", "/quality", "", "zh", "light"),
    ("request", "/requests", "Lin Wei", "en", "dark"),
)


def main() -> int:
    """Make a demonstration, serve it, and take each picture."""
    found = next((one for name in ("chromium", "google-chrome") if (one := shutil.which(name))), None)
    if found is None:
        sys.stderr.write("There is no Chromium here. Install one (Debian: apt install chromium fonts-noto-cjk).\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as begun:
        made = begin(Path(folder), hospitals=6, patients=600, seed=1, progress=Silence())
        go_on(made, Silence())
        server = uvicorn.Server(uvicorn.Config(create(made.root), host="127.0.0.1", port=0, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.05)
        base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        browser = begun.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        for picture in PICTURES:
            _take(browser, base, *picture)
        browser.close()
        server.should_exit = True
    return 0


def _take(browser: Browser, base: str, name: str, address: str, who: str, *look: str) -> None:
    context = browser.new_context(viewport=SIZE)
    kept = zip(("isthmus-language", "isthmus-theme"), look, strict=True)
    context.add_cookies([{"name": key, "value": value, "url": base} for key, value in kept])
    page = context.new_page()
    if who:
        page.goto(f"{base}/sign-in?to={address}")
        page.click(f'button:has-text("{who}")')
    page.goto(base + address)
    if address == "/requests":
        page.click('main a[href^="/requests/AP"]')
    until = time.monotonic() + COUNTED
    while page.locator("[data-counting]").count() and time.monotonic() < until:
        time.sleep(2)
        page.reload()
    page.screenshot(path=FOLDER / f"workbench-{name}.png")
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
