"""The bus: relay, consumer and latency, each beside its baseline from the same run, on durable servers of its own."""

import sys

import uvloop
from bus import committing, consuming, latency, relaying
from bus.stage import servers

QUESTIONS = {
    "relay": relaying.report,
    "consumer": consuming.report,
    "commits": committing.report,
    "latency": latency.report,
}


def main() -> None:
    with servers() as found:
        for name in sys.argv[1:] or QUESTIONS:
            uvloop.run(QUESTIONS[name](found))


if __name__ == "__main__":
    main()
