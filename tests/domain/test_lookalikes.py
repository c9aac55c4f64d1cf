"""Words that look like others, and words that only look foreign."""

# ruff: noqa: RUF001

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.domain import lookalikes
from autoclave.domain.lookalikes import unmask
from autoclave.domain.text import show, show_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("p\u0430ypal", r"p\u0430ypal"),
        ("\u0440\u0430ss_word", r"\u0440\u0430ss_word"),
        ("g\u03bf\u03bfgle.com", r"g\u03bf\u03bfgle.com"),
        ("b\u0585dy", r"b\u0585dy"),
        ("\u13aadmin", r"\u13aadmin"),
        ("\uff45val(x)", r"\uff45val(x)"),
        ("\U0001d41eval(x)", r"\U0001d41eval(x)"),
        ("sel\ufb01sh", r"sel\ufb01sh"),
        ("\u0261et", r"\u0261et"),
        ("na\u00efve_\u0441opy", r"naïve_\u0441opy"),
        ("\u0433\u03bf\u0434", r"г\u03bfд"),
    ],
)
def test_a_word_of_two_scripts_shows_its_look_alikes(text: str, shown: str) -> None:
    """Latin with Cyrillic, Greek, Armenian, Cherokee, full-width and mathematical letters."""
    assert show(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u0441\u043e\u0440\u0443 = 1", r"\u0441\u043e\u0440\u0443 = 1"),
        ("def \u0430(\u0445): return 2", r"def \u0430(\u0445): return 2"),
        ("\u039f\u039a", r"\u039f\u039a"),
        ("\u0441\u043e\u0440\u0443(1)  # привет", r"\u0441\u043e\u0440\u0443(1)  # привет"),
        ("смотри \u0441\u043e\u0440\u0443.com", r"смотри \u0441\u043e\u0440\u0443.com"),
        ("/home/\u0440\u0430\u0445", r"/home/\u0440\u0430\u0445"),
        ("+\u0445 = \u0435\u0445\u0435\u0441", r"+\u0445 = \u0435\u0445\u0435\u0441"),
    ],
)
def test_a_word_of_nothing_but_look_alikes_is_spelled_out(text: str, shown: str) -> None:
    """Where no sentence of that script is around it: in code, in paths, in addresses."""
    assert show_line(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "А у нас в саду росла оса, и хор пел о ней с утра.",
        "Работа с Python у нас в Москве — это сахар, а не соль.",
        "Съешь же ещё этих мягких французских булок, да выпей чаю.",
        "Ο Γιάννης και η Άννα είναι στο σπίτι.",
        "Η ώρα είναι τρεις και το νερό είναι κρύο.",
        "ＮＨＫのニュースを見ました。",
        "東京タワーは高さ333メートルです。",
        "Ես սիրում եմ հայերեն լեզուն։",
        "Zażółć gęślą jaźń; Übergröße; façade; Ærøskøbing; Straße",
        "Türkçe ışık, Tiếng Việt, čeština, íslenska þórr",
        "Δt = 5 μs, λx. x + π, 10 Ω, x² ≤ ½, 1ª vez",
        "עברית ועוד קצת English באמצע",
        "한국어와 ภาษาไทย",
        "USB-шный кабель",
    ],
)
def test_ordinary_text_stays_readable(text: str) -> None:
    """Whole sentences in the scripts of the world, units and formulas."""
    assert show(text) == text


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("аосреΟοpaypal ._-(="))))
def test_twice_is_once(text: str) -> None:
    """What is shown can be shown again."""
    line = text.replace("\n", " ")

    assert unmask(unmask(line)) == unmask(line)


@given(st.lists(st.sampled_from(sorted(lookalikes._ALIKE)), min_size=1, max_size=6))
def test_no_identifier_of_look_alikes_passes(letters: list[str]) -> None:
    """Alone, and with a Latin letter at its side."""
    word = "".join(letters)

    assert set(unmask(f"x{word} = 1")).isdisjoint(letters)
    assert unmask(f"{word} = 1").isascii()


def test_the_table_holds_letters_of_the_scripts_that_it_names() -> None:
    """Nothing in it is ASCII, and every letter is of the script it stands under."""
    for table, script in (
        (lookalikes._CYRILLIC, "CYRILLIC"),
        (lookalikes._GREEK, "GREEK"),
        (lookalikes._ARMENIAN, "ARMENIAN"),
        (lookalikes._CHEROKEE, "CHEROKEE"),
        (lookalikes._OTHER_LATIN, "LATIN"),
    ):
        for character in table:
            assert unicodedata.name(character).startswith(script), ascii(character)
