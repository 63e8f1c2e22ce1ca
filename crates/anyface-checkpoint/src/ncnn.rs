//! ncnn: a text graph in `NAME.param` and the weights, in graph order, in `NAME.bin` beside it.
//!
//! Format: ncnn's wiki, "operation param weight table".

use std::collections::BTreeMap;

use safetensors::Dtype;
use serde_json::json;

use crate::contents::Contents;
use crate::file_slice::{Fault, FileSlice, Reader};
use crate::stored::StoredTensor;

/// First line of every graph.
pub(crate) const MAGIC: &[u8] = b"7767517\n";

/// The most layers in a graph.
const MAX_LAYERS: usize = 1 << 16;

/// Reads a graph and its weights. Tensors are named `LAYER.FIELD`; the metadata lists the layers in
/// order.
pub(crate) fn read(graph: &FileSlice, weights: &FileSlice) -> Result<Contents, Fault> {
    let text = str::from_utf8(&graph.bytes).map_err(|_| graph.fault("text is not UTF-8"))?;
    let mut reader = weights.reader();
    let mut contents = Contents::default();
    let mut names = Vec::new();
    // After the magic number comes a line of counts.
    for line in text.lines().skip(2).filter(|line| !line.trim().is_empty()) {
        if names.len() == MAX_LAYERS {
            return Err(graph.fault(format!("more than {MAX_LAYERS} layers")));
        }
        let layer =
            Layer::parse(line).ok_or_else(|| graph.fault(format!("not a layer: {line}")))?;
        layer.read(&mut reader, weights, &mut contents.tensors)?;
        names.push(layer.name);
    }
    if reader.position() != weights.bytes.len() {
        return Err(reader.fault("there are more weights than the layers need"));
    }
    contents.metadata = json!({ "layers": names });
    Ok(contents)
}

/// One weight tensor of a layer.
#[derive(Clone)]
struct Field {
    name: &'static str,
    shape: Vec<usize>,
    /// Whether a type flag precedes the elements.
    has_flag: bool,
}

/// One line of the graph.
struct Layer<'a> {
    kind: &'a str,
    name: &'a str,
    /// Parameters by number.
    params: BTreeMap<i32, &'a str>,
}

impl<'a> Layer<'a> {
    /// `KIND NAME inputs outputs INPUT… OUTPUT… KEY=VALUE…`.
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (kind, name) = (words.next()?, words.next()?);
        let params = words.filter_map(|word| word.split_once('='));
        let params = params.map(|(key, value)| Some((key.parse().ok()?, value)));
        Some(Self {
            kind,
            name,
            params: params.collect::<Option<_>>()?,
        })
    }

    /// Parameter `key`, 0 if absent.
    fn size(&self, key: i32) -> Option<usize> {
        self.params
            .get(&key)
            .map_or(Some(0), |value| value.parse().ok())
    }

    fn read(
        &self,
        reader: &mut Reader<'_>,
        weights: &FileSlice,
        tensors: &mut BTreeMap<String, StoredTensor>,
    ) -> Result<(), Fault> {
        let fields = self.fields().map_err(|reason| reader.fault(reason))?;
        for Field {
            name,
            shape,
            has_flag,
        } in fields
        {
            if has_flag && reader.len32()? != 0 {
                let reason = format!("`{}`: the weights are not single precision", self.name);
                return Err(reader.fault(reason));
            }
            let bytes = shape
                .iter()
                .try_fold(4_usize, |bytes, &n| bytes.checked_mul(n));
            let storage = weights.part_of(reader.take(bytes.unwrap_or(usize::MAX))?);
            let tensor = StoredTensor::contiguous(Dtype::F32, shape, &storage.bytes)
                .map_err(|reason| storage.fault(reason))?;
            tensors.insert(format!("{}.{name}", self.name), tensor);
        }
        Ok(())
    }

    /// The layer's weight tensors, in file order.
    fn fields(&self) -> Result<Vec<Field>, String> {
        let unclear = || format!("`{}`: the sizes do not match each other", self.name);
        let size = |key| self.size(key).ok_or_else(unclear);
        let outputs = size(0)?;
        let of_channels = |name| Field {
            name,
            shape: vec![outputs],
            has_flag: false,
        };
        let biased = |shape: Vec<usize>, has_bias: usize| {
            let mut fields = vec![Field {
                name: "weight",
                shape,
                has_flag: true,
            }];
            fields.extend((has_bias != 0).then(|| of_channels("bias")));
            fields
        };
        match self.kind {
            "Input" | "BinaryOp" | "Split" => Ok(Vec::new()),
            "Convolution" | "ConvolutionDepthWise" => {
                let width = size(1)?;
                let height = match size(11)? {
                    0 => width,
                    height => height,
                };
                let inputs = outputs
                    .checked_mul(width)
                    .and_then(|places| places.checked_mul(height))
                    .and_then(|places| size(6).ok()?.checked_div(places))
                    .ok_or_else(unclear)?;
                Ok(biased(vec![outputs, inputs, height, width], size(5)?))
            }
            "InnerProduct" => {
                let inputs = size(2)?.checked_div(outputs).ok_or_else(unclear)?;
                Ok(biased(vec![outputs, inputs], size(1)?))
            }
            "BatchNorm" => Ok(["weight", "running_mean", "running_var", "bias"]
                .map(of_channels)
                .to_vec()),
            "PReLU" => Ok(vec![of_channels("slope")]),
            kind => Err(format!(
                "`{}`: layers of type {kind} are not supported",
                self.name
            )),
        }
    }
}
