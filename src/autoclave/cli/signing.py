"""The private keys of people: the only code that opens one, and the only code that signs.

It belongs to the command line, so nothing of the agent can import it; `.importlinter` holds that.
"""

from __future__ import annotations

import getpass
import math
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..domain.approval import Approval, Sheet
from ..domain.errors import ConfigurationInvalid, Conflict, CredentialMissing, InvalidInput
from ..service.home import owners_folder
from .asking import ask_hidden
from .output import Output

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "AUTOCLAVE_OWNER_KEY"
_FIRST_KEY = "make one: autoclave owner create"


class PassphraseNeeded(CredentialMissing):
    """The key is encrypted, and nobody can be asked here."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An open private key. It lives as long as one command."""

    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def key(self) -> str:
        """The public half, in hex."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, sheet: Sheet, *, now: float | None = None) -> Approval:
        """An owner's yes to exactly what stands on the sheet."""
        at = time.time() if now is None else now
        # Rounded down: the journal writes in microseconds, and must not be earlier.
        at = math.floor(at * 1000) / 1000
        yes = sheet.unsigned(self.key, at=at, nonce=secrets.token_hex(16))
        signature = self._private.sign(yes.statement.encode()).hex()
        return replace(yes, signature=signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A private key on disk, with its public half beside it. Making this value opens nothing."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def public_path(self) -> Path:
        return self.path.with_suffix(".pub")

    def public(self) -> str:
        """The public half; empty when nothing beside the key says it."""
        try:
            return self.public_path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    async def open(self, output: Output) -> Signer:
        """The key, ready to sign; a passphrase is asked for at the terminal alone."""
        data = self.read()
        try:
            return Signer(_load(data, None))
        except TypeError:  # it is encrypted
            pass
        except ValueError as error:
            raise CredentialMissing(f"{self.path} is not the key of an owner: {error}") from error
        if not output.may_ask:
            raise PassphraseNeeded(
                f"{self.path} wants a passphrase, and there is no terminal to ask at",
                hint="do it at a terminal",
            )
        passphrase = await ask_hidden(output, f"passphrase of {self.name}: ")
        try:
            return Signer(_load(data, passphrase.encode()))
        except (ValueError, TypeError) as error:
            raise CredentialMissing(f"that is not the passphrase of {self.path}") from error

    def read(self) -> bytes:
        """The file as it is, if nobody else can read it. Raises CredentialMissing."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise CredentialMissing(
                f"the owner's key {self.path} cannot be read: {error.strerror}", hint=_FIRST_KEY
            ) from error
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise CredentialMissing(f"the owner's key {self.path} is not a regular file")
            if found.st_mode & 0o077:
                raise CredentialMissing(
                    f"others can read the owner's key {self.path}", hint=f"chmod 600 {self.path}"
                )
            return file.read(65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys that whoever gives this command has."""

    output: Output
    home: Path | None
    """The home that is signed for, if it is on this machine; no key may lie in it."""
    wanted: str = ""
    """The name of the key to use, where a person has several."""
    _opened: dict[Path, Signer] = field(default_factory=dict, repr=False)
    """So that a passphrase is asked for once."""

    async def sign(self, sheet: Sheet) -> Approval:
        """Sign with the key that owns the home. CredentialMissing when there is none here."""
        sheet.check_facts()
        file = self._file_for(sheet)
        if self.home is not None:
            _check_outside(file.path, self.home)
        if file.path not in self._opened:
            self._opened[file.path] = await file.open(self.output)
        signer = self._opened[file.path]
        if signer.key not in sheet.owners:
            raise CredentialMissing(
                f"{file.path} is not the key of an owner of this home",
                hint=f"an owner can add you: autoclave owner add {file.name} {signer.key}",
            )
        return signer.sign(sheet)

    def _file_for(self, sheet: Sheet) -> KeyFile:
        if named := os.environ.get(VARIABLE):
            return KeyFile(path=Path(named).expanduser().absolute())
        own = key_files()
        fitting = [each for each in own if each.public() in sheet.owners]
        if self.wanted:
            fitting = [each for each in own if each.name == self.wanted]
        if not fitting:
            raise self._none(own, sheet)
        login = [each for each in fitting if each.name == login_name()]
        if len(fitting) > 1 and not login:
            names = ", ".join(each.name for each in fitting)
            raise Conflict(f"several of your keys own this home: {names}", hint="say --owner NAME")
        return (login or fitting)[0]

    def _none(self, own: list[KeyFile], sheet: Sheet) -> CredentialMissing:
        names = ", ".join(sorted(sheet.owners.values()))
        if self.wanted:
            return CredentialMissing(
                f"you have no key {self.wanted!r}", hint="autoclave owner list"
            )
        if not own:
            problem = f"you have no owner's key; {names} can sign"
            return CredentialMissing(problem, hint=_FIRST_KEY)
        first = own[0]
        return CredentialMissing(
            f"none of your keys owns this home; {names} can sign",
            hint=f"an owner can add you: autoclave owner add {first.name} {first.public()}",
        )


def key_files() -> list[KeyFile]:
    """Every key of this person, by name."""
    folder = owners_folder()
    if not folder.is_dir():
        return []
    return [KeyFile(path=path) for path in sorted(folder.glob("*.key"))]


def key_file(name: str) -> KeyFile:
    """Where the key of that name is, or would be."""
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}", name):
        raise InvalidInput(f"{name!r} is no name for an owner")
    return KeyFile(path=owners_folder() / f"{name}.key")


def create_key(file: KeyFile, *, passphrase: str = "") -> str:
    """Make a key pair; the public half. Raises Conflict rather than write over a key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    sealed: Any = serialization.NoEncryption()
    if passphrase:
        sealed = serialization.BestAvailableEncryption(passphrase.encode())
    data = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed
    )
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.path.parent.chmod(0o700)
        _write_new(file.path, data)
    except FileExistsError as error:
        raise Conflict(f"there is a key at {file.path} already") from error
    except OSError as error:
        raise ConfigurationInvalid(
            f"cannot write the owner's key {file.path}: {error.strerror}"
        ) from error
    public = Signer(private).key
    file.public_path.write_text(f"{public}\n", encoding="ascii")
    return public


def throw_away_key(folder: Path) -> Signer:
    """A key for a home that will not last."""
    file = KeyFile(path=folder / "demo.key")
    create_key(file)
    return Signer(_load(file.read(), None))


def login_name() -> str:
    """The name of whoever gives this command, fit to be an owner's."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a uid without a name, as in some containers
        name = ""
    fitting = re.sub(r"[^a-zA-Z0-9._-]", "-", name).lstrip("._-")[:40]
    return fitting or "owner"


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _check_outside(path: Path, home: Path) -> None:
    if path.resolve().is_relative_to(home.resolve()):
        raise CredentialMissing(
            f"the owner's key {path} lies inside the home, where the agent works",
            hint=f"move it to {owners_folder()}",
        )


def _load(data: bytes, passphrase: bytes | None) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private = load_pem_private_key(data, passphrase)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("it is of another kind")
    return private
