"""The verbs about terms: load a code list, search, look at a code, follow its maps, expand a concept set."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from isthmus.base.errors import InputError, UsageError
from isthmus.flow.terminology import pack as vocabulary_pack
from isthmus.flow.terminology import search as searching
from isthmus.flow.terminology.service import Item, Target, Terminology, Wanted
from isthmus.flow.workspace import Workspace
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

Vocabulary = Annotated[str, typer.Argument(metavar="VOCABULARY", help="A vocabulary id, as `isthmus terms list` says.")]
CodeOf = Annotated[str, typer.Argument(metavar="CODE", help="A code of it.")]
Only = Annotated[list[str] | None, typer.Option("--vocabulary", help="Only this vocabulary (may be repeated).")]
Standard = Annotated[bool, typer.Option("--standard", help="Only standard concepts.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
NEAR, LIKE = "≈", "like"  # what is only called nearly so
CODE = ("concept_id", "vocabulary", "edition", "code", "name")
NO_HEAD = {"name_zh": "", "system": "", "language": "", "licence": ""}  # what only a pack says


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    terms = typer.Typer(no_args_is_help=True, help="Vocabularies, code lists and their terms.")
    terms.command("load")(load)
    terms.command("list")(list_vocabularies)
    terms.command("search")(search)
    terms.command("show")(show)
    terms.command("check")(check)
    terms.command("translate")(translate)
    terms.command("expand")(expand)
    app.add_typer(terms, name="terms")


def load(
    workspace: Where,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A vocabulary pack: a folder with vocabulary.yaml.")],
    instead: Annotated[bool, typer.Option("--replace", help="Also in the place of another edition.")] = False,
    json: Json = False,
) -> None:
    """Load one edition of a code list, and publish an edition of the lake with it.

    What the workspace has of the same edition gives way. A pack with any fault is refused, with the lines.
    """
    opened = Workspace(workspace)
    loaded = vocabulary_pack.load(opened, folder, instead=instead)
    searching.index_of(opened)
    told = loaded.form
    if json:
        head = {"vocabulary": told.vocabulary, "code_edition": told.edition, "edition": loaded.edition.number}
        document({**head, "rows": loaded.rows})
        return
    table(f"{told.vocabulary} in edition {loaded.edition.number}", ("table", "rows"), list(loaded.rows.items()))
    say(f"Search it: isthmus terms search {quote(str(workspace))} TEXT --vocabulary {told.vocabulary}")


def list_vocabularies(workspace: Where, json: Json = False) -> None:
    """List the vocabularies with their editions: codes, how many are standard, how many map to a standard concept."""
    opened = Workspace(workspace)
    heads = {
        name: {"name_zh": told.name.get("zh", ""), "system": told.system, "language": told.language,
               "licence": told.licence}
        for name, told in vocabulary_pack.heads(opened).items()
    }  # fmt: skip
    with Terminology.of(opened) as terms:
        listed = [{**one, **heads.get(one["vocabulary"], NO_HEAD)} for one in terms.vocabularies()]
    if json:
        document(listed)
        return
    columns = ("vocabulary", "name", "edition", "codes", "standard", "mapped", "language", "licence")
    table("Vocabularies", columns, [[one[name] for name in columns] for one in listed])


def search(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A name or a part of it, pinyin, initials, or a code.")],
    domain: Annotated[list[str] | None, typer.Option(help="Only this domain (may be repeated).")] = None,
    vocabulary: Only = None,
    standard: Standard = False,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Find concepts by name: English, Chinese, pinyin, initials or abbreviated, with a slip or two."""
    opened = Workspace(workspace)
    wanted = Wanted(tuple(domain or ()), tuple(vocabulary or ()), standard)
    with Terminology.of(opened) as terms:
        found = terms.search(text, wanted, most=limit)
    if json:
        document(found)
        return
    if not found:
        say("Nothing is called so. Try a part of the name, fewer words, Chinese for English, or pinyin without slips.")
        return
    columns = ("concept_id", "vocabulary", "code", "name", "domain", "standard", "found", "how")
    rows = [
        (str(one.concept_id), one.vocabulary, one.code, one.name, one.domain, "S" if one.standard else "",
         one.found if one.found != one.name else "", f"{NEAR} {one.how}" if one.how == LIKE else one.how)
        for one in found
    ]  # fmt: skip
    table("Concepts", columns, rows)


