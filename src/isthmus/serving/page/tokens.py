"""Colours and typefaces: one source for the page's style sheet and its charts, so that both always agree."""

from collections.abc import Iterator, Mapping

LIGHT: Mapping[str, str] = {
    "bg": "#F4F6F7", "surface": "#FFFFFF", "sunken": "#EDF1F3", "line": "#DCE3E7", "line2": "#C3CED5",
    "ink": "#12222D", "ink2": "#435663", "ink3": "#5F717D",
    "brand": "#0A6C74", "brandink": "#07474D", "brandwash": "#E3F1F1", "onbrand": "#FFFFFF",
    "bar": "#0B2A33", "bartext": "#C6D8DC",
    "ok": "#1B7548", "warn": "#8A5A00", "bad": "#AE2A2A", "info": "#2A5AA0",
    "okwash": "#E2F3EA", "warnwash": "#FBF0D9", "badwash": "#FBE6E4",
    "c1": "#0A7C86", "c2": "#C9603A", "c3": "#4A60A8", "c4": "#B8890F", "c5": "#86497D", "c6": "#5E7280",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "bg": "#0C1419", "surface": "#141F26", "sunken": "#101A20", "line": "#25343D", "line2": "#3A4C57",
    "ink": "#E7EEF1", "ink2": "#B1C0C8", "ink3": "#8FA1AB",
    "brand": "#4DB9BE", "brandink": "#9BDCDD", "brandwash": "#12343A", "onbrand": "#06181B",
    "bar": "#081117", "bartext": "#C6D8DC",
    "ok": "#62C792", "warn": "#E3B04B", "bad": "#F08A84", "info": "#86B2F0",
    "okwash": "#12301F", "warnwash": "#33270C", "badwash": "#3A1A1A",
    "c1": "#4DB9BE", "c2": "#EE9068", "c3": "#8FA6EE", "c4": "#E0B64A", "c5": "#C78BC0", "c6": "#9FB2BD",
}  # fmt: skip

_CJK = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei")
_LATIN = ("Inter", "Segoe UI", "system-ui", "sans-serif")
_GENERIC = {"system-ui", "sans-serif"}

CHARTED = ("ink", "ink2", "ink3", "line", "line2", "surface", "brand", "c1", "c2", "c3", "c4", "c5", "c6")


def fonts(language: str) -> str:
    """The typefaces in order of preference. In Chinese the CJK face leads, so that no serif stands in for it."""
    names = (*_CJK, *_LATIN) if language == "zh" else (_LATIN[0], *_CJK, *_LATIN[1:])
    return ",".join(name if name in _GENERIC else f"'{name}'" for name in names)


def css() -> str:
    """The style sheet's variables for both themes, and charts that follow them."""
    return "\n".join(
        [
            f":root{{color-scheme:light dark;{_variables(LIGHT)}}}",
            f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}",
            *_recoloured(),
        ]
    )


def themed() -> str:
    """The variables for pages on which a reader chooses the theme: `data-theme` of the root is light, dark or auto."""
    dark = _variables(DARK)
    return "\n".join(
        [
            f":root{{color-scheme:light dark;{_variables(LIGHT)}}}",
            f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}",
            f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}",
            ":root[data-theme=light]{color-scheme:light}",
            *_recoloured(),
        ]
    )


def _variables(theme: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in theme.items())


def _recoloured() -> Iterator[str]:
    """Charts are drawn in the light colours; these rules give each of them the colour of the reader's theme."""
    for name in CHARTED:
        for attribute in ("fill", "stroke"):
            yield f'.chart [{attribute}="{LIGHT[name]}"]{{{attribute}:var(--{name})}}'
