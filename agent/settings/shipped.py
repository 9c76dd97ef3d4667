"""What comes with the agent: templates and sample settings, from a checkout as from an installed package.

A template is looked for beside the settings first, then among the shipped ones. A name may not lead out of
those folders, and no part of the way to a template may be a link: what runs is what an administrator put
there.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import agent
from agent.errors import SettingsError
from agent.settings.problems import Problem, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_template", "shipped"]

_MOST_NAMES = 1000  # of templates looked through for a suggestion


def shipped(kind: Literal["templates", "config"]) -> Path:
    """Return the folder of what is shipped: inside the installed package, else at the top of the checkout."""
    package = Path(agent.__file__).resolve().parent
    installed = package / "shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def find_template(name: str, folder: Path) -> Path:
    """Return where a template is, or raise SettingsError; `folder` is that of agent.yaml.

    The problem has no place: C-TEMPLATE where there is none of this name, T-PATH where the name leads astray.
    """
    parts = Path(name).parts
    if not parts or name.startswith("/") or "\0" in name or any(part.startswith(".") for part in parts):
        words = f"{shown(name)} is no name of a template"
        raise _refused(
            "T-PATH", words, "write the path of a file below templates/, without .. and hidden names"
        )
    bases = (folder / "templates", shipped("templates"))
    for base in bases:
        if (found := _plain_file(base, parts)) is not None:
            return found
    meant = nearest(name, [known for base in bases for known in _names(base)])
    mend = f"did you mean {shown(meant)}?" if meant else f"put it into {folder / 'templates'}"
    raise _refused("C-TEMPLATE", f"there is no template {shown(name)}", mend)


def _plain_file(base: Path, parts: tuple[str, ...]) -> Path | None:
    """Return the file below a folder, or None when it is not there; refuse links and what is no file."""
    path, mode = base, 0
    for part in parts:
        path /= part
        try:
            mode = os.lstat(path).st_mode
        except (OSError, ValueError):
            return None
        if stat.S_ISLNK(mode):
            words = f"{shown(str(Path(*parts)))} is reached through a link"
            raise _refused("T-PATH", words, f"put the file itself into {base}")
    if not stat.S_ISREG(mode):
        raise _refused("T-PATH", f"{shown(str(Path(*parts)))} is not a plain file", "name the template file")
    return path


def _names(base: Path) -> Iterator[str]:
    """Yield the names of some templates in a folder; a folder that cannot be read has none."""
    for count, (place, folders, files) in enumerate(os.walk(base)):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for file in sorted(files):
            if not file.startswith("."):
                yield Path(place, file).relative_to(base).as_posix()
        if count >= _MOST_NAMES:
            return


def _refused(code: str, words: str, mend: str) -> SettingsError:
    return SettingsError((Problem(code, words=words, mend=mend),))
