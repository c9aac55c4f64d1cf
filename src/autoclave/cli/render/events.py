"""Events as lines."""

from __future__ import annotations

from ...domain.canonical import JsonObject
from .paint import clip, moment, paint


def event(given: JsonObject, *, color: bool) -> str:
    """`id  time  stream  kind  summary`."""
    at = paint(moment(given["at"]), "dim", color=color)
    place = f"{given['id']:>6}  {at}  {clip(given['stream'], 20):<16}"
    return f"{place}  {given['kind']:<18}  {clip(given.get('summary', ''), 100)}".rstrip()
