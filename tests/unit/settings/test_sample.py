"""The sample settings: what people copy must be right."""

import re
import shutil
from pathlib import Path

import pytest

from agent.acks import every_kind
from agent.settings.loader import load
from agent.settings.shipped import shipped

CONFIG = Path(__file__).resolve().parents[3] / "config"
SAMPLES = sorted(path.relative_to(CONFIG) for path in CONFIG.rglob("*.yaml"))
FEEDS = {"corrections", "shop-refunds"}
INSTEAD = {"password": "private_key"}  # what cannot stand beside it


def _waiting():
    """Return every setting of the samples that waits behind a #: its file and the number of its line."""
    lines = [(sample, n, line) for sample in SAMPLES for n, line in enumerate(_lines(sample))]
    return [(sample, n) for sample, n, line in lines if re.match(r" *# [a-z_]+: [^ ]", line)]


def _lines(sample):
    return (CONFIG / sample).read_text(encoding="utf-8").splitlines(keepends=True)


def _taken_in(sample, number):
    """Return a sample with one waiting setting taken in, in place of what it cannot stand beside."""
    lines = _lines(sample)
    lines[number] = lines[number].replace("# ", "", 1)
    key = lines[number].split(":")[0].strip()
    rivals = {key, INSTEAD.get(key, key)}
    return [line for n, line in enumerate(lines) if n == number or line.split(":")[0].strip() not in rivals]


def test_the_sample_loads_with_the_real_channels():
    """The sample settings have no mistake, and are those that are shipped."""
    settings = load(CONFIG, every_kind())
    assert set(settings.feeds) == FEEDS
    assert set(settings.destinations) == {"impact-sftp"}
    assert shipped("config") == CONFIG


def test_the_samples_have_settings_waiting():
    """The walk below finds what is commented out."""
    assert len(_waiting()) >= 10


@pytest.mark.parametrize(("sample", "number"), _waiting(), ids=str)
def test_what_is_commented_out_is_right_as_well(sample, number, tmp_path):
    """Each setting that waits behind a # loads when it is taken in."""
    for other in SAMPLES:
        copy = tmp_path / "settings" / other
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("".join(_taken_in(sample, number) if other == sample else _lines(other)), "utf-8")
    assert set(load(tmp_path / "settings", every_kind()).feeds) == FEEDS


def _other_destinations():
    """Return every destination of the sample that waits behind #: its name and its lines, taken in."""
    text = (CONFIG / "agent.yaml").read_text(encoding="utf-8")
    found = re.finditer(r"^  # ([a-z-]+):\n(?:  #   .*\n)+", text, flags=re.MULTILINE)
    return {one[1]: re.sub("^  # ", "  ", one[0], flags=re.MULTILINE) for one in found}


def test_the_sample_has_other_destinations_waiting():
    """The walk below finds them."""
    assert {"impact-mail", "impact-ftp", "impact-pull"} <= set(_other_destinations())


@pytest.mark.parametrize("name", _other_destinations())
def test_each_other_destination_is_right_as_well(name, tmp_path):
    """Each destination that waits behind a # loads when its lines are taken in."""
    shutil.copytree(CONFIG, tmp_path / "settings")
    sample = tmp_path / "settings" / "agent.yaml"
    first, rest = sample.read_text("utf-8").split("destinations:\n")
    sample.write_text(f"{first}destinations:\n{_other_destinations()[name]}{rest}", "utf-8")
    assert set(load(tmp_path / "settings", every_kind()).destinations) == {"impact-sftp", name}


def test_no_line_of_the_sample_is_wider_than_a_terminal():
    """The comments can be read where they are edited."""
    assert [line for sample in SAMPLES for line in _lines(sample) if len(line.rstrip()) > 105] == []
