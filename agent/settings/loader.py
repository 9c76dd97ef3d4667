"""Settings from files: everything read, everything checked, every mistake told at once.

`load` is the only way in. It reads agent.yaml and feeds/*.yaml beside it, looks for the templates that feeds
name, and raises SettingsError with every mistake in every file, in the order of files and lines. It opens no
secret, makes no folder and contacts nobody. How things are written the sample settings show; beyond that:

- A text stays the text that stands in the file, quoted or not: `country: NO` is "NO", `012` is "012".
- true and false are the only words for yes and no, and only where a field asks for them.
- A key with nothing behind it (or `null`, `~`) is a mistake where a value is asked for; "" is an empty text.
- drop, state and a secret's file may be relative: to the folder of agent.yaml.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent.errors import SettingsError
from agent.settings import checks
from agent.settings.models import Feed, Settings
from agent.settings.problems import Page, shown
from agent.settings.shape import Fitting
from agent.settings.tree import Scalar
from agent.settings.yamltree import LARGEST, open_page, plant

if TYPE_CHECKING:
    from agent.settings.kinds import Kinds
    from agent.settings.tree import Node

__all__ = ["load"]

_OURS = ("feeds", "folder", "digest", "texts")  # of Settings: not to be set in agent.yaml


class _Sheet(NamedTuple):
    """One file as read: its page, its tree if it has one, and its bytes."""

    page: Page
    root: Node | None
    content: bytes


def load(path: Path, kinds: Kinds) -> Settings:
    """Return the settings in a file, or in a folder's agent.yaml; raise SettingsError with every mistake.

    `kinds` are the models that settings choose by a `type`. Paths in the result are absolute.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links away from feeds/
    path = path / "agent.yaml" if path.is_dir() else path
    folder = path.parent
    main = _sheet(path, shown(path.name)[1:-1])
    sheets = _feed_sheets(folder)
    feeds = {feed.name: feed for sheet in sheets if (feed := _feed(sheet, kinds))}
    settings = _settings(main, kinds, folder, feeds, _digest([main, *sheets]))
    _check_together(main, sheets, folder)
    problems = sorted(
        (problem for sheet in (main, *sheets) for problem in sheet.page.problems()),
        key=lambda problem: (problem.file, problem.line, problem.column, problem.code),
    )
    if problems or settings is None:
        raise SettingsError(tuple(problems))
    return settings


def _settings(
    main: _Sheet, kinds: Kinds, folder: Path, feeds: dict[str, Feed], digest: str
) -> Settings | None:
    if main.root is None:
        return None
    fitting = Fitting(main.page, kinds, "the file")
    values = fitting.fit(main.root, Settings, without=_OURS)
    for key in ("drop", "state"):
        if isinstance(written := values.get(key), Path):
            values[key] = Path(os.path.normpath(folder / written))
    return fitting.validated(Settings, {**values, "feeds": feeds, "folder": folder, "digest": digest})


def _feed(sheet: _Sheet, kinds: Kinds) -> Feed | None:
    if sheet.root is None:
        return None
    fitting = Fitting(sheet.page, kinds, "the file")
    return fitting.validated(Feed, fitting.fit(sheet.root, Feed))


def _check_together(main: _Sheet, sheets: list[_Sheet], folder: Path) -> None:
    feeds = [(sheet.page, sheet.root) for sheet in sheets]
    checks.names_differ(feeds)
    checks.templates_found(feeds, folder)
    checks.no_shared_tree(main.page, main.root, folder)
    checks.ways_differ(main.page, main.root)
    checks.sources_differ(main.page, main.root)
    checks.destinations_known((main.page, main.root), feeds)


def _digest(sheets: list[_Sheet]) -> str:
    digest = hashlib.sha256()
    for sheet in sheets:
        digest.update(f"{sheet.page.file}\0{len(sheet.content)}\0".encode())
        digest.update(sheet.content)
    return digest.hexdigest()


def _feed_sheets(folder: Path) -> list[_Sheet]:
    """Read feeds/*.yaml, in the order of their names; without that folder there are no feeds."""
    feeds = folder / "feeds"
    try:
        names = sorted(name for name in (entry.name for entry in feeds.iterdir()) if not name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        return [_unread("feeds", f"cannot be listed: {error.strerror}", "let the agent's user read it")]
    sheets = []
    for name in names:
        title = f"feeds/{shown(name)[1:-1]}"
        if name.endswith(".yaml"):
            sheets.append(_sheet(feeds / name, title))
        elif name.lower().endswith((".yml", ".yaml")):
            sheets.append(_unread(title, "would not be read: its name does not end in .yaml", "rename it"))
    return sheets


def _sheet(path: Path, title: str) -> _Sheet:
    """Read and parse one file; what is wrong with it is on its page."""
    try:
        content = _content(path)
    except OSError as error:
        return _unread(
            title, f"cannot be read: {error.strerror}", "name the right file and let the agent's user read it"
        )
    page = open_page(title, content)
    root = plant(page)
    if root is None or (isinstance(root, Scalar) and root.nothing):
        if page.sound:
            page.say("C-EMPTY", None, "the file is empty", "begin with one of the sample settings")
        return _Sheet(page, None, content)
    return _Sheet(page, root, content)


def _content(path: Path) -> bytes:
    """Return a plain file's bytes, or the first of too many; a pipe is not waited for."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file")
        return stream.read(LARGEST + 1)


def _unread(title: str, words: str, mend: str) -> _Sheet:
    page = Page(title, "")
    page.say("C-FILE", None, words, mend)
    return _Sheet(page, None, b"")
