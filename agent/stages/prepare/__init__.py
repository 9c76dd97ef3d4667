"""Prepare: a received file becomes checked batches in the spool, or goes aside with its findings.

An archive whose feed wants each file inside for itself is unpacked first: they become submissions of their own,
which are prepared as if they had been dropped. `prepare` and `unpack` are the stage; `job_of` and `unpacking_of`
put together what the limited process is told, also for whoever only looks.
"""

from agent.stages.prepare.preparing import job_of, prepare
from agent.stages.prepare.unpacking import unpack, unpacking_of

__all__ = ["job_of", "prepare", "unpack", "unpacking_of"]
