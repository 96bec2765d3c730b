"""What `benchmarks.soak` has left, as figures and as a plot: memory, open files, ages, lag, checkpoints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

SETTLED_MIN = 10  # slopes are those of what comes later
LATE_MIN = 30  # ... and of what comes later still, when every shape of batch has been seen
WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 120, 70, 40, 46
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
POINTS = 120  # a line: more cannot be told apart

Line = tuple[str, np.ndarray, np.ndarray]  # name, minutes, values


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def series(samples: list[dict], prefix: str, started: float) -> list[Line]:
    """Of each process: minutes and values of the samples that have it."""
    names = dict.fromkeys(key for noted in samples for key in noted if key.startswith(prefix))
    lines = []
    for name in names:
        points = [(noted["at"], noted[name]) for noted in samples if noted.get(name) is not None]
        at, values = np.array(points, dtype=float).T
        lines.append((name.removeprefix(prefix), (at - started) / 60, values))
    return lines


def slope(line: Line, after_min: float = SETTLED_MIN) -> float | None:
    """Least squares over what comes after so many minutes, per minute."""
    _, minutes, values = line
    late = minutes > after_min
    return round(float(np.polyfit(minutes[late], values[late], 1)[0]), 2) if late.sum() > 10 else None


def aged(ledger: dict) -> tuple[np.ndarray, np.ndarray]:
    """Of each row: when it was made (minutes since the start) and its age when its file appeared (s)."""
    pairs = [(made / 1000, at - made / 1000) for at, times in ledger["published"] for made in times]
    made, age = np.array(sorted(pairs)).T
    return (made - ledger["started"]) / 60, age


def percentiles(ledger: dict) -> list[Line]:
    """p50 and p99 of the records made in each minute."""
    made, age = aged(ledger)
    minutes = np.unique(made.astype(int))
    groups = [age[made.astype(int) == minute] for minute in minutes]
    return [
        (f"p{percent}", minutes + 0.5, np.array([np.percentile(group, percent) for group in groups]))
        for percent in (50, 99)
    ]


def lag(ledger: dict) -> Line:
    """Records sent and not yet published, each five seconds."""
    sent, counts = np.array(ledger["sent"]).T
    files = np.array([(at, len(times)) for at, times in ledger["published"]])
    grid = np.arange(ledger["started"], max(sent[-1], files[-1, 0]) + 5, 5.0)
    so_far = np.concatenate([[0], counts])[np.searchsorted(sent, grid, side="right")]
    shown = np.concatenate([[0], np.cumsum(files[:, 1])])[np.searchsorted(files[:, 0], grid, side="right")]
    return "records", (grid - ledger["started"]) / 60, so_far - shown


def report(work: Path, svg: Path | None = None) -> dict[str, object]:
    """The figures of a run; writes its plot to `svg`."""
    samples, events = read_lines(work / "samples.jsonl"), read_lines(work / "events.jsonl")
    ledger = json.loads((work / "ledger.json").read_text())
    started = ledger["started"]
    memory, open_files = series(samples, "rss ", started), series(samples, "files ", started)
    waits = lag(ledger)
    checkpoint = [("KB", line[1], line[2] / 1e3) for line in series(samples, "checkpoint_bytes", started)]
    made, age = aged(ledger)
    calm = np.ones(len(made), dtype=bool)
    for event in events:  # and half a minute to catch up
        from_, until = (event["from"] - started) / 60, (event["until"] - started) / 60
        calm &= (made < from_ - 0.1) | (made > until + 0.5)
    restarts = {
        name: len({noted[name] for noted in samples if name in noted}) - 1
        for name in dict.fromkeys(key for noted in samples for key in noted if key.startswith("pid "))
    }
    if svg is not None:
        panels = [("resident memory, MB", memory), ("open files", open_files)]
        panels += [("age of records when published, s (logarithmic)", percentiles(ledger))]
        panels += [("records sent and not yet published", [waits])]
        panels += [("checkpoint, KB", checkpoint)] if checkpoint else []
        spans = [((e["from"] - started) / 60, (e["until"] - started) / 60, e["what"]) for e in events]
        svg.write_text(plot(panels, spans))
    return {
        "where": ledger["where"],
        "minutes": round((samples[-1]["at"] - started) / 60, 1),
        "records": ledger["records"],
        "rows": sum(len(times) for _, times in ledger["published"]),
        "files": len(ledger["published"]),
        "age_s": {f"p{p}": round(float(np.percentile(age, p)), 2) for p in (50, 99, 100)},
        "age_s_undisturbed": {f"p{p}": round(float(np.percentile(age[calm], p)), 2) for p in (50, 99, 100)},
        "lag": {"median": int(np.median(waits[2])), "most": int(waits[2].max())},
        "rss_mb": {
            name: {
                "at_10_min": round(float(values[minutes > SETTLED_MIN][:1].sum()), 1),
                "last": float(values[-1]),
                "most": float(values.max()),
                "slope_per_min": slope((name, minutes, values)),
                "slope_after_30_min": slope((name, minutes, values), LATE_MIN),
            }
            for name, minutes, values in memory
        },
        "open_files": {
            name: {
                "most": int(values.max()),
                "last": int(values[-1]),
                "slope_per_min": slope((name, minutes, values)),
            }
            for name, minutes, values in open_files
        },
        "checkpoint_kb": [
            {"first": line[2][0], "last": line[2][-1], "most": line[2].max(), "slope_per_min": slope(line)}
            for line in checkpoint
        ],
        "restarts": {name.removeprefix("pid "): count for name, count in restarts.items() if count},
        "events": [f"minute {(e['from'] - started) / 60:.0f}: {e['what']}" for e in events],
        "load_average": round(float(np.mean([noted["load"] for noted in samples])), 1),
    }


def plot(panels: Sequence[tuple[str, list[Line]]], spans: Sequence[tuple[float, float, str]]) -> str:
    """An SVG, one panel below the other; disturbances are grey."""
    minutes = max(float(line[1].max()) for _, lines in panels for line in lines)
    across = (WIDTH - LEFT - 170) / minutes
    height = TOP + len(panels) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="11"><rect width="{WIDTH}" height="{height}" fill="white"/>'
    ]
    for number, (title, lines) in enumerate(panels):
        top = TOP + number * (HEIGHT + GAP)
        logarithmic = "logarithmic" in title
        low = 0.1 if logarithmic else 0.0
        high = max(max(float(line[2].max()) for line in lines) * 1.05, low * 10, 1)

        def down(values: np.ndarray, low=low, high=high, top=top, logarithmic=logarithmic) -> np.ndarray:
            if logarithmic:
                shares = np.log(np.maximum(values, low) / low) / np.log(high / low)
            else:
                shares = values / high
            return top + HEIGHT * (1 - shares)

        for from_, until, what in spans:
            parts.append(
                f'<rect x="{LEFT + from_ * across:.1f}" y="{top}" width="{(until - from_) * across:.1f}" '
                f'height="{HEIGHT}" fill="#dddddd"><title>{escape(what)}</title></rect>'
            )
            if number == 0:
                parts.append(
                    f'<text x="{LEFT + from_ * across:.1f}" y="14" font-size="9">{escape(what)}</text>'
                )
        parts.append(f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{escape(title)}</text>')
        axes = f"M{LEFT} {top}V{top + HEIGHT}H{LEFT + minutes * across:.0f}"
        parts.append(f'<path d="{axes}" fill="none" stroke="#333"/>')
        for value in (low, (low * high) ** 0.5 if logarithmic else high / 2, high):
            at = float(down(np.array([value]))[0])
            parts.append(f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        for minute in range(0, int(minutes) + 1, 10):
            at = LEFT + minute * across
            parts.append(
                f'<text x="{at:.1f}" y="{top + HEIGHT + 13}" text-anchor="middle">{minute} min</text>'
            )
        for place, (name, at, values) in enumerate(lines):
            step = max(1, len(at) // POINTS)
            points = zip(LEFT + at[::step] * across, down(values[::step]), strict=True)
            drawn = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
            colour = COLOURS[place % len(COLOURS)]
            parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
            parts.append(
                f'<text x="{WIDTH - 160}" y="{top + 10 + 13 * place}" fill="{colour}">{escape(name)}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--svg", type=Path, default=None)
    arguments = parser.parse_args()
    print(json.dumps(report(arguments.work, arguments.svg), indent=1))


if __name__ == "__main__":
    main()
