"""Writes crates/anyface/tests/fixtures/recipes: small versions of the public files that
`anyface pull RECIPE` combines. They have the same containers, keys and wrappers, and random
weights.

    python tools/parity/recipes.py

Needs torch. CLIP's vocabulary and context have full size. Rows of its matrices overlap, to keep the
files small.
"""

from pathlib import Path

import torch

FOLDER = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/recipes"
FEATURE = 16
RESOLUTIONS, CHANNELS, W = (4, 8, 16, 32), 8, 16


def normal(*shape, std=1.0):
    return torch.randn(*shape) * std


def linear(keys, name, outputs, inputs, *kernel, std=0.1):
    keys |= {
        f"{name}.weight": normal(outputs, inputs, *kernel, std=std),
        f"{name}.bias": normal(outputs, std=std),
    }


def norm(keys, name, channels):
    keys |= {f"{name}.weight": torch.ones(channels), f"{name}.bias": torch.zeros(channels)}
    keys |= {
        f"{name}.running_mean": normal(channels, std=0.1),
        f"{name}.running_var": torch.ones(channels),
    }
    keys[f"{name}.num_batches_tracked"] = torch.tensor(1)


def overlapping(rows, columns):
    """A half-precision matrix with overlapping rows in one short storage."""
    return normal(rows + columns - 1, std=0.1).half().as_strided((rows, columns), (1, 1))


class Part(torch.nn.Module):
    """Named parameters and children, without computation."""

    def __init__(self, children=None, **tensors):
        super().__init__()
        for name, child in (children or {}).items():
            self.add_module(name, child)
        for name, tensor in tensors.items():
            self.register_parameter(name, torch.nn.Parameter(tensor, requires_grad=False))

    def forward(self, x: torch.Tensor):
        return x


def layer(outputs, inputs):
    return Part(weight=overlapping(outputs, inputs), bias=normal(outputs, std=0.1).half())


def layer_norm(width):
    return Part(weight=torch.ones(width), bias=torch.zeros(width))


def transformer(width):
    projection = {
        "in_proj_weight": overlapping(3 * width, width),
        "in_proj_bias": torch.zeros(3 * width).half(),
    }
    block = {
        "ln_1": layer_norm(width),
        "attn": Part({"out_proj": layer(width, width)}, **projection),
        "ln_2": layer_norm(width),
        "mlp": Part({"c_fc": layer(4 * width, width), "c_proj": layer(width, 4 * width)}),
    }
    return Part({"resblocks": Part({"0": Part(block)})})


def clip(width=64, vocabulary=49408, context=77, patch=8, patches=3):
    visual = Part(
        {
            "conv1": Part(weight=normal(width, 3, patch, patch, std=0.1).half()),
            "ln_pre": layer_norm(width),
            "transformer": transformer(width),
            "ln_post": layer_norm(width),
        },
        class_embedding=normal(width, std=0.1),
        positional_embedding=normal(patches**2 + 1, width, std=0.1),
        proj=overlapping(width, FEATURE),
    )
    network = Part(
        {
            "visual": visual,
            "transformer": transformer(width),
            "token_embedding": Part(weight=overlapping(vocabulary, width)),
            "ln_final": layer_norm(width),
        },
        positional_embedding=overlapping(context, width),
        text_projection=overlapping(width, FEATURE),
        logit_scale=torch.tensor(4.6),
    )
    for name, size in (
        ("input_resolution", patch * patches),
        ("context_length", context),
        ("vocab_size", vocabulary),
    ):
        network.register_buffer(name, torch.tensor(size))
    torch.jit.script(network).save(FOLDER / "ViT-B-32.pt")


def generator():
    """`g_ema` of rosinality/stylegan2-pytorch."""
    keys = {"input.input": normal(1, CHANNELS, 4, 4)}
    for layer in (1, 2):
        linear(keys, f"style.{layer}", W, W, std=100.0)
    layers = [("conv1", "to_rgb1")]
    layers += [(f"convs.{2 * i + 1}", f"to_rgbs.{i}") for i in range(len(RESOLUTIONS) - 1)]
    noise = 0
    for level, (conv, colours) in enumerate(layers):
        convs = [conv] if level == 0 else [f"convs.{2 * level - 2}", conv]
        for name in convs:
            keys[f"{name}.conv.weight"] = normal(1, CHANNELS, CHANNELS, 3, 3)
            linear(keys, f"{name}.conv.modulation", CHANNELS, W)
            keys[f"{name}.conv.modulation.bias"] += 1
            keys[f"{name}.noise.weight"] = normal(1, std=0.1)
            keys[f"{name}.activate.bias"] = normal(CHANNELS, std=0.1)
            keys[f"noises.noise_{noise}"] = normal(1, 1, RESOLUTIONS[level], RESOLUTIONS[level])
            noise += 1
        keys[f"{colours}.conv.weight"] = normal(1, 3, CHANNELS, 1, 1)
        linear(keys, f"{colours}.conv.modulation", CHANNELS, W)
        keys[f"{colours}.bias"] = normal(1, 3, 1, 1, std=0.1)
        if level > 0:
            taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
            kernel = torch.outer(taps, taps) / 16
            keys |= {
                f"convs.{2 * level - 2}.conv.blur.kernel": kernel,
                f"{colours}.upsample.kernel": kernel,
            }
    return keys


