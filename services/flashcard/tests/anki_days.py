"""Anki's own days in one zone, run as a program of its own: `python anki_days.py CLOCK_LIBRARY < questions > answers`.

The zone is the environment's TZ, the clock a preloaded library's, which this sets. Questions: `[[seconds since 1970, rollover hour], …]`.
Answers, in their order: `[[days since the collection was made, when the next begins], …]`.
"""

import ctypes
import json
import sys
import tempfile
from pathlib import Path

from anki.collection import Collection

CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static time_t now;
void set_now(long long seconds) { now = seconds; }
int clock_gettime(clockid_t clock, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, out);
    if (now && clock == CLOCK_REALTIME) out->tv_sec = now;
    return failed;
}
"""


def main() -> None:
    set_now = ctypes.CDLL(sys.argv[1]).set_now
    set_now.argtypes = [ctypes.c_longlong]
    questions = json.load(sys.stdin)
    set_now(min(seconds for seconds, _ in questions) - 10 * 24 * 3600)  # Anki counts no days before the first
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(str(Path(folder, "collection.anki2")))
        answers, preferences = [], collection.get_preferences()
        for seconds, hour in questions:
            set_now(seconds)
            # A change of the hour, and nothing else, makes it count anew: so no two questions in a row have the same.
            preferences.scheduling.rollover = hour
            collection.set_preferences(preferences)
            timing = collection._backend.sched_timing_today()
            answers.append([timing.days_elapsed, timing.next_day_at])
        collection.close()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
