"""The verb about applications that plug in: app."""

from concurrent.futures import wait
from pathlib import Path
from typing import Annotated

import typer

from isthmus.apps.contract import Manifest, UsageError
from isthmus.apps.manager import making
from isthmus.apps.manager.running import Manager, try_out
from isthmus.apps.manager.session import Sessions
from isthmus.apps.manager.settings import Settings
from isthmus.apps.manager.shelf import Shelf
from isthmus.base.errors import PartialError, RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.records.applications import State
from isthmus.records.owed import Owing
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

App = Annotated[str, typer.Argument(metavar="APP", help="The application's name.")]
Grant = Annotated[str, typer.Option(help="The grant under which it reads, as GR….")]
SCOPE = "ask"


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="Applications that plug in: installed, enabled, replaced, made.")
    group.command("list")(list_applications)
    group.command("install")(install)
    group.command("enable")(enable)
    group.command("upgrade")(upgrade)
    group.command("rollback")(rollback)
    group.command("disable")(disable)
    group.command("settings")(settings)
    group.command("tick")(tick)
    group.command("new")(new)
    group.command("test")(test)
    app.add_typer(group, name="app")


def list_applications(workspace: Where, json: Json = False) -> None:
    """Show what is installed, what of it is enabled, and what comes along."""
    shelf = Shelf(Workspace(workspace))
    states = shelf.records.changes()
    versions: dict[str, list[str]] = {app: [] for app in (*shelf.house(), *states)}
    for one in shelf.records.installed():
        versions[one.app].append(one.version)
    rows = [
        {
            "app": app, "enabled": states[app].version if app in states else "", "installed": found,
            "former": states[app].former if app in states else "", "grant": states[app].grant if app in states else "",
        }
        for app, found in sorted(versions.items())
    ]  # fmt: skip
    if json:
        document({"applications": rows})
        return
    shown = [
        (row["app"], row["enabled"] or None, ", ".join(row["installed"]) or None, row["former"] or None) for row in rows
    ]
    table("Applications", ["application", "enabled", "installed", "before"], shown)


def install(
    workspace: Where,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A folder, a package's name, or one that comes along.")
    ],
    json: Json = False,
) -> None:
    """Install an application; nothing of it runs before it is enabled."""
    shelf = Shelf(Workspace(workspace))
    one = shelf.install(source)
    manifest = shelf.package(one.app, one.version).manifest
    if json:
        reads = {table: sorted(columns) for table, columns in manifest.reads.items()}
        document({"app": one.app, "version": one.version, "origin": one.origin, "digest": one.digest, "reads": reads})
        return
    _tell_reads(manifest)
    say(f"{one.app} {one.version} is installed. Enable it: `isthmus app enable {workspace} {one.app}`.")


def enable(
    workspace: Where,
    app: App,
    version: Annotated[str, typer.Option(help="Another version than the newest.")] = "",
    grant: Grant = "",
    by: As = "",
    json: Json = False,
) -> None:
    """Have an application run, in place of a version that runs. It is started once before, to see that it can."""
    _tell(_enabled(Workspace(workspace), app, version, grant, by), json)


def upgrade(
    workspace: Where,
    app: App,
    source: Annotated[str, typer.Argument(metavar="[SOURCE]", help="Where the new version is, if not installed.")] = "",
    json: Json = False,
) -> None:
    """Have the newest version of an application run; the former ends what it began."""
    opened = Workspace(workspace)
    if source:
        shelf = Shelf(opened)
        one = shelf.install(source)
        if one.app != app:
            raise UsageError(f"{source} holds {one.app}, not {app}. It is installed, and not enabled.")
        if (newest := shelf.newest(app)) != one.version:
            raise UsageError(
                f"{source} holds {one.version}, and {newest} is installed, which is newer. Raise its version, or have "
                f"it run as it is: `isthmus app enable {workspace} {app} --version {one.version}`."
            )
        if not json:
            _tell_reads(shelf.package(app, one.version).manifest)
    _tell(_enabled(opened, app, "", "", ""), json)


def rollback(workspace: Where, app: App, json: Json = False) -> None:
    """Have the version run that ran before; records that were made meanwhile stay."""
    _tell(Shelf(Workspace(workspace)).roll_back(app), json)


def disable(workspace: Where, app: App, json: Json = False) -> None:
    """Have no version of an application run; what it began it ends. Settings and records stay."""
    _tell(Shelf(Workspace(workspace)).disable(app), json)


