"""Takes the text of one drug apart: the names that are known, and the words that nothing explains."""

import re
from dataclasses import dataclass, field

from isthmus.mapping.drugs.lexicon import HAN, Drug, Lexicon, folded, plain, squeezed

MISSING = re.compile(
    r"^\[?(?:not (?:available|applicable|evaluated)|unknown|unkown|n/?a|none|null|nil|无|不详|未知|-*)\]?$"
)
TRIAL = re.compile(r"\b(?:vs|versus|placebo|blinded|randomi[sz]ed|or|arm [ab12])\b|安慰剂|对照|双盲")
SEPARATORS = re.compile(r"[+/,;、，；&()（）\[\]【】:|]| and | plus | with |\bwith\b|联合|加用")
WORDS = re.compile(r"[0-9a-z]+")
AMOUNT = re.compile(
    r"\d+(?:\.\d+)?(?:%|mg|mcg|ug|g|kg|ml|l|iu|u|mbq|gbq|m2|h|hr|hrs|d|万单位|单位|毫克|微克|毫升|克|片|粒|支|瓶|袋|盒)?"
)
STRENGTH = re.compile(
    r"\d+(?:\.\d+)?\s*(?:%|mg|mcg|ug|μg|g|kg|ml|l|iu|u|mbq|gbq|万单位|单位|毫克|微克|毫升|克)(?:\s*/\s*(?:m2|kg|ml|l|h|d|片|粒|支|瓶|袋))?"
    r"(?![a-z])(?:\s*[x×*]\s*\d+\s*[一-龥]{0,2})?|(?<![a-z])[x×*]\s*\d+\s*[一-龥]{0,2}"
)
WINDOW = 5  # words that a name has at most


@dataclass(slots=True)
class Parsed:
    """What was found in a text: drugs in order, whether a regimen or a misheard name was among them, and the rest."""

    drugs: list[Drug] = field(default_factory=list)
    regimen: bool = False
    misheard: bool = False
    rest: list[str] = field(default_factory=list)
    reason: str | None = None


def parse(text: str, known: Lexicon) -> Parsed:
    """Find the known names. `reason` is missing or trial where the text cannot name what was given."""
    cleaned = plain(text)
    found = Parsed()
    if MISSING.match(cleaned):
        found.reason = "missing"
        return found
    if TRIAL.search(cleaned):
        found.reason = "trial"
    for part in SEPARATORS.split(_without_strengths(cleaned, known)):
        if HAN.search(part):
            _chinese(squeezed(part), known, found)
        else:
            _english(WORDS.findall(part), known, found)
    return found


def _without_strengths(cleaned: str, known: Lexicon) -> str:
    """The text without amounts, unless it is a name as a whole."""
    return cleaned if squeezed(cleaned) in known.names else STRENGTH.sub(" ", cleaned)


def _english(words: list[str], known: Lexicon, found: Parsed) -> None:
    """The longest run of words that is a name counts; words between names are kept if they mean something."""
    rest: list[str] = []
    at = 0
    while at < len(words):
        for width in range(min(WINDOW, len(words) - at), 0, -1):
            name = "".join(words[at : at + width])
            if name in known.names:
                _take(name, known, found)
                _keep(rest, known, found)
                at += width
                break
        else:
            rest.append(words[at])
            at += 1
    _keep(rest, known, found)


def _keep(rest: list[str], known: Lexicon, found: Parsed) -> None:
    """Keep the words that are neither noise nor amounts, as one piece; the list is emptied."""
    words = [word for word in rest if word not in known.noise and not AMOUNT.fullmatch(word) and len(word) > 1]
    words = [word for word in words if not re.fullmatch(r"c\d{1,2}|d\d{1,2}", word)]  # cycle 1, day 8
    if words:
        has_number = any(word.isdigit() for word in rest)
        found.rest.append("".join(rest) if has_number and not _with_number_only(rest, words) else "".join(words))
    rest.clear()


def _with_number_only(rest: list[str], words: list[str]) -> bool:
    """Whether leaving numbers out changes no name: of `5 fluorouracilum` the 5 may go, of `SOM 230` the 230 may not."""
    return all(len(word) > WINDOW for word in words) and len(rest) > len(words)


def _chinese(text: str, known: Lexicon, found: Parsed) -> None:
    """From each place the longest name, as it is or as it is misheard; then what is left without noise."""
    rest = ""
    at = 0
    while at < len(text):
        name, width, misheard = _longest(text, at, known)
        if width:
            _take(name, known, found)
            found.misheard |= misheard
            rest += " "
            at += width
        else:
            rest += text[at]
            at += 1
    for piece in rest.split():
        left = _without_noise(piece, known)
        if left:
            found.rest.append(left)


def _longest(text: str, at: int, known: Lexicon) -> tuple[str, int, bool]:
    for width in range(min(known.longest, len(text) - at), 1, -1):
        name = text[at : at + width]
        if name in known.names:
            return name, width, False
        if width > 2 and HAN.match(name) and folded(name) in known.folded:
            return known.folded[folded(name)], width, True
    return "", 0, False


def _without_noise(piece: str, known: Lexicon) -> str:
    words = sorted((word for word in known.noise if HAN.search(word) and word in piece), key=len, reverse=True)
    for word in words:
        piece = piece.replace(word, " ")
    kept = [part for part in piece.split() if not AMOUNT.fullmatch(part) and part not in known.noise]
    return "".join(kept) if any(len(part) > 1 or HAN.search(part) for part in kept) else ""


def _take(name: str, known: Lexicon, found: Parsed) -> None:
    found.regimen |= name in known.regimens
    found.drugs += [drug for drug in known.names[name] if drug not in found.drugs]
