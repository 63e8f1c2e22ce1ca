"""Makes crates/anyface/tests/fixtures/mapper.safetensors: one stream of the mapper in float64 numpy.

    pip install numpy safetensors
    python tools/parity/mapper.py

Written from the description in the paper and in ARCHITECTURE.md, without a look at the Rust code. Weights stand under
the stream's own keys, inputs and outputs under `io.*`.
"""

import math
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

FIXTURE = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/mapper.safetensors"
FEATURE, LAYERS, W_DIM, WIDTH, BLOCKS, HEADS, HIDDEN = 6, 4, 5, 8, 2, 2, 10
LR_MULTIPLIER = 0.01
N, CAPTIONS = 3, 2


def layer_norm(x, weight, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias


def attention(x, p, absent):
    n, tokens, width = x.shape
    qkv = x @ p["attn.in_proj_weight"].T + p["attn.in_proj_bias"]
    heads = [part.reshape(n, tokens, HEADS, width // HEADS).transpose(0, 2, 1, 3) for part in np.split(qkv, 3, -1)]
    query, key, value = heads
    logits = query @ key.transpose(0, 1, 3, 2) / math.sqrt(width // HEADS)
    logits = np.where(absent[:, None, None, :], -np.inf, logits)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    merged = (weights @ value).transpose(0, 2, 1, 3).reshape(n, tokens, width)
    return merged @ p["attn.out_proj.weight"].T + p["attn.out_proj.bias"]


def mlp(x, p):
    hidden = x @ p["mlp.c_fc.weight"].T + p["mlp.c_fc.bias"]
    hidden = hidden / (1 + np.exp(-1.702 * hidden))
    return hidden @ p["mlp.c_proj.weight"].T + p["mlp.c_proj.bias"]


def stream(p, features, absent, w_c):
    tokens = [np.broadcast_to(p["queries"], (N, LAYERS, WIDTH)), features @ p["embed.weight"] + p["embed.bias"]]
    tokens.append((w_c @ p["embed_latent.weight"] + p["embed_latent.bias"])[:, None])
    hidden = np.concatenate(tokens, 1)
    padding = np.concatenate([np.zeros((N, LAYERS), bool), absent, np.zeros((N, 1), bool)], 1)
    for i in range(BLOCKS):
        prefix = f"transformer.resblocks.{i}."
        block = {key.removeprefix(prefix): value for key, value in p.items() if key.startswith(prefix)}
        hidden = hidden + attention(layer_norm(hidden, block["ln_1.weight"], block["ln_1.bias"]), block, padding)
        hidden = hidden + mlp(layer_norm(hidden, block["ln_2.weight"], block["ln_2.bias"]), block)
    phi = hidden[:, :LAYERS].mean(1)
    x = np.concatenate([phi, w_c], 1)
    for i in range(2):
        weight, bias = p[f"stack.{i}.weight"], p[f"stack.{i}.bias"]
        x = x @ weight.T * (LR_MULTIPLIER / math.sqrt(weight.shape[1])) + bias * LR_MULTIPLIER
        if i == 0:
            x = np.where(x < 0, 0.2 * x, x) * math.sqrt(2)
    return phi, w_c[:, None] + x.reshape(N, LAYERS, W_DIM)


def main():
    rng = np.random.default_rng(1)
    shapes = {
        "embed.weight": (FEATURE, WIDTH),
        "embed.bias": (WIDTH,),
        "embed_latent.weight": (W_DIM, WIDTH),
        "embed_latent.bias": (WIDTH,),
        "queries": (LAYERS, WIDTH),
        "stack.0.weight": (HIDDEN, WIDTH + W_DIM),
        "stack.0.bias": (HIDDEN,),
        "stack.1.weight": (LAYERS * W_DIM, HIDDEN),
        "stack.1.bias": (LAYERS * W_DIM,),
    }
    for i in range(BLOCKS):
        prefix = f"transformer.resblocks.{i}."
        shapes |= {
            f"{prefix}ln_1.weight": (WIDTH,),
            f"{prefix}ln_1.bias": (WIDTH,),
            f"{prefix}attn.in_proj_weight": (3 * WIDTH, WIDTH),
            f"{prefix}attn.in_proj_bias": (3 * WIDTH,),
            f"{prefix}attn.out_proj.weight": (WIDTH, WIDTH),
            f"{prefix}attn.out_proj.bias": (WIDTH,),
            f"{prefix}ln_2.weight": (WIDTH,),
            f"{prefix}ln_2.bias": (WIDTH,),
            f"{prefix}mlp.c_fc.weight": (4 * WIDTH, WIDTH),
            f"{prefix}mlp.c_fc.bias": (4 * WIDTH,),
            f"{prefix}mlp.c_proj.weight": (WIDTH, 4 * WIDTH),
            f"{prefix}mlp.c_proj.bias": (WIDTH,),
        }
    weights = {
        key: (rng.normal(size=shape) * (1 / LR_MULTIPLIER if key.startswith("stack") else 0.4)).astype(np.float32)
        for key, shape in shapes.items()
    }
    features = rng.normal(size=(N, CAPTIONS, FEATURE)).astype(np.float32)
    w_c = rng.normal(size=(N, W_DIM)).astype(np.float32)
    absent = np.array([[False, False], [False, True], [False, False]])
    exact = {key: value.astype(np.float64) for key, value in weights.items()}
    phi, w_plus = stream(exact, features.astype(np.float64), absent, w_c.astype(np.float64))
    save_file(
        weights
        | {
            "io.features": features,
            "io.absent": absent.astype(np.float32),
            "io.w_c": w_c,
            "io.phi": phi.astype(np.float32),
            "io.w_plus": w_plus.astype(np.float32),
        },
        FIXTURE,
    )


if __name__ == "__main__":
    main()
