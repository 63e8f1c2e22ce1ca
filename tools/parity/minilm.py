"""Writes crates/anyface-train/tests/fixtures/minilm: random BERT weights and sentence embeddings.

The network is a small version of all-MiniLM-L6-v2. Embeddings are computed by transformers'
BertModel in float64, with the mean pooling of sentence-transformers.

    pip install torch transformers safetensors
    python tools/parity/minilm.py
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

DIM, HEADS, LAYERS, HIDDEN = 24, 3, 2, 48
WORDS = "a an old young sailor woman with beard and hat ##s face the smiling , .".split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
SENTENCES = {
    "a sailor": "a sailor",
    "An OLD sailor, with hats.": "an old sailor , with hat ##s .",
    "the young woman": "the young woman",
    "zebra": "[UNK]",
}


def random_model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=DIM,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        intermediate_size=HIDDEN,
        max_position_embeddings=16,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    for name, parameter in model.named_parameters():
        is_norm = name.endswith("LayerNorm.weight")
        torch.nn.init.normal_(parameter, mean=float(is_norm), std=0.2)
    return model


@torch.no_grad()
def embed(model, pieces):
    ids = [VOCABULARY.index(piece) for piece in ["[CLS]", *pieces, "[SEP]"]]
    mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
    return (mean / mean.norm()).tolist()


def tokenizer():
    special = [
        {
            "id": i,
            "content": VOCABULARY[i],
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for i in range(4)
    ]
    return {
        "version": "1.0",
        "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            ],
            "pair": [],
            "special_tokens": {
                name: {"id": name, "ids": [VOCABULARY.index(name)], "tokens": [name]}
                for name in ["[CLS]", "[SEP]"]
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: i for i, piece in enumerate(VOCABULARY)},
        },
    }


def main():
    root = Path(__file__).resolve().parents[2]
    folder = root / "crates/anyface-train/tests/fixtures/minilm"
    folder.mkdir(parents=True, exist_ok=True)
    model = random_model()
    save_file(dict(model.named_parameters()), folder / "model.safetensors")
    model = model.double()
    config = {"num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (folder / "config.json").write_text(json.dumps(config) + "\n")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(), indent=1) + "\n")
    expected = {
        text: [round(v, 7) for v in embed(model, pieces.split())]
        for text, pieces in SENTENCES.items()
    }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
