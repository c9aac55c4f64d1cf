"""What people do with owners: see who they are, add one, remove one."""

from __future__ import annotations

from ..core.owners import Owners
from ..core.parts import Parts
from ..domain.approval import Approval, Sheet
from ..domain.canonical import JsonObject
from ..domain.owners import Change
from .owner_view import owners_to_json


class OwnerDesk:
    """The owners of one home, as plain values."""

    def __init__(self, parts: Parts) -> None:
        self._owners = Owners(parts)

    async def show(self) -> JsonObject:
        return owners_to_json(await self._owners.book())

    async def enrol_first(self, name: str, key: str, *, by: str) -> JsonObject:
        await self._owners.enrol_first(name, key, by=by)
        return await self.show()

    async def sheet(self, change: Change, name: str, key: str) -> Sheet:
        return await self._owners.change_sheet(change, name, key)

    async def change(
        self, change: Change, name: str, key: str, *, signed: Approval, by: str
    ) -> JsonObject:
        """`done` says whether that was the last yes it took."""
        done = await self._owners.change(change, name, key, signed=signed, by=by)
        return {"done": done, **await self.show()}
