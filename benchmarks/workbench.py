"""The workbench and the API with many people at once: 5,000 accounts, 100 grants at work, 50 people, then ten times.

The server is `isthmus serve` in a process of its own; people are one process more, over loopback, without time to
think. Seconds are those that people wait. `cpu` is the processor time of the server alone, from the account of the
operating system: what a busy machine leaves comparable.
"""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from benchmarks.calling import free_port, took
from benchmarks.claim import Bench, Row
from benchmarks.visiting import Visit
from isthmus.base.clock import now
from isthmus.base.progress import Silence
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import cases, people, written
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account
from isthmus.serving import firstminute

PAGES = ("/", "/sites", "/quality", "/quality/findings", "/requests", "/lineage", "/codes", "/registries", "/catalogue",
         "/you", "/search?q=liver", "/query")  # fmt: skip
API = ("/api/v1/grants", "/api/v1/grants/{grant}/tables", "/api/v1/grants/{grant}/tables/person.json?size=100")
AT_ONCE, BURST = 50, 500
OK, ELSEWHERE = 200, 303
P95, BURST_P95 = 0.5, 2.0
COUNTING = "counted for the first time"
"""What a page says while its numbers are not there yet."""
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')
Times = dict[str, list[float]]


def make(root: str, accounts: int, grants: int, patients: int) -> dict[str, Any]:
    """The job: a demonstration with accounts, of which the first 50 sign in, and grants in force for these."""
    made = firstminute.begin(Path(root), hospitals=6, patients=patients, seed=1, progress=Silence())
    firstminute.go_on(made, Silence())
    office = Office(made.root, made.records, made.settings)
    shown = []
    with office.open():
        admin = office.accounts.get("Admin")
        assert admin is not None  # the demonstration has it
        for number in range(accounts):
            password = firstminute.PASSWORD if number < AT_ONCE else None
            people.add(office, _name(number), ("user",), (), password, by=admin)
        for number in range(min(AT_ONCE, accounts)):
            shown.append(people.token(office, _name(number), ("ask",), 1, by=admin))
        given = [_granted(made, office, _name(number % AT_ONCE)) for number in range(grants)]
    return {"tokens": shown, "grants": given}


def serve(root: str, tokens: Sequence[str], grants: Sequence[str], seconds: float) -> dict[str, Any]:
    """The job: people sign in, walk for some seconds, and come ten times as many at once."""
    with served(Path(root)) as (address, process):
        found = asyncio.run(_all(address, process, list(zip(tokens, grants, strict=False)), seconds))
        return {**found, "memory": peak(process)}


def workbench(bench: Bench) -> Iterator[Row]:
    """People at once, a burst, and what one page costs the server."""
    accounts, grants, root = bench.pick(60, 5_000), bench.pick(60, 100), str(bench.folder / "ws")
    made = bench.job(f"{accounts:,} accounts, {grants} grants", "workbench.make", root=root, accounts=accounts,
                     grants=grants, patients=400).found  # fmt: skip
    found = bench.job("people at the workbench", "workbench.serve", root=f"{root}/workspace", **made,
                      seconds=bench.pick(5, 30)).found  # fmt: skip
    size = f"{accounts:,} accounts, {grants} grants"
    for name, of, limit in (("walk", "people", P95), ("programs", "programs", 0.0), ("burst", "people", BURST_P95)):
        one = found[name]
        whole = one["all"]
        note = ", ".join(f"{page} {p95:.3f} s" for page, p95 in sorted(one["p95"].items()))
        yield Row(
            f"{one['people']} {of} at once, p95", size, f"{whole:.3f} s", limit=f"≤ {limit:g} s" if limit else "",
            memory=found["memory"], cpu=f"{one['cpu'] * 1000:.1f} ms each",
            holds=whole <= limit and not one["wrong"] if limit else None,
            note=f"{one['many']:,} answers, {one['rate']:.0f}/s, wrong or lost: {one['wrong'] or 0}; asking took "
            f"{1000 * one['asking'] / one['many']:.1f} ms each of the same processors. {note}",
        )  # fmt: skip
    one = found["signing"]
    yield Row("50 people sign in at once", size, f"{one['all']:.3f} s", memory=found["memory"],
              cpu=f"{one['cpu'] * 1000:.0f} ms each",
              note="p95; Argon2id of 64 MB each, two at a time, so that pages go on meanwhile")  # fmt: skip


def _name(number: int) -> str:
    return f"person {number:04d}"


