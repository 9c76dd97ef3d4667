"""From a sample to rows at the other end, as a newcomer goes: new-feed, the marked places, check, preview, once."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml

from tests.running import Installation, put, told_in

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "new-feed"


@pytest.fixture
def newcomer(tmp_path, sshd, stand_in):
    """Settings without any feed, whose only destination is the stand-in for impact.com."""
    server = stand_in()
    secret = tmp_path / "password"
    secret.write_text(server.password, encoding="utf-8")
    secret.chmod(0o600)
    place = Installation(tmp_path / "here", sshd)
    place.settings["destinations"]["there"] = {
        "type": "sftp",
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.username,
        "password": {"file": str(secret)},
        "host_keys": [server.host_key_line],
    }
    place.save()
    place.drop.mkdir()
    return place, server


@pytest.mark.parametrize("shop", ["magento", "magento-excel-xml", "netsuite"])
def test_a_newcomer_gets_from_a_sample_to_a_delivered_batch(newcomer, tmp_path, shop):
    """Each command says what comes next; what arrives is what a person wrote down beforehand, byte for byte."""
    place, server = newcomer
    (found,) = (CORPUS / shop).glob("sample.*")
    sample = tmp_path / f"returns{found.suffix}"
    shutil.copy(found, sample)
    begun = place.ask("new-feed", str(sample))
    assert (begun.returncode, begun.stderr) == (0, "")
    assert "feeds/returns.yaml:11: action_tracker_id: CHECK" in begun.stdout
    assert place.ask("preview", str(sample)).returncode == 65
    files = {
        "feed": place.config / "feeds/returns.yaml",
        "template": place.config / "templates/returns.csv.j2",
    }
    for edit in yaml.safe_load((CORPUS / shop / "edits.yaml").read_text(encoding="utf-8")):
        text = files[edit["in"]].read_text(encoding="utf-8")
        files[edit["in"]].write_text(text.replace(edit["old"], edit["new"]), encoding="utf-8")
    assert place.ask("check").returncode == 0
    told = place.told("preview", str(sample))
    assert (told["refused"], told["counts"]["kept_back"]) == ("", 0)
    drop = place.drop / "returns"
    drop.mkdir()
    put(drop, sample.name, sample.read_bytes())
    feed = files["feed"]
    feed.write_text(f"{feed.read_text(encoding='utf-8')}settle: 0s\n", encoding="utf-8")
    assert place.ask("once").returncode == 0
    wanted = hashlib.sha256((CORPUS / shop / "batch.csv").read_bytes()).hexdigest()
    assert [one.sha256 for one in server.accepted] == [wanted]
    assert sample.name in told_in(drop, "done")
