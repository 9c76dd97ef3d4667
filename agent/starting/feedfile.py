"""The settings of a first feed, with each line that wants a look marked by CHECK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.readers.delimiter import DELIMITERS
from agent.starting.dates import date_forms, read_date
from agent.starting.numbers import Form, read_as, read_numbers
from agent.starting.planning import MOST_REASONS
from agent.starting.tables import UNKNOWN
from agent.starting.writing import listed, quoted, shown, yaml_remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.starting.planning import Plan
    from agent.starting.sampling import Sample

_SCRIPTS = {"cp1252": "Windows", "cp932": "Japanese", "gb18030": "Chinese"}
_FIGURES = ("left", "refunded", "total", "amount", "quantity", "quantity_left", "quantity_back")


def feed_text(plan: Plan, sample: Sample, name: str, file: str, destination: str) -> str:
    """Write the feed's settings; `file` is the sample's name, whose ending the feed takes."""
    ending = file.rpartition(".")[2] if "." in file.strip(".") else ""
    shape = plan.shape
    template = shape.template if shape else f"impact-{plan.level}s.csv.j2" if plan.own else f"{name}.csv.j2"
    lines = [
        *yaml_remark(f"A first draft, made from {shown(file)}{f' ({shape.name})' if shape else ''}."),
        *yaml_remark(f"Look at each place marked with {UNKNOWN}, mend it, and take the remark out."),
        "",
        f"name: {name}",
        f"pattern: {quoted(f'*.{ending}' if ending else '*')}",
        f"level: {plan.level}",
        f"template: {template}",
        f"destination: {destination}",
        *(shape.lines if shape else ()),
        *(("headers: impact",) if plan.own else ()),
        *(() if shape or plan.own else _variables(plan)),
        *_reading(sample),
        *(() if shape or plan.own else (*_fill_down(plan), *_bad_rows(plan))),
        *(() if shape else _numbers(plan)),
        *(() if shape else _dates(plan)),
        *_ids(plan),
        *(() if shape or plan.own else _reasons(plan)),
    ]
    return "\n".join(lines) + "\n"


def _variables(plan: Plan) -> Iterator[str]:
    if "action_id" in plan.picks:
        return
    prefix = plan.order_prefix
    if "tracker" in plan.picks and not prefix:
        return
    yield "variables:"
    if "tracker" not in plan.picks:
        words = "the number of the event type, as impact.com shows it (Settings, Event Types)"
        yield from yaml_remark(words, check=True, indent="  ")
        yield f"  action_tracker_id: {UNKNOWN}"
    if prefix:
        words = 'what stands before the number here and not in impact.com; "" takes nothing away'
        yield from yaml_remark(words, check=True, indent="  ")
        yield f"  order_prefix: {quoted(prefix)}"


def _reading(sample: Sample) -> Iterator[str]:
    """Declare how the file is read, as far as it is not what feeds do by themselves."""
    yield from _encoding(sample)
    yield from _delimiter(sample)
    yield from _sheet(sample)
    yield from _records(sample)
    if any(fault.code == "E-FOOTER" for fault in sample.damaged):
        yield from yaml_remark("the last record is a line of totals; it is passed over", check=True)
        yield "totals: skip"


def _encoding(sample: Sample) -> Iterator[str]:
    encoding = sample.reading.encoding[0]
    if encoding in _SCRIPTS:
        read = f"Read as {encoding} ({_SCRIPTS[encoding]})"
        accented = listed(_accented(sample), 4)
        words = (
            f"it has {accented}; is that right?"
            if accented
            else "it is plain, as far as the sample was looked at"
        )
        yield from yaml_remark(f"the file is not UTF-8. {read} {words}", check=True)
    if encoding != "utf-8":
        yield f"encoding: {encoding}"


def _delimiter(sample: Sample) -> Iterator[str]:
    doubt = [DELIMITERS.get(one, one) for one in sample.choices.get("delimiter", ())]
    if doubt:
        yield from yaml_remark(f"it would also be a table parted by {', '.join(doubt)}", check=True)
    if sample.detected.delimiter:
        yield f"delimiter: {sample.detected.delimiter}"


def _sheet(sample: Sample) -> Iterator[str]:
    sheet, row = sample.detected.sheet, sample.reading.header_row
    if sample.reading.sheet:
        words = f"other sheets have something in them, too; is “{shown(sheet)}” meant?"
        yield from yaml_remark(words, check=True)
        yield f"sheet: {quoted(sheet)}"
    if row:
        what = "rows" if sheet else "lines"
        yield from yaml_remark(f"the {what} above {what[:-1]} {row} are taken for a title", check=True)
        yield f"header_row: {row}"


def _records(sample: Sample) -> Iterator[str]:
    others = [one for one in sample.choices.get("records", ()) if one]
    if sample.reading.records and others:
        yield from yaml_remark(f"records may also be at {listed(others, 5)}", check=True)
    if sample.reading.records:
        yield f"records: {quoted(sample.reading.records)}"
    yield from _lists(sample)


def _lists(sample: Sample) -> Iterator[str]:
    """An element that holds several values in this file may hold a single one in the next."""
    lists = list(dict.fromkeys(column.within for column in sample.columns if column.within))
    if lists and sample.detected.format == "xml":
        yield f"lists: [{', '.join(map(quoted, lists))}]"


def _accented(sample: Sample) -> list[str]:
    every = dict.fromkeys(text for column in sample.columns for text in (column.name, *column.counts))
    return [text for text in every if not text.isascii()]


def _bad_rows(plan: Plan) -> Iterator[str]:
    if plan.amount == "zero" and (plan.telling or (plan.statuses or {}).get("partly")):
        yield from yaml_remark(
            "Orders that were partly taken back are named and count as bad ones; the others are sent."
        )
        yield "bad_rows: {policy: split, at_most: 100%}"


def _fill_down(plan: Plan) -> Iterator[str]:
    if plan.fill_down:
        words = (
            f"{listed(plan.fill_down)}: blank cells stand for the value above, as in an order's later lines?"
        )
        yield from yaml_remark(words, check=True)
        yield f"fill_down: [{', '.join(map(quoted, plan.fill_down))}]"


def _numbers(plan: Plan) -> Iterator[str]:
    figures = [column for column in map(plan.column, _FIGURES) if column]
    texts = [text for column in figures for text in column.written]
    read = read_numbers(texts)
    if not texts:
        return
    if read.unread:
        yield from yaml_remark(
            f"these are no numbers in any form that was tried: {listed(read.unread, 5)}", check=True
        )
    if read.other is not None:
        one, two = read_as(read.example, read.form), read_as(read.example, read.other)
        yield from yaml_remark(
            f"“{shown(read.example)}” may be {one} or {two}, and nothing in the sample tells. Choose one:",
            check=True,
        )
        yield f"numbers: {_form(read.form)}"
        yield f"# numbers: {_form(read.other)}"
        return
    if read.form != Form():
        yield f"numbers: {_form(read.form)}"
    elif not read.told and not any(column.numbers for column in figures):
        yield from yaml_remark("No figure in the sample shows its decimals; with a decimal comma write:")
        yield '# numbers: {decimal: ","}'
    numbers = sorted(number for column in figures for number in column.numbers)
    yield from _minus(read.negative or next((number for number in numbers if number.startswith("-")), ""))


def _minus(negative: str) -> Iterator[str]:
    if negative:
        words = f"Figures such as {shown(negative)} are negative, and impact.com takes none."
        yield from yaml_remark(f"{words} `negative: absolute` under `numbers:` drops the sign.")


def _form(form: Form) -> str:
    parts = [f"decimal: {quoted(form.decimal)}"]
    parts += [f"thousands: {quoted(form.thousands)}"] if form.thousands else []
    parts += (
        [f"currency_signs: [{', '.join(map(quoted, form.currency_signs))}]"] if form.currency_signs else []
    )
    parts += [f"minus: [{', '.join(form.minus)}]"] if len(form.minus) > 1 else []
    return f"{{{', '.join(parts)}}}"


def _dates(plan: Plan) -> Iterator[str]:
    column = plan.column("date")
    forms = date_forms(column.counts) if column else ()
    if column is None or not forms:
        return
    if len(forms) == 1:
        yield from yaml_remark(
            f"For {{{{ … | date }}}} of “{shown(column.name)}”, should the template ever need it."
        )
        yield f"dates: {{formats: [{quoted(forms[0])}]}}"
        return
    text = next(one for one in column.counts if len({read_date(one, form) for form in forms}) > 1)
    read = [f"{moment:%d %B %Y}" for form in forms if (moment := read_date(text, form))]
    words = f"“{shown(text)}” in “{shown(column.name)}” may be {' or '.join(read)}; needed only for {{{{ … | date }}}}:"
    yield from yaml_remark(words, check=True)
    for form in forms:
        yield f"# dates: {{formats: [{quoted(form)}]}}"


def _ids(plan: Plan) -> Iterator[str]:
    for use in ("order", "sku"):
        column = plan.column(use)
        if column is None or not column.leading_zero:
            continue
        words = f"“{shown(column.name)}” has ids with leading zeros, such as {shown(column.leading_zero)}"
        yield from yaml_remark(f"{words}; a spreadsheet takes them away. Keep the column as text.")
        if column.width and not column.within:
            yield f"# id_lengths: {{{quoted(column.name)}: {column.width}}}  # refuses ids that have lost some"


def _reasons(plan: Plan) -> Iterator[str]:
    reasons = plan.reasons
    column = plan.column("reason")
    if column is not None and not reasons:
        words = (
            f"“{shown(column.name)}” has more than {MOST_REASONS} different texts; `default` stands for all"
        )
        yield from yaml_remark(words, check=True)
        yield "reasons: {default: OTHER}"
    if not reasons:
        return
    yield from yaml_remark("the reason code for each text; impact.com's codes are in the README", check=True)
    yield "reasons:"
    for text, code in reasons.items():
        mark = "  # CHECK: which code?" if code == UNKNOWN else ""
        yield f"  {quoted(text)}: {code}{mark}"