def _granted(made: Workspace, office: Office, name: str) -> str:
    """A grant for one person, by way of the committee; as addresses have it."""

    def known(who: str) -> Account:
        found = office.accounts.get(who)
        assert found is not None  # the demonstration has them, and `make` the others
        return found

    body = {**firstminute.APPLICATION, "sites": [site.name for site in made.sites()], "people": [name],
            "until": f"{now() + timedelta(days=180):%Y-%m-%d}"}  # fmt: skip
    case = cases.apply(office, known(name), written.plain(body))
    stated = {site.name: written.conditions(site.name, site.conditions) for site in made.sites()}
    answers = {site: one.answer for site, one in cases.answers(cases.file(office, case), stated).items()}
    asked = sorted(site for site, answer in answers.items() if answer == "person")
    vote = {"favour": True, "reason": "of use"}
    doing: list[tuple[str, str, Mapping[str, Any]]] = [("Sun Tao", "match", {"answers": answers})]
    doing += [("Gao Yun", "clear", {"sites": asked, "reason": "fits"})] if asked else []
    doing += [("Chen Hua", "vote", vote), ("Lin Wei", "vote", vote), ("Patel", "grant", {"reason": "of use"})]
    for who, act, with_it in doing:
        after = cases.do(office, cases.file(office, case), known(who), act, with_it)
    assert after.grant is not None  # two have voted for it
    return after.grant.id.rpartition("/")[2]


@contextmanager
def served(root: Path) -> Iterator[tuple[str, int]]:
    """A workbench in a process of its own: its address and the number of the process."""
    port = free_port()
    command = [sys.executable, "-m", "isthmus", "serve", str(root), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


async def _all(address: str, process: int, given: Sequence[tuple[str, str]], seconds: float) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=address, timeout=60, headers={"Accept": "text/html"}) as web:
        await _warm(web)
        before, at, signed = took([process]), time.perf_counter(), []
        cookies = await asyncio.gather(*(_sign_in(web, number, signed) for number in range(len(given))))
        signing = _told({"sign-in": signed}, Counter(), len(given), took([process]) - before, time.perf_counter() - at)
        looking = [{"Cookie": f"isthmus={cookie}"} for cookie in cookies]
        asking = [{"Authorization": f"Bearer {token}", "X-Grant": grant} for token, grant in given]
        walked = await _measured(address, process, PAGES, looking, seconds)
        programs = await _measured(address, process, API, asking, seconds)
        many = await _measured(address, process, PAGES, looking * (BURST // AT_ONCE), 0)
        return {"signing": signing, "walk": walked, "programs": programs, "burst": many}


async def _measured(
    base: str, process: int, addresses: Sequence[str], who: Sequence[Mapping[str, str]], seconds: float
) -> dict[str, Any]:
    """Everybody at once, one address after another, for some seconds or once. `who` are headers that show somebody."""
    times: Times = {}
    wrong: Counter[str] = Counter()
    before, at, own = took([process]), time.perf_counter(), time.process_time()

    async def walk(shown: Mapping[str, str], number: int) -> None:
        async with Visit(base) as visit:
            while True:
                address = addresses[number % len(addresses)]
                begun = time.perf_counter()
                status = await visit.got(address.format(grant=shown.get("X-Grant", "")), shown)
                times.setdefault(address, []).append(time.perf_counter() - begun)
                if status != OK:
                    wrong[f"{address}: {status}"] += 1
                number += 1
                if time.perf_counter() >= at + seconds:
                    return

    await asyncio.gather(*(walk(shown, number) for number, shown in enumerate(who)))
    asking = time.process_time() - own
    return _told(times, wrong, len(who), took([process]) - before, time.perf_counter() - at) | {"asking": asking}


async def _sign_in(web: httpx.AsyncClient, number: int, times: list[float]) -> str:
    """What the cookie of a new session holds."""
    async with httpx.AsyncClient(base_url=web.base_url, timeout=60, headers={"Accept": "text/html"}) as alone:
        token = TOKEN.search((await alone.get("/sign-in")).text)
        assert token is not None
        begun = time.perf_counter()
        form = {"name": _name(number), "password": firstminute.PASSWORD, "token": token[1]}
        answer = await alone.post("/sign-in", data=form, headers={"Origin": str(web.base_url).rstrip("/")})
        times.append(time.perf_counter() - begun)
        if answer.status_code != ELSEWHERE:
            raise RuntimeError(f"person {number} could not sign in: {answer.status_code}")
        return alone.cookies["isthmus"]


async def _warm(web: httpx.AsyncClient) -> None:
    """Wait until the server answers and has counted what its pages show."""
    for _ in range(1200):
        try:
            page = (await web.get("/quality")).text
            if COUNTING not in page:
                break
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.25)
    for address in PAGES:
        await web.get(address)


def _told(times: Times, wrong: Mapping[str, int], many: int, cpu: float, took: float) -> dict[str, Any]:
    every = [one for found in times.values() for one in found]
    return {
        "people": many, "many": len(every), "rate": len(every) / took, "cpu": cpu / len(every), "wrong": dict(wrong),
        "all": _p95(every), "p95": {address: _p95(found) for address, found in times.items()},
    }  # fmt: skip


def _p95(found: Sequence[float]) -> float:
    return quantiles(found, n=20)[-1] if len(found) > 1 else found[0]


def peak(process: int) -> float:
    """The most memory that a process has held so far (resident set, MB of 1e6 bytes)."""
    told = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    (line,) = (one for one in told.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6