def settings(
    workspace: Where,
    app: App,
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="An empty value takes it back.")
    ] = None,
    scope: Annotated[
        str, typer.Option(metavar="SITES", help="One site, 3101* for all that begin so, * for all.")
    ] = "*",
    site: Annotated[str, typer.Option(help="Show what holds at this site.")] = "",
    json: Json = False,
) -> None:
    """Show the settings that hold at a site, or give some in a scope; the narrowest scope counts."""
    shelf = Shelf(Workspace(workspace))
    if given:
        shelf.give(app, scope, dict(map(_pair, given)))
    state = shelf.records.state(app)
    manifest = shelf.package(app, state.version or shelf.newest(app)).manifest
    found = Settings(manifest, shelf.records.given(app))
    values, whence = found.of(site), found.whence(site)
    if json:
        document({"app": app, "site": site, "settings": values, "from": whence})
        return
    rows = [(name, str(value), whence[name] or "default", manifest.settings[name].help["en"])
            for name, value in values.items()]  # fmt: skip
    table(f"Settings of {app}" + (f" at {site}" if site else ""), ["setting", "value", "from", "what it does"], rows)


def tick(
    workspace: Where,
    jobs: Annotated[bool, typer.Option(help="Begin the jobs that are due, too.")] = True,
    json: Json = False,
) -> None:
    """Tell the enabled applications what happened, and begin their jobs that are due: for where no service runs."""
    opened = Workspace(workspace)
    manager = Manager(opened)
    failed: list[str] = []
    try:
        failed += [f"{one.app} is not running: {one.fault}" for one in manager.standing() if one.fault]
        ended = 0
        while begun := manager.tick(jobs=jobs):
            wait(begun)
            errors = [one.exception() for one in begun]
            failed += [str(error) for error in errors if error is not None]
            ended += sum(1 for error in errors if error is None)
    finally:
        manager.close()
    waiting = {app: waits for app, (waits, _) in Owing(opened.records, "").standing().items() if waits}
    if json:
        document({"ended": ended, "failed": failed, "waiting": waiting})
    else:
        say(f"{ended} call(s) of applications came to an end.")
        for app, waits in waiting.items():
            say(f"{app}: {waits} event(s) wait to be told.")
    if failed:
        why = sorted(set(failed))
        raise PartialError(
            f"{len(failed)} failed ({'; '.join(why[:3])}). Events are told again later, at most five times."
        )


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a-z, 0-9 and '-'.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
) -> None:
    """Write a small application that passes its own tests."""
    for path in making.new(name, folder):
        say(str(path))
    say(f"Test it: `isthmus app test {folder}`. Plug it in: `isthmus app install WS {folder}`.")


def test(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The application's folder.")], json: Json = False
) -> None:
    """Run the tests of an application, here and not behind a fence: its author runs them."""
    found = list(making.tests(folder))
    failed = [one for one in found if one.failure]
    if json:
        document({"tests": len(found), "failed": {one.name: one.failure for one in failed}})
    else:
        for one in found:
            say(
                f"{'failed' if one.failure else 'passed'}  {one.name}"
                + (f"\n        {one.failure}" if one.failure else "")
            )
    if failed:
        raise PartialError(f"{len(failed)} of {len(found)} tests failed.")


def _enabled(opened: Workspace, app: str, version: str, grant: str, by: str) -> State:
    shelf, sessions = Shelf(opened), Sessions(opened)
    state = shelf.records.state(app)
    package = shelf.package(app, version or shelf.newest(app))
    if by:
        actor(office_of(opened), by, SCOPE)
    if grant and not by:
        raise UsageError("say as which account it reads under the grant: add `--as NAME`.")
    wanted = State(app=app, grant=grant or state.grant, person=by or state.person, version=package.manifest.version)
    if wanted.grant and not sessions.may_see(package.manifest, wanted, wanted.person):
        raise RefusedError(f"{wanted.person} is not among the people of the grant {wanted.grant}.")
    if wanted.grant:
        sessions.demand_grade(package.manifest, wanted.grant)
    try_out(shelf, sessions, wanted, package)
    return shelf.enable(app, package.manifest.version, grant=grant, person=by)


def _tell(state: State, json: bool) -> None:
    if json:
        document({"app": state.app, "version": state.version, "former": state.former, "grant": state.grant})
        return
    runs = f"{state.version} is enabled" if state.version else "is disabled"
    say(f"{state.app} {runs}. A service that runs follows: at once, or when the version has started there.")


def _tell_reads(manifest: Manifest) -> None:
    """What an application can ever ask for."""
    for name, columns in sorted(manifest.reads.items()):
        say(f"It reads {name}: {', '.join(sorted(columns))}.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is no setting. Write NAME=VALUE.")
    return name, value
