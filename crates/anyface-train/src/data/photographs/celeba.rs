//! CelebA's tables of attributes: text with ±1, or CSV.
//!
//! - `list_attr_celeba.txt`: the number of pictures, the names of the attributes, then a line per
//!   picture with file and values.
//! - `attributes.csv`, `list_attr_celeba.csv`: a header, then file and values, optionally with a
//!   column `identity`.
//! - `identity_CelebA.txt`: file and person.
//! - `list_eval_partition.txt` or `.csv`: file and part, 0 training, 1 validation, 2 test.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyface_portraits::Attributes;

use super::record::{Column, Part, Record, file_of, state};
use super::text::{at_line, fault, first_of, lines, need, read_text};
use crate::data::picture::Picture;
use crate::error::Result;

/// Folders of the pictures.
const IMAGES: &[&str] = &[
    "img_align_celeba/img_align_celeba",
    "img_align_celeba",
    "image",
    "images",
    "CelebA-HQ-img",
];
/// Tables of attributes, in CelebA, CelebAMask-HQ and other copies.
const ATTRIBUTES: &[&str] = &[
    "attributes.csv",
    "list_attr_celeba.csv",
    "list_attr_celeba.txt",
    "Anno/list_attr_celeba.txt",
    "list_attr_celebahq.txt",
    "CelebAMask-HQ-attribute-anno.txt",
];
const PERSONS: &[&str] = &["identity_CelebA.txt", "Anno/identity_CelebA.txt"];
const PARTS: &[&str] = &[
    "list_eval_partition.txt",
    "Eval/list_eval_partition.txt",
    "list_eval_partition.csv",
];

/// A row of a table of attributes.
#[derive(Debug)]
struct Row {
    line: usize,
    file: String,
    person: Option<String>,
    attributes: Attributes,
}

/// All faces of the table of attributes in `folder`, in its order.
pub(super) fn read(folder: &Path) -> Result<Vec<Record>> {
    let images = need(folder, IMAGES)?;
    let labels = need(folder, ATTRIBUTES)?;
    let persons = first_of(folder, PERSONS).map(|path| pairs(&path));
    let persons = persons.transpose()?;
    let parts = first_of(folder, PARTS).map(|path| Result::Ok((read_parts(&path)?, path)));
    let parts = parts.transpose()?;
    let record = |row: Row| {
        let picture = file_of(&images, &row.file, &labels, row.line)?;
        let part = match &parts {
            None => None,
            Some((parts, path)) => match parts.get(&row.file) {
                Some(&part) => Some(part),
                None => {
                    let message = format!("`{}` is not in {}", row.file, path.display());
                    return Err(at_line(&labels, row.line, message));
                }
            },
        };
        let person = persons.as_ref().and_then(|persons| persons.get(&row.file));
        Ok(Record {
            attributes: row.attributes,
            person: row.person.or_else(|| Some(person?.0.clone())),
            part,
            ..Record::new(Picture::File(picture))
        })
    };
    read_table(&labels)?.into_iter().map(record).collect()
}

/// Attributes by file name from the first of CelebA's tables that exists in `folder`, and the path
/// of the table.
pub(super) fn attributes_in(
    folder: &Path,
) -> Result<Option<(PathBuf, HashMap<String, Attributes>)>> {
    let Some(path) = first_of(folder, ATTRIBUTES) else {
        return Ok(None);
    };
    let rows = read_table(&path)?.into_iter();
    let faces = rows.map(|row| (row.file, row.attributes)).collect();
    Ok(Some((path, faces)))
}

/// Reads a table of attributes. It is CSV if the first line has a comma.
///
/// # Errors
/// Names the line with an unknown attribute or value, a wrong number of columns, or a repeated
/// file.
fn read_table(path: &Path) -> Result<Vec<Row>> {
    let text = read_text(path)?;
    let rows = match text.lines().next().is_some_and(|line| line.contains(',')) {
        true => read_csv(path, &text),
        false => read_list(path, &text),
    }?;
    let mut known: HashMap<&str, usize> = HashMap::new();
    for row in &rows {
        if let Some(before) = known.insert(&row.file, row.line) {
            let message = format!("`{}` is also in line {before}", row.file);
            return Err(at_line(path, row.line, message));
        }
    }
    match rows.is_empty() {
        true => Err(fault(path, "has no faces")),
        false => Ok(rows),
    }
}

