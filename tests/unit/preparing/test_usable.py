"""Whether settings can be used, and what a running agent may take over."""

from __future__ import annotations

import pytest

from agent.errors import SettingsError
from agent.preparing.usable import checked, renewed, settings_at
from agent.stages.prepare import job_of

AGENT = """\
version: 1
drop: {drop}
state: ../state
destinations:
  there:
    type: sftp
    host: sftp.example.net
    username: acme
    password: {{env: PASSWORD}}
    host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2MdN7uI3o8bUuRkmf6ejqDgkFXBsRxTVXNPdVpULxV"]
"""
FEED = "name: shop\nlevel: item\ntemplate: shop.csv.j2\ndestination: there\n{more}"
TEMPLATE = """\
ActionTrackerID,Oid,SKU,Amount,Quantity,Reason
{% for row in rows %}
1,{{ row.Oid }},{{ row.SKU }},0,0,OTHER
{% endfor %}
"""


@pytest.fixture
def config(tmp_path):
    """A folder of sound settings."""
    made = tmp_path / "config"
    (made / "feeds").mkdir(parents=True)
    (made / "templates").mkdir()
    (made / "agent.yaml").write_text(AGENT.format(drop="../drop"))
    (made / "feeds/shop.yaml").write_text(FEED.format(more=""))
    (made / "templates/shop.csv.j2").write_text(TEMPLATE)
    return made


def problems(act):
    """Return the mistakes that something ends with."""
    with pytest.raises(SettingsError) as wrong:
        act()
    return [str(problem).partition("\n")[0] for problem in wrong.value.problems]


def test_usable_settings_carry_their_templates(config):
    """As they were when they were checked, layouts included; what changes later does not count."""
    (config / "feeds/shop.yaml").write_text(FEED.format(more="layout: shop.txt.j2\n"))
    (config / "templates/shop.txt.j2").write_text("{{ rows | length }}")
    settings = checked(settings_at(config / "agent.yaml"))
    (config / "templates/shop.csv.j2").write_text("changed")
    assert settings.texts == {"shop.csv.j2": TEMPLATE, "shop.txt.j2": "{{ rows | length }}"}


def test_usable_settings_carry_their_tables(config, tmp_path):
    """What was checked is what goes to the preparing process, whatever stands in the folder by then."""
    (config / "feeds/shop.yaml").write_text(FEED.format(more="tables: {brands: brands.csv}\n"))
    table = config / "templates/brands.csv"
    table.write_text("Shop,impact.com\nShoes,Footwear\n")
    settings = checked(settings_at(config))
    assert settings.texts["brands.csv"] == "Shop,impact.com\nShoes,Footwear\n"
    table.write_text("Shop,impact.com\nShoes,Hats\n")
    job = job_of(settings, settings.feeds["shop"], tmp_path / "source", tmp_path)
    assert job.tables == {"brands": {"Shoes": "Footwear"}}


def test_a_table_that_cannot_be_used_is_told(config):
    """With its line."""
    (config / "feeds/shop.yaml").write_text(FEED.format(more="tables: {brands: brands.csv}\n"))
    (config / "templates/brands.csv").write_text("Shop,impact.com\nShoes,a\nShoes,b\n")
    (told,) = problems(lambda: checked(settings_at(config)))
    assert told.startswith("templates/brands.csv:3: C-TABLE")


def test_an_owner_whom_this_machine_does_not_know_is_told(config):
    """Nothing of theirs would be taken; numbers need no user."""
    owners = "owners: [root, nobody-of-that-name, 54321]\n"
    (config / "feeds/shop.yaml").write_text(FEED.format(more=owners))
    (told,) = problems(lambda: checked(settings_at(config)))
    assert told.startswith("feed shop: C-VALUE `owners:` names nobody-of-that-name")


def test_no_settings_are_told(config):
    """With the place where they were looked for."""
    (told,) = problems(lambda: settings_at(config / "nothing.yaml"))
    assert f"there are no settings at {config}/nothing.yaml" in told


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (b"\xff", "templates/shop.csv.j2: C-FILE cannot be read: it is not UTF-8"),
        (b"Oid\n{% for row in rows %}\n{{ row.Oid | nothing }}\n{% endfor %}\n", "templates/shop.csv.j2:3: "),
        (b"Nonsense\n{% for row in rows %}\n{{ row.Oid }}\n{% endfor %}\n", "templates/shop.csv.j2:1: "),
    ],
)
def test_a_template_that_cannot_be_used_is_told(config, template, words):
    """Unreadable, with a mistake, or with columns that no batch has."""
    (config / "templates/shop.csv.j2").write_bytes(template)
    told = problems(lambda: checked(settings_at(config)))
    assert told[0].startswith(words)


def test_new_settings_are_taken_if_they_are_sound(config):
    """Feeds, destinations and limits may change."""
    before = checked(settings_at(config / "agent.yaml"))
    (config / "feeds/shop.yaml").write_text(FEED.format(more="max_rows: 5\n"))
    after = renewed(before, config / "agent.yaml")
    assert (before.feeds["shop"].max_rows, after.feeds["shop"].max_rows) == (100_000, 5)
    assert after.digest != before.digest


@pytest.mark.parametrize("key", ["drop", "state"])
def test_another_place_needs_a_restart(config, key):
    """What is open stays open: the folder of the drops, and that of the state."""
    before = checked(settings_at(config / "agent.yaml"))
    text = AGENT.format(drop="../drop")
    (config / "agent.yaml").write_text(text.replace(f"../{key}", "../elsewhere"))
    told = problems(lambda: renewed(before, config / "agent.yaml"))
    assert told == [f"agent.yaml: {key} cannot change while the agent runs; restart it"]


def test_the_same_place_written_otherwise_needs_none(config):
    """It is where it leads to that counts."""
    before = checked(settings_at(config / "agent.yaml"))
    (config / "agent.yaml").write_text(AGENT.format(drop=config.parent / "drop"))
    assert renewed(before, config / "agent.yaml").drop == before.drop


def test_wrong_settings_are_refused_with_every_mistake(config):
    """Each with its place."""
    before = checked(settings_at(config / "agent.yaml"))
    (config / "agent.yaml").write_text(AGENT.format(drop="../drop").replace("state:", "stat:"))
    (config / "feeds/shop.yaml").write_text(FEED.format(more="max_rowss: 5\n"))
    told = problems(lambda: renewed(before, config / "agent.yaml"))
    assert len(told) >= 3
    assert any(line.startswith("feeds/shop.yaml:5:1: ") for line in told)
