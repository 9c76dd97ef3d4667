"""The spool and the archive: the only code that writes, moves or removes files at rest.

`Spool` keeps bytes inside the state folder; `move_without_overwrite` and `fsync_folder` serve the drop
folders too.
"""

from agent.spool.disk import NoRoomError, fsync_folder, move_without_overwrite
from agent.spool.spool import Spool, Stored, Taken

__all__ = ["NoRoomError", "Spool", "Stored", "Taken", "fsync_folder", "move_without_overwrite"]
