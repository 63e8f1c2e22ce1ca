//! What `config.json` of a bundle may leave out although it depends on other fields.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Domain, MapperKind, ZDistribution};
use crate::stylegan2::GeneratorConfig;

/// Networks that every bundle needs.
const ALWAYS: [&str; 3] = ["text_tower", "image_tower", "generator"];

/// Fills in the fields that are left out: as a bundle of public weights means them.
pub(super) fn fill_in(fields: &mut Map<String, Value>) -> Result<(), serde_json::Error> {
    let has = |fields: &Map<String, Value>, name: &str| fields.contains_key(name);
    if !has(fields, "mapper") {
        let mapper = MapperKind::of_networks(|name| has(fields, name));
        set(fields, "mapper", &mapper)?;
    }
    set(fields, "domain", &Domain::Photographs)?;
    set(fields, "z_distribution", &ZDistribution::Normal)?;
    let Ok(mapper) = serde_json::from_value::<MapperKind>(fields["mapper"].clone()) else {
        return Ok(()); // The field itself is refused when all are read.
    };
    let generator = fields.get("generator").cloned().unwrap_or_default();
    let generator = serde_json::from_value::<GeneratorConfig>(generator);
    let num_ws = generator.map_or(usize::MAX, |generator| generator.num_ws());
    set(fields, "truncation", &mapper.truncation(num_ws))?;
    set(fields, "injection_layer", &mapper.injection_layer())?;
    set(fields, "noise", &mapper.noise())
}

/// The networks that a bundle of these filled in fields has not, and needs to make faces of words.
pub(super) fn missing_networks(fields: &Map<String, Value>) -> Vec<&'static str> {
    let mapper = fields.get("mapper").cloned().unwrap_or_default();
    let mapper = serde_json::from_value::<MapperKind>(mapper);
    let own = mapper.map_or(&[][..], MapperKind::networks);
    let needed = ALWAYS.iter().chain(own).copied();
    needed.filter(|name| !fields.contains_key(*name)).collect()
}

/// Sets a field that is not there.
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
