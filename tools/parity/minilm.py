"""Makes crates/anyface-train/tests/fixtures/minilm: random BERT weights and their sentence embeddings.

The layout is that of all-MiniLM-L6-v2, smaller; the arithmetic is written out in numpy in float64,
after transformers' BertModel and sentence-transformers' mean pooling.

    python tools/parity/minilm.py        (needs numpy and safetensors)
"""

import json
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

DIM, HEADS, LAYERS, HIDDEN = 24, 3, 2, 48
WORDS = "a an old young sailor woman with beard and hat ##s face the smiling , .".split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
SENTENCES = {
    "a sailor": "a sailor",
    "An OLD sailor, with hats.": "an old sailor , with hat ##s .",
    "the young woman": "the young woman",
    "zebra": "[UNK]",
}


def random_weights(rng):
    weights = {}

    def dense(name, inputs, outputs):
        weights[f"{name}.weight"] = rng.normal(size=(outputs, inputs)) / math.sqrt(inputs)
        weights[f"{name}.bias"] = rng.normal(size=outputs) * 0.1

    def norm(name):
        weights[f"{name}.weight"] = 1 + 0.2 * rng.normal(size=DIM)
        weights[f"{name}.bias"] = 0.2 * rng.normal(size=DIM)

    for name, rows in [("word", len(VOCABULARY)), ("position", 16), ("token_type", 2)]:
        weights[f"embeddings.{name}_embeddings.weight"] = rng.normal(size=(rows, DIM))
    norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for part in ["query", "key", "value"]:
            dense(f"{layer}.attention.self.{part}", DIM, DIM)
        dense(f"{layer}.attention.output.dense", DIM, DIM)
        norm(f"{layer}.attention.output.LayerNorm")
        dense(f"{layer}.intermediate.dense", DIM, HIDDEN)
        dense(f"{layer}.output.dense", HIDDEN, DIM)
        norm(f"{layer}.output.LayerNorm")
    return {name: value.astype(np.float32) for name, value in weights.items()}


def embed(weights, pieces):
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    gelu = np.vectorize(lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))))

    def dense(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def heads(x):
        return x.reshape(len(x), HEADS, DIM // HEADS).transpose(1, 0, 2)

    ids = [VOCABULARY.index(piece) for piece in ["[CLS]", *pieces, "[SEP]"]]
    x = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(x, "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q, k, v = (heads(dense(x, f"{layer}.attention.self.{p}")) for p in ["query", "key", "value"])
        scores = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(DIM // HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(ids), DIM)
        x = norm(x + dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        hidden = gelu(dense(x, f"{layer}.intermediate.dense"))
        x = norm(x + dense(hidden, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def tokenizer():
    special = [{"id": i, "content": VOCABULARY[i], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for i in range(4)]
    return {
        "version": "1.0",
        "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [],
            "special_tokens": {name: {"id": name, "ids": [VOCABULARY.index(name)], "tokens": [name]}
                               for name in ["[CLS]", "[SEP]"]},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {piece: i for i, piece in enumerate(VOCABULARY)}},
    }


def main():
    root = Path(__file__).resolve().parents[2]
    folder = root / "crates/anyface-train/tests/fixtures/minilm"
    folder.mkdir(parents=True, exist_ok=True)
    weights = random_weights(np.random.default_rng(0))
    save_file(weights, folder / "model.safetensors")
    config = {"num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (folder / "config.json").write_text(json.dumps(config) + "\n")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(), indent=1) + "\n")
    expected = {text: [round(v, 7) for v in embed(weights, pieces.split())] for text, pieces in SENTENCES.items()}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
