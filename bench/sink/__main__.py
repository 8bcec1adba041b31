"""The sink as a process of its own: says where it listens, and serves until its standard input ends."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.sink.server import Certificate, Limits, Sink


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.sink", description=__doc__)
    parser.add_argument("--rate", type=float, default=0.0, help="bytes a second for each connection")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each answer takes")
    parser.add_argument("--timed", action="store_true", help="keep account of when bytes come")
    parser.add_argument("--certificate", type=Path, help="speak TLS; PEM")
    parser.add_argument("--key", type=Path, help="its key; PEM")
    parser.add_argument("--sequential", action="store_true", help="take the next byte only")
    parser.add_argument("--refuse", action="store_true", help="refuse every token")
    given = parser.parse_args()
    certificate = Certificate(certificate=given.certificate, key=given.key) if given.certificate else None
    limits = Limits(rate=given.rate, delay=given.delay, timed=given.timed)
    with Sink(limits, certificate, sequential=given.sequential, refuses=given.refuse) as sink:
        sys.stdout.write(sink.url + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
