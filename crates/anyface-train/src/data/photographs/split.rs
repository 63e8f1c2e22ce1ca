//! Splits faces into training and held-out sets.

use std::collections::BTreeMap;

use super::record::{Part, Record};

/// Returns the training and the held-out records.
///
/// If the layout has a split, its validation part is held out, or its test part if there is no
/// validation part. A test part is not used if there is a validation part. Otherwise every
/// `every`-th person, sorted by name, is held out with all pictures, so that no person is in both
/// sets. Where persons are unknown, every `every`-th picture is held out.
pub(super) fn split(records: Vec<Record>, every: usize) -> (Vec<Record>, Vec<Record>) {
    let has = |part| records.iter().any(|record| record.part == Some(part));
    if has(Part::Validation) || has(Part::Test) {
        let held_out = match has(Part::Validation) {
            true => Part::Validation,
            false => Part::Test,
        };
        return divide(records, |_, record| match record.part {
            Some(part) if part == held_out => Side::HeldOut,
            Some(Part::Training) | None => Side::Training,
            Some(_) => Side::Neither,
        });
    }
    let turn = |place: usize| match (place + 1).is_multiple_of(every) {
        true => Side::HeldOut,
        false => Side::Training,
    };
    let mut persons: BTreeMap<String, usize> = BTreeMap::new();
    let known = records.iter().filter_map(|record| record.person.clone());
    persons.extend(known.map(|person| (person, 0)));
    for (place, number) in persons.values_mut().enumerate() {
        *number = place;
    }
    divide(records, |place, record| match &record.person {
        Some(person) => turn(persons[person]),
        None => turn(place),
    })
}

/// At most `count` records, evenly spaced.
pub(super) fn thin(records: Vec<Record>, count: usize) -> Vec<Record> {
    let all = records.len();
    let kept = |place: usize| (place + 1) * count / all > place * count / all;
    let records = records.into_iter().enumerate();
    records
        .filter_map(|(place, record)| (count >= all || kept(place)).then_some(record))
        .collect()
}

enum Side {
    Training,
    HeldOut,
    Neither,
}

fn divide(
    records: Vec<Record>,
    side: impl Fn(usize, &Record) -> Side,
) -> (Vec<Record>, Vec<Record>) {
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    for (place, record) in records.into_iter().enumerate() {
        match side(place, &record) {
            Side::Training => training.push(record),
            Side::HeldOut => held_out.push(record),
            Side::Neither => (),
        }
    }
    (training, held_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::picture::Picture;

    fn records(persons: &[Option<&str>], parts: &[Option<Part>]) -> Vec<Record> {
        let both = persons.iter().zip(parts).enumerate();
        both.map(|(i, (person, part))| Record {
            person: person.map(str::to_owned),
            part: *part,
            ..Record::new(Picture::File(format!("{i}").into()))
        })
        .collect()
    }

    fn names(records: &[Record]) -> Vec<String> {
        let names = records.iter().map(|record| record.picture.name());
        names.map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn a_person_is_in_one_set() {
        let persons = ["b", "a", "c", "a", "b", "d"].map(Some);
        let (training, held_out) = split(records(&persons, &[None; 6]), 2);
        // Persons by name: a, b, c, d. The second and the fourth are held out.
        assert_eq!(names(&held_out), ["0", "4", "5"]);
        assert_eq!(names(&training), ["1", "2", "3"]);
    }

    #[test]
    fn without_persons_every_nth_picture_is_held_out() {
        let (training, held_out) = split(records(&[None; 5], &[None; 5]), 2);
        assert_eq!(names(&held_out), ["1", "3"]);
        assert_eq!(training.len(), 3);
    }

    #[test]
    fn the_split_of_the_layout_is_kept() {
        use Part::{Test, Training, Validation};
        let parts = [Training, Validation, Test].map(Some);
        let (training, held_out) = split(records(&[None; 3], &parts), 2);
        assert_eq!(
            (names(&training), names(&held_out)),
            (vec!["0".to_owned()], vec!["1".to_owned()])
        );
        let parts = [Training, Test, Test].map(Some);
        let (_, held_out) = split(records(&[None; 3], &parts), 2);
        assert_eq!(names(&held_out), ["1", "2"]);
    }

    #[test]
    fn a_set_is_thinned_evenly() {
        let all = || records(&[None; 10], &[None; 10]);
        assert_eq!(names(&thin(all(), 3)), ["3", "6", "9"]);
        assert_eq!(thin(all(), 20).len(), 10);
        assert!(thin(all(), 0).is_empty());
    }
}
