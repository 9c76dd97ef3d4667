"""Acknowledge: what comes back from impact.com is kept, read, and its batches hear of it.

`keep` makes what was fetched safe, word for word, before anybody reads it. `hear` reads it and says what follows
for the batches it speaks of. `overdue` and `unasked` find batches whose answer does not come.
"""

from agent.stages.acknowledge.hearing import hear
from agent.stages.acknowledge.keeping import keep
from agent.stages.acknowledge.waiting import overdue, unasked

__all__ = ["hear", "keep", "overdue", "unasked"]
