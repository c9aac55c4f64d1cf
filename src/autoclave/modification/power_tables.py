"""Modules, attributes and names that give code a power, each with the family it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

_FAMILIES: Mapping[str, str] = {
    "network": """socket ssl http urllib.request urllib.error urllib3 requests httpx aiohttp
        ftplib smtplib poplib imaplib nntplib telnetlib socketserver xmlrpc websockets websocket
        paramiko select selectors wsgiref asyncore asynchat webbrowser cgi logging.handlers
        asyncio.streams asyncio.base_events asyncio.unix_events asyncio.selector_events""",
    "process": """subprocess multiprocessing pty signal atexit sched concurrent.futures.process
        posix _posixsubprocess threading concurrent.futures readline curses tkinter
        asyncio.subprocess asyncio.base_subprocess""",
    "native": "ctypes _ctypes cffi mmap resource fcntl termios faulthandler",
    "eval": """importlib runpy code codeop imp pkgutil zipimport zipapp _frozen_importlib timeit
        cProfile profile trace pydoc logging.config rlcompleter ensurepip venv lib2to3""",
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
    (r"sys\.(exit|_exit|exitfunc|setrecursionlimit|setswitchinterval)", "process"),
    (r"asyncio\.((create_)?subprocess\w*|to_thread)", "process"),
    (r"weakref\.finalize", "process"),
    (r"asyncio\.(open_connection|open_unix_connection|start_server|start_unix_server)", "network"),
    (r"asyncio\..*\.(create_connection|create_server|create_datagram_endpoint)", "network"),
    (r"os\.(environb?|getenvb?|putenv|unsetenv|uname|getlogin|get\w*id)", "environment"),
    (r"sys\.(argv|executable|flags|platform|path|stdin|__stdin__)", "environment"),
    (r"sys\.(modules|meta_path|path_hooks|path_importer_cache|_getframe|_current_frames)(\..*)?",
     "reflection"),
    (r"sys\.(settrace|setprofile|addaudithook|excepthook|unraisablehook|displayhook)",
     "reflection"),
    (r"sys\.(gettrace|getprofile)", "reflection"),
    (r"types\.(FunctionType|LambdaType|CodeType|ModuleType|CellType|new_class)", "reflection"),
    (r"traceback\.(extract_stack|format_stack|print_stack|walk_stack|StackSummary)",
     "reflection"),
    (r"(abc\.ABCMeta|enum\.EnumMeta|enum\.EnumType|dataclasses\.make_dataclass)", "reflection"),
    (r"operator\.(attrgetter|methodcaller)", "reflection"),
    (r"typing\.(get_type_hints|ForwardRef)", "eval"),
    (r"yaml\.(load|load_all|unsafe_load|unsafe_load_all|full_load|Loader|UnsafeLoader)",
     "serialisation"),
    (r"(torch|numpy|np|pandas|pd)\.(load|read_pickle)", "serialisation"),
    (r"os\.(symlink|link|chmod|chown|lchown|mkfifo|mknod|memfd_create)", "files"),
    (r"shutil\.(rmtree|chown)", "files"),
    (r"os\.path\.(expanduser|expandvars)", "files"),
    (r"pathlib\.(Path|PosixPath)\.(home|expanduser)", "files"),
    (r"os\.(open|fdopen|p?read|p?write|readv|writev|dup2?|pipe2?|close|closerange)",
     "descriptors"),
    (r"os\.(sendfile|splice|copy_file_range|lseek|ftruncate)", "descriptors"),
    (r"io\.(FileIO|open_code)", "descriptors"),
    (r"logging\.(disable|setLoggerClass|shutdown)", "silence"),
    (r"contextlib\.redirect_std(out|err)", "silence"),
    (r"warnings\.(simplefilter|filterwarnings|resetwarnings|catch_warnings)", "silence"),
    (r"(random\.seed|locale\.setlocale|codecs\.(un)?register\w*|decimal\.setcontext)", "patching"),
    (r"asyncio\.set_event_loop(_policy)?", "patching"),
)  # fmt: skip
"""Patterns over dotted names, aliases resolved; they may begin at any part of a longer name."""

METHODS: Mapping[str, str] = {
    method: family
    for family, methods in {
        "network": """create_connection create_server create_datagram_endpoint sock_connect
            create_unix_connection create_unix_server start_tls add_reader add_writer""",
        "process": "subprocess_exec subprocess_shell add_signal_handler run_in_executor",
        "native": "enable_load_extension load_extension",
        "silence": "setLevel addFilter removeHandler disabled",
        "files": "symlink_to hardlink_to chmod lchmod expanduser extractall",
    }.items()
    for method in methods.split()
}
"""By the name of an attribute, whatever it belongs to."""

GATEWAYS = frozenset({"os", "sys", "builtins", "importlib", "subprocess", "ctypes"})
"""Modules that count wherever an attribute has their name: `pathlib.os` is `os`."""

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
    __subclasscheck__ __mro_entries__ __prepare__ __del__ __getattr__ __setattr__ __delattr__
    __defaults__ __kwdefaults__ __wrapped__ f_globals f_locals f_back f_builtins f_code tb_frame
    __self__ __func__ __objclass__ __thisclass__
    __path__ gi_frame cr_frame ag_frame cr_await ag_await func_globals co_code"""

DUNDERS = frozenset(_REFLECTIVE.split())
"""Attributes by which code reaches around what it was given, and hooks that run by themselves."""

_COMPARING = """__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __contains__ __bool__ __hash__ __class__
    __sub__ __rsub__ __abs__ __round__"""

EQUALITY = frozenset(_COMPARING.split())
"""What decides how a test's comparison ends, when a class defines it."""

OUTSIDE = (
    r"/(root|home|etc|proc|sys|dev|var|run|tmp|usr|opt|mnt|srv|boot|bin|lib)(/.*)?",
    r"~\w*(/.*)?",
    r"(.*/)?\.\.(/.*)?",
)
"""Texts that are paths out of what a capability was given."""
