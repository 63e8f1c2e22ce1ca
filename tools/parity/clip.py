"""Writes crates/anyface/tests/fixtures/clip/gelu.safetensors: a CLIP of transformers, random
weights.

    pip install torch transformers safetensors
    python tools/parity/clip.py
    python tools/parity/clip.py --full target/vit_b_32.safetensors

The model is a small version of LAION's ViT-B/32 (exact GELU, several heads and layers). With
`--full` it is OpenAI's ViT-B/32 (QuickGELU) at full size, 600 MB, for the test
`vit_b_32_equals_transformers`. The file has the weights under OpenAI's keys, and inputs and
features (`io.*`, not normalised).
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig

FIXTURE = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/clip/gelu.safetensors"
BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def small():
    size = {"num_hidden_layers": 2, "hidden_act": "gelu", "projection_dim": 24}
    text = CLIPTextConfig(
        vocab_size=60,
        hidden_size=32,
        intermediate_size=128,
        num_attention_heads=4,
        max_position_embeddings=16,
        eos_token_id=59,
        **size,
    )
    vision = CLIPVisionConfig(
        hidden_size=48,
        intermediate_size=192,
        num_attention_heads=3,
        image_size=24,
        patch_size=8,
        **size,
    )
    return CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=24)


def full():
    """The defaults of transformers are ViT-B/32, except the end token of OpenAI's vocabulary."""
    return CLIPConfig(text_config={"eos_token_id": 49407}, vision_config={})


def openai_name(name):
    """The key in OpenAI's checkpoint, for all weights except the attention inputs."""
    tower, _, rest = name.partition(".")
    prefix = "visual." if tower == "vision_model" else ""
    if rest.startswith("encoder.layers."):
        _, _, index, inner = rest.split(".", 3)
        module, _, kind = inner.rpartition(".")
        return f"{prefix}transformer.resblocks.{index}.{BLOCK[module]}.{kind}"
    names = {
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_projection.weight": "text_projection",
        "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
        "vision_model.embeddings.class_embedding": "visual.class_embedding",
        "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
        "visual_projection.weight": "visual.proj",
    }
    norms = {
        "final_layer_norm": "ln_final",
        "pre_layrnorm": "visual.ln_pre",
        "post_layernorm": "visual.ln_post",
    }
    module, _, kind = rest.rpartition(".")
    return names.get(name) or f"{norms[module]}.{kind}"


def openai_state_dict(model):
    state = dict(model.named_parameters())
    del state["logit_scale"]
    tensors = {}
    for name, value in state.items():
        if ".self_attn.q_proj." in name:
            heads = [state[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            block, _, kind = name.partition(".self_attn.q_proj.")
            block = openai_name(f"{block}.layer_norm1.{kind}").removesuffix(f"ln_1.{kind}")
            tensors[f"{block}attn.in_proj_{kind}"] = torch.cat(heads)
        elif ".self_attn.k_proj." not in name and ".self_attn.v_proj." not in name:
            is_projection = name in ("text_projection.weight", "visual_projection.weight")
            tensors[openai_name(name)] = value.T if is_projection else value
    return tensors


@torch.no_grad()
def write(config, std, path):
    torch.manual_seed(402)
    model = CLIPModel(config).eval()
    # Initial biases are 0 and initial scales are 1, which would hide errors. Randomise all.
    for parameter in model.parameters():
        parameter += std * torch.randn_like(parameter)

    text, vision = config.text_config, config.vision_config
    length, end = text.max_position_embeddings, text.eos_token_id
    ids = torch.randint(0, end - 1, (4, length))
    ends = [length - 1, 3, 8, 1]
    for row, at in zip(ids, ends):
        row[at:] = end
    pixels = torch.randn(3, 3, vision.image_size, vision.image_size)
    features = model.text_projection(model.text_model(ids).pooler_output)
    image_features = model.visual_projection(model.vision_model(pixels).pooler_output)

    tensors = openai_state_dict(model) | {
        "io.ids": ids,
        "io.eot": torch.tensor(ends),
        "io.pixels": pixels,
        "io.text_features": features,
        "io.image_features": image_features,
    }
    save_file({name: value.contiguous() for name, value in tensors.items()}, path)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--full"]:
        write(full(), 0.02, sys.argv[2])
    else:
        write(small(), 0.2, FIXTURE)
