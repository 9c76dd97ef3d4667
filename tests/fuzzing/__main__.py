"""Fuzz one target for some seconds: `python -m tests.fuzzing TARGET [SECONDS] [FOLDER]`.

With atheris, which learns from the branches an input takes, where that can be had; else with inputs changed at random.
Ends with 0 if nothing was found. What was found lies in the folder (a temporary one, if none is named) and is printed.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import atheris
except ImportError:  # it is made for few versions of Python
    atheris = None

if atheris:
    with atheris.instrument_imports(include=["agent"]):
        from agent.readers import readers
        from tests.fuzzing.targets import targets

        readers()  # they are imported when they are asked for
else:
    from tests.fuzzing.targets import targets

if TYPE_CHECKING:
    from tests.fuzzing.targets import Target

_LONGEST = 65_536  # bytes of an input; longer ones are tried by what `test_fuzz` stretches
_FOREVER = 60  # seconds, of an input that hangs for good
_MOST_MEMORY = 2_048  # MiB
_SIGNS = b"\",;\t\n\r\0{}[]<>&/=\\'-+.eE019aA\x7f\xc3\xa9\xff\xfe"


def main(name: str, seconds: float = 1_800, folder: str = "") -> int:
    """Fuzz; return the exit code, or never."""
    target = targets()[name]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(folder or scratch)
        if atheris:
            seeds = Path(scratch) / "seeds"
            seeds.mkdir()
            for number, seed in enumerate(target.seeds):
                (seeds / str(number)).write_bytes(seed)
            limits = {
                "max_total_time": int(seconds),
                "max_len": _LONGEST,
                "timeout": _FOREVER,
                "rss_limit_mb": _MOST_MEMORY,
            }
            options = [f"-{key}={value}" for key, value in limits.items()]
            atheris.Setup(
                [sys.argv[0], *options, f"-artifact_prefix={place}/", "-print_final_stats=1", str(seeds)],
                target.measured,
            )
            atheris.Fuzz()  # leaves the process itself
        return _at_random(target, seconds, place)


def _at_random(target: Target, seconds: float, folder: Path) -> int:
    """Fuzz without anything learnt."""
    seed = random.randrange(2**32)  # noqa: S311 - nothing secret
    dice = random.Random(seed)  # noqa: S311 - as above
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        content = changed(dice.choice(target.seeds), dice)
        runs += 1
        try:
            target.measured(content)
        except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
            (folder / f"found-{seed}-{runs}").write_bytes(content)
            traceback.print_exc()
            sys.stderr.write(f"seed {seed}, run {runs}: {content[:2_000]!r}\n")
            return 1
    sys.stderr.write(f"stat::number_of_executed_units: {runs}\n")
    return 0


def changed(seed: bytes, dice: random.Random) -> bytes:
    """Change some bytes: others put in, pieces left out, doubled or moved."""
    content = bytearray(seed)
    for _ in range(dice.randint(1, 8)):
        at, to = sorted(dice.randrange(len(content) + 1) for _ in range(2))
        piece = content[at : min(to, at + 64)]
        match dice.randrange(5):
            case 0:
                content[at:at] = bytes(dice.choice(_SIGNS) for _ in range(dice.randint(1, 4)))
            case 1:
                del content[at : at + len(piece)]
            case 2:
                content[at:at] = piece * dice.randint(1, 50)
            case 3:
                content[at : at + 1] = bytes([dice.randrange(256)])
            case _:
                content[to:to] = piece
    return bytes(content)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(float, sys.argv[2:3]), *sys.argv[3:4]))
