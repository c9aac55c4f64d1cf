"""The error tree. Its three branches say what the caller should do.

AutoclaveError
├── Transient            ask again later
│   ├── Busy             another process holds what we need
│   ├── OutOfResources   disk, memory or processes ran short
│   ├── ModelUnavailable no language model answers now
│   └── Unreachable      a server has no name, takes no connection or is too slow
├── Refused              plan something else, or ask for something else
│   ├── InvalidInput     what was given does not have the right form
│   │   └── TooLong      it is more than a model can read at once
│   ├── NotFound         nothing has that name
│   ├── Conflict         it is not in a state in which this can be done
│   │   ├── Stale        it changed since you looked
│   │   └── IllegalTransition
│   ├── NotAllowed       a rule says no
│   ├── NeedsPerson      a person has to answer first
│   ├── BudgetSpent      the money, tokens, steps or time are used up
│   ├── ModelUnusable    the language model refuses us until a person mends something
│   ├── NotServed        nothing here can do that; names what would help
│   └── NotRunning       it needs the agent process, and none runs on this home
└── Fatal                save and stop
    ├── ConfigurationInvalid
    ├── CredentialMissing
    ├── JournalBroken    the log does not verify, is damaged, or is from the future
    ├── Fenced           another activation took over; this one must stop
    └── SandboxUnavailable
"""

from __future__ import annotations


class AutoclaveError(Exception):
    """Something went wrong that a person can read: what, which, why; `hint` is the next step."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Transient(AutoclaveError):
    """Ask again later."""


class Busy(Transient):
    """Another process holds what we need."""


class OutOfResources(Transient):
    """Disk, memory or processes ran short."""


class ModelUnavailable(Transient):
    """No language model answers now; `retry_after` is in seconds, when it said so.

    `usd` is what the try may have cost: an answer that was cut off is paid up to there.
    """

    def __init__(
        self, message: str, *, hint: str = "", retry_after: float | None = None, usd: float = 0.0
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.usd = usd


class Unreachable(Transient):
    """A server outside has no name, takes no connection or is too slow."""


class Refused(AutoclaveError):
    """Plan something else."""


class InvalidInput(Refused):
    """What was given does not have the right form."""


class TooLong(InvalidInput):
    """It is more than a language model can read at once."""


class NotFound(Refused):
    """Nothing has that name."""


class Conflict(Refused):
    """It is not in a state in which this can be done."""


class Stale(Conflict):
    """It changed since you looked."""


class IllegalTransition(Conflict):
    """The transition table has no such arrow."""


class NotAllowed(Refused):
    """A rule or a person says no; `rules` are its ids, `denied` the kind of what was wanted."""

    def __init__(
        self, message: str, *, rules: tuple[str, ...] = (), hint: str = "", denied: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.rules = rules
        self.denied = denied


class NeedsPerson(Refused):
    """A person has to answer first; `request_id` names the question."""

    def __init__(self, message: str, *, request_id: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.request_id = request_id


class BudgetSpent(Refused):
    """The money, tokens, steps or time of a goal or a day are used up.

    `until` is when that ends by itself, in seconds since 1970. `is_held` says that it would fit if
    what is under way came to less than it may.
    """

    def __init__(
        self, message: str, *, hint: str = "", until: float | None = None, is_held: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.until = until
        self.is_held = is_held


class ModelUnusable(Refused):
    """The language model refuses us until a person mends something: a key, credit, its name."""


class NotServed(Refused):
    """Nothing here can do that; the hint names what would help."""


class NotRunning(Refused):
    """It needs the agent process, and none runs on this home."""


class Fatal(AutoclaveError):
    """Save and stop."""


class ConfigurationInvalid(Fatal):
    """A setting, rule file or manifest cannot be used."""


class CredentialMissing(Fatal):
    """A key is missing or was refused."""


class JournalBroken(Fatal):
    """The log does not verify, is damaged, or was written by a newer version."""


class Fenced(Fatal):
    """Another activation took this stream over; whoever sees this must stop."""


class SandboxUnavailable(Fatal):
    """No tier of the sandbox can be had here; nothing was executed."""
