"""AWS on loopback: moto's server with its check of signatures switched on, a user with an access key, and
the SDK of AWS to look at what arrived. Installed into build/emulators, versions as in requirements.txt."""
import base64
import json
import os
import pathlib
import subprocess
import urllib.request

from harness import PATIENCE, wait_for
from venvs import python_with

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
REGION = "eu-west-1"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DENY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
    {"Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": "*"}]}


class Sdk:
    """The SDK in a process of its own."""

    def __init__(self, python, endpoint, key, secret):
        env = dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)
        self.process = subprocess.Popen([str(python), str(HERE / "aws_client.py"), REGION, endpoint],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def __call__(self, service, method, **args):
        command = {"service": service, "method": method, "args": args}
        self.process.stdin.write(json.dumps(command, default=lambda b: {
            "base64": base64.b64encode(b).decode()}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the SDK ended"
        answer = json.loads(line, object_hook=lambda o: base64.b64decode(o["base64"])
                            if set(o) == {"base64"} else o)
        assert "error" not in answer, (service, method, answer)
        return answer["result"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Cloud:
    """moto, with a user `gateway` who may do everything and one `guest` who may not invoke functions."""

    def __init__(self, directory):
        python = python_with("moto", REQUIREMENTS)
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(INITIAL_NO_AUTH_ACTION_COUNT="0", AWS_EC2_METADATA_DISABLED="true")
        self.log = open(directory / "moto.log", "w+")
        self.process = subprocess.Popen(
            [str(python), "-u", "-c", "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, env=env)
        self.sdk = None
        try:
            self._set_up(python)
        except BaseException:
            self.close()
            raise

    def _set_up(self, python):
        port = wait_for(self._port, "moto to serve", 60)
        self.endpoint = f"http://127.0.0.1:{port}"
        self._post("config", json.dumps({"lambda": {"use_docker": False}}))
        self.checks(False)
        admin = Sdk(python, self.endpoint, "testing", "testing")
        self.key = self._user(admin, "gateway", POLICY)
        self.guest = self._user(admin, "guest", DENY)
        admin.close()
        self.checks(True)
        self.sdk = Sdk(python, self.endpoint, *self.key)

    def _port(self):
        assert self.process.poll() is None, "moto has ended"
        self.log.seek(0)
        for line in self.log:
            if "Running on http://127.0.0.1:" in line:
                return int(line.rsplit(":", 1)[1])
        return None

    def _post(self, path, body):
        request = urllib.request.Request(f"{self.endpoint}/moto-api/{path}", body.encode(),
                                         {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass

    def _user(self, admin, name, policy):
        admin("iam", "create_user", UserName=name)
        admin("iam", "put_user_policy", UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = admin("iam", "create_access_key", UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def checks(self, is_on):
        """Whether signatures and permissions are checked."""
        self._post("reset-auth", "0" if is_on else "inf")

    def lambda_answers(self, *results):
        self._post("static/lambda-simple/response",
                   json.dumps({"results": list(results), "region": REGION}))

    def keys(self, pair=None):
        """Fields of a function's provider."""
        key, secret = pair or self.key
        return {"region": REGION, "awsAccessKeyId": key, "awsSecretAccessKey": secret,
                "endpoint": self.endpoint}

    def close(self):
        if self.sdk:
            self.sdk.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()
