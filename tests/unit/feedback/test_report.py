from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.feedback.report import render_preview, render_text, write_html
from agent.feedback.story import Fate, Files, Preview, Story, by_currency
from agent.feedback.wording import columns
from agent.model import Change, Counts, Finding, Severity, Total
from agent.readers.detected import Detected
from agent.states import BatchState, SubmissionState

GOLDEN = Path(__file__).parent / "golden"
VOID = {"meta", "path", "circle", "br", "wbr"}


class Page(HTMLParser):
    """A page as a reader meets it: its words, its classes, its tags; refuses tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.classes: set[str] = set()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its classes."""
        self.tags.append((tag, dict(attrs)))
        self.classes |= set((dict(attrs).get("class") or "").split())
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that tags nest."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words, but for the style sheet."""
        if "style" not in self.open and data.strip():
            self.words.append(" ".join(data.split()))


def _html(story: Story, cap: int = 200) -> str:
    target = io.StringIO()
    write_html(story, target, cap)
    return target.getvalue()


def _names(page: Page) -> set[str]:
    return {tag for tag, _ in page.tags}


def test_the_text_report_is_as_agreed(partly) -> None:
    """The whole text report of a partly sent file, word for word."""
    assert (GOLDEN / "partly.txt").read_text(encoding="utf-8") == render_text(partly)


def test_the_page_says_as_agreed(partly) -> None:
    """The whole page of a partly sent file, word for word."""
    assert (GOLDEN / "partly.html.txt").read_text(encoding="utf-8").splitlines() == Page(_html(partly)).words


def test_the_same_story_makes_the_same_report(partly) -> None:
    """Nothing in a report depends on when or where it is drawn."""
    assert _html(partly) == _html(partly)
    assert render_text(partly) == render_text(replace(partly))


@pytest.mark.parametrize("state", [*SubmissionState, "UNHEARD-OF"])
@pytest.mark.parametrize("batches", [(), *((state,) for state in BatchState), ("SENT", "DEFERRED", "TAKEN")])
def test_every_state_can_be_reported(tell, state, batches) -> None:
    """Every state makes a well-formed page and a text of at most 100 columns, with its headline in both."""
    story = tell(*batches, state=state)
    page, text = Page(_html(story)), render_text(story)

    assert page.words[0].split(" · ")[0] in " ".join(text.split())
    assert max(map(columns, text.splitlines())) == 100


@pytest.mark.parametrize("state", SubmissionState)
def test_a_text_can_be_narrow(tell, partly, state) -> None:
    """A report is set into as many columns as it is given."""
    for story in (tell("SENT", state=state), tell(state=state), partly):
        assert max(map(columns, render_text(story, width=72).splitlines())) == 72


def test_what_is_wrong_is_said_as_such(partly, grouped) -> None:
    """Under the general title of a code stands what is wrong here, or what was seen where nothing is."""
    groups = (
        grouped("E-QUOTE", words="the quote that opens on line 2 is never closed"),
        grouped("N-ENC", severity=Severity.NOTE, words="read as windows-1252"),
    )
    story = replace(partly, groups=groups, findings=None)
    for told in (render_text(story), " ".join(Page(_html(story)).words)):
        assert "What is wrong: the quote that opens on line 2 is never closed" in told
        assert "What was seen: read as windows-1252" in told


@pytest.mark.parametrize(("code", "head"), [("E-ORDERKEPT", "Because of"), ("N-ROWDUP", "Same as")])
def test_another_record_is_not_a_found_value(partly, grouped, code, head) -> None:
    """Where a finding names another record, the column's head says what that one is."""
    example = Finding(code, Severity.ERROR, "w", found="record 4940", record=7)
    story = replace(partly, groups=(grouped(code, words="w", mend="", examples=(example,)),), findings=None)

    assert re.search(rf"^  Record  {head} *\n  -.*\n +7  record 4940$", render_text(story), re.MULTILINE)
    assert head in Page(_html(story)).words
    assert "Found" not in Page(_html(story)).words


def test_no_green_where_something_was_kept_back(partly, tell) -> None:
    """Not one element of a partly sent file's page is green; of a wholly sent one's some are."""
    assert "good" not in Page(_html(partly)).classes
    assert "good" in Page(_html(tell("SENT"))).classes


def test_the_page_stands_alone(partly) -> None:
    """No script, no address, nothing loaded, and a policy that forbids it; the language is named."""
    html = _html(partly)
    page = Page(html)
    policies = [attrs.get("content") for tag, attrs in page.tags if tag == "meta" and "http-equiv" in attrs]

    assert not _names(page) & {"script", "img", "link", "iframe", "object", "base", "form"}
    assert not re.search(r"https?://|\burl\(|@import|javascript:", html)
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert ("html", {"lang": "en"}) in page.tags


