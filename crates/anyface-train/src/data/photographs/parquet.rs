//! Parquet tables: a column of file names or encoded pictures, and columns of captions, attributes
//! and the split.
//!
//! A picture is `BYTE_ARRAY`, or a group of `bytes` and `path` as in Hugging Face data sets. A
//! folder of tables is read as one table. There, the prefix `train`, `val` or `test` of a file name
//! determines the split.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use super::entry::{CAPTIONS, FILE, PART, Place, state_of};
use super::record::{Column, Part, Record};
use super::text::fault;
use crate::data::picture::Picture;
use crate::error::{Result, TrainError};

/// Faces of a table, or of all tables in a folder, sorted by name.
pub(super) fn read(path: &Path) -> Result<Vec<Record>> {
    if !path.is_dir() {
        return read_table(path, None);
    }
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(path).map_err(TrainError::io(path))? {
        let table = entry.map_err(TrainError::io(path))?.path();
        if table.extension().is_some_and(|e| e == "parquet") {
            tables.push(table);
        }
    }
    if tables.is_empty() {
        return Err(fault(path, "has no Parquet tables"));
    }
    tables.sort();
    let faces = tables.iter().map(|table| read_table(table, part_of(table)));
    Ok(faces.collect::<Result<Vec<_>>>()?.concat())
}

/// The part of the split that the file name of a table starts with.
fn part_of(table: &Path) -> Option<Part> {
    let name = table.file_name()?.to_str()?;
    let parts = [
        ("train", Part::Training),
        ("val", Part::Validation),
        ("test", Part::Test),
    ];
    let part = parts.into_iter().find(|(start, _)| name.starts_with(start));
    part.map(|(_, part)| part)
}

fn read_table(path: &Path, part: Option<Part>) -> Result<Vec<Record>> {
    let damaged =
        |error: parquet::errors::ParquetError| fault(path, error.to_string().replace('\n', " "));
    let file = File::open(path).map_err(TrainError::io(path))?;
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let rows = reader.get_row_iter(None).map_err(damaged)?;
    let record = |(row, number): (parquet::errors::Result<Row>, usize)| {
        let place = Place {
            file: path,
            entry: format!("row {number}"),
        };
        of_row(&place, &row.map_err(damaged)?, part)
    };
    rows.zip(1..).map(record).collect()
}

fn of_row(place: &Place<'_>, row: &Row, part: Option<Part>) -> Result<Record> {
    let field = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let mut columns = row.get_column_iter();
            let (_, field) = columns.find(|(column, _)| column == name)?;
            (*field != Field::Null).then_some((*name, field))
        })
    };
    let Some((name, value)) = field(FILE) else {
        return Err(place.fault(format!("has none of `{}`", FILE.join("`, `"))));
    };
    let mut record = Record::new(picture(place, name, value)?);
    record.part = part;
    if let Some((name, captions)) = field(CAPTIONS) {
        record.captions = strings(place, name, captions)?;
    }
    match field(&[PART]) {
        None => (),
        Some((_, Field::Str(part))) => record.part = Some(place.part(part)?),
        Some(_) => return Err(place.fault("`split` is not a string")),
    }
    for (name, value) in row.get_column_iter() {
        if Column::from_name(name).is_some() {
            let state = state(value).ok_or_else(|| {
                place.fault(format!(
                    "`{name}`: {value} is not the value of an attribute"
                ))
            })?;
            place.set(&mut record.attributes, name, state)?;
        }
    }
    place.check(record)
}

/// A picture given by its file name or its bytes.
fn picture(place: &Place<'_>, column: &str, value: &Field) -> Result<Picture> {
    let inside = |bytes: &[u8]| Picture::Bytes {
        name: PathBuf::from(format!("{}: {}", place.file.display(), place.entry)),
        bytes: bytes.to_vec(),
    };
    match value {
        Field::Str(name) => place.picture(name),
        Field::Bytes(bytes) => Ok(inside(bytes.data())),
        Field::Group(group) => {
            let of = |name: &str| {
                let mut columns = group.get_column_iter();
                columns
                    .find(|(column, _)| *column == name)
                    .map(|(_, field)| field)
            };
            match (of("bytes"), of("path")) {
                (Some(Field::Bytes(bytes)), _) => Ok(inside(bytes.data())),
                (_, Some(Field::Str(name))) => place.picture(name),
                _ => Err(place.fault(format!("`{column}` has neither `bytes` nor `path`"))),
            }
        }
        _ => Err(place.fault(format!("`{column}` is neither a file name nor a picture"))),
    }
}

/// One string or a list of strings.
fn strings(place: &Place<'_>, name: &str, value: &Field) -> Result<Vec<String>> {
    let string = |value: &Field| match value {
        Field::Str(text) => Ok(text.clone()),
        _ => Err(place.fault(format!(
            "`{name}` is neither a string nor a list of strings"
        ))),
    };
    match value {
        Field::ListInternal(list) => list.elements().iter().map(string).collect(),
        value => Ok(vec![string(value)?]),
    }
}

/// Value of an attribute: a boolean, a number or null.
fn state(value: &Field) -> Option<Option<bool>> {
    let number = match *value {
        Field::Null => return Some(None),
        Field::Bool(state) => return Some(Some(state)),
        Field::Byte(number) => number.into(),
        Field::Short(number) => number.into(),
        Field::Int(number) => number.into(),
        Field::Long(number) => number,
        Field::UByte(number) => number.into(),
        Field::UShort(number) => number.into(),
        Field::UInt(number) => number.into(),
        _ => return None,
    };
    state_of(number).map(Some)
}
