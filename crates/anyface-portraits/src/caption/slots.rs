//! The slots of a frame, and what goes into them.

use super::lexicon::Class;

/// The names of the slots in a frame.
pub(super) fn slots(frame: &str) -> impl Iterator<Item = &str> {
    frame
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

/// The classes of phrases that a slot takes; none for pronouns and the like.
pub(super) fn classes_of(slot: &str) -> Option<&'static [Class]> {
    match slot {
        "has" => Some(&[Class::Has]),
        "worn" => Some(&[Class::Wear]),
        "is" => Some(&[Class::Adjective, Class::Age, Class::Is]),
        "part" => Some(&[Class::Part]),
        "lack" | "no" => Some(&[Class::Lack]),
        "not-is" => Some(&[Class::NotIs]),
        "not-has" => Some(&[Class::NotHas]),
        "not-worn" => Some(&[Class::NotWear]),
        "not-no" => Some(&[Class::NotHas, Class::NotWear]),
        _ => None,
    }
}
