//! Captions in one JSON file, in the folder of the pictures or in a parent folder.
//!
//! ```text
//! {"face.jpg": ["caption", …], …}
//! [{"file": "face.jpg", "captions": [ … ], "split": "train", "attributes": {"Male": 1, …}}, …]
//! {"file_name": "face.jpg", "text": "caption"}
//! ```
//! A single caption needs no list. The third form has one object per line, as Hugging Face's
//! `metadata.jsonl`. Other fields are ignored.

use std::path::Path;

use serde_json::{Map, Value};

use super::entry::{CAPTIONS, FILE, PART, Place, state_of};
use super::record::Record;
use super::text::{at_line, fault, lines, read_text};
use crate::error::Result;

/// Faces of the file `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Record>> {
    let text = read_text(path)?;
    let place = |entry: String| Place { file: path, entry };
    if path.extension().is_some_and(|e| e == "jsonl") {
        let object = |(number, line): (usize, &str)| {
            let fields: Map<String, Value> = serde_json::from_str(line)
                .map_err(|error| at_line(path, number, error.to_string()))?;
            of_object(&place(format!("line {number}")), &fields)
        };
        return lines(&text).map(object).collect();
    }
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| at_line(path, error.line().max(1), error.to_string()))?;
    match &value {
        Value::Object(faces) => {
            let face = |(name, captions): (&String, &Value)| {
                let place = place(format!("`{name}`"));
                let record = Record {
                    captions: strings(&place, name, captions)?,
                    ..Record::new(place.picture(name)?)
                };
                place.check(record)
            };
            faces.iter().map(face).collect()
        }
        Value::Array(faces) => {
            let face = |(face, number): (&Value, usize)| {
                let place = place(format!("entry {number}"));
                let fields = face
                    .as_object()
                    .ok_or_else(|| place.fault("is not an object"))?;
                of_object(&place, fields)
            };
            faces.iter().zip(1..).map(face).collect()
        }
        _ => Err(fault(path, "is neither an object nor a list")),
    }
}

fn of_object(place: &Place<'_>, fields: &Map<String, Value>) -> Result<Record> {
    let field = |names: &[&'static str]| {
        let mut fields = names
            .iter()
            .filter_map(|name| Some((*name, fields.get(*name)?)));
        fields.next()
    };
    let file = match field(FILE) {
        Some((_, Value::String(file))) => file,
        Some((name, _)) => return Err(place.fault(format!("`{name}` is not a string"))),
        None => return Err(place.fault(format!("has none of `{}`", FILE.join("`, `")))),
    };
    let mut record = Record::new(place.picture(file)?);
    if let Some((name, captions)) = field(CAPTIONS) {
        record.captions = strings(place, name, captions)?;
    }
    if let Some(part) = fields.get(PART) {
        let name = part
            .as_str()
            .ok_or_else(|| place.fault("`split` is not a string"))?;
        record.part = Some(place.part(name)?);
    }
    if let Some(attributes) = fields.get("attributes") {
        let attributes = attributes
            .as_object()
            .ok_or_else(|| place.fault("`attributes` is not an object"))?;
        for (name, value) in attributes {
            let state = match value {
                Value::Null => Ok(None),
                Value::Bool(state) => Ok(Some(*state)),
                value => match value.as_i64().and_then(state_of) {
                    Some(state) => Ok(Some(state)),
                    None => Err(place.fault(format!(
                        "`{name}`: {value} is not the value of an attribute"
                    ))),
                },
            }?;
            place.set(&mut record.attributes, name, state)?;
        }
    }
    place.check(record)
}

/// One string or a list of strings.
fn strings(place: &Place<'_>, name: &str, value: &Value) -> Result<Vec<String>> {
    let string = |value: &Value| match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(place.fault(format!(
            "`{name}` is neither a string nor a list of strings"
        ))),
    };
    match value {
        Value::Array(values) => values.iter().map(string).collect(),
        value => Ok(vec![string(value)?]),
    }
}
