"""What the scan of a capability looks for, as sets of names."""

from __future__ import annotations

import re

NETWORK_MODULES = frozenset(
    {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "poplib", "imaplib", "telnetlib"}
    | {"nntplib", "socketserver", "xmlrpc", "webbrowser", "requests", "httpx", "aiohttp"}
    | {"urllib3", "websockets", "paramiko", "anthropic", "openai"}
)
NOT_NETWORK = frozenset({"urllib.parse", "http.HTTPStatus"})
NETWORK_CALLS = frozenset({"asyncio.open_connection", "asyncio.start_server"})

COMMAND_MODULES = frozenset({"subprocess", "pty", "multiprocessing", "pexpect"})
COMMAND_CALLS = re.compile(
    r"os\.(system|popen|fork|forkpty|exec\w+|spawn\w+|posix_spawnp?)"
    r"|asyncio\.create_subprocess_(exec|shell)|.*\.subprocess_(exec|shell)"
)

NEVER_IMPORTED = frozenset(
    {"ctypes", "_ctypes", "cffi", "pickle", "_pickle", "marshal", "shelve", "dill"}
    | {"cloudpickle", "joblib"}
)
NEVER_CALLED = frozenset({"eval", "exec", "__import__", "breakpoint"})
NEVER_REACHED_FOR = frozenset(
    {"__subclasses__", "__globals__", "__builtins__", "__closure__", "__base__", "__loader__"}
    | {"__reduce__", "__reduce_ex__", "__getattribute__", "__import__", "_getframe"}
    | {"f_globals", "f_locals", "f_builtins", "gi_frame", "cr_frame"}
)
"""Attributes by which code climbs out of what it was given."""

NOTED_IMPORTS = frozenset({"importlib", "runpy", "code", "codeop", "gc", "inspect"})
NOTED_CALLS = frozenset({"compile", "globals", "vars", "setattr", "delattr"})
NOTED_ATTRIBUTES = frozenset({"__dict__", "__code__", "__mro__", "__bases__", "tb_frame", "f_back"})
"""These have honest uses; they are shown to whoever approves the capability."""
