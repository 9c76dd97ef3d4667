"""The README followed word for word: its files written, its commands run, its tables held to the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.acks import kinds as sources
from agent.channels import kinds
from agent.impact.dialect import dialect
from agent.monitor.figures import METRICS
from agent.settings.models import (
    Destination,
    Feed,
    Limits,
    Monitor,
    Numbers,
    Retries,
    Settings,
    WayOptions,
)
from agent.ways import kinds as ways

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(?P<kind>[a-z]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`(?P<name>[\w./-]+)`:\n\n\Z")  # "… in `my-agent/agent.yaml`:", then the block
STEPS = 120.0  # seconds for all commands together


def steps():
    """Yield what a reader does: ("file", name, text), ("command", "", line) or ("shown", "", line)."""
    for block in FENCE.finditer(README):
        kind, body = block["kind"], block["body"]
        if kind == "console":
            for line in body.replace("\\\n", "").splitlines():
                if line.startswith("$ "):
                    yield "command", "", line[2:]
        elif kind == "sh":
            for line in body.splitlines():
                yield "shown", "", line
        elif kind not in {"", "mermaid"}:
            named = FILE.search(README[: block.start()])
            yield "file", named["name"] if named else "", body


STEPS_FOUND = list(steps())


def script():
    """Put all steps into one shell script, so that `cd` and `export` last as they do for a reader."""
    lines = ["set -eu"]
    for kind, name, text in STEPS_FOUND:
        if kind == "file":
            lines.append(f"cat >{name} <<'END OF THE FILE'\n{text}END OF THE FILE")
        elif kind == "command":
            lines += [f"echo '$ {text}' >&2", text]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Make the folder, the home and the command of somebody who has just set the checkout up."""
    place = tmp_path_factory.mktemp("reader")
    agent = place / "checkout" / ".venv" / "bin" / "impact-agent"
    agent.parent.mkdir(parents=True)
    agent.write_text(
        f'#!/bin/sh\nPYTHONPATH="{TOP}" exec "{sys.executable}" -m agent "$@"\n', encoding="utf-8"
    )
    agent.chmod(0o755)
    home = place / "home"
    home.mkdir()
    return {
        "cwd": place / "checkout",
        "env": {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "dumb"},
    }


@pytest.fixture(scope="module")
def followed(reader):
    """Do every step once."""
    return subprocess.run(
        ["/bin/sh", "-c", script()], **reader, capture_output=True, text=True, timeout=STEPS, check=False
    )


def test_every_block_is_a_step_or_says_what_it_is():
    """Each file block follows its file's name, and there are commands to run."""
    assert [text for kind, name, text in STEPS_FOUND if kind == "file" and not name] == []
    assert len([text for kind, _, text in STEPS_FOUND if kind == "command"]) >= 3


def test_the_readers_first_feed_works(followed):
    """Every command succeeds as it stands, and the preview tells of the three rows."""
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert "3 rows" in followed.stdout.lower()
    assert "19.90" in followed.stdout
    assert "BLUE-7" not in followed.stdout


def test_following_the_readme_leaves_only_what_it_says(reader, followed):
    """Nothing is written outside the folder the README makes, not even into the home folder."""
    assert followed.returncode == 0
    assert sorted(path.name for path in reader["cwd"].iterdir()) == [".venv", "my-agent"]
    assert list(Path(reader["env"]["HOME"]).iterdir()) == []


@pytest.mark.parametrize("line", [text for kind, _, text in STEPS_FOUND if kind == "shown" and text])
def test_commands_that_are_only_shown_exist(line, reader):
    """A command the harness does not run (it stays, needs an ID, or is this very run) is at least known."""
    words = line.partition("#")[0].split()
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return
    assert words[0] == "impact-agent"
    command = next(word for word in words[1:] if re.fullmatch("[a-z]+(?:-[a-z]+)?", word))
    program = str(reader["cwd"] / ".venv" / "bin" / "impact-agent")
    known = subprocess.run(
        [program, command, "--help"], **reader, capture_output=True, timeout=30, check=False
    )
    assert known.returncode == 0, known.stderr.decode()


@pytest.mark.parametrize(
    "model",
    [
        Settings,
        Destination,
        *kinds().values(),
        *sources().values(),
        WayOptions,
        *ways().values(),
        Retries,
        Limits,
        Monitor,
        Feed,
        Numbers,
    ],
    ids=lambda model: f"{model.__module__}.{model.__name__}",
)
def test_every_setting_is_explained(model):
    """The settings tables name each key there is; what the loader sets by itself is no key."""
    made_by_the_loader = {"feeds", "folder", "digest", "texts"} if model is Settings else set()
    keys = set(model.model_fields) - made_by_the_loader
    assert sorted(key for key in keys if f"`{key}`" not in README) == []


def test_every_reason_code_is_listed():
    """The codes for files, and no others, with what they mean."""
    table = README.partition("**Reason codes**")[2].partition("**Secrets**")[0]
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| ([a-z ]+?)(?: \(.*)? \|$", table, flags=re.MULTILINE))
    assert listed == {one.code: one.meaning for one in dialect().reasons.values() if one.file}


def test_every_metric_is_explained():
    """The table of metrics is that of the code."""
    rows = [
        f"| `{name.removeprefix('impact_agent_')}` | {', '.join(about.labels)} | {about.words} |"
        for name, about in METRICS.items()
    ]
    assert [row for row in rows if row not in README] == []


def test_every_shipped_template_says_what_it_is_for():
    """Each shipped template begins with a comment that says what it is for and which settings it needs."""
    templates = sorted((TOP / "templates").glob("*.j2"))
    assert len(templates) >= 8
    openings = {path.name: path.read_text(encoding="utf-8").partition("-#}")[0] for path in templates}
    assert [name for name, text in openings.items() if not text.startswith("{#-")] == []
    assert [name for name, text in openings.items() if "Feed settings:" not in text] == []
    assert [name for name, text in openings.items() if "come" not in text] == []
