use std::collections::{HashMap, HashSet};

use super::*;

fn all() -> Vec<(&'static str, &'static Phrase)> {
    let persons = LEXICON.persons.iter().flatten().map(|it| ("persons", it));
    let looks = LEXICON.looks.iter().map(|it| ("looks", it));
    let emoji = LEXICON.emoji.iter().map(|it| ("emoji", it));
    let languages = LEXICON.languages.iter();
    let foreign = languages.flat_map(|(language, phrases)| {
        let words = phrases.iter().filter(|it| it.class != Class::Pronoun);
        words.map(|it| (language.name(), it))
    });
    persons.chain(looks).chain(emoji).chain(foreign).collect()
}

#[test]
fn every_line_reads_and_no_entry_comes_twice() {
    let mut known = HashSet::new();
    for (file, phrase) in all() {
        assert!(!phrase.text.is_empty(), "an empty entry of {file}");
        let group = match phrase.class.is_person() {
            true => Class::Noun,
            false => phrase.class,
        };
        let is_frame = phrase.class == Class::Frame;
        let is_new = known.insert((file, group, phrase.text));
        assert!(is_new || is_frame, "{:?} twice in {file}", phrase.text);
        for (_, percent) in &phrase.header.says.likely {
            assert!(
                (1..SURE).contains(percent),
                "{percent} % for {}",
                phrase.text
            );
        }
    }
}

#[test]
fn there_are_enough_words() {
    let count = |classes: &[Class]| {
        let words = all()
            .into_iter()
            .filter(|(file, _)| ["persons", "looks"].contains(file));
        let fitting = words.filter(|(_, phrase)| classes.contains(&phrase.class));
        fitting.map(|(_, it)| it.text).collect::<HashSet<_>>().len()
    };
    use Class::*;
    let persons = count(&[Noun, Kin, Name]);
    let states = count(&[Adjective, Age, Before, Is]);
    let looks = count(&[Has, Wear, Part, Hair, Lack]);
    assert!(persons >= 1_200, "{persons} words for persons");
    assert!(states >= 600, "{states} adjectives and states");
    assert!(looks >= 400, "{looks} phrases for looks");
}

#[test]
fn about_a_tenth_of_every_file_is_held_out() {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (file, phrase) in all() {
        let (held_out, total) = counts.entry(file).or_default();
        *held_out += usize::from(phrase.held_out);
        *total += 1;
    }
    for (file, (held_out, total)) in counts {
        let share = held_out as f64 / total as f64;
        assert!((0.04..0.14).contains(&share), "{share} of {file}");
    }
}

#[test]
fn an_entry_whose_words_stand_in_others_is_never_held_out() {
    let held_out: Vec<&Phrase> = LEXICON.looks.iter().filter(|it| it.held_out).collect();
    assert!(held_out.len() > 200);
    for phrase in held_out {
        let whole = entry(phrase.text);
        let inside = |other: &&Phrase| {
            let text = entry(other.text);
            text != whole && format!(" {text} ").contains(&format!(" {whole} "))
        };
        let other = LEXICON.looks.iter().find(inside).map(|it| it.text);
        let is_long = whole.split(' ').count() > MOST_WORDS;
        assert!(other.is_none() || is_long, "{whole} stands in {other:?}");
    }
}

#[test]
fn a_header_says_what_is_sure_and_what_is_likely() {
    let header = Header::read("+Male:95 -Child +Full_Beard:60 ~Bald @crown");
    let facts = [(Attribute::Male, true), (Attribute::Child, false)];
    assert_eq!(header.says.facts, facts);
    assert_eq!(header.says.likely, [((Attribute::FullBeard, true), 60)]);
    assert_eq!(header.unless, [Attribute::Bald]);
    assert_eq!(header.wanted, Some("crown"));
    assert_eq!(header.deniable, None);
    let beret = Header::read("+Knitted_Cap +Wearing_Hat");
    assert_eq!(beret.deniable, Some(Attribute::KnittedCap));
    let huge = Header::read("+Big_Nose=extreme");
    assert_eq!(huge.says.facts, [(Attribute::BigNose, true)]);
    assert_eq!(huge.says.degrees, [(Attribute::BigNose, Degree::Extreme)]);
    let little = Header::read("+Big_Nose=slight");
    assert!(little.says.facts.is_empty() && little.deniable.is_none());
}

#[test]
fn what_the_renderer_lacks_is_named() {
    let wanted: HashSet<&str> = all()
        .into_iter()
        .filter_map(|(_, phrase)| phrase.header.wanted)
        .collect();
    for look in [
        "mohawk",
        "dreadlocks",
        "bun",
        "ponytail",
        "pigtails",
        "braids",
        "afro",
        "crown",
        "turban",
        "hijab",
        "headband",
        "headphones",
        "eye_patch",
        "scarf",
        "scar",
        "wink",
        "tears",
        "hair_dye",
        "piercing",
        "tattoo",
        "monocle",
        "bow_tie",
        "background",
        "baby",
    ] {
        assert!(wanted.contains(look), "nothing asks for {look}");
    }
}
