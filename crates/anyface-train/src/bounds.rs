//! Deserializers that check the range of a number in a configuration:
//! `#[serde(deserialize_with = "bounds::batch")]`.

use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, Error};

/// Batch size: 1 to 4096 faces or texts. Larger batches do not fit into memory.
pub(crate) fn batch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    whole(deserializer, 1..=4096)
}

/// Size of an optional part of a batch: 0 to 4096 faces or texts.
pub(crate) fn part_of_batch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    whole(deserializer, 0..=4096)
}

/// Side of pictures: 4 to 1024 pixels.
pub(crate) fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    whole(deserializer, 4..=1024)
}

/// A count of at least 1.
pub(crate) fn positive<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    whole(deserializer, 1..=i64::MAX)
}

/// Channels of layers: one or more numbers from 1 to 8192.
pub(crate) fn channels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    let channels = Vec::<usize>::deserialize(deserializer)?;
    match channels.is_empty() || channels.iter().any(|width| !(1..=8192).contains(width)) {
        true => Err(D::Error::custom(
            "must be a list of one or more numbers from 1 to 8192",
        )),
        false => Ok(channels),
    }
}

/// A fraction from 0 to 1.
pub(crate) fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match (0.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err(D::Error::custom(format!(
            "must be between 0 and 1, not {value}"
        ))),
    }
}

fn whole<'de, D, T>(deserializer: D, range: RangeInclusive<i64>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let value = i64::deserialize(deserializer)?;
    let inside = range.contains(&value).then(|| T::try_from(value).ok());
    inside.flatten().ok_or_else(|| {
        let [least, most] = [range.start(), range.end()];
        D::Error::custom(match *most {
            i64::MAX => format!("must be at least {least}, not {value}"),
            _ => format!("must be from {least} to {most}, not {value}"),
        })
    })
}
