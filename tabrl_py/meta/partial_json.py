"""Text out of a JSON object that is still being written."""

import json
import re


def string_so_far(text: str, name: str) -> str:
    """The value of a string field as far as it has come; "" where it has not begun.

    Args:
        text: the object's JSON, cut anywhere.
        name: of the field; the first of that name in the text counts.
    """
    begun = re.search(rf'"{re.escape(name)}"\s*:\s*"', text)
    if begun is None:
        return ""
    whole = re.match(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*', text[begun.end() :])
    assert whole is not None
    written = whole.group()
    # The first half of a surrogate pair waits for the second.
    if re.search(r"\\u[dD][89abAB][0-9a-fA-F]{2}$", written):
        written = written[:-6]
    try:
        value: str = json.loads(f'"{written}"', strict=False)
    except ValueError:
        return ""
    return value
