//! Small data sets of every layout, whole and damaged.

use std::fs;
use std::path::Path;

use anyface::image::save_png;
use anyface_portraits::Attribute;
use image::RgbImage;

use super::*;

/// A folder with pictures: that of `names[i]` is all of brightness `i`.
fn folder_of(images: &str, names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (i, name) in names.iter().enumerate() {
        let path = folder.path().join(images).join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let picture = RgbImage::from_pixel(4, 4, [i as u8; 3].into());
        save_png(&picture, &path).expect("written");
    }
    folder
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

fn config(path: &Path, layout: Layout) -> PhotographsConfig {
    PhotographsConfig {
        path: path.to_owned(),
        layout,
        size: 2,
        crop: None,
        held_out: 2,
        seed: 1,
    }
}

fn open(path: &Path, layout: Layout) -> FaceSplit {
    Photographs::open(&config(path, layout), 100).expect("faces")
}

fn error(path: &Path, layout: Layout) -> String {
    let error = Photographs::open(&config(path, layout), 100);
    let message = error.err().expect("an error").to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    }
}

/// Brightness of a face, as [`folder_of`] made it.
fn brightness(faces: &dyn Faces, index: usize) -> u8 {
    let images = faces.images(&[index], &Device::flex());
    (images.mean().into_scalar::<f32>() * 127.5 + 127.5).round() as u8
}

mod celeba {
    use super::*;

    const TABLE: &str =
        "file,identity,Attractive,Male,No_Beard\nb.png,7,1,1,0\na.png,3,0,0,1\nc.png,7,0,1,\n";

    #[test]
    fn a_table_is_read_and_split_by_person() {
        let folder = folder_of("image", &["a.png", "b.png", "c.png"]);
        write(folder.path(), "attributes.csv", TABLE);
        let split = open(folder.path(), Layout::Celeba);
        assert_eq!((split.training.len(), split.held_out.len()), (1, 2));
        let face = split.held_out.attributes(0);
        assert_eq!(brightness(&*split.held_out, 0), 1);
        assert_eq!(face.get(Attribute::Male), Some(true));
        assert_eq!(face.get(Attribute::NoBeard), Some(false));
        assert_eq!(face.get(Attribute::Freckles), None);
        assert_eq!(split.held_out.attributes(1).get(Attribute::NoBeard), None);
        assert_eq!(brightness(&*split.training, 0), 0);
    }

    #[test]
    fn captions_come_from_the_grammar() {
        let folder = folder_of("image", &["a.png", "b.png", "c.png"]);
        write(folder.path(), "attributes.csv", TABLE);
        let [first, again] = [0, 1].map(|_| open(folder.path(), Layout::Celeba).held_out);
        assert_eq!(first.captions(0), 10);
        let captions: Vec<_> = (0..10).map(|number| first.caption(0, number)).collect();
        assert!(
            captions
                .iter()
                .any(|caption| caption.text != captions[0].text)
        );
        for (number, caption) in captions.iter().enumerate() {
            assert_eq!(again.caption(0, number), *caption);
            for &(attribute, state) in &caption.said {
                let told = first.attributes(0).get(attribute);
                assert!(told.is_none() || told == Some(state), "{caption:?}");
            }
        }
    }

    #[test]
    fn the_list_with_its_partition_is_read() {
        let folder = folder_of("img_align_celeba", &["1.png", "2.png", "3.png"]);
        let list = "3\nMale Blurry Young\n1.png -1  1 -1\n2.png  1 -1  1\n3.png  1 -1  1\n";
        write(folder.path(), "list_attr_celeba.txt", list);
        write(
            folder.path(),
            "list_eval_partition.txt",
            "1.png 0\n2.png 1\n3.png 2\n",
        );
        let split = open(folder.path(), Layout::Celeba);
        assert_eq!((split.training.len(), split.held_out.len()), (1, 1));
        assert_eq!(brightness(&*split.held_out, 0), 1);
        assert!(split.held_out.attributes(0).has(Attribute::Young));
        assert!(split.training.attributes(0).lacks(Attribute::Male));
    }

    #[test]
    fn faults_name_file_and_line() {
        let folder = folder_of("image", &["a.png", "b.png", "c.png"]);
        let with = |table: &[u8]| {
            write(folder.path(), "attributes.csv", table);
            let message = error(folder.path(), Layout::Celeba);
            assert_says(&message, &["attributes.csv: line "]);
            message
        };
        let missing = with(TABLE.replace("a.png", "d.png").as_bytes());
        assert_says(&missing, &["line 3", "`d.png` is not in"]);
        assert_says(
            &with(TABLE.replace("3,0,0,1", "3,0,0").as_bytes()),
            &["line 3", "2 attributes, not 3"],
        );
        assert_says(
            &with(TABLE.replace("7,1,1,0", "7,1,1,2").as_bytes()),
            &["line 2", "`2` is no state"],
        );
        assert_says(
            &with(TABLE.replace("Male", "Mail").as_bytes()),
            &["line 1", "`Mail`"],
        );
        assert_says(
            &with(TABLE.replace("c.png", "b.png").as_bytes()),
            &["line 4", "line 2 too"],
        );
        let broken = [TABLE.as_bytes(), b"\xff.png,1,1,1,1\n"].concat();
        assert_says(&with(&broken), &["line 5", "UTF-8"]);
        write(folder.path(), "attributes.csv", TABLE);
        write(
            folder.path(),
            "list_eval_partition.csv",
            "image_id,partition\na.png,3\n",
        );
        assert_says(
            &error(folder.path(), Layout::Celeba),
            &["partition.csv: line 2", "`3`"],
        );
        write(
            folder.path(),
            "list_eval_partition.csv",
            "image_id,partition\na.png,0\nb.png,1\n",
        );
        assert_says(
            &error(folder.path(), Layout::Celeba),
            &["attributes.csv: line 4", "`c.png`"],
        );
        write(folder.path(), "image/b.png", "no picture");
        fs::remove_file(folder.path().join("list_eval_partition.csv")).expect("removed");
        assert_says(&error(folder.path(), Layout::Celeba), &["b.png", "picture"]);
    }
}

mod captioned {
    use super::*;

    /// `pickle.dumps` of a list of short texts, protocol 2.
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
    fn multi_modal_celeba_hq_comes_with_captions_and_split() {
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
    fn attributes_are_read_where_their_table_is_there() {
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
    fn faults_name_the_file() {
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
            &["test/filenames.pickle", "no list of strings"],
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
    fn captions_stand_beside_pictures() {
        let folder = folder_of("", &["a.png", "more/b.png"]);
        write(folder.path(), "a.txt", "A girl.");
        let missing = error(folder.path(), Layout::Beside);
        assert_says(&missing, &["more/b.png", "more/b.txt is missing"]);
        write(folder.path(), "more/b.txt", "A boy.\nA child.\n");
        let split = open(folder.path(), Layout::Beside);
        assert_eq!(split.held_out.caption(0, 1).text, "A child.");
        assert_eq!(split.training.caption(0, 0).text, "A girl.");
    }
}
