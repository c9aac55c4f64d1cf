"""What a manifest lets a capability ask for, and what a change would add to that."""

from __future__ import annotations

from collections.abc import Mapping

from ..domain.capability import host_fits

_ACCESS = ("none", "read", "write")


def new_needs(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """`needs: network x.org` and so on: all that the manifest of `after` states beyond `before`.

    What is not stated as it should be counts as new: these are manifests that nobody has checked.
    """
    old, new = _needs(before), _needs(after)
    found = [
        *_access(old, new),
        *(f"network {host}" for host in _words(new, "network") if not _reached(old, host)),
        *(f"command {name}" for name in _words(new, "commands") if not _runs(old, name)),
        *(name for name in ("model", "knowledge") if new.get(name, False) and not old.get(name)),
        *sorted(_secrets(new) - _secrets(old)),
    ]
    return tuple(f"needs: {each}" for each in found)


def _needs(manifest: Mapping[str, object]) -> Mapping[str, object]:
    found = manifest.get("needs", {})
    return found if isinstance(found, dict) else {"model": repr(found)}


def _access(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    had, wants = old.get("workspace", "none"), new.get("workspace", "none")
    if wants == had or (wants in _ACCESS and had in _ACCESS[_ACCESS.index(str(wants)) :]):
        return []
    return [f"workspace {wants}"]


def _words(needs: Mapping[str, object], name: str) -> list[str]:
    said = needs.get(name, [])
    return sorted({str(each) for each in said}) if isinstance(said, list) else [str(said)]


def _reached(old: Mapping[str, object], host: str) -> bool:
    return any(pattern == host or host_fits(pattern, host) for pattern in _words(old, "network"))


def _runs(old: Mapping[str, object], name: str) -> bool:
    return not {"*", name}.isdisjoint(_words(old, "commands"))


def _secrets(needs: Mapping[str, object]) -> set[str]:
    said = needs.get("secrets", [])
    return {_secret(each) for each in said} if isinstance(said, list) else {f"secret {said}"}


def _secret(said: object) -> str:
    if not isinstance(said, dict):
        return f"secret {said}"
    where = f"for {said.get('host')} in {said.get('header', 'Authorization')}"
    return f"secret {said.get('name')} {where}"
