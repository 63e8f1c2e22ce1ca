//! Defaults of `config.json` fields that depend on other fields.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Domain, MapperKind, ZDistribution};
use crate::stylegan2::GeneratorConfig;

/// Networks that every bundle needs.
const ALWAYS: [&str; 3] = ["text_tower", "image_tower", "generator"];

/// Fills in missing fields with the defaults of bundles from public weights.
pub(super) fn fill_in(fields: &mut Map<String, Value>) -> Result<(), serde_json::Error> {
    let has = |fields: &Map<String, Value>, name: &str| fields.contains_key(name);
    if !has(fields, "mapper") {
        let mapper = MapperKind::of_networks(|name| has(fields, name));
        set(fields, "mapper", &mapper)?;
    }
    set(fields, "domain", &Domain::Photographs)?;
    set(fields, "z_distribution", &ZDistribution::Normal)?;
    let Ok(mapper) = serde_json::from_value::<MapperKind>(fields["mapper"].clone()) else {
        return Ok(()); // Reading the whole config reports the invalid field.
    };
    let generator = fields.get("generator").cloned().unwrap_or_default();
    let generator = serde_json::from_value::<GeneratorConfig>(generator);
    let num_ws = generator.map_or(usize::MAX, |generator| generator.num_ws());
    set(fields, "truncation", &mapper.truncation(num_ws))?;
    set(fields, "injection_layer", &mapper.injection_layer())?;
    set(fields, "noise", &mapper.noise())
}

/// The networks that a bundle with these fields needs for text-to-face but lacks.
pub(super) fn missing_networks(fields: &Map<String, Value>) -> Vec<&'static str> {
    let mapper = fields.get("mapper").cloned().unwrap_or_default();
    let mapper = serde_json::from_value::<MapperKind>(mapper);
    let own = mapper.map_or(&[][..], MapperKind::networks);
    let needed = ALWAYS.iter().chain(own).copied();
    needed.filter(|name| !fields.contains_key(*name)).collect()
}

/// Sets a field unless it exists.
fn set(
    fields: &mut Map<String, Value>,
    name: &str,
    value: &impl Serialize,
) -> Result<(), serde_json::Error> {
    if !fields.contains_key(name) {
        fields.insert(name.to_owned(), serde_json::to_value(value)?);
    }
    Ok(())
}
