"""The settings of an application at every site: one installation, whose sites are lines of configuration, not copies.

A setting holds for a scope: "*" is every site, "3101*" every site whose name begins with 3101, "310115007" one site.
Names of institutions begin with the code of their district, so that scopes follow districts. The narrowest scope that
says something of a setting is the one that counts.
"""

import re
from collections.abc import Mapping
from typing import Any

from isthmus.apps.contract import InputError, Manifest

SCOPE = re.compile(r"\*|[a-z0-9][a-z0-9_-]{0,62}\*?")


class Settings:
    """Settings as they were given, by scope, over the defaults of a manifest."""

    def __init__(self, manifest: Manifest, given: Mapping[str, Mapping[str, Any]]) -> None:
        self._known = manifest.settings
        self._usual = {name: one.default for name, one in manifest.settings.items()}
        self._given = given

    def of(self, site: str) -> dict[str, Any]:
        """The settings at a site; "" is the whole installation. What a version does not know is left out."""
        found = dict(self._usual)
        for scope in ("*", *(f"{site[:length]}*" for length in range(1, len(site) + 1)), site):
            for name, value in self._given.get(scope, {}).items():
                # What was given under another version may not fit this one; then its default holds.
                if name in self._known and not self._known[name].why_not(value):
                    found[name] = value
        return found

    def whence(self, site: str) -> dict[str, str]:
        """By setting the scope that it comes from; "" for the default."""
        found = dict.fromkeys(self._usual, "")
        for scope in ("*", *(f"{site[:length]}*" for length in range(1, len(site) + 1)), site):
            found |= {name: scope for name in self._given.get(scope, {}) if name in found}
        return found


def read(manifest: Manifest, scope: str, written: Mapping[str, str]) -> dict[str, Any]:
    """Values that may be given in a scope, as somebody wrote them; None, for nothing written, takes one back.

    Raises InputError for any other.
    """
    if not SCOPE.fullmatch(scope):
        raise InputError(f"'{scope}' is no scope. Write *, the beginning of sites' names and *, or one site.")
    if unknown := sorted(set(written) - set(manifest.settings)):
        known = ", ".join(manifest.settings) or "none"
        raise InputError(f"{manifest.app} has no setting '{unknown[0]}'. Settings: {known}.")
    return {name: manifest.settings[name].read(text) if text else None for name, text in written.items()}
