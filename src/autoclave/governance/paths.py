"""Which paths may be named at all, and which names nobody but a person may write to."""

from __future__ import annotations

import unicodedata

from ..domain.changes import check_relative
from ..domain.errors import InvalidInput

MOST_PATH = 4096
MOST_NAME_BYTES = 255
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

PROTECTED_NAMES = (
    # git runs hooks and filters from here, and reads credentials
    *(".git", "git~[0-9]", ".gitmodules", ".gitconfig", ".git-credentials", ".husky"),
    ".pre-commit-config.y*ml",
    # secrets
    *(".env", ".env.*", ".envrc", ".ssh", ".gnupg", ".aws", ".kube", ".docker"),
    *(".netrc", ".pypirc", ".npmrc", ".pgpass", "id_rsa*", "id_ed25519*", "id_ecdsa*"),
    # shells run these at the next login
    *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile"),
    *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".cshrc", ".tcshrc", ".login"),
    *("config.fish", ".inputrc", ".xprofile", ".xinitrc"),
    # build servers run these
    *(".github/workflows", ".github/actions", ".gitlab-ci.y*ml", ".circleci", ".travis.yml"),
    *("azure-pipelines.y*ml", "bitbucket-pipelines.yml", "Jenkinsfile", ".drone.yml"),
    *(".woodpecker", ".woodpecker.y*ml", ".buildkite", ".ci"),
    # editors and other agents run or obey these
    *(".vscode", ".idea", ".devcontainer", ".fleet", ".zed", "*.code-workspace"),
    *(".vimrc", ".exrc", ".nvimrc", ".nvim.lua", ".emacs", ".dir-locals.el"),
    *(".claude", ".codex", ".cursor", ".mcp.json"),
    # Python runs these when it starts, or instead of the source that a person reads
    *("*.pth", "sitecustomize.py", "usercustomize.py", "*.pyc", "*.pyo"),
    *("site-packages", ".venv", "venv"),
    # our own
    *("safety_rules.y*ml", ".autoclave"),
)
"""Names at any depth. They are denied by name, so one that does not exist yet is covered too."""


def unclean(path: str) -> str:
    """What is wrong with `path`, or an empty string for a clean path below its root."""
    if len(path) > MOST_PATH:
        return f"has {len(path):,} characters"
    try:
        check_relative(path)
    except InvalidInput:
        return "does not stay below its root"
    if any(unicodedata.category(character) == "Cs" for character in path):
        return "is not UTF-8"
    for character in path:
        if unicodedata.category(character) in _HIDDEN:
            return f"has the hidden character U+{ord(character):04X}"
    if any(len(name.encode()) > MOST_NAME_BYTES for name in path.split("/")):
        return f"has a name of more than {MOST_NAME_BYTES} bytes"
    return ""


def everywhere(names: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns for each name at any depth: the thing itself and all that is below it."""
    return tuple(f"**/{name}{tail}" for name in names for tail in ("", "/**"))
