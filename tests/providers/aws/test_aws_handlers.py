"""Real handler code behind Lambda's Invoke: serverless-offline from npm, which nobody here wrote. It does not
check signatures; moto does (test_aws_moto.py)."""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest
from harness import PATIENCE, cloud_event, free_ports, wait_for
from venvs import EMULATORS, run

FUNCTIONS = pathlib.Path(__file__).resolve().parent / "functions"
EVENT = cloud_event("user.created", {"text": "gr\u00fc\u00dfe \U0001f600", "big": 9007199254740991})
KEYS = {"region": "eu-west-1", "awsAccessKeyId": "AKID", "awsSecretAccessKey": "secret"}


def install():
    """The directory with serverless-offline; skips with the reason when it cannot be had."""
    if not shutil.which("npm"):
        pytest.skip("serverless-offline cannot be installed: there is no npm")
    stamp = hashlib.sha256((FUNCTIONS / "package-lock.json").read_bytes()).hexdigest()[:16]
    home = EMULATORS / f"serverless-{stamp}"
    EMULATORS.mkdir(parents=True, exist_ok=True)
    with open(EMULATORS / "serverless.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            home.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(FUNCTIONS / name, home)
            code, last = run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=home)
            if code != 0:
                pytest.skip(f"serverless-offline cannot be installed: {last}")
            (home / "complete").touch()
        for name in ("serverless.yml", "handler.js"):
            shutil.copy(FUNCTIONS / name, home)
    return home


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    home = install()
    http, invoke, alb = free_ports(3)
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    env.update(SLS_TELEMETRY_DISABLED="1", SLS_NOTIFICATIONS_MODE="off", SLS_TRACKING_DISABLED="1",
               AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret",
               HOME=str(tmp_path_factory.mktemp("home")))
    log = open(tmp_path_factory.mktemp("serverless") / "log", "w+")
    process = subprocess.Popen(
        ["node", "node_modules/serverless/bin/serverless.js", "offline", "start", "--host", "127.0.0.1",
         "--httpPort", str(http), "--lambdaPort", str(invoke), "--albPort", str(alb)],
        cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def ready():
        log.seek(0)
        text = log.read()
        assert process.poll() is None, text
        return "exposed for local invocation" in text
    try:
        wait_for(ready, "serverless-offline to serve", 120)
        yield f"http://127.0.0.1:{invoke}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
        log.close()


def test_a_handler_gets_the_event_and_its_answer_is_the_reply(aws, endpoint):
    answer = aws("awslambda", arn="demo-dev-hello", endpoint=endpoint, **KEYS).emit(EVENT)
    assert answer.status == 201
    assert answer.header("X-Type") == "user.created"
    assert answer.header("Set-Cookie") == "a=1"
    assert answer.json == EVENT


def test_an_exception_of_the_handler_is_logged_and_not_returned(aws, endpoint):
    gw = aws("awslambda", arn="demo-dev-hello", endpoint=endpoint, **KEYS)
    answer = gw.emit(cloud_event("user.created", {"fail": True}))
    assert (answer.status, answer.message) == (500, "Function call failed. Please check logs.")
    wait_for(lambda: "boom-in-the-function" in gw.log, "it to be logged")
    assert gw.metric("eventgateway_provider_calls_total", provider="awslambda", **{"class": "function"}) == 1


def test_a_function_that_is_not_there_is_a_permanent_failure(aws, endpoint):
    gw = aws("awslambda", arn="nobody", endpoint=endpoint, **KEYS)
    answer = gw.emit(EVENT)
    assert (answer.status, answer.message) == (500, "Function call failed. Please check logs.")
    wait_for(lambda: "ResourceNotFoundException" in gw.log, "it to be logged")
    assert gw.metric("eventgateway_provider_calls_total", provider="awslambda", **{"class": "permanent"}) == 1


def test_an_event_is_handed_off(aws, endpoint):
    gw = aws("awslambda", arn="demo-dev-hello", endpoint=endpoint, invocationType="Event", **KEYS)
    assert gw.emit(EVENT).status == 200
    assert gw.metric("eventgateway_provider_calls_total", provider="awslambda", **{"class": "accepted"}) == 1
