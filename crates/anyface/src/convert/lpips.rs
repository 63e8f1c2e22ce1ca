//! LPIPS: its linear weights, and the torchvision networks they apply to.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::{Claims, Network};
use crate::lpips::{FeatureNetwork, LpipsHeads};
use crate::weights::WeightsError;

/// Reads the weights of `lpips/weights/v0.1/*.pth`.
pub(super) fn from_heads(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    let mut channels = Vec::new();
    while let Ok([_, width, _, _]) = claims.shape(&head(channels.len())) {
        channels.push(width);
    }
    let networks = [FeatureNetwork::AlexNet, FeatureNetwork::Vgg16];
    let Some(network) = networks
        .into_iter()
        .find(|network| network.taps().eq(channels.iter().copied()))
    else {
        let reason =
            format!("LPIPS needs the features of AlexNet or VGG-16, not {channels:?} channels");
        return Err(WeightsError::unsupported(checkpoint, reason));
    };
    let mut tensors = BTreeMap::new();
    for (layer, &width) in channels.iter().enumerate() {
        let tensor = claims.take_as(&head(layer), &[width])?;
        if tensor
            .to_f32()
            .is_some_and(|values| values.iter().any(|&v| v < 0.0))
        {
            let reason = format!(
                "`{}` has a negative weight, unlike every release",
                head(layer)
            );
            return Err(WeightsError::unsupported(checkpoint, reason));
        }
        tensors.insert(format!("lin.{layer}"), tensor);
    }
    let module = LpipsHeads::new(network, &Device::flex());
    Network::new(
        "lpips_heads",
        &network,
        &module,
        tensors,
        &checkpoint.source_name,
    )
}

fn head(layer: usize) -> String {
    format!("lin{layer}.model.1.weight")
}

/// Reads torchvision's AlexNet or VGG-16, by the shape of the first kernel.
pub(super) fn from_torchvision(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let network = match claims.shape("features.0.weight")? {
        [64, 3, 11, 11] => FeatureNetwork::AlexNet,
        _ => FeatureNetwork::Vgg16,
    };
    claims.leave_out("classifier.*", "the classifier of ImageNet");
    let mut tensors = BTreeMap::new();
    for (layer, index) in network.indices().enumerate() {
        for field in ["weight", "bias"] {
            let tensor = claims.take(&format!("features.{index}.{field}"))?;
            tensors.insert(format!("convs.{layer}.{field}"), tensor.clone());
        }
    }
    let module = network.init(&Device::flex());
    let source_name = &claims.checkpoint.source_name;
    Network::new("lpips_features", &network, &module, tensors, source_name)
}
