"""sdk/examples: plugins as a third party writes them, built against an installed prefix and nothing of this
tree, in C, C++ and Rust; checked, and run in the gateway."""
import json
import os
import re
import shutil
import subprocess

import pytest

from harness import BUILD, GATEWAY, ROOT, Gateway, wait_for

EXAMPLES = ROOT / "sdk" / "examples"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", folder)
    return folder


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def build(prefix, tmp_path_factory):
    """Builds a copy of the example, away from this tree; returns the shared object."""
    built = {}

    def get(name):
        if name not in built:
            folder = tmp_path_factory.mktemp("example") / name
            shutil.copytree(EXAMPLES / name, folder)
            run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
            run("cmake", "--build", folder / "build")
            built[name] = folder / "build" / f"{name}.so"
            run(ROOT / "tests" / "abi" / "test_exports", folder / "build", "")
        return built[name]
    return get


@pytest.fixture
def rust(build):
    if shutil.which("rustc") is None:
        pytest.skip("rustc is not installed")
    return build("provider_template")


@pytest.fixture
def start():
    started = []

    def begin(*args, **options):
        started.append(Gateway(args=args, **options))
        return started[-1]
    yield begin
    for gateway in started:
        gateway.close()


def check(so, *words):
    told = run(GATEWAY, "plugin", "check", *words, so)
    assert told.endswith("no breach of the contract was found\n"), told


def test_the_reacter_in_c_counts_events_by_type_up_to_its_limit(build, start):
    so = build("reacter_tally")
    check(so)
    gw = start("--plugin", str(so), "--set", "plugins.tally.types=3")
    for name in ("n\0l", "n\0l", "a.made", "b.made", "c.made", "a.made"):
        assert gw.emit({"specversion": "1.0", "id": "1", "source": "/x", "type": name}).status == 202
    want = {"a.made": 2, "b.made": 1, "other": 1}
    wait_for(lambda: {t: gw.metric("eventgateway_tally_events_total", type=t) for t in want} == want, "the counts")


def test_the_middleware_in_cpp_closes_paths_with_all_below(build, start, tmp_path):
    so = build("middleware_maintenance")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"paths": ["/"]}))
    check(so, "--settings", settings)
    gw = start("--plugin", str(so), config='plugins = { maintenance = { paths = ( "/orders/" ); '
                                           'retry_after = "10m"; message = "Later."; }; };')
    for path, status in (("/orders", 503), ("/orders/1", 503), ("/ordersx", 202), ("/", 202)):
        answer = gw.event("GET", path)
        assert answer.status == status
        if status == 503:
            assert answer.message == "Later." and answer.header("Retry-After") == "600"
    settings.write_text(json.dumps({"paths": ["orders"]}))
    done = subprocess.run([str(GATEWAY), "plugin", "check", "--settings", str(settings), str(so)],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "a path begins with /: 'orders'" in done.stderr


def test_the_provider_in_rust_answers_without_a_network(rust, start, tmp_path):
    function = tmp_path / "function.json"
    function.write_text(json.dumps({"text": "{id}"}))
    check(rust, "--function", function)
    gw = start("--plugin", str(rust))
    space = "/v1/spaces/default"
    text = '{"statusCode":200,"body":"{function} of {space}"}'
    made = gw.config("POST", f"{space}/functions",
                     {"functionId": "hello", "type": "template", "provider": {"text": text}})
    assert made.status == 201, made
    bad = gw.config("POST", f"{space}/functions", {"functionId": "x", "type": "template", "provider": {}})
    assert bad.status == 400 and "text has to be given" in bad.text
    gw.config("POST", f"{space}/eventtypes", {"name": "http.request"})
    gw.config("POST", f"{space}/subscriptions", {"type": "sync", "eventType": "http.request", "functionId": "hello",
                                                 "path": "/hello", "method": "GET"})
    gw.settle()
    answer = gw.event("GET", "/hello")
    assert (answer.status, answer.text) == (200, "hello of default")


def layout():
    """struct -> (size, [(field, offset, size)]) of the headers, which test_layout.c holds them to."""
    structs = {}
    for found in re.finditer(r"^(STRUCT|FIELD)\((\w+), (?:(\w+), )?(\d+)(?:, (\d+))?\)",
                             (ROOT / "tests/abi/layout_0_1.h").read_text(), re.M):
        if found[1] == "STRUCT":
            structs[found[2]] = (int(found[4]), [])
        else:
            structs[found[2]][1].append((found[3], int(found[4]), int(found[5])))
    return structs


def test_the_declarations_in_rust_agree_with_the_headers(rust, tmp_path):
    text = (EXAMPLES / "provider_template" / "eventgw.rs").read_text()
    declared = {name: re.findall(r"^    pub (\w+):", body, re.M)
                for name, body in re.findall(r"pub struct (\w+) \{\n(.*?)\n\}", text, re.S)}
    assert len(declared) == 12 and all(declared.values())
    lines = []
    for name, fields in declared.items():
        lines.append(f'    println!("{name} - {{}} {{}}", 0, std::mem::size_of::<{name}>());')
        for field in fields:
            lines.append(f"    {{ let u = std::mem::MaybeUninit::<{name}>::uninit(); let p = u.as_ptr();\n"
                         f"      let f = unsafe {{ std::ptr::addr_of!((*p).{field}) }};\n"
                         f'      println!("{name} {field} {{}} {{}}", f as usize - p as usize, size_of_what(f)); }}')
    (tmp_path / "eventgw.rs").write_text(text)
    (tmp_path / "layout.rs").write_text("mod eventgw;\nuse eventgw::*;\nfn size_of_what<T>(_: *const T) -> usize "
                                        "{ std::mem::size_of::<T>() }\nfn main() {\n" + "\n".join(lines) + "\n}\n")
    run("rustc", "--edition", "2021", "-o", tmp_path / "layout", tmp_path / "layout.rs")
    told = [line.split() for line in run(tmp_path / "layout").splitlines()]
    for name, fields in declared.items():
        size, rows = layout()[name]
        got = [(field.replace("kind", "type") if name == "eg_setting" else field, int(offset), int(bytes_))
               for struct, field, offset, bytes_ in told if struct == name]
        # The first version of a struct is the beginning of the present one.
        assert got[1:] == rows[:len(fields)], name
        first_after = rows[len(fields)][1] if len(fields) < len(rows) else size
        assert got[0][2] == first_after, name


@pytest.mark.parametrize("path", sorted(p for p in EXAMPLES.glob("*/*") if p.suffix != ".txt"), ids=lambda p: p.name)
def test_examples_are_short(path):
    assert len(path.read_text().splitlines()) < 150
    assert "../" not in path.read_text() and os.access(path, os.R_OK)
