"""What `install` prints and writes, below a folder of the test's own."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.acks import every_kind
from agent.settings.loader import load
from agent.settings.shipped import shipped

UNIT = "etc/systemd/system/impact-agent.service"
PROGRAM = Path(sys.executable).with_name("impact-agent")


def tree(root):
    """Return every path below a folder, with its mode and its bytes."""
    return {
        path.relative_to(root).as_posix(): (
            f"{stat.S_IMODE(path.stat().st_mode):o}",
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture
def written(ask, tmp_path):
    """An installation below a folder, and what was said about it."""
    root = tmp_path / "root"
    return root, ask("install", "--write", "--prefix", str(root))


def test_untold_it_only_prints(ask, tmp_path, monkeypatch):
    """The unit, and every other place with its owner and mode; nothing is written."""
    monkeypatch.chdir(tmp_path)
    said = ask("install")
    assert said.code == 0
    assert "[Service]" in said.out
    assert f"# /{UNIT}  (file, root:root, mode 0644)" in said.out
    assert "# /etc/impact-agent/agent.yaml  (file, root:impact-agent, mode 0640)" in said.out
    assert "# /etc/impact-agent/secrets  (folder, root:root, mode 0700)" in said.out
    assert "# /srv/impact  (folder, impact-agent:impact-agent, mode 2770)" in said.out
    assert not Path("/etc/impact-agent").exists()


def test_everything_is_written_with_its_mode(written):
    """Secrets for root, settings for the agent's group, the drop folder for whoever is in it."""
    root, said = written
    assert said.code == 0
    modes = {path: mode for path, (mode, _) in tree(root).items()}
    wanted = {
        UNIT: "644",
        f"{UNIT}.d/allow-list.conf.sample": "644",
        "etc/sysusers.d/impact-agent.conf": "644",
        "etc/impact-agent": "750",
        "etc/impact-agent/secrets": "700",
        "etc/impact-agent/templates": "750",
        "etc/impact-agent/feeds": "750",
        "etc/impact-agent/agent.yaml": "640",
        "etc/impact-agent/feeds/shop-refunds.yaml": "640",
        "srv/impact": "2770",
    }
    assert {path: modes[path] for path in wanted} == wanted
    assert [path for path in modes if path.endswith((".service", ".conf"))] == [
        UNIT,
        "etc/sysusers.d/impact-agent.conf",
    ]
    assert "systemctl daemon-reload" in said.out


def test_the_first_settings_are_the_samples_and_load(written):
    """With their comments; from a checkout as from a wheel they are those that are shipped."""
    root, _ = written
    samples = shipped("config")
    for sample in samples.rglob("*.yaml"):
        made = root / "etc/impact-agent" / sample.relative_to(samples)
        assert made.read_bytes() == sample.read_bytes()
    settings = load(root / "etc/impact-agent", every_kind())
    assert (settings.drop, settings.state) == (Path("/srv/impact"), Path("/var/lib/impact-agent"))


def test_a_second_time_changes_nothing(written, ask):
    """Not even the modes; it says of each place that it was left alone."""
    root, _ = written
    (root / "etc/impact-agent/agent.yaml").write_text("mine", encoding="utf-8")
    (root / "etc/impact-agent/secrets").chmod(0o750)
    (root / "etc/impact-agent/feeds/corrections.yaml").unlink()
    before = tree(root)
    said = ask("install", "--write", "--prefix", str(root))
    assert said.code == 0
    after = tree(root)
    assert after.pop("etc/impact-agent/feeds/corrections.yaml")
    assert after == before
    assert f"left alone, it is there: {root}/etc/impact-agent/agent.yaml" in said.out
    assert said.out.count("wrote") == 1


def test_a_link_in_the_way_is_not_followed(ask, tmp_path):
    """Whatever it leads to stays as it is."""
    (tmp_path / "root/etc/systemd/system").mkdir(parents=True)
    (tmp_path / "root" / UNIT).symlink_to(tmp_path / "elsewhere")
    assert ask("install", "--write", "--prefix", str(tmp_path / "root")).code == 0
    assert not (tmp_path / "elsewhere").exists()


def test_the_unit_starts_the_program_that_wrote_it(tmp_path):
    """By its whole path, as a command or as a module."""
    for command in ([str(PROGRAM)], [sys.executable, "-m", "agent"]):
        told = subprocess.run([*command, "install"], capture_output=True, text=True, check=True).stdout
        (line,) = re.findall("^ExecStart=(.*)$", told, re.MULTILINE)
        assert line in {f"{PROGRAM} run", f"{sys.executable} -P -m agent run"}
        assert subprocess.run(
            [*line.split()[:-1], "--version"], cwd=tmp_path, check=True, capture_output=True
        ).stdout


def test_a_program_that_the_service_cannot_reach_is_told(ask, monkeypatch, tmp_path):
    """The unit hides home folders: what lives there cannot be started by it."""
    monkeypatch.setattr("sys.executable", "/run/user/1000/bin/python")
    assert "is where the service may not look" in ask("install").err
    monkeypatch.setattr("sys.executable", "/usr/lib/impact-agent/bin/python")
    assert ask("install").err == ""


def test_what_cannot_be_written_is_told(ask, tmp_path):
    """The place and why, with 77."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root/etc").write_text("a file", encoding="utf-8")
    said = ask("install", "--write", "--prefix", str(tmp_path / "root"))
    assert said.code == 77
    assert "etc/sysusers.d" in said.err


def test_below_the_root_only_root_may_write(ask, monkeypatch):
    """Anybody else is refused with 77, before anything is written."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    said = ask("install", "--write")
    assert (said.code, said.out) == (77, "")
    assert "only root" in said.err


def test_systemd_understands_the_user(written):
    """systemd-sysusers would make this user and its group."""
    root, _ = written
    for name in ("passwd", "group"):
        (root / "etc" / name).write_text("root:x:0:0::/:/bin/sh\n" if name == "passwd" else "root:x:0:\n")
    program = shutil.which("systemd-sysusers")
    assert program, "systemd-sysusers is not here"
    subprocess.run([program, f"--root={root}", "impact-agent.conf"], check=True, capture_output=True)
    assert "impact-agent:x:" in (root / "etc/passwd").read_text()
    assert "impact-agent:x:" in (root / "etc/group").read_text()
