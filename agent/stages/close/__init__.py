"""Close: tell people what became of a file, in its feed's folder; archive all of it when its batches ended.

`close` is the stage; `make_story` puts together what is told, also for whoever asks on a terminal.
"""

from agent.stages.close.closing import close
from agent.stages.close.place import DropFolderError
from agent.stages.close.story import make_story

__all__ = ["DropFolderError", "close", "make_story"]
