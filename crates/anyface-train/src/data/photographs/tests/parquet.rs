//! Tests of Parquet tables.

use std::fs::File;
use std::sync::Arc;

use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::*;

const FILES: &[&str] = &["a.png", "b.png", "c.png"];

/// Writes a table of file names or pictures, captions and `Male`.
fn table(path: &Path, rows: &[(&[u8], &str, bool)], pictures: bool) {
    let first = match pictures {
        true => "required binary image",
        false => "required binary file_name (STRING)",
    };
    let schema = format!(
        "message faces {{ {first}; required binary text (STRING); required boolean Male; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().build());
    let file = File::create(path).expect("a file");
    let mut writer = SerializedFileWriter::new(file, schema, properties).expect("a table");
    let mut group = writer.next_row_group().expect("a group");
    let texts = |column: usize| {
        let texts = rows
            .iter()
            .map(|(file, text, _)| [file, text.as_bytes()][column].to_vec());
        texts.map(ByteArray::from).collect::<Vec<_>>()
    };
    for column in 0..2 {
        let mut writer = group.next_column().expect("a column").expect("a column");
        let values = texts(column);
        writer
            .typed::<ByteArrayType>()
            .write_batch(&values, None, None)
            .expect("written");
        writer.close().expect("closed");
    }
    let mut column = group.next_column().expect("a column").expect("a column");
    let values: Vec<bool> = rows.iter().map(|row| row.2).collect();
    column
        .typed::<BoolType>()
        .write_batch(&values, None, None)
        .expect("written");
    column.close().expect("closed");
    group.close().expect("closed");
    writer.close().expect("closed");
}

#[test]
fn tables_have_file_names_or_pictures() {
    let folder = folder_of("", FILES);
    let png = fs::read(folder.path().join("c.png")).expect("a picture");
    table(
        &folder.path().join("train-0.parquet"),
        &[(b"a.png", "A man.", true), (b"b.png", "A woman.", false)],
        false,
    );
    table(
        &folder.path().join("test-0.parquet"),
        &[(&png, "A girl.", false)],
        true,
    );
    let split = open(folder.path(), Layout::Parquet);
    assert_eq!((split.training.len(), split.held_out.len()), (2, 1));
    assert_eq!(split.training.caption(1, 0).text, "A woman.");
    assert!(split.training.attributes(0).has(Attribute::Male));
    assert_eq!(brightness(&*split.training, 1), 1);
    assert_eq!(brightness(&*split.held_out, 0), 2);
}

#[test]
fn table_errors_name_the_row() {
    let folder = folder_of("", FILES);
    let path = folder.path().join("x.parquet");
    table(
        &path,
        &[(b"a.png", "A man.", true), (b"d.png", "A man.", true)],
        false,
    );
    assert_says(
        &error(&path, Layout::Parquet),
        &["x.parquet: row 2", "`d.png` is not in"],
    );
    table(&path, &[(b"not a picture", "A man.", true)], true);
    let whole = Photographs::open(
        &PhotographsConfig {
            held_out: 9,
            ..config(&path, Layout::Parquet)
        },
        1,
    );
    assert_says(
        &whole.err().expect("an error").to_string(),
        &["x.parquet: row 1", "picture"],
    );
    fs::write(&path, "not a table").expect("written");
    assert_says(&error(&path, Layout::Parquet), &["x.parquet"]);
}
