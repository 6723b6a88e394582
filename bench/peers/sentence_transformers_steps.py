"""Times training steps of sentence-transformers on a GPU: the peer of `MnrEngine bench`.

    python3 bench/peers/sentence_transformers_steps.py MODEL_FOLDER PAIRS.tsv[.gz] [--batch-size 32] [--steps 50] [--json FILE] [--seconds 60]

The same work as ours: the model of the folder with its dropout (0.1 in BERT's), MultipleNegativesRankingLoss with scale 20, gradients clipped to norm 1, AdamW
(torch's fused one) with weight decay 0.01, the rows of the file in their order. Favourable to the peer: batches are tokenised and on the GPU before the clock
starts, each column padded to its longest sentence, and nothing of a Trainer's bookkeeping runs. Attention is torch's scaled_dot_product_attention. Variants:
fp32; tf32; bf16 (autocast with fp32 weights, as the Trainer's bf16=True); each with torch.compile where the time allows.
"""
import argparse
import csv
import gzip
import json
import statistics
import sys
import time

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.losses import MultipleNegativesRankingLoss

WARMUP_STEPS = 5
LENGTHS_TO_A_MULTIPLE_OF = 16  # for the compiled variants, which compile anew for every length


def read_pairs(path, count):
    opened = gzip.open(path, "rt", encoding="utf-8", newline="") if path.endswith(".gz") else open(path, encoding="utf-8", newline="")
    with opened as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        pairs = [row[:2] for row, _ in zip(rows, range(count))]
    if len(pairs) < count:
        sys.exit(f"{path} has {len(pairs)} rows, but {count} are needed")
    return pairs


def batches_of(model, pairs, batch_size, multiple):
    """Features of both columns of each batch, on the GPU."""
    batches = []
    for first in range(0, len(pairs), batch_size):
        columns = zip(*pairs[first:first + batch_size])
        batches.append([
            {
                name: value.to("cuda")
                for name, value in model.tokenizer(
                    list(column), padding=True, truncation=True, max_length=model.max_seq_length, return_tensors="pt",
                    pad_to_multiple_of=multiple).items()
            }
            for column in columns
        ])
    return batches


def milliseconds_of_steps(folder, pairs, arguments, precision, compiled, deadline):
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    model = SentenceTransformer(folder, device="cuda", model_kwargs={"attn_implementation": "sdpa"})
    model.train()
    batches = batches_of(model, pairs, arguments.batch_size, LENGTHS_TO_A_MULTIPLE_OF if compiled else None)
    tokens = sum(int(column["attention_mask"].sum()) for batch in batches for column in batch) / len(batches)
    loss_of = MultipleNegativesRankingLoss(model)
    decayed = [p for name, p in model.named_parameters() if not name.endswith("bias") and "LayerNorm" not in name]
    others = [p for name, p in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=2e-5, fused=True)
    if compiled:
        (getattr(model[0], "auto_model", None) or model[0].model).compile(dynamic=False)
    times = []
    for step, batch in enumerate(batches):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        begin.record()
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=precision == "bf16"):
            loss = loss_of([dict(column) for column in batch], None)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
        if step == WARMUP_STEPS:
            torch.cuda.reset_peak_memory_stats()
        if time.monotonic() > deadline and len(times) > WARMUP_STEPS + 5:
            break
    measured = times[WARMUP_STEPS:]
    return {
        "steps": len(measured), "median_ms": statistics.median(measured), "best_ms": min(measured), "tokens_per_step": tokens, "loss": float(loss),
        "peak_memory_mb": torch.cuda.max_memory_allocated() / 1e6,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no GPU that torch can use")
    pairs = read_pairs(arguments.data, arguments.batch_size * (WARMUP_STEPS + arguments.steps))
    begin = time.monotonic()
    result = {"torch": torch.__version__, "device": torch.cuda.get_device_name(), "batch_size": arguments.batch_size, "variants": {}}
    for compiled in (False, True):
        for precision in ("fp32", "tf32", "bf16"):
            name = f"{precision}{', compiled' if compiled else ''}"
            left = arguments.seconds - (time.monotonic() - begin)
            # Compiling takes half a minute or so; what was begun is not broken off.
            if left < (20 if compiled else 1):
                print(f"{name}: not run, the time is used up", flush=True)
                continue
            try:
                figures = milliseconds_of_steps(arguments.model, pairs, arguments, precision, compiled, begin + arguments.seconds)
            except Exception as error:  # a variant that this machine can't run must not keep the others from running
                figures = {"error": f"{type(error).__name__}: {error}"[:300]}
            result["variants"][name] = figures
            print(f"{name}: {json.dumps(figures)}", flush=True)
            if arguments.json:
                with open(arguments.json, "w", encoding="utf-8") as file:
                    json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
