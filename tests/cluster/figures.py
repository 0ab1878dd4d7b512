"""What the cluster tests measure, as a Markdown table: `python3 tests/cluster/figures.py`, after a run of
`tests/run cluster`."""
import json
import os
import pathlib

FILE = pathlib.Path(__file__).resolve().parents[2] / "build" / "tests" / "cluster.jsonl"

# name -> (heading, unit). The rows of the table, in this order.
ROWS = {
    "writes": ("configuration writes a second, three writers on three nodes", ""),
    "answers": ("answers checked against the configuration of their revision", ""),
    "converged": ("last write until all three nodes route it", "ms"),
    "refused": ("store killed: the Config API answers 503 after", "ms"),
    "returned": ("store back: all nodes have converged after", "ms"),
    "noticed": ("node cut off (stalled): it says so after", "s"),
    "healed": ("partition of 60 s healed: the node has converged after", "ms"),
    "twenty": ("20 gateways started at once: all serve after", "s"),
    "herd": ("store restarted under 20 gateways: all have converged after", "s"),
    "herd_bytes": ("the same: bytes a node read of the store, in full lists", ""),
}


def write_figures(kind, name, value):
    assert name in ROWS, name
    FILE.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"kind": kind, "name": name, "value": value}) + "\n"
    with open(FILE, "a", encoding="utf-8") as file:   # one write: tests run side by side
        os.write(file.fileno(), line.encode())


def table():
    values, kinds = {}, []
    for line in FILE.read_text().splitlines():
        row = json.loads(line)
        values[row["kind"], row["name"]] = row["value"]   # the newest run counts
        if row["kind"] not in kinds:
            kinds.append(row["kind"])
    order = [k for k in ("embedded", "etcd", "consul", "redis", "zookeeper") if k in kinds]
    lines = ["| | " + " | ".join(order) + " |", "| --- |" + " ---: |" * len(order)]
    for name, (heading, unit) in ROWS.items():
        cells = [values.get((kind, name)) for kind in order]
        lines.append(f"| {heading} | " + " | ".join(
            "–" if c is None else f"{c:g} {unit}".strip() for c in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
