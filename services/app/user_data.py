"""User data at boot: of what cloud-init does, the part that the sample application needs, which is `write_files`.

Scripts (`#!`) are not run: the sample application's instance is one program, not a machine with a shell. Those of the base
AMI are (`services.init`).
"""

import base64
import binascii
import logging
from pathlib import Path

from services.init.write_files import BadUserData, entries_of, mapping_of, parse_entry, write

log = logging.getLogger(__name__)


def apply(encoded: str, root: Path) -> None:
    """Carry out base64 user data below `root`. What cannot be done is logged and left out."""
    if not encoded:
        return
    try:
        text = decode(encoded)
        if not text.startswith("#cloud-config"):
            log.warning(
                "user data is not #cloud-config: it is not run here (first line: %.60r)", text.split("\n", 1)[0]
            )
            return
        entries = entries_of(mapping_of(text))
    except BadUserData as error:
        log.warning("user data ignored: %s", error)
        return
    for entry in entries:
        try:
            write(parse_entry(entry), root)
        except (BadUserData, OSError) as error:
            log.warning("write_files: %s", error)


def decode(encoded: str) -> str:
    """Raises BadUserData when it is not base64 of UTF-8 text."""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadUserData(f"not base64 of text: {error}") from error
