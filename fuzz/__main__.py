"""`python -m fuzz NAME [libFuzzer options]`: atheris against one invariant, starting from the corpus, e.g. with
`-max_total_time=60`. A finding ends it with a trace and a file in .fuzz/ that holds the bytes; `python -m fuzz NAME FILE` plays
it again. Make each a row of tests/lb/hostile.
"""

import contextlib
import sys
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit(
        "atheris is not installed: it has wheels for CPython 3.11 to 3.13 on Linux x86-64 only; the tests fuzz without it"
    )

with atheris.instrument_imports(include=["services.lb"]):
    from fuzz.invariants import INVARIANTS

from fuzz.seeds import WORDS, seeds

FOLDER = Path(".fuzz")


def main(name: str, *options: str) -> None:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()[name]):
        (folder / f"seed-{number}").write_bytes(data)
    words = FOLDER / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
    replay = any(not option.startswith("-") for option in options)
    given = [*options] if replay else [f"-dict={words}", "-max_len=4096", *options, str(folder)]
    atheris.Setup([sys.argv[0], f"-artifact_prefix={FOLDER}/{name}-", *given], INVARIANTS[name])
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if len(sys.argv) < 2 or sys.argv[1] not in INVARIANTS:
    sys.exit(f"usage: python -m fuzz {{{','.join(INVARIANTS)}}} [libFuzzer options]")
with contextlib.suppress(KeyboardInterrupt):
    main(*sys.argv[1:])
