"""Times training steps and encoding of sentence-transformers on a GPU: the peer of `MnrEngine bench`.

    python3 bench/peers/sentence_transformers_speed.py PAIRS.tsv[.gz] NAME=MODEL_FOLDER... [--rows FILE] [--seconds 120] [--plan] [--prepare]

The same work as ours: the model of the folder with its dropout (0.1 in BERT's), MultipleNegativesRankingLoss with scale 20, gradients clipped to norm 1, AdamW
with weight decay 0.01, the rows of the file in their order. Favourable to the peer: batches are tokenised and on the GPU before the clock starts, each column
padded to its longest sentence, nothing of a Trainer's bookkeeping runs, AdamW is torch's fused one and attention torch's scaled_dot_product_attention. Each batch
is run once before it is timed, since libraries load other kernels for other lengths. Encoding: sentences sorted by their tokens, in batches of 128.

Variants of a training step:
    fp32, tf32
    bf16 weights            the model's weights (and so AdamW's moments) in bf16, as model.to(torch.bfloat16)
    bf16 autocast           fp32 weights, as the Trainer's bf16=True
    ..., compiled           with torch.compile(dynamic=True)
Encoding: fp32, and bf16 weights.

Rows are appended to the file as soon as they are measured, one JSON object a line, what is worth most first. What does not fit in the seconds is left out.
--plan prints the rows that there would be, and needs no torch. --prepare runs each compiled variant for two batches and measures nothing: what it compiles is
then in torch's caches on disk.
"""
import argparse
import csv
import gzip
import json
import statistics
import sys
import time

BATCH_SIZES = (128, 32)
BATCHES = 16  # each run once to warm up and once for its time
ENCODED = 4096
ENCODING_BATCH = 128
ENCODING_RUNS = 3
# Seconds that a job has to have left to be begun; what was begun is not broken off. Compiling is the long part of those that are compiled.
LEAST_SECONDS = {"training": 6, "compiled": 20, "encoding": 4}


def jobs(models):
    """(model, kind, variant), what is worth most first; a training job is timed at each of BATCH_SIZES."""
    order = [
        ("training", "bf16 weights"), ("training", "fp32"), ("encoding", "bf16 weights"), ("encoding", "fp32"), ("training", "tf32"),
        ("training", "bf16 weights, compiled"), ("training", "bf16 autocast"), ("training", "bf16 autocast, compiled"),
    ]
    return [(model, kind, variant) for kind, variant in order for model in models]


def batch_sizes(kind):
    return BATCH_SIZES if kind == "training" else (ENCODING_BATCH,)


def read_pairs(path, count):
    opened = gzip.open(path, "rt", encoding="utf-8", newline="") if path.endswith(".gz") else open(path, encoding="utf-8", newline="")
    with opened as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        pairs = [row[:2] for row, _ in zip(rows, range(count))]
    if len(pairs) < count:
        sys.exit(f"{path} has {len(pairs)} rows, but {count} are needed")
    return pairs


def features_of(model, sentences):
    features = model.tokenizer(list(sentences), padding=True, truncation=True, max_length=model.max_seq_length, return_tensors="pt")
    return {name: value.to("cuda") for name, value in features.items()}


def load(folder, variant):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = variant == "tf32"
    torch.backends.cudnn.allow_tf32 = variant == "tf32"
    model = SentenceTransformer(folder, device="cuda", model_kwargs={"attn_implementation": "sdpa"})
    if variant.startswith("bf16 weights"):
        model.to(torch.bfloat16)
    if variant.endswith("compiled"):
        torch._dynamo.reset()
        (getattr(model[0], "auto_model", None) or model[0].model).compile(dynamic=True)
    return model


class Training:
    """Steps of one variant of a model."""

    def __init__(self, folder, variant):
        import torch
        from sentence_transformers.losses import MultipleNegativesRankingLoss

        self.torch = torch
        self.model = load(folder, variant)
        self.model.train()
        self.autocast = "autocast" in variant
        self.loss = MultipleNegativesRankingLoss(self.model)
        decayed = [p for name, p in self.model.named_parameters() if not name.endswith("bias") and "LayerNorm" not in name]
        others = [p for name, p in self.model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
        self.optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=2e-5, fused=True)

    def batches(self, pairs, batch_size, count):
        return [
            [features_of(self.model, column) for column in zip(*pairs[first:first + batch_size])]
            for first in range(0, count * batch_size, batch_size)
        ]

    def step(self, batch):
        """Milliseconds, and the loss."""
        torch = self.torch
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        begin.record()
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.autocast):
            loss = self.loss([dict(column) for column in batch], None)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end), float(loss.detach())

    def figures(self, pairs, batch_size):
        batches = self.batches(pairs, batch_size, BATCHES)
        tokens = sum(int(column["attention_mask"].sum()) for batch in batches for column in batch) / len(batches)
        for batch in batches:
            self.step(batch)
        self.torch.cuda.reset_peak_memory_stats()
        steps = [self.step(batch) for batch in batches]
        times = [milliseconds for milliseconds, _ in steps]
        return {
            "steps": len(times), "median_ms": statistics.median(times), "best_ms": min(times), "worst_ms": max(times), "tokens_per_step": tokens,
            "loss": steps[-1][1], "peak_memory_mb": self.torch.cuda.max_memory_allocated() / 1e6,
        }


