//! Attributes in words.

use anyface_portraits::Attribute::{self, *};

use super::SeenAttributes;

/// Smallest probability of an attribute that the sentence mentions.
const SURE: f32 = 0.7;

/// Below this probability of [`Male`] the sentence says "woman", above 1 minus it "man", else
/// "person".
const WOMAN_BELOW: f32 = 0.4;

/// An attribute and its phrase.
type Phrase = (Attribute, &'static str);

// Adjectives of "hair".
const LENGTHS: &[Phrase] = &[(LongHair, "long"), (ShortHair, "short")];
const SHAPES: &[Phrase] = &[
    (CurlyHair, "curly"),
    (WavyHair, "wavy"),
    (StraightHair, "straight"),
];
const COLORS: &[Phrase] = &[
    (BlackHair, "black"),
    (BlondHair, "blond"),
    (BrownHair, "brown"),
    (GrayHair, "grey"),
    (RedHair, "red"),
    (WhiteHair, "white"),
];

/// Phrases after "with". The sentence has at most one of each group, the most probable.
const WITH: &[&[Phrase]] = &[
    &[
        (Bangs, "a fringe"),
        (RecedingHairline, "a receding hairline"),
    ],
    &[
        (FullBeard, "a full beard"),
        (Goatee, "a goatee"),
        (FiveOClockShadow, "stubble"),
    ],
    &[(Mustache, "a moustache")],
    &[(Sideburns, "sideburns")],
    &[
        (BlueEyes, "blue eyes"),
        (GreenEyes, "green eyes"),
        (BrownEyes, "brown eyes"),
    ],
    &[(PaleSkin, "pale skin"), (DarkSkin, "dark skin")],
    &[(Freckles, "freckles")],
    &[(Wrinkles, "wrinkles")],
    &[(BushyEyebrows, "bushy eyebrows")],
    &[(RosyCheeks, "rosy cheeks")],
    &[(BigNose, "a big nose"), (PointyNose, "a pointed nose")],
    &[(BigLips, "full lips")],
    &[(DoubleChin, "a double chin"), (SquareJaw, "a square jaw")],
    &[(ClosedEyes, "closed eyes")],
];

/// Phrases after "wearing", in groups like [`WITH`].
const WEARING: &[&[Phrase]] = &[
    &[(Sunglasses, "sunglasses"), (Eyeglasses, "glasses")],
    &[
        (KnittedCap, "a knitted cap"),
        (BrimmedHat, "a brimmed hat"),
        (BaseballCap, "a baseball cap"),
    ],
    &[(WearingEarrings, "earrings")],
    &[(WearingNecklace, "a necklace")],
    &[(WearingNecktie, "a necktie")],
    &[(HeavyMakeup, "make-up"), (WearingLipstick, "lipstick")],
];

/// Facial expressions, at the end of the sentence.
const EXPRESSIONS: &[Phrase] = &[
    (Smiling, "smiling"),
    (Frowning, "frowning"),
    (Surprised, "surprised"),
];

/// Synonyms that [`shows`] knows and the sentence does not use.
const SYNONYMS: &[Phrase] = &[
    (Elderly, "old"),
    (Elderly, "older"),
    (Young, "young"),
    (Bald, "bald"),
    (WearingHat, "hat"),
    (LongHair, "long hair"),
    (CurlyHair, "curly hair"),
];

/// See [`SeenAttributes::in_words`].
pub(super) fn sentence(seen: &SeenAttributes) -> String {
    let mut text = format!("A{}", person(seen));
    let with: Vec<_> = hair(seen).into_iter().chain(surest(seen, WITH)).collect();
    if !with.is_empty() {
        text += " with ";
        text += &list(&with);
    }
    let mut wearing = surest(seen, WEARING);
    // A hat of an unknown kind.
    if is_sure(seen, WearingHat)
        && !wearing
            .iter()
            .any(|worn| worn.ends_with("hat") || worn.ends_with("cap"))
    {
        wearing.push("a hat".to_owned());
    }
    if !wearing.is_empty() {
        text += ", wearing ";
        text += &list(&wearing);
    }
    if let Some(expression) = most_probable(seen, EXPRESSIONS) {
        text += ", ";
        text += expression;
    }
    text + "."
}

/// See [`SeenAttributes::shows`].
pub(super) fn shows(seen: &SeenAttributes, text: &str) -> bool {
    let text = format!(" {} ", text.to_lowercase());
    let names = |words: &str| text.contains(&format!(" {words} "));
    let color = |&(attribute, color): &Phrase| {
        is_sure(seen, attribute) && !is_sure(seen, Bald) && names(&format!("{color} hair"))
    };
    let other = |&(attribute, words): &Phrase| {
        let words = words.trim_start_matches("a ").trim_start_matches("full ");
        is_sure(seen, attribute) && names(words)
    };
    let groups = [WITH, WEARING].concat();
    let groups = groups.iter().copied().flatten();
    COLORS.iter().any(color) || groups.chain(EXPRESSIONS).chain(SYNONYMS).any(other)
}

/// The text after "A": " young woman", "n old man".
fn person(seen: &SeenAttributes) -> String {
    let male = seen.confidence(Male);
    let by_gender = |woman, neither, man| match male {
        sure if sure < WOMAN_BELOW => woman,
        sure if sure > 1.0 - WOMAN_BELOW => man,
        _ => neither,
    };
    let bald = if is_sure(seen, Bald) { " bald" } else { "" };
    if is_sure(seen, Child) {
        return format!("{bald} {}", by_gender("girl", "child", "boy"));
    }
    let ages = [(Elderly, "n old"), (Young, " young")];
    let age = most_probable(seen, &ages).unwrap_or_default();
    format!("{age}{bald} {}", by_gender("woman", "person", "man"))
}

/// E.g. "long curly red hair"; `None` if the face is bald or nothing is known of its hair.
fn hair(seen: &SeenAttributes) -> Option<String> {
    let words = [LENGTHS, SHAPES, COLORS].map(|group| most_probable(seen, group));
    let words: Vec<_> = words.into_iter().flatten().chain(["hair"]).collect();
    (words.len() > 1 && !is_sure(seen, Bald)).then(|| words.join(" "))
}

fn is_sure(seen: &SeenAttributes, attribute: Attribute) -> bool {
    seen.confidence(attribute) >= SURE
}

/// The phrase of the most probable attribute, if its probability is at least [`SURE`].
fn most_probable(seen: &SeenAttributes, phrases: &[Phrase]) -> Option<&'static str> {
    let likely = phrases.iter().filter(|(a, _)| is_sure(seen, *a));
    likely
        .max_by(|(a, _), (b, _)| seen.confidence(*a).total_cmp(&seen.confidence(*b)))
        .map(|(_, words)| *words)
}

