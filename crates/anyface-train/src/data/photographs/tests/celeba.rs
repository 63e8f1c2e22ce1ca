//! Tests of CelebA's tables.

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
fn the_list_and_its_partition_are_read() {
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
fn errors_name_file_and_line() {
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
        &["line 2", "`2` is not a value"],
    );
    assert_says(
        &with(TABLE.replace("Male", "Mail").as_bytes()),
        &["line 1", "`Mail`"],
    );
    assert_says(
        &with(TABLE.replace("c.png", "b.png").as_bytes()),
        &["line 4", "also in line 2"],
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
    write(folder.path(), "image/b.png", "not a picture");
    fs::remove_file(folder.path().join("list_eval_partition.csv")).expect("removed");
    assert_says(&error(folder.path(), Layout::Celeba), &["b.png", "picture"]);
}
