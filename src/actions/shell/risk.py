"""Which commands always need a person's consent, whatever has been consented to before.

Those that can do whatever a program can do (they run other programs, or text as a program), and
those that destroy without a way back. A command that is not named here may still change files of
its workspace; what it can reach is bounded by the sandbox.
"""

import os
import re
from collections.abc import Sequence

from ...tools.sandbox import PROGRAM_FOLDERS

_RISKY = {
    "shells": "sh bash dash ash ksh mksh zsh fish csh tcsh busybox toybox",
    "other users": "sudo su doas pkexec runuser setpriv chroot unshare nsenter bwrap",
    "run others": "xargs env parallel nohup setsid timeout nice ionice stdbuf time watch script"
    " flock taskset chrt numactl strace ltrace gdb entr command eval exec source . at batch"
    " crontab systemd-run start-stop-daemon make gmake ninja cmake just npx pipx uvx deno"
    " run-parts",
    "destroy": "shred dd mkfs wipefs kill pkill killall",
    "reach others": "ssh scp sftp rsync curl wget nc ncat socat telnet ftp docker podman kubectl",
    "run programs when asked": "vi vim nvim ex ed emacs nano less more man sqlite3 psql mysql",
    "install": "pip npm yarn pnpm gem cargo apt apt-get dpkg rpm dnf yum apk brew conda uv",
}
_RISKY_PROGRAMS = frozenset(" ".join(_RISKY.values()).split())

_CODE = {
    **dict.fromkeys(("python", "pypy"), "cm"),
    **dict.fromkeys(("node", "nodejs", "bun"), "ep"),
    **dict.fromkeys(("lua", "luajit", "ruby", "R", "Rscript"), "e"),
    "perl": "eEmM",
    "julia": "eE",
    "php": "rBRE",
}
"""The letters of an interpreter's options that take a program as text."""
_LONG_CODE = ("--eval", "--print", "--execute", "--expression", "--run", "--import", "--loader")

_ARGUMENTS = {
    "find": r"-exec(dir)?|-ok(dir)?|-delete|-fprint\w*|-fls",
    **dict.fromkeys(("fd", "fdfind"), r"-\w*[xX].*|--exec.*"),
    "rg": r"--pre.*|--hostname-bin.*",
    "rm": r"-\w*[rRf].*|--(recursive|force|no-preserve-root)",
    **dict.fromkeys(("chmod", "chown", "chgrp"), r"-\w*R.*|--recursive"),
    **dict.fromkeys(
        ("tar", "bsdtar"),
        r"--(to-command|checkpoint-action|use-compress-prog|rsh-|rmt-|info-script|new-volume"
        r"|remove-files|unlink|recursive-unlink).*|-?\w*[IF].*",
    ),
    "sort": r"--compress-prog.*",
    "split": r"--filter.*",
    **dict.fromkeys(
        ("awk", "gawk", "mawk", "nawk"), r"(?s:.*(system|getline|[|>@]).*)|-[ilE].*|--(inc|lo|ex).*"
    ),
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang"), r"-(wrapper|B|fplugin).*|@.*"),
    "zip": r"-\w*[mT].*|--(unzip-command|test|move).*",
}
"""What among a program's arguments makes it run others, or destroy."""

_WORD = r"[^\0]*"
_PATTERN = r"(\\.|(?!(?P=end))[^\\\0])*"
_CALM = {
    "git": r"(--no-pager\0)?(status|log|diff|show|ls-files|rev-parse|blame|grep|describe|shortlog"
    rf"|init|add|commit)(\0(?!-O|--open|--ext|--textconv|--output|--amend|--templ){_WORD})*",
    "sed": r"((-[nErsuz]+|--(quiet|silent|regexp-extended))\0)*"  # then the script, then files
    r"(\d+|\$)?(,(\d+|\$))?([pdq=]|s(?P<end>[/|#,:])"
    rf"{_PATTERN}(?P=end){_PATTERN}(?P=end)[gpiI\d]*)"
    rf"(\0(?!-){_WORD})*",
}
"""All of a program's arguments where it runs nothing else, joined by NUL."""


def is_risky(argv: Sequence[str]) -> bool:
    """Return whether a command always needs consent."""
    if not argv:
        return True
    folder, name = os.path.split(argv[0])
    if folder and folder not in PROGRAM_FOLDERS:  # a file of the workspace, whatever is in it
        return True
    plain = re.sub(r"[-\d.]+$", "", name) or name  # python3.11
    words = argv[1:]
    if {name, plain, name.partition(".")[0]} & _RISKY_PROGRAMS:
        return True
    if name in _CALM:
        return re.fullmatch(_CALM[name], "\0".join(words), re.DOTALL) is None
    if plain in _CODE:
        return not words or any(_is_code(word, _CODE[plain]) for word in words)
    pattern = _ARGUMENTS.get(name) or _ARGUMENTS.get(plain)
    return pattern is not None and any(re.fullmatch(pattern, word, re.DOTALL) for word in words)


def _is_code(word: str, letters: str) -> bool:
    if word.startswith("--"):
        return word.startswith(_LONG_CODE)
    return word.startswith("-") and not set(letters).isdisjoint(word[1:])