/// The phrase of each group, see [`most_probable`].
fn surest(seen: &SeenAttributes, groups: &[&[Phrase]]) -> Vec<String> {
    let words = groups.iter().filter_map(|group| most_probable(seen, group));
    words.map(str::to_owned).collect()
}

/// Joins phrases: "a, b and c".
fn list(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face that very likely has these attributes and no others.
    fn face(has: &[Attribute]) -> SeenAttributes {
        let confidence = |a| if has.contains(&a) { 0.9 } else { 0.1 };
        SeenAttributes(Attribute::ALL.iter().map(|&a| (a, confidence(a))).collect())
    }

    #[test]
    fn likely_attributes_give_one_sentence() {
        for (has, expected) in [
            (
                &[
                    Young, LongHair, CurlyHair, RedHair, Freckles, Eyeglasses, Smiling,
                ][..],
                "A young woman with long curly red hair and freckles, wearing glasses, smiling.",
            ),
            (
                &[Male, Elderly, Bald, FullBeard, WhiteHair, WearingHat],
                "An old bald man with a full beard, wearing a hat.",
            ),
            (&[Child, Male, Surprised], "A boy, surprised."),
            (
                &[KnittedCap, WearingHat, BlueEyes, PaleSkin, BigNose],
                "A woman with blue eyes, pale skin and a big nose, wearing a knitted cap.",
            ),
        ] {
            assert_eq!(face(has).in_words(), expected);
        }
    }

    #[test]
    fn uncertain_attributes_are_not_mentioned() {
        let unsure = SeenAttributes(Attribute::ALL.iter().map(|&a| (a, 0.5)).collect());
        assert_eq!(unsure.in_words(), "A person.");
        let untrained = SeenAttributes(Vec::new());
        assert_eq!(untrained.confidence(Smiling), 0.0);
    }

    #[test]
    fn words_name_likely_attributes() {
        let seen = face(&[
            Eyeglasses, BlondHair, Elderly, FullBeard, WearingHat, Smiling,
        ]);
        for present in [
            "with glasses",
            "blond hair",
            "Older",
            "with a beard",
            "with a hat",
            "smiling",
        ] {
            assert!(seen.shows(present), "{present}");
        }
        for missing in [
            "with black hair",
            "surprised",
            "wearing lipstick",
            "with sunglasses",
            "golden",
        ] {
            assert!(!seen.shows(missing), "{missing}");
        }
    }

    #[test]
    fn a_group_mentions_its_most_probable_attribute() {
        let mut seen = face(&[BlackHair, BrownHair]);
        seen.0[BrownHair.index()].1 = 0.95;
        assert_eq!(seen.in_words(), "A woman with brown hair.");
    }
}
