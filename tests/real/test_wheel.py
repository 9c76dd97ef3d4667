"""The agent as it is installed: from a wheel, in an environment of its own, far from any checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.smallest import AGENT, FEED

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[2]
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
SOURCE = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
C536379,D,Discount,-1,12/01/2010 09:41,27.5,14527,United Kingdom
"""


def _run(*command, cwd, **more):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_"))
    }
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**environment, **QUIET, **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, TOP, cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Install the wheel into an empty environment; what it depends on is lent by the one the tests run in."""
    folder = tmp_path_factory.mktemp("installed")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    own = Path(
        _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    )
    lent = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (own / "lent.pth").write_text("\n".join(lent) + "\n", encoding="utf-8")
    options = ["-q", "--no-deps", "--no-index", "--no-compile", "--ignore-installed"]
    _run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=folder)
    return python


@pytest.fixture
def settings(tmp_path):
    """Write a small installation that uses a shipped template."""
    folder = tmp_path / "settings"
    for name in ("settings", "settings/feeds", "drop", "state"):
        (tmp_path / name).mkdir()
    (folder / "agent.yaml").write_text(AGENT, encoding="utf-8")
    (folder / "feeds" / "returns.yaml").write_text(FEED, encoding="utf-8")
    (tmp_path / "ledger.csv").write_text(SOURCE, encoding="utf-8")
    return folder


def _files(folder):
    found = {path.relative_to(TOP / folder) for path in (TOP / folder).rglob("*") if path.is_file()}
    return {
        path.as_posix()
        for path in found
        if not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }


def test_the_wheel_holds_the_package_and_what_it_ships(wheel):
    """Every module, SQL file, template and sample setting is in the wheel, with the licence; no test is."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"agent/{name}" for name in _files("agent")}
    expected |= {f"agent/shipped/templates/{name}" for name in _files("templates")}
    expected |= {f"agent/shipped/config/{name}" for name in _files("config")}
    assert "agent/shipped/templates/online-retail-returns.csv.j2" in expected
    assert any(name.startswith("agent/shipped/config/") for name in expected)
    assert sorted(expected - inside) == []
    about = {name for name in inside - expected if ".dist-info/" in name}
    assert sorted(inside - expected - about) == []
    assert any(name.endswith("/LICENSE") for name in about)


def test_the_installed_package_is_the_wheels(installed, tmp_path):
    """Nothing of the checkout is looked at: neither modules nor templates nor sample settings."""
    ask = (
        "import agent; from agent.settings.shipped import shipped;"
        "print(agent.__file__, shipped('templates'), shipped('config'), sep='\\n')"
    )
    places = [Path(line) for line in _run(installed, "-c", ask, cwd=tmp_path).splitlines()]
    assert len(places) == 3
    assert [place for place in places if installed.parent.parent not in place.parents] == []
    assert {path.name for path in places[1].iterdir()} == {
        path.name for path in (TOP / "templates").iterdir()
    }


def test_the_command_works_with_a_shipped_template(installed, settings):
    """`impact-agent check` and `preview` run from the environment with nothing but settings beside them."""
    command = [installed.parent / "impact-agent", "-c", settings]
    _run(*command, "check", cwd=settings, SFTP_PASSWORD="x")
    source = settings.parent / "ledger.csv"
    shown = json.loads(_run(*command, "preview", source, "--feed", "returns", "--json", cwd=settings))
    assert shown["rows"] == [["536379", "16027", "D", "0", "0", "ITEM_RETURNED"]]
