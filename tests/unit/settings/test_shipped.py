"""Templates are found beside the settings and among the shipped ones, and nowhere else."""

from pathlib import Path

import pytest

from agent.errors import SettingsError
from agent.settings.shipped import find_template, shipped

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path):
    """Return a settings folder with templates of its own."""
    made = tmp_path / "settings"
    (made / "templates" / "shop").mkdir(parents=True)
    for name in ("own.csv.j2", "impact-items.csv.j2", "shop/refunds.csv.j2", ".hidden.j2"):
        (made / "templates" / name).write_text("Oid\n")
    (made / "agent.yaml").write_text("version: 1\n")
    return made


def _refused(name, folder):
    with pytest.raises(SettingsError) as caught:
        find_template(name, folder)
    (problem,) = caught.value.problems
    return problem


def test_what_is_shipped_is_the_checkouts():
    """From a checkout, templates and sample settings are those at its top."""
    assert shipped("templates") == TOP / "templates"
    assert shipped("config") == TOP / "config"


def test_the_settings_own_template_comes_first(folder):
    """A template beside agent.yaml is used in place of the shipped one of its name."""
    assert find_template("impact-items.csv.j2", folder) == folder / "templates" / "impact-items.csv.j2"
    assert find_template("impact-orders.csv.j2", folder) == TOP / "templates" / "impact-orders.csv.j2"


def test_templates_may_lie_in_folders(folder):
    """A name may have folders below templates/."""
    assert find_template("shop/refunds.csv.j2", folder) == folder / "templates/shop/refunds.csv.j2"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("won.csv.j2", "own.csv.j2"),
        ("impact_orders.csv.j2", "impact-orders.csv.j2"),
        ("shop/refund.csv.j2", "shop/refunds.csv.j2"),
    ],
)
def test_a_template_that_is_not_there_is_told_with_the_nearest(folder, name, meant):
    """A misspelt name is answered with the one that was probably meant."""
    problem = _refused(name, folder)
    assert (problem.code, problem.mend) == ("C-TEMPLATE", f"did you mean '{meant}'?")


def test_a_template_unlike_any_other_is_told_with_the_folder_to_put_it(folder):
    """Without a near name the message says where templates go."""
    problem = _refused("x", folder)
    assert (problem.code, problem.mend) == ("C-TEMPLATE", f"put it into {folder / 'templates'}")


@pytest.mark.parametrize(
    "name", ["../agent.yaml", "/etc/hostname", "..", ".", "", ".hidden.j2", "shop/../../agent.yaml", "a\0b"]
)
def test_a_name_may_not_lead_out(folder, name):
    """Names with .., absolute ones and hidden ones are refused, whether there is a file or not."""
    assert _refused(name, folder).code == "T-PATH"


def test_links_are_not_followed(folder):
    """Neither a template nor a folder on the way to it may be a link."""
    (folder / "templates" / "link.j2").symlink_to(folder / "templates" / "own.csv.j2")
    (folder / "templates" / "dangling.j2").symlink_to("nowhere")
    (folder / "templates" / "way").symlink_to(folder / "templates" / "shop")
    for name in ("link.j2", "dangling.j2", "way/refunds.csv.j2"):
        assert _refused(name, folder).code == "T-PATH"


def test_a_folder_is_no_template(folder):
    """The name of a folder is refused before anybody tries to read it."""
    assert _refused("shop", folder).code == "T-PATH"
    assert _refused("own.csv.j2/x", folder).code == "C-TEMPLATE"


def test_settings_without_templates_use_the_shipped_ones(tmp_path):
    """A settings folder needs no templates/ of its own."""
    assert find_template("impact-items.csv.j2", tmp_path).is_file()
