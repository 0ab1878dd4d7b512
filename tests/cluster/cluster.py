"""Several gateways on one store, functions behind them, clients that write and clients that ask."""
import http.client
import random
import threading
import time

from harness import Function, Gateway, wait_for
from history import History, NOBODY, Seen
from stores import Relay, Store

SPACE = "default"


class Node(Gateway):
    """A gateway of the cluster, with a relay of its own before the store."""

    def __init__(self, store, more=None, wait=True):
        self.relay = Relay(store.port) if store.is_remote else None
        settings = {"events.expose_revision": "true", "loops": 1, "store.timeout": None,   # the default
                    **store.settings(self.relay.port if self.relay else None), **(more or {})}
        super().__init__(set=settings, data_dir=None if store.is_remote else store.directory, wait=wait)

    def close(self):
        super().close()
        if self.relay:
            self.relay.close()

    def status(self):
        return self.config("GET", "/v1/status?verbose=1").json

    def wait_revision(self, revision, timeout="30s"):
        answer = self.config("GET", f"/v1/status?min_revision={revision}&timeout={timeout}")
        assert answer.status == 200, answer

    def listing(self, kind):
        return self.config("GET", f"/v1/spaces/{SPACE}/{kind}").json


class Cluster:
    def __init__(self, kind, directory, size=3, more=None, patient=()):
        """more: settings of all nodes. patient: indices of nodes that may take long for a write, for tests
        in which it is not their time that counts."""
        self.store = Store(kind, directory)
        self.nodes = []
        self.more = more or {}
        self.upstream = Function(lambda call: {"statusCode": 200, "body": call.path})
        self.history = History()
        self.stop_asking = threading.Event()
        self.askers = []
        try:
            for index in range(size):
                patience = {"store.timeout": "20s"} if index in patient else {}
                self.nodes.append(Node(self.store, {**self.more, **patience}))
            self.write("POST", "eventtypes", {"name": "http.request"})
        except BaseException:
            self.close()
            raise

    def close(self):
        self.ask_no_more()
        try:
            for node in self.nodes:
                node.close()
        finally:
            self.upstream.close()
            self.store.close()

    # ---- writes ----
    def write(self, method, path, body=None, node=None, ok=(200, 201, 204)):
        """One call of the Config API; its revision."""
        node = node or random.choice(self.nodes)
        answer = node.config(method, f"/v1/spaces/{SPACE}/{path}", body)
        assert answer.status in ok, f"{method} {path}: {answer}"
        return int(answer.header("eg-config-revision") or 0)

    def wait_writable(self, patience=30):
        """Until the store takes writes again. What is tried meanwhile may happen later, so it is a function of
        nobody."""
        def write():
            answer = self.nodes[0].config("POST", f"/v1/spaces/{SPACE}/functions", self.function("probe", 1))
            return answer.status in (201, 409)
        wait_for(write, "the store to take writes again", patience)

    def function(self, key, version):
        return {"functionId": key, "type": "http", "provider": {"url": f"{self.upstream.url}{key}/{version}"}}

    def subscription(self, key):
        return {"type": "sync", "eventType": "http.request", "functionId": key, "path": f"/{key}", "method": "GET"}

    def add(self, key, version, node=None):
        """A function that answers its version, and its path."""
        self.write("POST", "functions", self.function(key, version), node)
        self.subscribe(key, version, node)

    def subscribe(self, key, version, node=None):
        revision = self.write("POST", "subscriptions", self.subscription(key), node)
        self.history.wrote(key, revision, f"/{key}/{version}")

    def update(self, key, version, node=None):
        revision = self.write("PUT", f"functions/{key}", self.function(key, version), node)
        if self.history.now(key) is not NOBODY:
            self.history.wrote(key, revision, f"/{key}/{version}")

    def unsubscribe(self, key, node=None):
        node = node or random.choice(self.nodes)
        subscriptions = node.listing("subscriptions")["subscriptions"]
        identifier = next(s["subscriptionId"] for s in subscriptions if s["path"] == f"/{key}")
        self.history.wrote(key, self.write("DELETE", f"subscriptions/{identifier}", node=node), NOBODY)

    def churn(self, keys, writes, seed):
        """A writer with keys of its own: updates, and paths that come and go, on any node."""
        dice = random.Random(seed)
        version = {key: 1 for key in keys}
        for key in keys:
            self.add(key, 1)
        done = 2 * len(keys)
        while done < writes:
            key = dice.choice(keys)
            if dice.random() < 0.75:
                version[key] += 1
                self.update(key, version[key])
            elif self.history.now(key) is NOBODY:
                self.subscribe(key, version[key])
            else:
                self.unsubscribe(key)
            done += 1

    # ---- traffic ----
    def ask(self, keys):
        """Asks every node for the keys, over and over, until ask_no_more."""
        for index, node in enumerate(self.nodes):
            asker = threading.Thread(target=self._ask, args=(index, node, keys), daemon=True)
            asker.start()
            self.askers.append(asker)

    def _ask(self, index, node, keys):
        dice = random.Random(index)
        connection = http.client.HTTPConnection("127.0.0.1", node.events_port, timeout=60)
        while not self.stop_asking.is_set():
            key = dice.choice(keys)
            try:
                connection.request("GET", f"/{key}")
                answer = connection.getresponse()
                body = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                if node.process.poll() is not None:
                    return   # the test has killed it
                self.history.seen.append(Seen(index, key, 0, f"{type(error).__name__}: {error}", ""))
                connection.close()
                continue
            self.history.seen.append(
                Seen(index, key, int(answer.getheader("eg-config-revision")), answer.status, body))
            self.stop_asking.wait(0.002)   # traffic, not load
        connection.close()

    def ask_no_more(self):
        self.stop_asking.set()
        for asker in self.askers:
            asker.join(60)
        self.askers = []
        self.stop_asking.clear()

    # ---- ends ----
    def check_same(self, keys, nodes=None):
        """Every node routes the newest configuration, and tells the same one."""
        nodes = nodes or self.nodes
        newest = self.history.newest()
        for node in nodes:
            node.wait_revision(newest)
        for node in nodes:
            for key in keys:
                answer = node.event("GET", f"/{key}")
                wanted = self.history.now(key)
                assert (answer.status, answer.text) == ((202, "") if wanted is NOBODY else (200, wanted)), \
                    f"node {nodes.index(node)}, {key}: {answer}, wanted {wanted}"
        for kind in ("functions", "subscriptions", "eventtypes"):
            listings = [node.listing(kind) for node in nodes]
            assert all(listing == listings[0] for listing in listings), kind

    def check_explained(self):
        wrong = self.history.unexplained()
        assert not wrong, f"{len(wrong)} of {len(self.history.seen)} answers, the first: {wrong[:3]}"


def in_threads(*works):
    """Runs all at once; the first exception of any is raised here."""
    errors = []

    def guarded(work):
        try:
            work()
        except BaseException as error:   # noqa: B036 - carried to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def measure(function, *args):
    begun = time.monotonic()
    function(*args)
    return time.monotonic() - begun
