"""The line cut while a batch travels: what had arrived is found by looking, and nothing is sent twice."""

from __future__ import annotations

from tests.oracle import assert_recorded, assert_sent_has_come, assert_told_once, at_rest
from tests.running import arrived, put
from tests.servers import Proxy, wait_until

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
"""
CUTS = 24  # evenly over all that the server answers to one delivery


def source(number: int) -> bytes:
    """Return a file; all are of one size, so that all deliveries take equally many bytes."""
    return f"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n16027,A{number:03},RED,0,0,OTHER\n".encode()


def batch(number: int) -> bytes:
    """Return what has to become of it."""
    header = "ActionID,Oid,ActionTrackerID,SKU,Amount,Quantity,Category,Reason"
    return f"{header}\r\n,A{number:03},16027,RED,0,0,,OTHER\r\n".encode()


def test_answers_lost_at_any_byte(install, start_sshd):
    """Cut in the middle of each answer, that to the rename too: every batch arrives, exactly once."""
    server = start_sshd()
    with Proxy(server.port) as proxy:
        retries = {"first": "50ms", "at_most": "200ms"}
        installation = install(server, sweeps=False, port=proxy.port, retries=retries)
        drop = installation.feed("shop", FEED)

        def deliver(number: int) -> None:
            put(drop, f"{number}.csv", source(number))

        def rest(count: int) -> bool:
            return len(arrived(server.inbox)) == count and at_rest(installation)

        with installation.run() as agent:
            for number in (0, 1):  # the first one pays for the login, the second tells how much is answered
                proxy.limit("client", None)
                deliver(number)
                agent.wait_until(lambda: rest(number + 1), "an undisturbed delivery")  # noqa: B023 - waited for here
            whole = proxy.passed["client"]
            for number in range(2, CUTS + 2):
                logins = proxy.connections
                proxy.limit("client", whole * (number - 2) // CUTS + 1)
                deliver(number)
                wait_until(lambda: proxy.connections > logins or rest(number + 1), "the cut")  # noqa: B023 - the same
                proxy.limit("client", None)
                agent.wait_until(lambda: rest(number + 1), "a delivery in spite of a cut")  # noqa: B023 - the same
            assert agent.stop() == 0
    assert sorted(arrived(server.inbox).values()) == sorted(map(batch, range(CUTS + 2)))
    assert_sent_has_come(installation, arrived(server.inbox))
    files = {f"{number}.csv": source(number) for number in range(CUTS + 2)}
    assert_told_once(drop, files)
    assert_recorded(installation, list(files))
    assert_the_cuts_did_hit(installation)


def assert_the_cuts_did_hit(installation) -> None:
    """Some batches had to be sent again from the start, and some were found where they should be."""
    with installation.ledger() as ledger:
        batches = [one for found in ledger.submissions() for one in ledger.batches_of(found.id)]
        ends = [ledger.attempts(one.id)[-1].evidence for one in batches]
        again = [one for one in batches if len(ledger.attempts(one.id)) > 1]
    assert sum("found at the other end" in evidence for evidence in ends) >= 1
    assert len(again) >= CUTS / 4
