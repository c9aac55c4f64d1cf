"""Letters that pass for others: in which words they deceive, and what is shown in their place.

The table is chosen from Unicode's confusables.txt (UTS 39): single letters of other scripts whose
prototype is an ASCII letter or digit, and that common fonts draw like it.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

_CYRILLIC = "асеорхуѕіјԁһԛԝѵАВЕКМНОРСТХУІЈЅԌԚԜҮ"
_GREEK = "αγινορυϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ"
_ARMENIAN = "օոսհցզքՏՍՕԼ"
_CHEROKEE = "ᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᎽᏀᏃᏎᏏᏒᏔᏕᏙᏚᏞᏟᏢᏦᏧᏳᏴ"
_OTHER_LATIN = "ɑɡ"
_ALIKE = frozenset(_CYRILLIC + _GREEK + _ARMENIAN + _CHEROKEE + _OTHER_LATIN)

_SCRIPTS: Mapping[str, tuple[tuple[int, int], ...]] = MappingProxyType(
    {
        "Latin": ((0x41, 0x24F), (0x250, 0x2AF), (0x1E00, 0x1EFF)),
        "Greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
        "Cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F)),
        "Armenian": ((0x530, 0x58F),),
        "Cherokee": ((0x13A0, 0x13FF), (0xAB70, 0xABBF)),
    }
)
_WORD = re.compile(r"\w+")
_PROSE_GAP = re.compile(r"[,;:.!?…»”\"'’)]*[ \t]+[«„“\"'‘(–—]*[ \t]*")
_GLUE = re.compile(r"[\w.@/\\:+-]+")


def unmask(line: str) -> str:
    """`line` with the letters spelled out that make a word look like another one.

    A word of several scripts loses its look-alikes; so does a word that is made of nothing else,
    unless it stands in a sentence of its own script. Doing it twice changes nothing more.
    """
    if line.isascii():
        return line
    words = [match for match in _WORD.finditer(line) if not match[0].isascii()]
    suspects = {match.start() for match in words if _deceives_wholly(match[0])}
    if suspects:
        suspects -= _in_sentences(line)
        suspects |= _glued_to_latin(line)
    parts, at = [], 0
    for match in words:
        is_wholly = match.start() in suspects and _deceives_wholly(match[0])
        if is_wholly or _is_mixed(match[0]):
            parts += [line[at : match.start()], "".join(map(_spelled, match[0]))]
            at = match.end()
    return "".join([*parts, line[at:]])


def spelled_out(character: str) -> str:
    """A character as Python's source would have it."""
    return character.encode("unicode_escape").decode("ascii")


def _spelled(character: str) -> str:
    alike = character in _ALIKE or _reads_as_ascii(character)
    return spelled_out(character) if alike else character


def _is_mixed(word: str) -> bool:
    """Whether it has letters of two scripts, or ASCII and letters that Python takes for ASCII."""
    scripts = {script for character in word if (script := _script(character))}
    has_ascii = any(character.isascii() and character.isalpha() for character in word)
    odd = any(character in _OTHER_LATIN or _reads_as_ascii(character) for character in word)
    return len(scripts) > 1 or (has_ascii and odd)


def _deceives_wholly(word: str) -> bool:
    letters = [character for character in word if character.isalpha()]
    return bool(letters) and all(character in _ALIKE for character in letters)


def _in_sentences(line: str) -> set[int]:
    """The starts of words that stand in prose beside a word of their script that is no look-alike.

    Prose is words with spaces between them, not brackets, dots or operators.
    """
    safe: set[int] = set()
    run: list[re.Match[str]] = []
    for match in _WORD.finditer(line):
        if run and not _PROSE_GAP.fullmatch(line, run[-1].end(), match.start()):
            safe |= _plainly_written(run)
            run = []
        run.append(match)
    return safe | _plainly_written(run)


def _plainly_written(run: list[re.Match[str]]) -> set[int]:
    plain = {
        _script(match[0][0])
        for match in run
        if not match[0].isascii() and not _deceives_wholly(match[0]) and not _is_mixed(match[0])
    }
    return {match.start() for match in run if _script(match[0][0]) in plain}


def _glued_to_latin(line: str) -> set[int]:
    """The starts of words that are one with ASCII letters: a host, a path, an address."""
    return {
        token.start() + word.start()
        for token in _GLUE.finditer(line)
        if any(character.isascii() and character.isalpha() for character in token[0])
        for word in _WORD.finditer(token[0])
    }


@lru_cache(4096)
def _script(character: str) -> str:
    code = ord(character)
    if not character.isalpha():
        return ""
    return next(
        (
            name
            for name, ranges in _SCRIPTS.items()
            if any(first <= code <= last for first, last in ranges)
        ),
        "",
    )


@lru_cache(4096)
def _reads_as_ascii(character: str) -> bool:
    """Letters that an identifier is normalised from: full-width, mathematical, ligatures."""
    if character.isascii() or not character.isalpha():
        return False
    normal = unicodedata.normalize("NFKC", character)
    return normal != character and normal.isascii() and normal.isalpha()
