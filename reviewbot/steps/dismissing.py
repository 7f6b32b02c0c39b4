"""A model's claim → why it is not worth a verifier's time, by rules that anybody can read; or None.

Three kinds are dismissed, whatever a model calls them: praise; requests to check something that name no
consequence; and matters of style, unless the project asks for them. In doubt a claim goes on: the verifier
rejects what it cannot see in the code.
"""

import re
from typing import Final

from reviewbot.domain.finding import Category, Finding, Severity

PRAISE: Final = "it praises, and names no problem"
PLEA: Final = "it asks somebody to check, and names nothing that goes wrong"
STYLE: Final = "it is a matter of style"

_PRAISE = re.compile(
    r"(?:this |that |it |the \w+ |code )?(?:is |are )?(?:a |an )?"
    r"(?:lgtm|looks? (?:good|great|fine|correct|right)|nice(?:ly)?|great|good|excellent|well[ -](?:done|written|tested)"
    r"|clean|solid|perfect|no (?:issues?|problems?|bugs?|concerns?)(?: found)?)\b",
    re.IGNORECASE,
)
_PLEA = re.compile(
    r"(?:please |kindly |you (?:may|might|should|could) (?:want to )?"
    r"|it (?:may|might|would) be (?:worth|good|better)(?:while)? (?:to |if )?|we (?:should|could) |maybe |perhaps "
    r"|just )*"
    r"(?:verify(?:ing)?|double[ -]check(?:ing)?|check(?:ing)?|confirm(?:ing)?|ensur(?:e|ing)|mak(?:e|ing) sure"
    r"|consider(?:ing)?|think(?:ing)? about|review(?:ing)?|note that|be (?:careful|aware)|are you sure"
    r"|is (?:this|it) (?:intended|intentional|expected))\b",
    re.IGNORECASE,
)
_CONSEQUENCE = re.compile(
    r"\b(?:crash|rais|throw|panic|leak|wrong|incorrect|fail|error|exception|lose|lost|corrupt|overflow|underflow|deadlock"
    r"|race|inject|never|infinite|hang|block|bypass|expos|overwrit|duplicat|stale|mismatch|exceed|truncat|divi[ds]"
    r"|dereferenc|off by one|off-by-one|forever|twice|skipp?|ignor|vulnerab|attack|unbounded|returns|gives|instead)",
    re.IGNORECASE,
)
_STYLE = re.compile(
    r"\b(?:naming|rename|better name|descriptive name|snake_?case|camel_?case|pascal_?case|doc ?strings?|javadoc|jsdoc"
    r"|white ?space|indentation|formatting|reformat|line (?:is )?(?:too )?long|line length|blank lines?|empty lines?"
    r"|import order|(?:order of|sort|unsorted|group) imports?|trailing (?:comma|space)s?|(?:single|double) quotes?"
    r"|type (?:hint|annotation)s?|magic numbers?|typo|grammar|spelling|readab\w+|more (?:readable|pythonic|idiomatic)"
    r"|pythonic|pep ?-?8|f-strings?|list comprehension|code style|coding style|(?:missing|add|needs?) (?:a )?comments?"
    r"|commented[ -]out|const(?:ant)? instead of let|semicolons?|braces? style|verbose|consisten\w+ style)\b",
    re.IGNORECASE,
)


def reason(claim: Finding, *, style: bool) -> str | None:
    """Say why a claim is not looked at any further. ``style`` lets matters of style through."""
    said = f"{claim.title} {claim.body}"
    consequence = _CONSEQUENCE.search(said) is not None
    if _PRAISE.match(claim.title) and not consequence:
        return PRAISE
    if _PLEA.match(claim.title) and not consequence:
        return PLEA
    if style or not _STYLE.search(claim.title):
        return None
    minor = claim.category is Category.MAINTAINABILITY or claim.severity is Severity.LOW
    return STYLE if minor or not consequence else None
