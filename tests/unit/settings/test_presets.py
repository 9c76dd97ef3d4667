"""Presets: what a country's name stands for, alone and beside keys that are written out."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.settings.models import Dates, Numbers
from agent.settings.presets import date_presets, number_presets


def test_a_preset_stands_for_its_keys():
    """Written short or long, it is the same; it survives the trip to the preparing process."""
    german = Numbers(preset="de", decimal=",", thousands=".", currency_signs=("€", "EUR"))
    assert Numbers.model_validate("de") == german == Numbers.model_validate({"preset": "de"})
    assert Numbers.model_validate(german.model_dump(mode="json")) == german
    dates = Dates.model_validate("de")
    assert dates.formats[0] == "%d.%m.%Y"
    assert Dates.model_validate(dates.model_dump(mode="json")) == dates


def test_keys_beside_a_preset_count_more():
    """Only what is not written out comes from the preset."""
    form = Numbers.model_validate({"preset": "de-CH", "currency_signs": ["SFr."], "negative": "absolute"})
    assert (form.decimal, form.thousands, form.currency_signs) == (".", "'", ("SFr.",))
    assert Dates.model_validate({"preset": "de", "zone": "Europe/Berlin"}).formats[0] == "%d.%m.%Y"


@pytest.mark.parametrize("name", number_presets())
def test_every_number_preset_is_sound(name):
    """Its signs differ and are ones that can be written out."""
    form = Numbers(preset=name)
    assert form.decimal != form.thousands
    assert form.currency_signs


@pytest.mark.parametrize("name", date_presets())
def test_every_date_preset_is_sound(name):
    """Each of its forms can be read back, and no two of them read one text differently (see the properties)."""
    assert Dates(preset=name).formats


@pytest.mark.parametrize(
    ("model", "value", "words"),
    [
        (Numbers, "ed", "is no preset"),
        (Numbers, "en-USA", "did you mean 'en-US'"),
        (Numbers, "iso", "is no preset"),
        (Numbers, {"preset": "de", "decimal": "."}, "the same sign for decimals and for thousands"),
        (Dates, "en_US", "did you mean 'en-US'"),
        (Dates, {"zone": "Europe/Berln"}, "did you mean 'Europe/Berlin'"),
        (Dates, {"zone": "../etc/passwd"}, "is no time zone"),
        (Dates, {"formats": ["%d.%m."]}, "tells no whole date"),
        (Dates, {"formats": ["%H:%M"]}, "tells no whole date"),
        (Dates, {"formats": ["%Y-%m-%d %Z"]}, "names of zones are not unique"),
    ],
)
def test_what_cannot_be_meant_is_refused(model, value, words):
    """With the nearest, where there is one."""
    with pytest.raises(ValidationError, match=words):
        model.model_validate(value)
