"""Whatever a country writes: a number or date that is accepted is the one that was written.

Where one text means two things in two countries, it is refused under both. What no rule can see is told here too:
three decimals under a preset whose sign between thousands they use, and day and month where the feed declares the
other order. There the feed's word counts.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.impact.rules import row_rules
from agent.mapping.dates import DateReader
from agent.mapping.filters import order_id_text
from agent.mapping.numbers import number_text, quantity_text
from agent.mapping.problems import BadValueError
from agent.model import Fault, Level
from agent.settings.models import Dates, Numbers
from agent.settings.presets import date_presets, number_presets

NUMBERS = sorted(number_presets())
DATES = sorted(date_presets())
MONEY = st.one_of(
    st.decimals(0, 10**12, places=places) for places in (0, 1, 2, 4, 5)
)  # three decimals: see above
SAMPLE_DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def written(number: Decimal, preset: str, *, grouped: bool) -> str:
    """Write a number as a country does; with Python's own formatting, which shares nothing with what reads it."""
    facts = number_presets()[preset]
    text = f"{number:,f}" if grouped else f"{number:f}"
    return text.translate({ord(","): facts["thousands"], ord("."): facts["decimal"]})


def accepted(read, *given_: object) -> str | None:
    """Return what is read, None where it is refused."""
    try:
        return read(*given_)
    except BadValueError:
        return None


@given(MONEY, st.sampled_from(NUMBERS), st.booleans(), st.data())
def test_a_number_reads_back_under_its_own_preset(number, preset, grouped, data):
    """With its currency's signs, a minus in front, and any kind of gap; parted or not."""
    form = Numbers(preset=preset)
    text = written(number, preset, grouped=grouped)
    if " " in text:
        text = text.replace(" ", data.draw(st.sampled_from([" ", "\u00a0", "\u202f"])))
    sign = data.draw(st.sampled_from(["", *form.currency_signs]))
    gap = data.draw(st.sampled_from(["", " ", "\u00a0"]))
    minus = data.draw(st.sampled_from(["", "-", "\u2212"]))
    patterns = [f"{minus}{sign}{gap}{text}", f"{minus}{text}{gap}{sign}", f"{sign}{gap}{minus}{text}"]
    found = number_text(data.draw(st.sampled_from(patterns)), form)
    assert Decimal(found) == (-number if minus else number)


@given(MONEY, st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.booleans())
def test_under_another_preset_it_is_the_same_or_refused(number, preset, other, grouped):
    """Never a thousand times as much, nor a thousandth."""
    found = accepted(number_text, written(number, preset, grouped=grouped), Numbers(preset=other))
    assert found is None or Decimal(found) == number


@given(st.integers(0, 10**7), st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.booleans())
def test_a_quantity_is_the_same_or_refused(number, preset, other, grouped):
    """2.000 is not taken for 2."""
    text = written(Decimal(number), preset, grouped=grouped)
    assert quantity_text(text, Numbers(preset=preset)) == str(number)
    assert accepted(quantity_text, text, Numbers(preset=other)) in (None, str(number))


@given(MONEY, st.sampled_from(NUMBERS), st.booleans())
def test_where_nothing_is_declared_it_is_the_same_or_refused(number, preset, grouped):
    """The amount rule behind the filter, too: what is sent is what was written, to the hundredth."""
    found = accepted(number_text, written(number, preset, grouped=grouped), Numbers())
    assert found is None or Decimal(found) == number
    rules = row_rules(
        Level.ORDER,
        ["Oid", "ActionTrackerID", "Amount", "Reason"],
        codes={},
        currency="",
        max_amount=Decimal(10**13),
    )
    sent = rules.columns[rules.header.index("Amount")](found or "")
    assert not sent or isinstance(sent, Fault) or Decimal(sent) == number


@given(st.text("0123456789.,' -()€$%\u00a0\u2212", max_size=12), st.sampled_from(NUMBERS))
def test_what_is_accepted_has_the_same_digits(text, preset):
    """No digit is lost, none is added, whatever the text."""
    found = accepted(number_text, text, Numbers(preset=preset))
    if found is not None:
        assert [one for one in found if one.isdigit()] == [one for one in text if one.isdigit()]


@pytest.mark.parametrize("preset", DATES)
@given(day=SAMPLE_DAYS, data=st.data())
def test_a_day_reads_back_under_its_own_preset(preset, day, data):
    """In each of its forms without a time."""
    forms = [form for form in date_presets()[preset]["formats"] if "%H" not in form and "%I" not in form]
    form = data.draw(st.sampled_from(forms))
    assert DateReader(Dates(preset=preset))(day.strftime(form)) == day.isoformat()


@given(SAMPLE_DAYS, st.sampled_from(DATES))
def test_where_only_iso_is_declared_a_day_is_the_same_or_refused(day, preset):
    """No country's order of day and month is guessed."""
    reader = DateReader(Dates(preset="iso"))
    for form in date_presets()[preset]["formats"]:
        if "%H" not in form and "%I" not in form:
            assert accepted(reader, day.strftime(form)) in (None, day.isoformat())


@given(SAMPLE_DAYS, st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_where_both_orders_are_declared_a_day_is_the_same_or_refused(day, form):
    """Refused exactly where both give a day, and not the same."""
    found = accepted(DateReader(Dates(formats=("%d/%m/%Y", "%m/%d/%Y"))), day.strftime(form))
    assert found == (None if day.day <= 12 and day.day != day.month else day.isoformat())


@given(st.text(max_size=30))
def test_an_id_is_kept_or_refused(text):
    """The filter takes blanks around it off and nothing else."""
    found = accepted(order_id_text, text)
    assert found is None or found == text.strip(" \u00a0\u202f\t\ufeff")
