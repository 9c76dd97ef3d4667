"""The agent as a process beside real FTP servers: batches arrive once, whatever happens to the connections."""

from __future__ import annotations

import pytest

from tests.ftp_servers import PASSWORD, ProFtpd, Vsftpd
from tests.oracle import assert_recorded, assert_sent_has_come, assert_told_once, at_rest
from tests.running import arrived, put

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
"""
FILES, ROWS = 6, 60


def refunds(number: int) -> bytes:
    """Return one file: each row an order of its own."""
    rows = [f"1000.{number}.{row},SKU-{row},0,0,ITEM_RETURNED" for row in range(ROWS)]
    return "\r\n".join(["ActionId,Sku,Amount,Quantity,Reason", *rows, ""]).encode()


@pytest.mark.parametrize("kind", [Vsftpd, ProFtpd])
def test_batches_arrive_once(kind, install, start_ftp):
    """Connections are killed between files; each batch is there once, and the password is nowhere."""
    server = start_ftp(kind)
    installation = install(server)
    drop = installation.feed("shop", FEED)
    dropped = {f"{number}.csv": refunds(number) for number in range(FILES)}
    with installation.run() as agent:
        for number, (name, content) in enumerate(dropped.items(), start=1):
            put(drop, name, content)
            agent.wait_for("batch.sent", number)
            server.kill_sessions()
        agent.wait_until(lambda: at_rest(installation), "all files to come to rest")
        assert agent.stop() == 0
    assert len(arrived(server.inbox)) == FILES
    assert sum(content.count(b"\r\n") - 1 for content in arrived(server.inbox).values()) == FILES * ROWS
    assert_sent_has_come(installation, arrived(server.inbox))
    assert_recorded(installation, list(dropped))
    assert_told_once(drop, dropped)
    kept = [path for path in installation.folder.rglob("*") if path.is_file()]
    assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []
