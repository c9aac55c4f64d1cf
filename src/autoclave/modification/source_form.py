"""The form that source text must have: UTF-8, LF, nothing hidden, and two parsers that agree."""

from __future__ import annotations

import contextlib
import io
import re
import tokenize
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..domain.errors import InvalidInput

if TYPE_CHECKING:
    import libcst

MOST_BYTES = 1 << 20
_MOST_TOKENS_IN_A_LINE = 2_000
_LONGEST_FORMAT = 8_000
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")


def decode(data: bytes, file: str) -> str:
    """The text of a source file. Raises InvalidInput naming what is wrong with its form."""
    if len(data) > MOST_BYTES:
        raise _bad(file, f"has {len(data):,} bytes; the most is {MOST_BYTES:,}")
    if data.startswith(b"\xef\xbb\xbf"):
        raise _bad(file, "starts with a byte order mark")
    for byte, name in ((b"\r", "a carriage return"), (b"\0", "a NUL")):
        if byte in data:
            line = data[: data.index(byte)].count(b"\n") + 1
            raise _bad(file, f"holds {name} in line {line}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(file, f"is not UTF-8 (byte {error.start})") from error
    for first_line in data.split(b"\n")[:2]:
        if found := _COOKIE.match(first_line):
            raise _bad(file, f"names an encoding ({found.group(1).decode()}); it is always UTF-8")
    return text


def parse(source: str, file: str) -> libcst.Module:
    """The module, once both `compile` of the running Python and LibCST have taken it."""
    import libcst as cst

    decode(_encode(source, file), file)
    _check_compiles(source, file)
    _check_not_deep(source, file)
    try:
        return cst.parse_module(source)
    except (cst.ParserSyntaxError, cst.CSTValidationError) as error:
        raise _bad(file, f"compiles but LibCST refuses it: {error}") from error


def odd_names(source: str) -> Counter[str]:
    """Identifiers that are not plain ASCII; Python may read them as other names than people do."""
    return Counter(
        token.string
        for token in _tokens(source)
        if token.type == tokenize.NAME and not token.string.isascii()
    )


def hidden_characters(text: str) -> Counter[str]:
    """Characters that no editor shows: controls, bidi marks, zero width, fillers, unassigned."""
    return Counter(
        character
        for character in text
        if not (character.isascii() and character.isprintable())
        and character not in "\n\t"
        and _is_hidden(character)
    )


def _is_hidden(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return is_selector or character in _FILLERS or unicodedata.category(character) in _HIDDEN


def _encode(source: str, file: str) -> bytes:
    try:
        return source.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _bad(file, f"can't be written as UTF-8: {error.reason}") from error


def _check_compiles(source: str, file: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, file, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise _bad(file, f"does not parse: {error.msg} (line {error.lineno})") from error
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise _bad(file, f"does not compile: {str(error) or 'nested too deeply'}") from error


def _check_not_deep(source: str, file: str) -> None:
    # LibCST ends the whole process on very deep nesting, so long statements never reach it.
    count = 0
    for token in _tokens(source):
        count = 0 if token.type == tokenize.NEWLINE else count + 1
        line = token.start[0]
        if count > _MOST_TOKENS_IN_A_LINE:
            raise _bad(
                file, f"has a statement of over {_MOST_TOKENS_IN_A_LINE:,} tokens (line {line})"
            )
        if token.type == tokenize.STRING and _is_long_format(token.string):
            raise _bad(
                file, f"has an f-string of over {_LONGEST_FORMAT:,} characters (line {line})"
            )


def _is_long_format(text: str) -> bool:
    """Before Python 3.12 an f-string is one token, whatever code it holds."""
    prefix = text[: text.index(text[-1])]
    return len(text) > _LONGEST_FORMAT and "f" in prefix.lower()


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """Every token, up to where the text stops being Python."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        yield from tokenize.generate_tokens(io.StringIO(source).readline)


def _bad(file: str, what: str) -> InvalidInput:
    return InvalidInput(f"{file} {what}", hint="write plain UTF-8 Python with LF line ends")
