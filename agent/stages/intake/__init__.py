"""Intake: from a file in a drop folder to a submission in the ledger, its bytes in the spool, taken once.

`Intake.scan` is the stage; the helpers are for whoever moves the original on from `working/`.
"""

from agent.stages.intake.board import Notice
from agent.stages.intake.dropfolder import late_write, make_folders, working_name
from agent.stages.intake.scan import GROUP, Intake, ScanResult

__all__ = ["GROUP", "Intake", "Notice", "ScanResult", "late_write", "make_folders", "working_name"]
