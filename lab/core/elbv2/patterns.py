"""The regular expressions of rules and transforms: what AWS's dialect leaves out of Python's (alb:listener-rules).

AWS does not say what engine it uses; it names what the engine lacks: look-around, back-references, atomic groups,
possessive quantifiers, subroutines, recursion, Unicode classes. Those are refused, so that what works here works there.
"""

import re

_TOKEN = re.compile(
    r"""(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\]?)    # first: what stands in a set is not what it is elsewhere
    | (?P<escape>\\.)
    | (?P<group>\(\?(?:P.|<.|.)?)
    | (?P<possessive>[*+?}]\+)""",
    re.DOTALL | re.VERBOSE,
)
_GROUPS = {"(?:", "(?P<", "(?i", "(?s", "(?m", "(?-"}
_KINDS = {
    "(?=": "look-ahead",
    "(?!": "look-ahead",
    "(?<=": "look-behind",
    "(?<!": "look-behind",
    "(?>": "an atomic group",
    "(?P=": "a back-reference",
    "(?P>": "a subroutine",
    "(?&": "a subroutine",
    "(?R": "recursion",
    "(?(": "a condition",
}
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_SET_OPERATION = re.compile(r"\[\^?\[|--|&&|~~|\|\|")


def regex_problem(text: str) -> str | None:
    """Why AWS's dialect does not have the regular expression, as a sentence; None when it does."""
    if _PRINTABLE.fullmatch(text) is None:
        return f"the regular expression {text!r} must be printable ASCII characters"
    for token in _TOKEN.finditer(text):
        found = _unsupported(token)
        if found is not None:
            return f"the regular expression '{text}' uses {found}, which is not supported"
    try:
        re.compile(text.encode())  # as a node does: requests are bytes
    except (re.error, OverflowError, RecursionError) as error:
        return f"the regular expression '{text}' is not valid: {error}"
    return None


def _unsupported(token: re.Match[str]) -> str | None:
    word = token.group()
    match token.lastgroup:
        case "set":
            return "a set operation" if _SET_OPERATION.search(word) else None
        case "escape":
            if word[1] in "123456789kg":
                return "a back-reference"
            return "a Unicode character class" if word[1] in "pPX" else None
        case "group":
            return None if word in _GROUPS else _KINDS.get(word, f"the group {word}")
        case _:
            return "a possessive quantifier"
