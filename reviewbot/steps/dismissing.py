"""A model's claim → why it is not worth a verifier's time, by rules that anybody can read; or None.

Three kinds are dismissed, whatever a model calls them: praise; requests to check something that name no
consequence; and matters of style, unless the project asks for them. It is by how a title goes on that they are
told from real problems that begin alike: "check that it holds" asks, "check is inverted" states. In doubt a claim
goes on: the verifier rejects what it cannot see in the code.
"""

import re
from typing import Final

from reviewbot.domain.finding import Category, Finding, Severity

PRAISE: Final = "it praises, and names no problem"
PLEA: Final = "it asks somebody to check, and names nothing that goes wrong"
STYLE: Final = "it is a matter of style"

_PRAISE = re.compile(
    r"(?:this |that |it |the \w+ |code )?(?:is |are )?(?:a |an |very |really )*"
    r"(?:lgtm|looks? (?:good|great|fine|correct|right|solid|clean)|nice(?:ly)?|great|good|excellent"
    r"|well[ -](?:done|written|tested|structured|designed|organi[sz]ed)|clean|solid|perfect"
    r"|no (?:issues?|problems?|bugs?|concerns?))"
    # What praise goes on with: "solid refactoring" praises, "solid color is parsed as a gradient" does not.
    r"(?=\W*$|[,.!;:]|(?: \w+)? (?:use|job|work|idea|catch|cleanup|refactor\w*|changes?|approach|implementation"
    r"|solution|coverage|improvements?|tests?|handling|structure|separation|design|code|practice|choice|naming|fix|done"
    r"|to me|found|here|with|and|overall|now)\b)",
    re.IGNORECASE,
)
_PLEA = re.compile(
    r"(?:please |kindly |you (?:may|might|should|could) (?:want to )?|we (?:should|could) |maybe |perhaps |just )*"
    r"(?:it (?:may|might|would|could) be (?:worth|good|better)(?:while)?\b|are you sure|be (?:careful|aware)\b"
    r"|is (?:this|it) (?:intended|intentional|expected)|just checking|note that\b(?! is\b)"
    r"|(?:verify|double[ -]check|check|confirm|ensure|make sure|consider|think about|review)"
    # What is asked for: "check that it is so" asks, "check constraint allows less" states.
    r"(?=\W*$| (?:that|this|these|those|the|all|any|if|whether|it|to|with|what|how|why|your|our|other|each|every|an?"
    r"|proper|correct|tests?|docs|documentation|callers|usages?|compatibility|backwards?|inputs?|\w+ing)\b))",
    re.IGNORECASE,
)
_CONSEQUENCE = re.compile(
    r"\b(?:crash|rais|throw|panic|leak|wrong|incorrect|fail|(?:error|exception)(?! handling)|lose|lost|corrupt|overflow"
    r"|underflow|deadlock|race|inject|never|infinite|hang|block|bypass|expos|overwrit|duplicat|stale|mismatch|exceed"
    r"|truncat|divi[ds]|dereferenc|off by one|off-by-one|forever|twice|skipp?|ignor|vulnerab|attack|unbounded|returns"
    r"|gives|instead)",
    re.IGNORECASE,
)
_STYLE = re.compile(
    r"\b(?:naming|rename|(?:better|descriptive) (?:\w+ )?names?|snake_?case|camel_?case|pascal_?case|doc ?strings?"
    r"|javadoc|jsdoc|white ?space|indentation|formatting|reformat|line (?:is )?(?:too )?long|line length"
    r"|(?:blank|empty) lines?|import order|(?:order of|sort|unsorted|group) imports?|trailing (?:comma|space)s?"
    r"|(?:single|double) quotes?"
    r"|type (?:hint|annotation)s?|magic numbers?|typo|grammar|spelling|readab\w+|more (?:readable|pythonic|idiomatic)"
    r"|pythonic|pep ?-?8|f-strings?|list comprehension|code style|coding style|(?:missing|add|needs?) (?:a )?comments?"
    r"|commented[ -]out|const(?:ant)? instead of let|semicolons?|braces? style|verbose|consisten\w+ style)\b",
    re.IGNORECASE,
)
_AFTER_STYLE = re.compile(
    r"\W*$|[,.;:]| `[^`]*`| (?:in|of|for|on|to|at|by|from|between|here|should|could|would|instead|conventions?|style"
    r"|code|missing|\d+|not (?:followed|consistent|sorted|needed)|the|this|variable|method|function|class"
    r"|(?:is|are) (?:not )?(?:too|missing|inconsistent|off|odd|wrong|unclear|poor|followed|consistent|sorted))\b",
    re.IGNORECASE,
)
"""How a style remark goes on."""
_SMALL = re.compile(r"`[^`]*`|\b(?:an?|the|this|that|these|be|to|of|in|for|it)\b", re.IGNORECASE)
_WORD = re.compile(r"\w[\w'()-]*")
_FEW: Final = 2
"""Words that a style remark has left to say."""


def reason(claim: Finding, *, style: bool) -> str | None:
    """Say why a claim is not looked at any further. ``style`` lets matters of style through."""
    title = claim.title
    consequence = _CONSEQUENCE.search(f"{title} {claim.body}") is not None
    if _PRAISE.match(title) and not consequence:
        return PRAISE
    if _PLEA.match(title) and not consequence:
        return PLEA
    matter = None if style else _STYLE.search(title)
    if matter is None:
        return None
    minor = claim.category is Category.MAINTAINABILITY or claim.severity is Severity.LOW
    return STYLE if minor or not (consequence or _states(title[matter.end() :])) else None


def _states(rest: str) -> bool:
    """Tell whether a title goes on to state something after it has named a matter of style.

    "Trailing comma makes it a tuple" does, "trailing comma in the list" does not.
    """
    after = _AFTER_STYLE.match(rest)
    return after is None or len(_WORD.findall(_SMALL.sub(" ", rest[after.end() :]))) > _FEW