def test_tables_tell_their_headers(partly) -> None:
    """Each table has column headers with a scope, for those who hear the page."""
    page = Page(_html(partly))
    scopes = [attrs.get("scope") for tag, attrs in page.tags if tag == "th"]

    assert len([tag for tag, _ in page.tags if tag == "table"]) == len(
        [tag for tag, _ in page.tags if tag == "thead"]
    )
    assert set(scopes) == {"col", "row", "rowgroup"}


UGLY = "<script>alert(1)</script>\"'&amp;{{ 7*7 }}{% raw %}\u202e\0\x1b[2J\udc80"


def _ugly(story: Story, grouped) -> Story:
    """Put ugly text wherever text from outside can come from."""
    finding = Finding("X-UGLY", Severity.ERROR, UGLY, UGLY, UGLY, UGLY, 1, UGLY)
    group = grouped("X-UGLY", count=2, field=UGLY, words=UGLY, mend=UGLY, examples=(finding,))
    ugly = {"name": UGLY, "reason": UGLY, "feed": UGLY, "sha256": UGLY, "id": UGLY, "duplicate_of": UGLY}
    delivery = story.deliveries[0]
    batch = replace(
        delivery.batch,
        name=UGLY,
        reason=UGLY,
        destination=UGLY,
        state=UGLY,
        id=UGLY,
        sha256=UGLY,
        totals=(Total(UGLY, UGLY, Change.RESET, 1, Decimal("sNaN")),),
    )
    attempts = tuple(replace(attempt, outcome=UGLY, evidence=UGLY) for attempt in delivery.attempts)
    return replace(
        story,
        submission=replace(story.submission, **ugly),
        deliveries=(replace(delivery, batch=batch, attempts=attempts),),
        groups=(group,),
        files=Files(UGLY, UGLY, UGLY, UGLY, UGLY),
    )


@pytest.mark.parametrize("state", [*SubmissionState, "UNHEARD-OF"])
def test_nothing_from_a_file_becomes_markup(tell, grouped, attempt, state) -> None:
    """Whatever a file, a server or a person wrote is shown as text, with what is unseen made visible."""
    story = _ugly(tell("SENT", state=state, tries=(attempt("PUBLISHED", "sent"),)), grouped)
    html, text = _html(story), render_text(story)
    plain = Page(_html(tell("SENT", state=state, groups=(grouped(),), tries=(attempt("PUBLISHED", "sent"),))))

    assert _names(Page(html)) <= _names(plain) | {
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "code",
        "span",
        "a",
        "bdi",
    }
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html
    for drawn in (html, text):
        assert not set(drawn) & {"\u202e", "\0", "\x1b", "\udc80"}
        assert drawn.encode("utf-8")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=st.text(alphabet=st.characters(), min_size=1, max_size=60), number=st.integers(-1, 10**30))
def test_odd_values_make_no_traceback(tell, grouped, odd, number) -> None:
    """Any text and any number can be reported, in both forms."""
    counts = Counts(records=number, sent=number, rows=number, orders=number, bad_orders=number)
    finding = Finding("X-ODD", Severity.NOTE, odd, odd, odd, odd, number, odd)
    story = tell(
        "SENT",
        counts=counts,
        groups=(grouped(field=odd, words=odd, count=abs(number), examples=(finding,)),),
        reason=odd,
    )

    assert Page(_html(story)).words
    assert max(map(columns, render_text(story).splitlines())) == 100


def test_counts_and_totals_are_the_storys(partly) -> None:
    """Every count, and every total with its sum, stands in both reports as the story has it."""
    page, text = Page(_html(partly)).words, render_text(partly)
    counts = partly.counts
    tiles = page[page.index("What became of the records") + 1 :][:10]

    assert tiles == ["in the file", "8", "sent", "5", "kept back", "2", "repeated", "0", "passed over", "1"]
    for name, number in (
        ("In the file", counts.records),
        ("  kept back", counts.kept_back),
        ("  passed over", counts.skipped),
    ):
        assert f"\n{name:20}{number}\n" in text
    at = page.index("What was delivered")
    assert page[at + 5 : at + 17] == [
        "EUR",
        "ITEM_",
        "RETURNED",
        "reversal",
        "3",
        "0.00",
        "ORDER_",
        "UPDATE",
        "modification",
        "2",
        "1,234.50",
        "EUR, all",
    ]
    assert page[at + 17 : at + 19] == ["5", "1,234.50"]
    assert re.search(r"EUR, all +5 +1,234\.50\n", text)


def test_totals_are_told_by_what_became_of_them(tell) -> None:
    """Money that was delivered is never added to money that was not."""
    story = tell("SENT", "FAILED", "HELD", state="PREPARED")
    text = render_text(story)
    heads = ["WHAT WAS DELIVERED", "WHAT IS NOT SENT YET", "WHAT WAS NOT SENT"]

    assert [line for line in text.splitlines() if line in heads] == heads
    assert [total.rows for total in story.totals(Fate.DELIVERED)] == [3, 2]
    assert [total.rows for total in story.totals()] == [9, 6]
    assert "WHAT MAY HAVE ARRIVED" not in text


