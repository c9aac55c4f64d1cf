"""Where the token for an agent elsewhere comes from: a file or the environment, never a word of
the command line, which everybody on the machine can read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..domain.errors import CredentialMissing

VARIABLE = "AUTOCLAVE_TOKEN"
_LONGEST = 4096


def read_token(file: Path | None) -> str:
    """The token. Raises CredentialMissing."""
    text = os.environ.get(VARIABLE, "") if file is None else _read(file)
    text = text.strip()
    if not text:
        raise CredentialMissing(
            "there is no token to reach the agent with",
            hint=f"name a file with --token-file, or set ${VARIABLE}",
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise CredentialMissing("that is not a token: it has other characters in it")
    return text


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                raise CredentialMissing(
                    f"others can read the token in {file}", hint=f"chmod 600 {file}"
                )
            return opened.read(_LONGEST).decode("utf-8", "replace")
    except OSError as error:
        raise CredentialMissing(f"cannot read the token in {file}: {error.strerror}") from error
