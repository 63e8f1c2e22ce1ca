"""Writes fid_inception.pth and fid_inception.io.safetensors: inputs and outputs of the FID
Inception with random weights in torchvision.

    python tools/parity/inception.py crates/anyface/tests/fixtures      all widths divided by 16
    python tools/parity/inception.py FOLDER --full                      full size, 95 MB

Needs torch, torchvision and safetensors. The network differs from torchvision's as described in
mseitzer/pytorch-fid: average pooling excludes the padding, and the pool branch of the last block
uses max pooling.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision.models import inception
from torchvision.models.inception import InceptionE, Inception3

folder, full = Path(sys.argv[1]), "--full" in sys.argv
divisor = 1 if full else 16
basic = inception.BasicConv2d


class Narrow(basic):
    def __init__(self, inputs, outputs, **options):
        super().__init__(
            inputs if inputs == 3 else inputs // divisor, outputs // divisor, **options
        )


class Last(InceptionE):
    def _forward(self, x):
        average, F.avg_pool2d = F.avg_pool2d, lambda x, **options: F.max_pool2d(x, **options)
        outputs = super()._forward(x)
        F.avg_pool2d = average
        return outputs


def main():
    torch.manual_seed(1101)
    torch.set_num_threads(1)
    average = F.avg_pool2d
    F.avg_pool2d = lambda x, **options: average(x, **options, count_include_pad=False)
    inception.BasicConv2d = Narrow
    net = Inception3(num_classes=1008, aux_logits=False, init_weights=False)
    net.Mixed_7c = Last(2048)
    net.fc = torch.nn.Linear(2048 // divisor, 1008)

    # Keep variances near 1. With statistics of a few pictures, some channels would vary by rounding
    # errors only.
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
            torch.nn.init.normal_(module.running_mean, 0.0, 0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    net.eval()
    images = torch.rand(2, 3, 80, 112)
    pixels = F.interpolate(images, size=(299, 299), mode="bilinear", align_corners=False) * 2 - 1
    with torch.no_grad():
        outputs = {"images": images}
        net.avgpool.register_forward_hook(
            lambda *call: outputs.update({"features": call[2].flatten(1)})
        )
        outputs["logits"] = net(pixels)
    state = {name: tensor for name, tensor in net.state_dict().items() if "num_batches" not in name}
    weights = folder / ("checkpoints" if not full else "") / "fid_inception.pth"
    # The released file has this container format.
    torch.save(state, weights, _use_new_zipfile_serialization=False)
    save_file(outputs, folder / "fid_inception.io.safetensors")


main()
