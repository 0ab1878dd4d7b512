"""The signer against another one: random requests, signed by the plugin's sources and by the package aws4."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PLUGIN = ROOT / "plugins" / "provider_aws"
AWS4 = "1.13.2"
REQUESTS = 10000
SEED = os.environ.get("EVENTGW_SEED", "20150830")


@pytest.fixture(scope="module")
def aws4():
    """Directory of the package, installed into build/ once."""
    home = ROOT / "build" / "tests" / "aws4"
    package = home / "node_modules" / "aws4"
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("skipped: node and npm are needed to compare with aws4")
    if not (package / "package.json").is_file():
        home.mkdir(parents=True, exist_ok=True)
        run = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(home), f"aws4@{AWS4}"],
                             capture_output=True, text=True, timeout=120)
        if run.returncode != 0:
            pytest.skip(f"skipped: aws4 {AWS4} cannot be installed: {run.stderr.strip()[-200:]}")
    return package


@pytest.fixture(scope="module")
def driver():
    """The program that signs what it reads, made of the plugin's own files."""
    program = ROOT / "build" / "tests" / "aws4" / "sign_driver"
    program.parent.mkdir(parents=True, exist_ok=True)
    sources = [HERE / "sign_driver.c"] + [PLUGIN / name for name in ("sign.c", "canonical.c", "uri.c", "hmac.c")]
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", f"-I{ROOT / 'include'}", f"-I{ROOT / 'sdk' / 'include'}", f"-I{PLUGIN}",
                    *map(str, sources), "-o", str(program), "-lcrypto"], check=True)
    return program


def compare(driver, aws4, count, seed):
    return subprocess.run(["node", str(HERE / "sigv4.js"), str(driver), str(aws4), str(count), seed],
                          capture_output=True, text=True, timeout=300)


def test_random_requests_are_signed_as_aws4_signs_them(driver, aws4):
    run = compare(driver, aws4, REQUESTS, SEED)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert f"sigv4: {REQUESTS} passed, 0 failed" in run.stdout


def test_a_wrong_signer_is_noticed(aws4, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("#!/bin/sh\nsed 's/.*/AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0/'\n")
    wrong.chmod(0o755)
    run = compare(wrong, aws4, 10, SEED)
    assert run.returncode == 1 and "10 failed" in run.stdout


@pytest.mark.parametrize("line", ["", "zz", "-", " ".join(["-"] * 11), " ".join(["41"] * 200)])
def test_requests_that_are_none_end_in_an_error_and_not_in_a_crash(driver, line):
    run = subprocess.run([str(driver)], input=line + "\n", capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(("error", "AWS4-HMAC-SHA256"))
