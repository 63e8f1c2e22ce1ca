//! Tests of layouts with a caption file per picture.

use super::*;

/// `pickle.dumps` of a list of short strings, protocol 2.
fn pickled(names: &[&str]) -> Vec<u8> {
    let mut bytes = b"\x80\x02](".to_vec();
    for name in names {
        bytes.extend(b"X");
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.as_bytes());
    }
    bytes.extend(b"e.");
    bytes
}

fn multi_modal() -> tempfile::TempDir {
    let folder = folder_of("image", &["0.png", "1.png", "2.png", "3.png"]);
    for i in 0..3 {
        let captions = format!("She smiles. She has glasses.\n\nA woman, number {i}.\n");
        write(
            folder.path(),
            &format!("text/celeba-caption/{i}.txt"),
            captions,
        );
    }
    write(
        folder.path(),
        "train/filenames.pickle",
        pickled(&["2", "0"]),
    );
    write(folder.path(), "test/filenames.pickle", pickled(&["1"]));
    folder
}

#[test]
fn multi_modal_celeba_hq_has_captions_and_a_split() {
    let folder = multi_modal();
    let split = open(folder.path(), Layout::MultiModalCelebaHq);
    assert_eq!((split.training.len(), split.held_out.len()), (2, 1));
    let face = &*split.training;
    assert_eq!(brightness(face, 0), 2);
    assert_eq!(
        (face.captions(0), face.attributes(0)),
        (2, Attributes::UNKNOWN)
    );
    let caption = face.caption(0, 0);
    let sentences: Vec<_> = caption.sentences.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(sentences, ["She smiles.", "She has glasses."]);
    assert!(caption.said.is_empty());
    assert_eq!(face.caption(0, 1).text, "A woman, number 2.");
}

#[test]
fn attributes_are_read_if_their_table_exists() {
    let folder = multi_modal();
    let table = "4\nMale Young\n0.jpg -1 1\n1.jpg 1 1\n2.jpg 1 -1\n3.jpg 1 1\n";
    write(folder.path(), "CelebAMask-HQ-attribute-anno.txt", table);
    let split = open(folder.path(), Layout::MultiModalCelebaHq);
    assert!(split.training.attributes(0).has(Attribute::Male));
    assert!(split.training.attributes(1).lacks(Attribute::Male));
}

#[test]
fn celeba_text_hq_has_lists_of_paths() {
    let folder = folder_of("CelebAimg", &["7.png", "8.png"]);
    write(folder.path(), "captions/7.txt", "A man.\n");
    write(folder.path(), "captions/8.txt", "A woman.\n");
    write(
        folder.path(),
        "data_flist/train.flist",
        "../data/CelebAimg/8.jpg\n",
    );
    write(
        folder.path(),
        "data_flist/test.flist",
        "../data/CelebAimg/7.jpg\n",
    );
    let split = open(folder.path(), Layout::CelebaTextHq);
    assert_eq!(split.training.caption(0, 0).text, "A woman.");
    assert_eq!(brightness(&*split.held_out, 0), 0);
}

#[test]
fn errors_name_the_file() {
    let folder = multi_modal();
    let layout = Layout::MultiModalCelebaHq;
    write(folder.path(), "test/filenames.pickle", pickled(&["9"]));
    assert_says(
        &error(folder.path(), layout),
        &["test/filenames.pickle", "`9` has no picture"],
    );
    write(folder.path(), "test/filenames.pickle", pickled(&["0"]));
    assert_says(
        &error(folder.path(), layout),
        &["test/filenames.pickle", "`0` is in the split twice"],
    );
    write(
        folder.path(),
        "test/filenames.pickle",
        b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00a\x85R.",
    );
    assert_says(
        &error(folder.path(), layout),
        &["test/filenames.pickle", "not a list of strings"],
    );
    fs::remove_file(folder.path().join("test/filenames.pickle")).expect("removed");
    assert_says(
        &error(folder.path(), layout),
        &["has none of", "test/filenames.pickle"],
    );
    write(folder.path(), "test/filenames.pickle", pickled(&["1"]));
    write(
        folder.path(),
        "text/celeba-caption/1.txt",
        b"A man.\n\xff\n",
    );
    assert_says(&error(folder.path(), layout), &["1.txt: line 2", "UTF-8"]);
    write(folder.path(), "text/celeba-caption/1.txt", "\n");
    assert_says(&error(folder.path(), layout), &["1.txt", "no caption"]);
}

#[test]
fn sidecar_captions_are_read() {
    let folder = folder_of("", &["a.png", "more/b.png"]);
    write(folder.path(), "a.txt", "A girl.");
    let missing = error(folder.path(), Layout::Sidecar);
    assert_says(&missing, &["more/b.png", "more/b.txt is missing"]);
    write(folder.path(), "more/b.txt", "A boy.\nA child.\n");
    let split = open(folder.path(), Layout::Sidecar);
    assert_eq!(split.held_out.caption(0, 1).text, "A child.");
    assert_eq!(split.training.caption(0, 0).text, "A girl.");
}