def encoder():
    """`encoder` of omertov/encoder4editing, for pictures of 32 pixels, with one unit per stage."""
    keys = {
        "input_layer.0.weight": normal(4, 3, 3, 3, std=0.1),
        "input_layer.2.weight": torch.full((4,), 0.25),
    }
    norm(keys, "input_layer.1", 4)
    inputs, stages = 4, (4, 6, 8, 12)
    for unit, depth in enumerate(stages):
        name = f"body.{unit}"
        norm(keys, f"{name}.res_layer.0", inputs)
        norm(keys, f"{name}.res_layer.4", depth)
        keys[f"{name}.res_layer.1.weight"] = normal(depth, inputs, 3, 3, std=0.1)
        keys[f"{name}.res_layer.2.weight"] = torch.full((depth,), 0.25)
        keys[f"{name}.res_layer.3.weight"] = normal(depth, depth, 3, 3, std=0.1)
        keys[f"{name}.res_layer.5.fc1.weight"] = normal(1, depth, 1, 1, std=0.1)
        keys[f"{name}.res_layer.5.fc2.weight"] = normal(depth, 1, 1, 1, std=0.1)
        if inputs != depth:
            keys[f"{name}.shortcut_layer.0.weight"] = normal(depth, inputs, 1, 1, std=0.1)
            norm(keys, f"{name}.shortcut_layer.1", depth)
        inputs = depth
    for style in range(2 * len(RESOLUTIONS)):
        for conv in range(1 if style < 3 else 2 if style < 7 else 3):
            linear(keys, f"styles.{style}.convs.{2 * conv}", 8, inputs if conv == 0 else 8, 3, 3)
        linear(keys, f"styles.{style}.linear", W, 8)
    linear(keys, "latlayer1", inputs, stages[2], 1, 1)
    linear(keys, "latlayer2", inputs, stages[1], 1, 1)
    return keys


def e4e():
    parts = {"encoder": encoder(), "decoder": generator()}
    state = {f"{part}.{key}": value for part, keys in parts.items() for key, value in keys.items()}
    opts = {"encoder_type": "Encoder4Editing", "stylegan_size": 32, "start_from_latent_avg": True}
    latent_avg = normal(W, std=0.2).repeat(2 * len(RESOLUTIONS), 1)
    torch.save(
        {"state_dict": state, "opts": opts, "latent_avg": latent_avg}, FOLDER / "e4e_ffhq_encode.pt"
    )


def clip2latent(depth=1, heads=2, dim_head=32, steps=100):
    """The trainer state of justinpinkney/clip2latent: the prior and its EMA."""
    dim, keys = FEATURE, {}
    keys |= {"latent_mean": normal(dim, std=0.1), "latent_std": torch.full((dim,), 0.3)}
    for name in (
        "betas",
        "alphas_cumprod",
        "posterior_variance",
        "posterior_mean_coef1",
        "posterior_mean_coef2",
    ):
        keys[name] = torch.rand(steps)
    keys["net.learned_query"] = normal(dim)
    keys["net.to_time_embeds.0.weight"] = normal(steps, dim)
    inner = "net.causal_transformer."
    keys[f"{inner}rel_pos_bias.relative_attention_bias.weight"] = normal(32, heads)
    gain = {"gamma": torch.ones(dim), "beta": torch.zeros(dim)}
    for layer in range(depth):
        name = f"{inner}layers.{layer}."
        for place in ("0.norm", "0.to_out.1", "1.0"):
            keys |= {f"{name}{place}.{key}": value.clone() for key, value in gain.items()}
        keys[f"{name}0.null_kv"] = normal(2, dim_head)
        keys[f"{name}0.to_q.weight"] = normal(heads * dim_head, dim, std=0.2)
        keys[f"{name}0.to_kv.weight"] = normal(2 * dim_head, dim, std=0.2)
        keys[f"{name}0.to_out.0.weight"] = normal(dim, heads * dim_head, std=0.2)
        keys[f"{name}0.rotary_emb.freqs"] = torch.rand(16)
        keys[f"{name}1.1.weight"] = normal(8 * dim, dim, std=0.2)
        keys[f"{name}1.5.weight"] = normal(dim, 4 * dim, std=0.2)
    keys |= {f"{inner}norm.{key}": value.clone() for key, value in gain.items()}
    keys[f"{inner}project_out.weight"] = normal(dim, dim, std=0.3)
    outer = "ema_diffusion_prior."
    state = {f"diffusion_prior.{key}": value for key, value in keys.items()}
    state |= {f"{outer}online_model.{key}": value for key, value in keys.items()}
    state |= {f"{outer}ema_model.{key}": value for key, value in keys.items()}
    state |= {
        f"{outer}initted": torch.tensor([True]),
        f"{outer}step": torch.tensor([1]),
        "step": torch.tensor([1]),
    }
    torch.save({"state_dict": state}, FOLDER / "ffhq-sg2-510.ckpt")


def anyface_plus(w=32, layers=10, banks=26):
    """For the generator of checkpoints/nvidia_skip_clamp256_p4.pkl."""
    keys = {}
    linear(keys, "CA_NET.fc.0", 20, FEATURE, std=100.0)
    linear(keys, "T_map.mapping.0", 16, w, std=100.0)
    linear(keys, "I_map.mapping.0", 24, banks * FEATURE, std=100.0)
    linear(keys, "I_map.mapping.1", layers * w, 24, std=100.0)
    torch.save({"state_dict": keys, "opts": {"device": "cuda:0"}}, FOLDER / "iteration_42000.pt")
    torch.save(
        [normal(2 + bank % 2, FEATURE).half() for bank in range(banks)], FOLDER / "memory_42000.pt"
    )


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(18)
    for make in (clip, e4e, clip2latent, anyface_plus):
        make()
