"""Tells people what needs them: those who drop files, and those who run the agent.

What has to be told follows from the ledger; what the ledger does not know stands on the board. What was told
when, and what is still owed, is in the ledger: a restart can at most repeat a notice, never lose one. How a
notice travels is a way's matter (`agent/ways`).
"""

from agent.notices.board import Board
from agent.notices.rounds import Notices, untold

__all__ = ["Board", "Notices", "untold"]
