"""A Markdown table of the figures that the stage `benchmarks` left in a folder: engine-SHAPE-PRECISION-BATCH.json and peers-SHAPE-BATCH.json."""
import json
import pathlib
import sys


def rows(folder):
    for file in sorted(folder.glob("engine-*.json")):
        shape, precision, batch = file.stem.removeprefix("engine-").rsplit("-", 2)
        try:
            training = json.loads(file.read_text(encoding="utf-8"))["training"]
        except (ValueError, KeyError):
            continue
        yield shape, int(batch), f"MnrEngine {precision}", training["median_seconds"] * 1e3
    for file in sorted(folder.glob("peers-*.json")):
        shape, batch = file.stem.removeprefix("peers-").rsplit("-", 1)
        for variant, figures in json.loads(file.read_text(encoding="utf-8"))["variants"].items():
            yield shape, int(batch), f"sentence-transformers {variant}", figures.get("median_ms", figures.get("error"))


def main():
    print("| model | batch | what | ms a step (median) | pairs a second |")
    print("|---|---|---|---|---|")
    for shape, batch, what, milliseconds in sorted(rows(pathlib.Path(sys.argv[1])), key=lambda row: row[:2]):
        if isinstance(milliseconds, (int, float)):
            print(f"| {shape} | {batch} | {what} | {milliseconds:.2f} | {batch / milliseconds * 1e3:,.0f} |")
        else:
            print(f"| {shape} | {batch} | {what} | {str(milliseconds).replace('|', '/')} | |")


if __name__ == "__main__":
    main()
