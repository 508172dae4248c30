"""A page of an application tries to run, load, lead out and pose in the browser of who has signed in."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from isthmus.serving.applications import bearer, mount
from isthmus.serving.fragment import clean
from lib.applications import managed, small
from lib.serving import serving

TRICKS = [
    "<script>alert(1)</script>", "<SCRIPT SRC=/apps/bad/api/x></SCRIPT>", "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>", "<a href='java\tscript:alert(1)'>x</a>", "<a href='\x01javascript:x'>x</a>",
    "<a href='//evil.example'>x</a>", "<a href='/\\evil.example'>x</a>", "<a href='https://evil.example?p=1'>x</a>",
    "<a href='\n//evil.example'>x</a>", "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<form action='https://evil.example'><input name=a></form>",
    "<button formaction='//evil.example'>x</button>", "<base href='//evil.example'>", "<link rel=stylesheet href=/x>",
    "<style>body{display:none}</style>", "<p style='background:url(//evil.example)'>x</p>", "<object data=x></object>",
    "<svg onload=alert(1)>", "<svg><script>alert(1)</script></svg>", "<svg><a xlink:href='javascript:x'>y</a></svg>",
    "<svg><animate attributeName=href to=javascript:x></svg>", "<svg><use href='//evil.example#x'></use></svg>",
    "<svg><foreignObject><iframe src=x></iframe></foreignObject></svg>", "<rect fill='url(//evil.example)'>",
    "<rect fill='u rl(  //evil.example)'>", "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<!--><img src=x onerror=alert(1)>-->", "<!-- --!><script>alert(1)</script>", "<![CDATA[<script>x</script>]]>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>", "<input type=image src=//evil.example>",
    "<input type=password name=p>", "<p title='\"><script>alert(1)</script>'>x</p>", "</main></body><script>x</script>",
    "<template><script>alert(1)</script></template>", "<textarea></textarea><script>x</script>",
    "<title></title><img src=x onerror=alert(1)>", "<a ping=//evil.example href=/x>x</a>",
    "<?php <script>x</script> ?>", "<rect fill='url(//evil.example#url(#)'>", "<rect fill='\\75rl(//evil.example)'>",
    "<rect stroke='url(#a) url(//evil.example)'>", "<rect fill='image-set(\"//evil.example\" 1x)'>",
]  # fmt: skip
ANSWERS = {
    "number": "Told(body={'n': float('nan')})", "half": "Told(body='\\ud800', media='text/html')",
    "own": "Told(body={'x': object()})", "status": "Told(body='x', status=1000)", "word": "Told(body='x', status='ok')",
    "switch": "Told(body='x', status=101)", "media": "Told(body='x', media=5)", "ring": "Told(body=ring())",
    "none": "Told(body={'a': 1}, status=204)", "many": "Told(body='x', status=200, cookies={'a': 'b'})",
}  # fmt: skip
FORBIDDEN = re.compile(
    r"<(?!/?(a|b|p|form|input|button|svg|rect|textarea|title)\b)|\son\w+\s*=|<[^>]*evil\.example", re.I
)


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_runs_loads_or_leads_out(trick: str) -> None:
    shown = clean(f"<p>before</p>{trick}<p>after</p>")
    assert not FORBIDDEN.search(shown), shown
    assert "javascript:" not in shown.lower().replace("&#", "")
    assert shown.startswith("<p>before</p>")
    for tag in ("p", "a", "svg", "form", "button"):
        assert shown.count(f"<{tag}>") + shown.count(f"<{tag} ") == shown.count(f"</{tag}>")


def test_what_a_page_needs_stays_as_it_is() -> None:
    page = (
        '<section class="card"><h2>肝癌 &amp; VTE</h2><table><thead><tr><th scope="col">n<sup>2</sup></th></tr></thead>'
        '<tbody><tr><td colspan="2">1 &lt; 2</td></tr></tbody></table><a href="/apps/vte/patient?person=1#top">x</a>'
        '<form method="get"><label>Day <input name="day" value="2026-01-01"></label><button>Go</button></form>'
        '<svg viewbox="0 0 9 9" role="img" aria-label="chart"><path d="M0 0L9 9" stroke="var(--c1)"></path></svg>'
        "</section>"
    )
    assert clean(page) == page


def test_what_was_left_open_is_closed_and_nothing_of_the_frame_is() -> None:
    assert clean("<ul><li><b>x") == "<ul><li><b>x</b></li></ul>"
    assert clean("</div></main>x") == "x"


SCRIPT = """
def code(asked, at):
    return "alert(1)"
"""


RING = """
def ring():
    found = []
    found.append(found)
    return found
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("pages")
    deeds = "\n".join(f"def {name}(asked, at):\n    return None\n" for name in ANSWERS)
    source: Path = small(root, "bad", SCRIPT + RING + deeds)
    apart: Path = small(root, "apart", SCRIPT + RING + deeds)
    for one in (source, apart):
        text = (one / "app.py").read_text(encoding="utf-8")
        for name, told in ANSWERS.items():
            was = f"{name} = (lambda work: lambda asked, at: Told(body=work(asked, at)))({name})"
            assert was in text
            text = text.replace(was, f"{name} = lambda asked, at: {told}")
        (one / "app.py").write_text(text, encoding="utf-8")
    text = (source / "app.py").read_text(encoding="utf-8")
    told = text.replace("Told(body=work(asked, at))", 'Told(body=work(asked, at), media=asked.query["media"])')
    (source / "app.py").write_text(told, encoding="utf-8")
    with managed(root, source, apart, settings='[apps]\ntrusted = ["bad"]\n') as (shelf, manager):
        app = FastAPI()
        mount(app, manager, person=bearer(shelf.opened))
        with serving(app) as found:
            yield found


@pytest.mark.parametrize("media", ["text/javascript", "application/javascript", "text/css", "text/xml", "x/y\r\nA: b"])
def test_a_route_gives_no_script_and_no_style(address: str, media: str) -> None:
    answer = httpx.get(f"{address}/apps/bad/api/code", params={"media": media})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"


def test_html_of_a_route_is_shut_in(address: str) -> None:
    answer = httpx.get(f"{address}/apps/bad/api/code", params={"media": "text/html"})
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("app", ["bad", "apart"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_none_is_told_as_a_fault_of_its_application(address: str, app: str, name: str) -> None:
    """Beside the gate or behind the fence: what came is looked at, and the connection goes on."""
    answer = httpx.get(f"{address}/apps/{app}/api/{name}")
    if name == "none":
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        assert answer.status_code in {500, 503}, (answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "set-cookie" not in answer.headers
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
