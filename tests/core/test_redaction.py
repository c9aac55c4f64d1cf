"""Secrets are found by shape and by value, and what only looks long is left alone."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import textwrap
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoclave.core.redaction import MARK, Redaction, reveal, secrets_of
from autoclave.domain.canonical import canonical

KEY = b"k" * 32
KNOWN = 'hunter2 "quoted" pässwörd'

_chance = random.Random(7)  # noqa: S311
_WORD = string.ascii_letters + string.digits


def _some(count: int, alphabet: str = _WORD) -> str:
    return "".join(_chance.choice(alphabet) for _ in range(count))


_PEM_BODY = "\n".join(textwrap.wrap(base64.b64encode(_chance.randbytes(400)).decode(), 64))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{_PEM_BODY}\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "pem": PEM,
    "aws": "AKIA" + _some(16, string.ascii_uppercase + string.digits),
    "gcp": "AIza" + _some(35),
    "github": "ghp_" + _some(36),
    "github-fine": "github_pat_" + _some(22) + "_" + _some(59),
    "gitlab": "glpat-" + _some(20),
    "slack": "xoxb-" + _some(11, string.digits) + "-" + _some(24),
    "stripe": "sk_live_" + _some(24),
    "anthropic": "sk-ant-api03-" + _some(93),
    "openai": "sk-proj-" + _some(48),
    "openrouter": "sk-or-v1-" + _some(64, "0123456789abcdef"),
    "huggingface": "hf_" + _some(34),
    "groq": "gsk_" + _some(52),
    "xai": "xai-" + _some(80),
    "runpod": "rpa_" + _some(42),
    "digitalocean": "dop_v1_" + _some(64, "0123456789abcdef"),
    "docker": "dckr_pat_" + _some(27),
    "google-client": "GOCSPX-" + _some(28),
    "sendgrid": f"SG.{_some(22)}.{_some(43)}",
    "hashicorp": "hvs." + _some(90),
    "age": "AGE-SECRET-KEY-1" + _some(58, string.ascii_uppercase + string.digits),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + _some(80),
    "npm": "npm_" + _some(36),
    "jwt": f"eyJ{_some(30)}.eyJ{_some(60)}.{_some(43)}",
    "autoclave": "autoclave_" + _some(12, "0123456789abcdef") + "_" + _some(43),
    "azure": _some(3) + "8Q~" + _some(34),
}
NAMED = (
    ("password=", _some(11) + "7"),
    ('"api_key": "', _some(20) + "1"),
    ("Authorization: Bearer ", _some(32)),
    ("AWS_SECRET_ACCESS_KEY=", _some(38) + "a1"),
    ("postgresql://admin:", "s3cr3t-" + _some(6)),
    ("DefaultEndpointsProtocol=https;AccountKey=", _some(86) + "=="),
)
ENCODED = [base64.b64encode(f"id {each}".encode()).decode() for each in SECRETS.values()]
INNOCENT = (
    hashlib.sha256(b"x").hexdigest(),
    f"digest: {hashlib.sha256(b'x').hexdigest()[:40]} key={uuid.UUID(int=7)}",
    "password_hash = digest(password, salt=new_salt())",
    "token = tokens[place + 1]; secret = secrets.token_hex(16)",
    'password = os.environ["DATABASE_PASSWORD"]',
    "def sign(private_key: RSAPrivateKey, secret: SecretStr) -> str:",
    "--- a/task-runner.py\n+++ b/task-runner.py\n@@ -1,2 +1,2 @@\n-risk-based\n+disk-1234\n",
    base64.b64encode(bytes(range(256))).decode(),
    base64.b64encode(b"nothing of interest in here, only a long sentence in plain words").decode(),
    "https://example.org:8080/path?page=2#top and git@github.com:owner/name.git",
    '{"tokens": 1200, "key": "G-0001-3", "passed": true, "max_tokens": 4096}',
    "the secret: be kind; my key: honesty",
    "shelf_of_books, xai-paper, hf_hub_download(repo), SG.name.other, hvs.items, gsk_test",
)

words = st.text(st.characters(codec="utf-8"), max_size=20)
pieces = st.one_of(
    words,
    st.sampled_from(sorted(SECRETS.values())),
    st.sampled_from([before + secret + "@host" for before, secret in NAMED]),
    st.just(KNOWN),
    st.just("<redacted:named:0123456789abcdef>"),
    st.sampled_from(
        sorted(base64.b64encode(f"id {s}".encode()).decode() for s in SECRETS.values())
    ),
)
texts = st.lists(pieces, max_size=4).map(" ".join)
names = st.sampled_from(["password", "api_key", "text", "client_secret"]) | words
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def redaction() -> Redaction:
    """As a process has it that knows one value besides."""
    return Redaction(KEY, known=[KNOWN])


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("around", ["{}", "x = '{}';", "line\n{}\nline", '{{"a": "{}"}}'])
def test_a_secret_of_a_known_shape_is_replaced(
    redaction: Redaction, name: str, around: str
) -> None:
    """Wherever it stands, nothing of it is left."""
    text = around.format(SECRETS[name])

    concealed, minted = redaction.conceal({"text": text})

    assert SECRETS[name] not in canonical(concealed)
    assert SECRETS[name] in minted.values()
    assert redaction.suspects(canonical({"text": text}))


@pytest.mark.parametrize(("before", "secret"), NAMED)
def test_a_value_that_is_called_a_secret_is_one(
    redaction: Redaction, before: str, secret: str
) -> None:
    """The name stays, so that people see what was there."""
    after = '"' if before.startswith('"') else "@host/x" if "//" in before else ""

    concealed, _ = redaction.conceal(before + secret + after)

    assert secret not in concealed
    assert concealed.startswith(before)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_secret_is_left_alone(redaction: Redaction, text: str) -> None:
    """Digests, ids, diffs, code that handles secrets without holding one."""
    concealed, minted = redaction.conceal({"text": text, "lines": text.splitlines()})

    assert concealed == {"text": text, "lines": text.splitlines()}
    assert minted == {}


def test_the_source_of_autoclave_holds_no_secret(redaction: Redaction) -> None:
    """A change set over ordinary code is what it was."""
    from pathlib import Path

    import autoclave

    files = sorted(Path(autoclave.__file__).parent.glob("*/*.py"))
    found = {p.name: redaction.conceal(p.read_text())[1] for p in files}

    assert len(found) > 100
    assert {name: list(minted.values()) for name, minted in found.items() if minted} == {}


def test_a_known_value_is_found_in_every_spelling(redaction: Redaction) -> None:
    """As it is, escaped in JSON, as bytes, and inside base64."""
    value = {
        "plain": f"a {KNOWN} b",
        "bytes": f"a {KNOWN} b".encode().decode("latin-1"),
        "base64": base64.b64encode(f"a long enough text with {KNOWN} in it".encode()).decode(),
    }

    concealed, _ = redaction.conceal(value)

    assert redaction.suspects(canonical(value))
    assert [MARK.search(each) is not None for each in concealed.values()] == [True] * 3


def test_a_secret_in_lines_of_base64_is_found(redaction: Redaction) -> None:
    """As mail and certificates break it."""
    run = base64.encodebytes(f"some text before it, and then {SECRETS['github']}\n".encode())

    concealed, minted = redaction.conceal(f"attached:\n{run.decode()}end")

    assert concealed.startswith("attached:")
    assert concealed.endswith("end")
    assert [base64.b64decode(each) for each in minted.values()] == [base64.b64decode(run)]


def test_words_after_a_line_of_base64_do_not_hide_it(redaction: Redaction) -> None:
    """They might be its next line, and are not."""
    run = base64.b64encode(f"padding text {SECRETS['aws']}".encode()).decode()

    concealed, minted = redaction.conceal(f"# {run}\nmore\nlines\n")

    assert list(minted.values()) == [f"{run}\n"]
    assert concealed.endswith("more\nlines\n")


@given(values)
def test_revealing_gives_back_what_was_concealed(value: Any) -> None:
    """To the letter, whatever stands in it, marks that others made included."""
    redaction = Redaction(KEY, known=[KNOWN])

    concealed, minted = redaction.conceal(value, literal=True)

    assert reveal(concealed, minted.__getitem__) == value
    text = json.dumps(concealed, ensure_ascii=False)
    assert not any(secret in text for secret in SECRETS.values())


@given(values)
def test_what_is_concealed_stays_as_it_is(value: Any) -> None:
    """The journal looks again at what was concealed before it came there: digests must hold."""
    redaction = Redaction(KEY, known=[KNOWN])
    concealed, _ = redaction.conceal(value, literal=True)

    again, minted = redaction.conceal(concealed)

    assert again == concealed
    assert minted == {}


@given(values)
def test_the_quick_look_never_misses(value: Any) -> None:
    """What the careful look finds makes the JSON text suspect."""
    redaction = Redaction(KEY, known=[KNOWN])

    _, minted = redaction.conceal(value)

    assert not minted or redaction.suspects(canonical(value))


def test_a_mark_says_nothing_without_the_key() -> None:
    """The same secret has the same mark in one home and another one in the next."""
    text = SECRETS["github"]

    mine = Redaction(KEY).conceal(text)[0]

    assert mine == Redaction(KEY).conceal(text)[0]
    assert mine != Redaction(b"o" * 32).conceal(text)[0]


def test_secrets_of_the_environment_are_told_by_their_names() -> None:
    """Long values of variables that say so; a path to a key is none."""
    found = secrets_of(
        {
            "GITHUB_TOKEN": "abcdefghijkl",
            "MY_API_KEY": "0123456789ab",
            "DB_PASSWORD": "short",
            "SSH_KEY_FILE": "/home/me/.ssh/id_rsa",
            "MONKEY": "abcdefghijklm",
            "PATH": "/usr/bin:/usr/local/bin",
        }
    )

    assert sorted(found) == ["0123456789ab", "abcdefghijkl"]
