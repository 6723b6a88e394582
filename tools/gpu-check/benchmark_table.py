"""Markdown tables of the figures that the stage `benchmarks` left in a folder, and in its count.txt how many of the planned rows there are.

engine-SHAPE-PRECISION-BATCH.json are those of `MnrEngine bench --json`, rows.jsonl those of bench/peers/sentence_transformers_speed.py, plan.txt names all rows.
"""
import json
import pathlib
import sys


def ours(folder):
    """(model, kind, batch, variant) and its figure: milliseconds a step, or sentences a second."""
    for file in sorted(folder.glob("engine-*.json")):
        model, precision, batch = file.stem.removeprefix("engine-").rsplit("-", 2)
        try:
            result = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if training := result.get("training"):
            yield (model, "training", int(batch), precision), training["median_seconds"] * 1e3
        if encoding := result.get("encoding"):
            yield (model, "encoding", int(batch), precision), encoding["sentences"] / encoding["seconds"]


def theirs(folder):
    file = folder / "rows.jsonl"
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:  # the last line of one that was stopped
            continue
        key = row["model"], row["kind"], row["batch"], row["variant"]
        yield key, row.get("error") or row.get("median_ms") or row["sentences_per_second"]


def table(title, kind, mine, peers):
    faster = max if kind == "encoding" else min
    keys = sorted({key[:3] + (key[3].split()[0],) for key in [*mine, *peers] if key[1] == kind})
    if not keys:
        return
    print(f"\n{title}\n\n| model | batch | precision | MnrEngine | best of theirs | which | as many times | all of theirs |\n|---|---|---|---|---|---|---|---|")
    for model, _, batch, precision in keys:
        here = mine.get((model, kind, batch, precision))
        variants = {key[3]: figure for key, figure in peers.items() if key[:3] == (model, kind, batch) and key[3].split()[0] == precision}
        measured = {variant: figure for variant, figure in variants.items() if not isinstance(figure, str)}
        which = faster(measured, key=measured.get) if measured else None
        best = measured.get(which)
        ratio = (here / best if kind == "encoding" else best / here) if here and best else None
        form = "{:,.0f}" if kind == "encoding" else "{:,.2f}"
        show = lambda figure, form=form: "" if figure is None else figure.replace("|", "/") if isinstance(figure, str) else form.format(figure)
        every = "; ".join(f"{variant} {show(figure)}" for variant, figure in variants.items())
        print(f"| {model} | {batch} | {precision} | {show(here)} | {show(best)} | {which or ''} | {show(ratio, '{:.1f}')} | {every} |")


def main():
    folder = pathlib.Path(sys.argv[1])
    mine, peers = dict(ours(folder)), dict(theirs(folder))
    table("Milliseconds of a training step, the median:", "training", mine, peers)
    table("Sentences a second, encoding, sorted by length:", "encoding", mine, peers)
    planned = [line.split("\t") for line in (folder / "plan.txt").read_text(encoding="utf-8").splitlines()]
    figures = {"ours": mine, "peer": peers}
    written = sum((model, kind, int(batch), variant) in figures[who] for who, model, kind, batch, variant in planned)
    (folder / "count.txt").write_text(f"{written} {len(planned)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
