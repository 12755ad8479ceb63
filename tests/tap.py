# SPDX-License-Identifier: GPL-3.0-or-later
"""The Test Anything Protocol, for tests in Python. Standard library only."""
import sys
import traceback

_count = 0
_failed = 0


def ok(good, what, *details):
    """One result; details are printed when it is not good. Gives `good`."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if good else 'not ok'} {_count} - {what}".replace("#", "\\#"), flush=True)
    if not good:
        _failed += 1
        for detail in details:
            note(detail)
    return bool(good)


def equal(got, want, what, *details):
    return ok(got == want, what, f" got: {got!r}", f"want: {want!r}", *details)


def skip(what, why):
    global _count
    _count += 1
    print(f"ok {_count} - {what} # SKIP {why}", flush=True)


def note(text):
    for line in str(text).splitlines() or [""]:
        print(f"# {line}", flush=True)


def done():
    """Last: the plan, and the exit status."""
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def _died(kind, error, where):
    """An exception that nobody caught is a failure, and says in its line what it was."""
    ok(False, f"it ends early: {kind.__name__}: {' '.join(str(error).split())[:200]}", *traceback.format_exception(kind, error, where))
    print(f"1..{_count}", flush=True)


sys.excepthook = _died


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)
