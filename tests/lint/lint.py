"""The rules of the house that a compiler does not know (docs/architecture.md). Prints one line a finding.

Checks: floors include only floors below; each third-party header has one door; file and function sizes;
banned functions; heads of files; public headers include libc only; names of machine paths.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOORS = {"base": [], "io": ["base"], "domain": ["base"], "plugin": ["base", "io", "domain"]}
FLOORS["state"] = FLOORS["plugin"] + ["plugin"]
FLOORS["flow"] = FLOORS["state"] + ["state"]
FLOORS["api"] = FLOORS["flow"] + ["flow"]
FLOORS["app"] = FLOORS["api"] + ["api"]
DOORS = {   # third-party header -> the files that may include it
    "microhttpd.h": {"core/io/http_library."},
    "gnutls/gnutls.h": {"core/io/http_tls.c"},
    "crypt.h": {"plugins/middleware_auth/password.c"},
    "curl/curl.h": {"core/io/http_client_curl.c"},
    "jansson.h": {"core/base/json.c", "sdk/fake/"},
    "libconfig.h": {"core/app/config_file.c"},
    "yaml.h": {"core/base/yaml.c"},
    "sqlite3.h": {"plugins/storage_embedded/"},
    "hiredis/hiredis.h": {"plugins/storage_redis/", "plugins/middleware_ratelimit/session.c"},
    "hiredis/hiredis_ssl.h": {"plugins/storage_redis/link.c"},
    "zlib.h": {"plugins/reacter_otel/gzip.c", "plugins/reacter_otel/test_span.c"},
    "zookeeper/zookeeper.h": {"plugins/storage_zookeeper/client.c"},
    "pcre2.h": {"plugins/middleware_schema/pattern.c"},
    "dlfcn.h": {"core/plugin/loader.c", "plugins/middleware_transform/worker_path.c"},
    "jq.h": {"plugins/middleware_transform/jq_"},
}
LIBC = re.compile(r"(std\w+|string|inttypes|limits|errno|time)\.h$")
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca|usleep|sleep)\s*\(")
MAX_FILE, MAX_FUNCTION = 800, 80
ALLOWED_LONG_FUNCTION = 60

findings = []


def find(path, line, text):
    findings.append(f"lint: {path.relative_to(ROOT)}:{line}: {text}")


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def code_lines(text):
    """Lines with comments and string contents blanked, so that words in them do not count."""
    # One pass: a comment may hold quotes, and a string may hold "/*".
    def blank(m):
        inner = re.sub(r"[^\n]", " ", m[0])
        return '"' + inner[1:-1] + '"' if m[0][0] == '"' else inner
    token = r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'"""
    return re.sub(token, blank, text, flags=re.S).split("\n")


def check_includes(path, text):
    name = str(path.relative_to(ROOT))
    floor = name.split("/")[1] if name.startswith("core/") else None
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not found:
            continue
        header = found[2]
        doors = DOORS.get(header)
        if doors and name.startswith(("core/", "plugins/", "sdk/", "include/")) \
                and not any(name.startswith(door) for door in doors):
            find(path, number, f"<{header}> has another door: {', '.join(sorted(doors))}")
        above = header.split("/")[0]
        if floor and above in FLOORS and above != floor and above not in FLOORS[floor]:
            find(path, number, f"floor {floor} must not see {above}")
        if name.startswith("plugins/") and found[1] == '"' and above in FLOORS \
                and "/test_" not in name:
            find(path, number, f"a plugin sees include/ and sdk/ only, not {above}")
        if name.startswith("include/") and found[1] == "<" and not LIBC.match(header):
            find(path, number, f"public headers include libc only, not <{header}>")


def check_functions(path, lines):
    """A function is what stands between a `{` that ends a line at top level and its `}` in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"^[A-Za-z_].*\)\s*\{\s*$|^\s+.*\)\s*\{\s*$", line) \
                and not line.startswith((" " * 4 + "if", " " * 4 + "for", " " * 4 + "while")) \
                and depth_before(lines, number) == 0:
            start = number
        elif start is not None and line.startswith("}"):
            length = number - start + 1
            if length > MAX_FUNCTION:
                find(path, start, f"function of {length} lines (at most {MAX_FUNCTION})")
            elif length > ALLOWED_LONG_FUNCTION and "long because" not in "".join(RAW[start - 8:start]):
                find(path, start, f"function of {length} lines: shorten it, or say `long because ...`")
            start = None


def depth_before(lines, number):
    """Brace depth before a line, counted from the last line that begins in column 0 with `}`."""
    depth = 0
    for line in reversed(lines[:number - 1]):
        if line.startswith("}"):
            return 0
        depth += line.count("{") - line.count("}")
        if depth > 0:
            return depth
    return depth


RAW = []


def check_source(path):
    global RAW
    text = path.read_text(errors="replace")
    RAW = text.split("\n")
    lines = code_lines(text)
    if len(RAW) > MAX_FILE:
        find(path, 1, f"{len(RAW)} lines (at most {MAX_FILE})")
    if not text.lstrip().startswith("/*"):
        find(path, 1, "no head: what it is, why so, which thread, who owns what")
    for number, line in enumerate(lines, 1):
        if len(RAW[number - 1]) > 100:
            find(path, number, "longer than 100 columns")
        found = BANNED.search(line)
        if found and "/tests/" not in str(path):
            find(path, number, f"{found[1]} is banned")
    check_includes(path, text)
    check_functions(path, lines)


def check_words(path):
    """The project stands alone: no path of a machine, no host of a package registry."""
    if path.suffix in {".gz", ".png"}:
        return
    for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
        if re.search(r"(^|[^.\w])/(work|farm)/[a-z]", line):
            find(path, number, "path of a machine")
        if re.search(r"https?://[^ ]*(debian|npmjs|pypi|golang|crates)[^ ]*", line, re.I):
            find(path, number, "address of a package source")


def main():
    sources = tracked("*.c", "*.h")
    for path in sources:
        check_source(path)
    for path in tracked():
        if path.name != "lint.py":
            check_words(path)
    print("\n".join(findings))
    checked = len(sources)
    bad = len({f.split(":")[1] for f in findings})
    print(f"lint: {checked - min(bad, checked)} passed, {bad} failed")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
