"""Compares our embeddings of sentences with those that sentence-transformers and transformers compute from the same folder.

    compare_embeddings.py MODEL_FOLDER SENTENCES.txt EMBEDDINGS.npy
"""
import sys

import numpy
import sentence_transformers
import torch
import transformers

TOLERANCE = 1e-5  # of an embedding's length; fp32 on both sides, on processors or GPUs that round differently


def with_transformers(folder, sentences):
    """Mean pooling over transformers' own model, for a folder whose pooling is the mean."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    for first in range(0, len(sentences), 32):
        inputs = tokenizer(sentences[first:first + 32], padding=True, truncation=True, max_length=128, return_tensors="pt")
        hidden = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        rows.append((hidden * mask).sum(1) / mask.sum(1))
    return torch.cat(rows).numpy()


def main():
    folder, sentences_file, embeddings_file = sys.argv[1:]
    with open(sentences_file, encoding="utf-8") as file:
        sentences = file.read().splitlines()
    ours = numpy.load(embeddings_file)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, sentence-transformers {sentence_transformers.__version__}")
    with torch.no_grad():
        references = {
            "sentence-transformers": sentence_transformers.SentenceTransformer(folder, device="cpu").encode(sentences, batch_size=32),
            "transformers": with_transformers(folder, sentences),
        }
    failed = False
    for name, reference in references.items():
        if ours.shape != reference.shape:
            print(f"{name}: {reference.shape} numbers, but ours are {ours.shape}")
            failed = True
            continue
        error = numpy.linalg.norm(ours - reference, axis=1) / numpy.linalg.norm(reference, axis=1)
        print(f"{name}: {len(sentences)} embeddings differ by at most {error.max():.1e} of their length, {error.mean():.1e} on average")
        failed |= not error.max() <= TOLERANCE
    if failed:
        sys.exit(f"embeddings differ by more than {TOLERANCE:.0e} of their length")


if __name__ == "__main__":
    main()
