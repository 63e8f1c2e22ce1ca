"""Makes crates/anyface/tests/fixtures/clip/gelu.safetensors: a CLIP of transformers on random weights.

    pip install "transformers<4.50" "jax[cpu]<0.5" flax "numpy<2" safetensors
    python tools/parity/clip.py

The model has the layout of LAION's ViT-B/32 (exact GELU, several heads and layers) in a small size. Weights are saved
under OpenAI's keys beside inputs and features (`io.*`, not normalised).
"""

from pathlib import Path

import jax
import numpy as np
from safetensors.numpy import save_file
from transformers import CLIPConfig, CLIPTextConfig, CLIPVisionConfig, FlaxCLIPModel

FIXTURE = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/clip/gelu.safetensors"
BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def openai_transformer(layers, prefix):
    """Blocks of transformers' Flax model under OpenAI's keys."""
    tensors = {}
    for index, layer in layers.items():
        block = f"{prefix}transformer.resblocks.{index}."
        for theirs, ours in BLOCK.items():
            module = layer
            for name in theirs.split("."):
                module = module[name]
            weight = module["scale"] if "scale" in module else module["kernel"].T
            tensors[f"{block}{ours}.weight"] = weight
            tensors[f"{block}{ours}.bias"] = module["bias"]
        heads = [layer["self_attn"][f"{name}_proj"] for name in "qkv"]
        tensors[f"{block}attn.in_proj_weight"] = np.concatenate([head["kernel"].T for head in heads])
        tensors[f"{block}attn.in_proj_bias"] = np.concatenate([head["bias"] for head in heads])
    return tensors


def norm(name, module):
    return {f"{name}.weight": module["scale"], f"{name}.bias": module["bias"]}


def openai_state_dict(params):
    text, vision = params["text_model"], params["vision_model"]
    embeddings = vision["embeddings"]
    return {
        "token_embedding.weight": text["embeddings"]["token_embedding"]["embedding"],
        "positional_embedding": text["embeddings"]["position_embedding"]["embedding"],
        "text_projection": params["text_projection"]["kernel"],
        "visual.conv1.weight": embeddings["patch_embedding"]["kernel"].transpose(3, 2, 0, 1),
        "visual.class_embedding": embeddings["class_embedding"],
        "visual.positional_embedding": embeddings["position_embedding"]["embedding"],
        "visual.proj": params["visual_projection"]["kernel"],
        **norm("ln_final", text["final_layer_norm"]),
        **norm("visual.ln_pre", vision["pre_layrnorm"]),
        **norm("visual.ln_post", vision["post_layernorm"]),
        **openai_transformer(text["encoder"]["layers"], ""),
        **openai_transformer(vision["encoder"]["layers"], "visual."),
    }


def main():
    size = {"num_hidden_layers": 2, "hidden_act": "gelu", "projection_dim": 24}
    text = CLIPTextConfig(
        vocab_size=60, hidden_size=32, intermediate_size=128, num_attention_heads=4, max_position_embeddings=16,
        eos_token_id=59, **size)
    vision = CLIPVisionConfig(
        hidden_size=48, intermediate_size=192, num_attention_heads=3, image_size=24, patch_size=8, **size)
    config = CLIPConfig.from_text_vision_configs(text, vision, projection_dim=24)
    model = FlaxCLIPModel(config, seed=402)

    # Initial biases and scales are 0 and 1, which would hide a mistake: everything is drawn anew.
    rng = np.random.default_rng(402)
    params = jax.tree_util.tree_map(
        lambda x: (np.asarray(x) + 0.2 * rng.standard_normal(x.shape)).astype(np.float32), model.params)

    ids = rng.integers(0, 58, (4, 16))
    ends = [15, 3, 8, 1]
    for row, end in zip(ids, ends):
        row[end:] = 59
    pixels = rng.standard_normal((3, 3, 24, 24)).astype(np.float32)
    # Reduced precision is jax's default on some machines.
    with jax.default_matmul_precision("highest"):
        text_features = model.get_text_features(ids, params=params)
        image_features = model.get_image_features(pixels, params=params)

    tensors = openai_state_dict(params)
    tensors["io.ids"] = ids.astype(np.int64)
    tensors["io.eot"] = np.array(ends, np.int64)
    tensors["io.pixels"] = pixels
    tensors["io.text_features"] = np.asarray(text_features)
    tensors["io.image_features"] = np.asarray(image_features)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, FIXTURE)


if __name__ == "__main__":
    main()