/// Number of rows, names of attributes, then a file and its values per line, separated by spaces.
/// Some copies lack the number.
fn read_list(path: &Path, text: &str) -> Result<Vec<Row>> {
    let mut lines = lines(text).peekable();
    let count = lines.next_if(|(_, line)| line.parse::<usize>().is_ok());
    let Some((header, names)) = lines.next() else {
        return Err(fault(path, "has no attribute names"));
    };
    let names = names.split_whitespace();
    let columns = names.map(|name| column(path, header, name));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let row = |(line, text): (usize, &str)| {
        let mut values = text.split_whitespace();
        let file = values.next().expect("lines are not empty").to_owned();
        let values: Vec<&str> = values.collect();
        Ok(Row {
            line,
            file,
            person: None,
            attributes: attributes(path, line, &columns, &values)?,
        })
    };
    let rows = lines.map(row).collect::<Result<Vec<_>>>()?;
    match count {
        Some((line, count)) if count != rows.len().to_string() => {
            let message = format!("states {count} faces but has {}", rows.len());
            Err(at_line(path, line, message))
        }
        _ => Ok(rows),
    }
}

/// A header, then one row per face. The first column is the file name, whatever its header.
fn read_csv(path: &Path, text: &str) -> Result<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let malformed = |error: csv::Error| {
        let line = error
            .position()
            .map_or(1, |position| position.line() as usize);
        at_line(path, line, error.to_string())
    };
    let header = reader.headers().map_err(malformed)?.clone();
    let person = header.iter().position(|name| name == "identity");
    let named = header.iter().enumerate();
    let named = named.filter(|&(i, _)| i > 0 && Some(i) != person);
    let columns = named.map(|(_, name)| column(path, 1, name));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let row = |record: csv::Result<csv::StringRecord>| {
        let record = record.map_err(malformed)?;
        let line = record
            .position()
            .map_or(1, |position| position.line() as usize);
        let values = record.iter().enumerate();
        let values = values.filter(|&(i, _)| i > 0 && Some(i) != person);
        let values: Vec<&str> = values.map(|(_, value)| value).collect();
        let attributes = attributes(path, line, &columns, &values)?;
        Ok(Row {
            line,
            file: record[0].to_owned(),
            person: person.map(|i| record[i].to_owned()),
            attributes,
        })
    };
    reader.records().map(row).collect()
}

fn column(path: &Path, line: usize, name: &str) -> Result<Column> {
    Column::from_name(name).ok_or_else(|| {
        at_line(
            path,
            line,
            format!("`{name}` is not an attribute of CelebA"),
        )
    })
}

fn attributes(path: &Path, line: usize, columns: &[Column], values: &[&str]) -> Result<Attributes> {
    if values.len() != columns.len() {
        let message = format!("{} attributes, not {}", values.len(), columns.len());
        return Err(at_line(path, line, message));
    }
    let mut attributes = Attributes::UNKNOWN;
    for (column, value) in columns.iter().zip(values) {
        let state = state(value).ok_or_else(|| {
            let message = format!("`{value}` is not a value of an attribute: 1, 0 or -1");
            at_line(path, line, message)
        })?;
        if let Column::Known(attribute) = column {
            attributes.set(*attribute, state);
        }
    }
    Ok(attributes)
}

/// The second word of each line by the first word, with the line number. Spaces or a comma separate
/// words.
fn pairs(path: &Path) -> Result<HashMap<String, (String, usize)>> {
    let text = read_text(path)?;
    let pair = |(line, text): (usize, &str)| {
        let words = text.split([',', ' ', '\t']);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        match words[..] {
            [file, value] => Ok((file.to_owned(), (value.to_owned(), line))),
            _ => Err(at_line(path, line, "must have a file name and one value")),
        }
    };
    lines(&text).map(pair).collect()
}

fn read_parts(path: &Path) -> Result<HashMap<String, Part>> {
    let part = |(file, (value, line)): (String, (String, usize))| match value.as_str() {
        "0" => Some(Ok((file, Part::Training))),
        "1" => Some(Ok((file, Part::Validation))),
        "2" => Some(Ok((file, Part::Test))),
        "partition" if line == 1 => None,
        _ => {
            let message = format!("`{value}` is not a part of the split: 0, 1 or 2");
            Some(Err(at_line(path, line, message)))
        }
    };
    pairs(path)?.into_iter().filter_map(part).collect()
}
