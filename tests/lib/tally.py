"""Counts the tests in the log of one stage of tests/run.

  tally.py LOG EXIT_CODE    prints "passed failed skipped"
  tally.py --failures LOG   prints the lines that tell what failed

Every runner of ours ends with "<name>: N passed, N failed"; pytest with its own summary. A stage that
exits with an error without a failed test counts as one failure, and so does one that ran no test.
"""
import re
import sys

OURS = re.compile(r"^(?:\d+: )?\S.*: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
PYTEST = re.compile(r"^(?:=+ )?((?:\d+ \w+(?:, )?)+) in [\d.]+s")
CTEST_PASSED = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): \S+ \.+\s+Passed")
CTEST_FAILED = re.compile(r"^\s+\d+ - (\S+) \((.*)\)")
TELLING = re.compile(r"^(?:\d+: )?(not ok|FAILED|ERROR|E  |.*error:|lint:|FAIL|.*Sanitizer)")


def pytest_counts(summary):
    counts = dict((word, int(n)) for n, word in re.findall(r"(\d+) (\w+)", summary))
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    return counts.get("passed", 0), failed, counts.get("skipped", 0)


def tally(lines, code):
    passed = failed = skipped = ctest_failed = 0
    counted = set()   # numbers of the ctest programs that counted for themselves
    for line in lines:
        found = OURS.match(line)
        if found:
            counted.add(line.split(":")[0])
            passed += int(found[1])
            failed += int(found[2])
            skipped += int(found[3] or 0)
            continue
        found = PYTEST.match(line)
        if found:
            p, f, s = pytest_counts(found[1])
            passed, failed, skipped = passed + p, failed + f, skipped + s
        ctest_failed += bool(CTEST_FAILED.match(line))
        found = CTEST_PASSED.match(line)
        passed += bool(found and found[1] not in counted)
    if failed < ctest_failed:
        failed = ctest_failed   # programs that died before their summary
    if failed == 0 and (code != 0 or passed == 0):
        failed = 1
    return passed, failed, skipped


def main():
    if sys.argv[1] == "--failures":
        lines = open(sys.argv[2], errors="replace").read().splitlines()
        telling = [line for line in lines if TELLING.match(line) or CTEST_FAILED.match(line)]
        for line in (telling or lines[-30:])[:80]:
            print("      " + line[:300])
        return
    lines = open(sys.argv[1], errors="replace").read().splitlines()
    print(*tally(lines, int(sys.argv[2])))


if __name__ == "__main__":
    main()