def show(workspace: Where, vocabulary: Vocabulary, code: CodeOf, json: Json = False) -> None:
    """Show all that is known of a code: names, edition, parents, children, maps."""
    with Terminology.of(Workspace(workspace)) as terms:
        found = terms.lookup(vocabulary, code)
        if found is None:
            raise InputError(terms.validate(vocabulary, code).message)
    if json:
        document(found)
        return
    own = found.code
    said = (
        ("concept_id", own.concept_id), ("name", own.name), ("synonyms", "; ".join(found.synonyms)),
        ("edition", own.edition), ("domain", found.domain), ("class", found.concept_class),
        ("standard", "yes" if own.standard else "no"),
        ("valid", f"{found.valid_from} to {found.valid_to}" + ("" if found.valid else ", retired")),
    )  # fmt: skip
    table(f"{vocabulary} {code}", ("", ""), [(key, str(value)) for key, value in said])
    for title, codes in (("Parents", found.parents), ("Children", found.children)):
        if codes:
            table(title, CODE, [[str(getattr(one, name)) for name in CODE] for one in codes])
    _print_targets(found.maps)


def check(
    workspace: Where,
    vocabulary: Vocabulary,
    code: CodeOf,
    edition: Annotated[str | None, typer.Option(help="The edition that it should be of.")] = None,
    display: Annotated[str | None, typer.Option(help="What it should be called.")] = None,
    json: Json = False,
) -> None:
    """Say whether a code is one of a vocabulary, of an edition, and called so. Exit code 3 where it is not."""
    with Terminology.of(Workspace(workspace)) as terms:
        verdict = terms.validate(vocabulary, code, edition=edition, display=display)
    if json:
        document(verdict)
    elif verdict.code is not None:
        own = verdict.code
        say(f"{own.vocabulary} {own.edition} {own.code}: {own.name}")
    if not verdict.valid:
        raise InputError(verdict.message)


def translate(
    workspace: Where,
    vocabulary: Vocabulary,
    code: CodeOf,
    to: Annotated[str | None, typer.Option(metavar="VOCABULARY", help="Only targets in this vocabulary.")] = None,
    json: Json = False,
) -> None:
    """Follow the maps of a code to other editions and vocabularies, whichever of the two has the map."""
    with Terminology.of(Workspace(workspace)) as terms:
        found = terms.translate(vocabulary, code, to=to)
    if json:
        document(found)
    elif found:
        _print_targets(found)
    else:
        say("Nothing is mapped to it, and it is mapped to nothing" + (f" in {to}." if to else "."))


def expand(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    concepts: Annotated[list[str], typer.Argument(metavar="CONCEPT...", help="A concept id, or VOCABULARY/CODE.")],
    descendants: Annotated[bool, typer.Option("--descendants", help="With all that is below them.")] = False,
    mapped: Annotated[bool, typer.Option("--mapped", help="With the codes that map to them.")] = False,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="CONCEPT", help="Without this one and, if asked, its descendants.")
    ] = None,
    text: Annotated[str, typer.Option(help="Only names that hold this.")] = "",
    vocabulary: Only = None,
    standard: Standard = False,
    limit: Limit = 100,
    offset: Annotated[int, typer.Option(min=0, help="Begin after so many.")] = 0,
    json: Json = False,
) -> None:
    """List the concepts of a concept set."""
    with Terminology.of(Workspace(workspace)) as terms:
        items = [
            Item(_concept(terms, told), descendants, mapped, excluded)
            for excluded, several in ((False, concepts), (True, exclude or ())) for told in several
        ]  # fmt: skip
        found = terms.expand(
            items, text=text, vocabularies=tuple(vocabulary or ()), standard=standard, offset=offset, count=limit
        )
    if json:
        document(found)
        return
    columns = ("concept_id", "vocabulary", "code", "name", "domain")
    table(f"{found.total} concepts", columns, [[str(one[name]) for name in columns] for one in found.concepts])


def _concept(terms: Terminology, told: str) -> int:
    """The concept that is meant by an id or by VOCABULARY/CODE."""
    if told.isdigit():
        return int(told)
    vocabulary, slash, code = told.partition("/")
    if not slash:
        raise UsageError(f"'{told}' is neither a concept id nor VOCABULARY/CODE.")
    verdict = terms.validate(vocabulary, code)
    if verdict.code is None:
        raise InputError(verdict.message)
    return verdict.code.concept_id


def _print_targets(targets: Sequence[Target]) -> None:
    if targets:
        rows = [
            (one.relation, *(str(getattr(one.target, name)) for name in CODE),
             f"{one.through.vocabulary} {one.through.code}" if one.through else "")
            for one in targets
        ]  # fmt: skip
        table("Maps", ("target is", *CODE, "through"), rows)