def encoding_figures(folder, variant, pairs):
    import torch

    model = load(folder, variant)
    model.eval()
    sentences = [sentence for column in zip(*pairs) for sentence in column][:ENCODED]
    lengths = [len(ids) for ids in model.tokenizer(sentences, truncation=True, max_length=model.max_seq_length)["input_ids"]]
    ordered = [sentences[i] for i in sorted(range(len(sentences)), key=lambda i: lengths[i])]
    batches = [features_of(model, ordered[first:first + ENCODING_BATCH]) for first in range(0, len(ordered), ENCODING_BATCH)]
    times = []
    with torch.inference_mode():
        for _ in range(1 + ENCODING_RUNS):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            embeddings = torch.cat([model(dict(batch))["sentence_embedding"].float() for batch in batches]).cpu()
            times.append(time.perf_counter() - begin)
    if embeddings.shape[0] != len(sentences) or not bool(torch.isfinite(embeddings).all()):
        raise ValueError(f"embeddings of {len(sentences)} sentences are {tuple(embeddings.shape)}, or not all are numbers")
    return {"sentences": len(sentences), "tokens": sum(lengths), "seconds": min(times[1:]), "sentences_per_second": len(sentences) / min(times[1:])}


def prepare(models, pairs, deadline):
    for model, kind, variant in jobs(models):
        if variant.endswith("compiled") and time.monotonic() < deadline:
            begin = time.monotonic()
            training = Training(models[model], variant)
            for batch_size in BATCH_SIZES:
                for batch in training.batches(pairs, batch_size, 2):
                    training.step(batch)
            print(f"{model}, {variant}: compiled in {time.monotonic() - begin:.0f} s", flush=True)


def measure(models, pairs, deadline, write):
    import torch

    for model, kind, variant in jobs(models):
        needed = LEAST_SECONDS["compiled" if variant.endswith("compiled") else kind]
        if deadline - time.monotonic() < needed:
            print(f"{model}, {kind}, {variant}: left out, less than {needed} s are left", flush=True)
            continue
        begin = time.monotonic()
        training = None
        for batch_size in batch_sizes(kind):
            row = {"model": model, "kind": kind, "batch": batch_size, "variant": variant}
            try:
                if kind == "encoding":
                    row |= encoding_figures(models[model], variant, pairs)
                else:
                    training = training or Training(models[model], variant)
                    row |= training.figures(pairs, batch_size)
            except Exception as error:  # a variant that this machine can't run must not keep the others from running
                row["error"] = f"{type(error).__name__}: {error}"[:300]
            write(row)
        del training
        torch.cuda.empty_cache()
        print(f"{model}, {kind}, {variant}: {time.monotonic() - begin:.1f} s", flush=True)


def main():
    began = time.monotonic()
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("models", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--rows")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--prepare", action="store_true")
    arguments = parser.parse_args()
    models = dict(model.split("=", 1) for model in arguments.models)
    if arguments.plan:
        for model, kind, variant in jobs(models):
            for batch_size in batch_sizes(kind):
                print(f"peer\t{model}\t{kind}\t{batch_size}\t{variant}")
        return
    pairs = read_pairs(arguments.data, max(BATCHES * max(BATCH_SIZES), ENCODED))
    import sentence_transformers
    import torch
    import transformers

    if not torch.cuda.is_available():
        sys.exit("no GPU that torch can use")
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, sentence-transformers {sentence_transformers.__version__}, "
        f"{torch.cuda.get_device_name()}; imported in {time.monotonic() - began:.0f} s", flush=True)
    if arguments.prepare:
        prepare(models, pairs, began + arguments.seconds)
        return

    def write(row):
        print(json.dumps(row), flush=True)
        if arguments.rows:
            with open(arguments.rows, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    measure(models, pairs, began + arguments.seconds, write)


if __name__ == "__main__":
    main()