@pytest.mark.parametrize(
    ("state", "word"), [("SENT", "sent"), ("IN_DOUBT", "in a batch"), ("HELD", "in a batch")]
)
def test_records_are_called_sent_only_when_they_were(tell, state, word) -> None:
    """Records in a batch that is not known to have arrived are not called sent."""
    page = Page(_html(tell(state, state="PREPARED")))

    assert page.words[page.words.index("5", page.words.index("in the file") + 2) - 1] == word


def test_amounts_without_currency_are_the_accounts() -> None:
    """Rows that name no currency fall back to the account's, and currencies are never added together."""
    totals = (
        Total("", "OTHER", Change.REVERSAL, 1, None),
        Total("JPY", "OTHER", Change.MODIFICATION, 1, Decimal(1500)),
        Total("EUR", "OTHER", Change.MODIFICATION, 1, Decimal("1.5")),
    )
    counts = Counts(records=3, sent=3, rows=3)
    text = render_preview(Preview("f", "x.csv", "d", counts, totals=totals))

    assert [(part.currency, part.rows) for part in by_currency(totals)] == [("", 1), ("EUR", 1), ("JPY", 1)]
    assert re.search(r"^account currency +OTHER +reversal +1 +—$", text, re.MULTILINE)
    assert re.search(r"^EUR +OTHER +modification +1 +1\.50$", text, re.MULTILINE)
    assert re.search(r"^JPY +OTHER +modification +1 +1,500$", text, re.MULTILINE)


def test_a_cap_names_what_is_left_and_where(partly, grouped, write_findings) -> None:
    """Rows beyond the cap are counted, and the file that has them all is named."""
    many = [Finding("X-MANY", Severity.ERROR, "w", field="Reason", record=row) for row in range(1, 31)]
    story = replace(partly, groups=(grouped("X-MANY", count=30),), findings=write_findings(many))
    told = "25 more not shown here. The full list: refunds.findings.jsonl"
    rejects = replace(story, files=replace(story.files, findings=""))

    assert told in render_text(story, cap=5)
    assert told in " ".join(Page(_html(story, cap=5)).words)
    assert "The full list: refunds.rejects.csv" in render_text(rejects, cap=5)
    assert "The full list: the archive, submission 20250729-k3v9q2hd" in render_text(
        replace(story, files=Files()), cap=5
    )
    assert "more not shown" not in render_text(story)


def test_a_long_value_stays_short(partly, grouped) -> None:
    """A value of 5,000 characters is cut, and its length told."""
    finding = Finding("X-LONG", Severity.ERROR, "w", found="y" * 5000, record=1)
    html = _html(replace(partly, groups=(grouped("X-LONG", examples=(finding,)),), findings=None))

    assert "y" * 160 + "… (5,000 characters)" in html
    assert "y" * 161 not in html


def test_only_the_last_attempts_are_told(tell, attempt) -> None:
    """A batch that waits for days lists its last tries and counts the others."""
    tries = tuple(attempt("STARTED", "deferred", number, "connection refused") for number in range(1, 101))
    text = render_text(tell("DEFERRED", state="PREPARED", tries=tries))

    assert "95 earlier tries" in text
    assert "  Try 96 " in text
    assert "  Try 95 " not in text


def test_a_preview_says_what_would_happen(partly) -> None:
    """A preview has headline, counts, first rows and findings, and says that nothing happened."""
    preview = Preview(
        feed="shop-refunds",
        name="refunds.csv",
        destination="impact-sftp",
        counts=partly.counts,
        totals=partly.totals(),
        groups=partly.groups,
        findings=partly.findings,
        batches=(("b.csv", 5, 310),),
        header=("Oid", "Amount"),
        rows=(("1042", "0"), ("=1+1", " 2")),
        detected=Detected("csv", "gz", "utf-8", "semicolon"),
        columns=("Order", "Left", "Note"),
        unused=("Note",),
    )

    assert (GOLDEN / "preview.txt").read_text(encoding="utf-8") == render_preview(preview)


@pytest.mark.parametrize(
    ("counts", "refused", "headline"),
    [
        (Counts(5, 5, rows=6), "", "6 ROWS WOULD BE SENT"),
        (Counts(5, 4, 1, rows=6), "", "A PART WOULD BE SENT: 4 of 5 records"),
        (Counts(5, 4, 1), "20 % of the orders are bad", "NOTHING WOULD BE SENT"),
    ],
)
def test_a_preview_has_a_headline(counts, refused, headline) -> None:
    """All, a part or nothing: said in the first line."""
    assert headline == render_preview(Preview("f", "x.csv", "d", counts, refused)).splitlines()[1]
