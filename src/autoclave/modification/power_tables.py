"""Modules, attributes and names that give code a power, each with the family it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

_FAMILIES: Mapping[str, str] = {
    "network": """socket ssl http urllib.request urllib.error urllib3 requests httpx aiohttp
        ftplib smtplib poplib imaplib nntplib telnetlib socketserver xmlrpc websockets websocket
        paramiko select selectors wsgiref asyncore asynchat webbrowser cgi""",
    "process": """subprocess multiprocessing pty signal atexit sched concurrent.futures.process
        posix _posixsubprocess""",
    "native": "ctypes _ctypes cffi mmap resource fcntl termios faulthandler",
    "eval": "importlib runpy code codeop imp pkgutil zipimport zipapp _frozen_importlib",
    "reflection": "builtins gc inspect dis tracemalloc pdb bdb sys.monitoring",
    "serialisation": "pickle _pickle marshal shelve dill cloudpickle joblib copyreg dbm jsonpickle",
    "test machinery": "pytest _pytest unittest doctest hypothesis coverage",
    "environment": "platform getpass pwd grp site sysconfig",
}

MODULES: Mapping[str, str] = {
    module: family for family, modules in _FAMILIES.items() for module in modules.split()
}
"""By module name; what lies below a module belongs to it."""

ATTRIBUTES: tuple[tuple[str, str], ...] = (
    (r"os\.(system|popen|fork|forkpty|_exit|abort|kill|killpg|register_at_fork)", "process"),
    (r"os\.(exec\w+|spawn\w+|posix_spawnp?|wait\w*|set\w*id|setgroups|nice|chroot)", "process"),
    (r"sys\.(exit|_exit|exitfunc)", "process"),
    (r"asyncio\.(create_)?subprocess\w*", "process"),
    (r"asyncio\.(open_connection|open_unix_connection|start_server|start_unix_server)", "network"),
    (r"asyncio\..*\.(create_connection|create_server|create_datagram_endpoint)", "network"),
    (r"os\.(environb?|getenvb?|putenv|unsetenv|uname|getlogin|get\w*id)", "environment"),
    (r"sys\.(argv|executable|flags|platform|path|stdin|__stdin__)", "environment"),
    (r"sys\.(modules|meta_path|path_hooks|path_importer_cache|_getframe|_current_frames)(\..*)?",
     "reflection"),
    (r"sys\.(settrace|setprofile|addaudithook|excepthook|unraisablehook|displayhook)",
     "reflection"),
    (r"types\.(FunctionType|LambdaType|CodeType|ModuleType|CellType)", "reflection"),
    (r"operator\.(attrgetter|methodcaller)", "reflection"),
    (r"yaml\.(load|load_all|unsafe_load|unsafe_load_all|full_load|Loader|UnsafeLoader)",
     "serialisation"),
    (r"(torch|numpy|np|pandas|pd)\.(load|read_pickle)", "serialisation"),
    (r"os\.(symlink|link|chmod|chown|lchown|mkfifo|mknod|memfd_create)", "files"),
    (r"shutil\.(rmtree|chown)", "files"),
)  # fmt: skip
"""Patterns over whole dotted names, aliases resolved."""

BUILTINS: Mapping[str, str] = {
    "eval": "eval",
    "exec": "eval",
    "compile": "eval",
    "__import__": "eval",
    "globals": "reflection",
    "locals": "reflection",
    "vars": "reflection",
    "setattr": "reflection",
    "delattr": "reflection",
    "breakpoint": "eval",
    "input": "environment",
    "exit": "process",
    "quit": "process",
}

_REFLECTIVE = """__subclasses__ __globals__ __builtins__ __code__ __closure__ __bases__ __mro__
    __dict__ __getattribute__ __reduce__ __reduce_ex__ __setstate__ __loader__ __spec__ __import__
    __subclasshook__ __init_subclass__ __set_name__ __class_getitem__ __instancecheck__
    __defaults__ __kwdefaults__ __wrapped__ f_globals f_locals f_back tb_frame gi_frame cr_frame
    func_globals co_code"""

DUNDERS = frozenset(_REFLECTIVE.split())
"""Attributes by which code reaches around what it was given."""
