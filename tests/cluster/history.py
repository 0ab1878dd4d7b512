"""What was configured, and whether an answer is explained by it.

Every write has a revision (`eg-config-revision`), and with events.expose_revision every answer of the Events
API carries the revision it was routed with. So each answer can be held against what was configured at exactly
that revision: a change that was applied by half, lost, or told in the wrong order does not fit.
"""
import bisect
import collections

NOBODY = None   # nobody is subscribed to the path

Seen = collections.namedtuple("Seen", "node key revision status body")


class History:
    """Per path the states it was given, each with its revision, in the order of the writes."""

    def __init__(self):
        self.states = collections.defaultdict(list)   # key -> [(revision, version)]
        self.seen = []

    def wrote(self, key, revision, version):
        past = self.states[key]
        assert not past or revision > past[-1][0], f"{key}: revision {revision} after {past[-1]}"
        past.append((revision, version))

    def at(self, key, revision):
        """The state of the path at a revision."""
        past = self.states[key]
        index = bisect.bisect_right(past, revision, key=lambda state: state[0])
        return past[index - 1][1] if index else NOBODY

    def now(self, key):
        return self.states[key][-1][1] if self.states[key] else NOBODY

    def newest(self):
        return max(past[-1][0] for past in self.states.values() if past)

    def unexplained(self):
        """Answers that the configuration does not explain."""
        wrong = []
        for seen in self.seen:
            wanted = self.at(seen.key, seen.revision)
            got = NOBODY if seen.status == 202 else seen.body if seen.status == 200 else f"status {seen.status}"
            if got != wanted:
                wrong.append((seen, wanted))
        return wrong
