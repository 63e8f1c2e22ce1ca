//! Builds the sentences of one caption out of phrases and frames.

use std::mem;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

use super::lexicon::{Class, Frame, Phrase};
use super::meaning::{Says, closure};
use super::persons;
use super::slots::{classes_of, slots};
use super::surface::{self, Referent, Style};
use super::{Grammar, Sentence};
use crate::attribute::{Attribute, Attributes, Degree};

/// The most sentences of a caption.
const MOST_SENTENCES: usize = 6;
/// The most keywords of a list, but for the person.
const MOST_KEYWORDS: usize = 8;
/// How often a phrase that bears on no attribute is among what is said.
const NEUTRAL_PART: f64 = 0.1;
/// Words for a degree that are drawn until one fits.
const ADVERBS_TRIED: usize = 16;
/// How often what is absent is denied with the words for what is there.
const DENIED_PART: f64 = 0.5;
/// How much more often somebody who denies says what is absent.
const DENIAL_WEIGHT: f32 = 12.0;

/// A sentence before its pronouns, numbers and articles are filled in.
pub(super) struct Draft {
    pub(super) text: String,
    /// What its words say.
    pub(super) says: Says,
    /// Whether any of them, or its frame, is held out.
    pub(super) held_out: bool,
}

/// Something still to be said, and where it fits.
struct Item {
    class: Class,
    text: String,
    says: Says,
    held_out: bool,
}

impl Item {
    fn new(phrase: &Phrase) -> Self {
        Self {
            class: phrase.class,
            text: phrase.text.to_owned(),
            says: phrase.header.says.clone(),
            held_out: phrase.held_out,
        }
    }

    /// That the attribute is absent, in the words for what is there.
    fn denied(phrase: &Phrase, attribute: Attribute) -> Self {
        let (class, text) = match phrase.class {
            Class::Has => (Class::NotHas, phrase.text.to_owned()),
            Class::Hair => (Class::NotHas, format!("{} hair", phrase.text)),
            Class::Wear => (Class::NotWear, phrase.text.to_owned()),
            _ => (Class::NotIs, phrase.text.to_owned()),
        };
        Self {
            class,
            text,
            says: Says {
                facts: vec![(attribute, false)],
                ..Says::default()
            },
            held_out: phrase.held_out,
        }
    }
}

/// Something that may be said of a face.
#[derive(Clone, Copy)]
enum Topic {
    State(Attribute, bool),
    Degree(Attribute, Degree),
}

/// What the sentences of a caption are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// They say what is there, and some of what is absent.
    Plain,
    /// They say above all what is absent.
    Denying,
}

/// Composes one caption, consuming items as they find a place.
pub(super) struct Composer<'a, R> {
    grammar: &'a Grammar,
    face: &'a Attributes,
    mood: Mood,
    rng: &'a mut R,
    /// What has no place yet.
    items: Vec<Item>,
    /// Frames used, not to be used again.
    used: Vec<Frame>,
    /// What the words of the sentence begun say.
    said: Says,
    /// Whether any of them is held out.
    held_out: bool,
}

impl<'a, R: Rng> Composer<'a, R> {
    pub(super) fn new(
        grammar: &'a Grammar,
        face: &'a Attributes,
        mood: Mood,
        rng: &'a mut R,
    ) -> Self {
        Self {
            grammar,
            face,
            mood,
            rng,
            items: Vec::new(),
            used: Vec::new(),
            said: Says::default(),
            held_out: false,
        }
    }

    /// The sentences of a caption.
    pub(super) fn compose(mut self) -> Vec<Sentence> {
        let layout = self.rng.random_range(0..100);
        let person = self.choose_person();
        let length = match self.rng.random_range(0..100) {
            0..10 => self.rng.random_range(0..=1),
            10..45 => self.rng.random_range(1..=3),
            45..80 => self.rng.random_range(3..=6),
            _ => self.rng.random_range(6..=18),
        };
        let named = if layout < 85 {
            person.header.says.clone()
        } else {
            Says::default()
        };
        self.choose_looks(length, named);
        let mut referent = Referent {
            gender: self.gender(person),
            noun: None,
        };
        let (mut drafts, mut style) = match layout {
            0..15 => (vec![self.keywords(person)], Style::Phrase),
            15..85 => {
                let short = person.class != Class::Name && person.text.split(' ').count() <= 2;
                referent.noun = short.then_some(person);
                self.with_opening(person)
            }
            _ => (self.follow_ups(0), Style::Sentences),
        };
        if drafts.is_empty() {
            // Nothing to say in full sentences: the person alone remains.
            let alone = format!("{{a}} {}", self.place_person(person));
            (drafts, style) = (vec![self.end(alone)], Style::Phrase);
        }
        surface::spell(drafts, style, referent, self.rng)
    }

    /// Ends the sentence begun.
    fn end(&mut self, text: String) -> Draft {
        Draft {
            text,
            says: mem::take(&mut self.said),
            held_out: mem::take(&mut self.held_out),
        }
    }

    /// The gender that pronouns tell: that of the noun, or sometimes that of the face.
    fn gender(&mut self, person: &Phrase) -> Option<bool> {
        let by_noun = person.header.says.facts.iter();
        let by_noun = by_noun.into_iter().find(|(a, _)| *a == Attribute::Male);
        match by_noun {
            Some(&(_, male)) => Some(male),
            None => self
                .face
                .get(Attribute::Male)
                .filter(|_| self.rng.random_bool(0.8)),
        }
    }

    /// Two of five roles where any fit, one in twelve "person", for the rest age and gender.
    fn choose_person(&mut self) -> &'static Phrase {
        let kind = self.rng.random_range(0..100);
        let is_wanted = |block: &&persons::Block| {
            let facts = block.header.says.facts.len();
            match kind {
                0..40 => block.is_role(),
                40..48 => facts == 0,
                48..75 => !block.is_role() && facts == 2,
                _ => !block.is_role() && facts > 0,
            }
        };
        let blocks = || self.grammar.persons.iter();
        persons::choose(blocks().filter(is_wanted), self.face, self.rng)
            .or_else(|| persons::choose(blocks(), self.face, self.rng))
            .expect("words for anybody fit everybody")
    }

    /// Fills the items with phrases that fit and do not repeat each other, what is there before
    /// what is not.
    fn choose_looks(&mut self, count: usize, named: Says) {
        let states = self
            .face
            .iter()
            .filter_map(|(a, state)| Some(Topic::State(a, state?)));
        let degrees = Attribute::ALL.iter().filter_map(|&a| {
            let degree = self.face.degree(a)?;
            Some(Topic::Degree(a, degree))
        });
        let topics: Vec<Topic> = states.chain(degrees).collect();
        let mut drawn: Vec<(f32, Topic)> = Vec::with_capacity(topics.len());
        for topic in topics {
            let weight = self.interest(topic);
            drawn.push((self.rng.random::<f32>().powf(1.0 / weight), topic));
        }
        drawn.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut said = named.closed();
        for (_, topic) in drawn {
            if self.items.len() >= count {
                break;
            }
            if let Some(item) = self.look(topic, &said) {
                said.add(&Says {
                    facts: closure(&item.says.facts),
                    ..item.says.clone()
                });
                self.items.push(item);
            }
        }
        if self.rng.random_bool(NEUTRAL_PART) {
            let nothing = self.grammar.looks.neutral.any(self.rng);
            self.items.extend(nothing.map(Item::new));
        }
        self.gather_hair();
    }

    /// Words that say something of the face and repeat nothing.
    fn look(&mut self, topic: Topic, said: &Says) -> Option<Item> {
        let looks = &self.grammar.looks;
        let denied = match self.mood {
            Mood::Plain => DENIED_PART,
            Mood::Denying => 0.9,
        };
        let mut item = match topic {
            Topic::State(attribute, false) if self.rng.random_bool(denied) => {
                if said.facts.contains(&(attribute, false)) {
                    return None;
                }
                let phrase = looks.deniable(attribute).any(self.rng)?;
                Item::denied(phrase, attribute)
            }
            Topic::State(attribute, state) => {
                let pool = looks.saying(attribute, state);
                Item::new(pool.draw(self.face, said, self.rng)?)
            }
            Topic::Degree(attribute, degree) => {
                let pool = looks.grading(attribute, degree);
                Item::new(pool.draw(self.face, said, self.rng)?)
            }
        };
        for slot in ["slightly", "very"] {
            let place = format!("{{{slot}}}");
            if item.text.contains(&place)
                && let Some(adverb) = self.adverb(slot, item.text.contains("{a}"))
            {
                item.text = item.text.replace(&place, adverb.text);
                item.held_out |= adverb.held_out;
            }
        }
        Some(item)
    }

    /// A word for the slot of a degree. Where an article stands before it, it has none of its own: not
    /// "a a bit big nose".
    fn adverb(&mut self, slot: &str, has_article: bool) -> Option<&'static Phrase> {
        let pool = self.grammar.looks.adverbs(slot)?;
        let fits = |adverb: &&Phrase| !has_article || !adverb.text.split(' ').any(|it| it == "a");
        (0..ADVERBS_TRIED).find_map(|_| pool.any(self.rng).filter(fits))
    }

    /// How likely people are to say it: what is there before what is not, and hardly that she has
    /// no beard or that hair of some colour is not of another.
    fn interest(&self, topic: Topic) -> f32 {
        use Attribute::*;
        let (attribute, state) = match topic {
            Topic::State(attribute, state) => (attribute, state),
            Topic::Degree(_, Degree::Slight) => return 3.5,
            Topic::Degree(_, Degree::Extreme) => return 1.0,
        };
        let beardless = self.face.lacks(Male) || self.face.has(Child);
        let denial = match self.mood {
            Mood::Denying if !state => DENIAL_WEIGHT,
            _ => 1.0,
        };
        let interest = match (attribute, state) {
            (FullBeard | Goatee | Mustache | FiveOClockShadow | Sideburns, false) if beardless => {
                0.1
            }
            (NoBeard, true) if beardless => 0.1,
            (WearingNecktie, false) if beardless => 0.4,
            (WearingLipstick | HeavyMakeup | WearingEarrings, false) if !beardless => 0.4,
            (BlackHair | BrownHair | BlondHair | RedHair | GrayHair | WhiteHair, false) => 0.25,
            (StraightHair | WavyHair | CurlyHair | LongHair | ShortHair, false) => 0.5,
            (BlueEyes | GreenEyes | BrownEyes, false) => 0.4,
            (_, false) => 1.0,
            (_, true) => 3.5,
        };
        interest * denial
    }

    /// Joins what is said of the hair: "long curly red hair", or "hair is long, curly and red".
    fn gather_hair(&mut self) {
        let mut words = self.take(&[Class::Hair], usize::MAX);
        let subject = |item: &Item| {
            let facts = item.says.facts.iter().map(|&(a, _)| a);
            let degrees = item.says.degrees.iter().map(|&(a, _)| a);
            facts.chain(degrees).next()
        };
        let place = |item: &Item| match subject(item) {
            Some(Attribute::LongHair | Attribute::ShortHair) => 0,
            Some(Attribute::StraightHair | Attribute::WavyHair | Attribute::CurlyHair) => 1,
            _ => 2,
        };
        words.sort_by_key(place);
        if words.is_empty() {
            return;
        }
        let texts: Vec<&str> = words.iter().map(|item| item.text.as_str()).collect();
        let (class, text) = if self.rng.random_bool(0.7) {
            (Class::Has, format!("{} hair", texts.join(" ")))
        } else {
            (
                Class::Part,
                format!("hair is {}", surface::join(&texts, "and", self.rng)),
            )
        };
        let mut says = Says::default();
        words.iter().for_each(|item| says.add(&item.says));
        self.items.push(Item {
            class,
            text,
            says,
            held_out: words.iter().any(|item| item.held_out),
        });
    }

    /// "man, 60s, glasses, grey beard"
    fn keywords(&mut self, person: &Phrase) -> Draft {
        let items = self.take(&KEYWORD_CLASSES, MOST_KEYWORDS);
        let mut words: Vec<String> = items.iter().map(|item| self.keyword(item)).collect();
        words.shuffle(self.rng);
        if words.is_empty() || self.rng.random_bool(0.7) {
            words.insert(0, self.place_person(person));
        }
        let separator = *[", ", ", ", ", ", ", ", "; ", " + "]
            .choose(self.rng)
            .expect("some");
        let frame = self.frame(|grammar| &grammar.frames.keywords, |_| true);
        let text = frame
            .map_or("{list}", |frame| frame.text)
            .replace("{list}", &words.join(separator));
        self.end(text)
    }

    fn keyword(&mut self, item: &Item) -> String {
        self.say(item);
        match item.class {
            Class::Lack if self.rng.random() => format!("no {}", surface::bare(&item.text)),
            Class::Lack => format!("without {}", item.text),
            Class::NotIs => format!("not {}", item.text),
            Class::NotHas | Class::NotWear if self.rng.random() => {
                format!("no {}", surface::bare(&item.text))
            }
            Class::NotHas | Class::NotWear => format!("without {}", item.text),
            _ => surface::bare(&item.text).to_owned(),
        }
    }

    /// An opening with the person, in one sentence or followed by more.
    fn with_opening(&mut self, person: &Phrase) -> (Vec<Draft>, Style) {
        let alone = self.items.len() <= 6 && self.rng.random_bool(0.6);
        let tails = if alone {
            3
        } else {
            self.rng.random_range(0..=1)
        };
        let np = self.noun_phrase(person, tails);
        let frame = self.frame(|grammar| &grammar.frames.opening, |_| true);
        let opening = frame
            .map_or("{np}", |frame| frame.text)
            .replace("{np}", &np);
        let mut drafts = vec![self.end(opening)];
        if !alone {
            drafts.extend(self.follow_ups(1));
        }
        let style = if drafts.len() == 1 {
            Style::Phrase
        } else {
            Style::Sentences
        };
        (drafts, style)
    }

    /// "a grinning old sailor with a white beard, wearing a knitted cap"
    fn noun_phrase(&mut self, person: &Phrase, tails: usize) -> String {
        let mut words = vec![self.determiner(person.class).to_owned()];
        if person.class != Class::Name {
            let count = self.rng.random_range(0..=3);
            let adjectives = self.take(&[Class::Adjective], count);
            let comma = if self.rng.random_bool(0.4) { ", " } else { " " };
            words.push(self.place(adjectives).join(comma));
            let age = self.take(&[Class::Age, Class::Before], 1);
            words.extend(self.place(age));
        }
        words.push(self.place_person(person));
        if self.rng.random_bool(0.5) {
            let follows_noun = |item: &Item| item.class == Class::Is && follows_noun(&item.text);
            if let Some(at) = self.items.iter().position(follows_noun) {
                let item = self.items.swap_remove(at);
                words.extend(self.place(vec![item]));
            }
        }
        words.retain(|word| !word.is_empty());
        let mut np = words.join(" ");
        let mut openers: Vec<&str> = Vec::new();
        for nth in 0..tails {
            let opener = |frame: &Frame| frame.text.split(' ').next().unwrap_or_default();
            let fresh = |frame: &Frame| !openers.contains(&opener(frame));
            let Some(frame) = self.frame(|grammar| &grammar.frames.tail, fresh) else {
                break;
            };
            openers.push(opener(&frame));
            np.push_str(if nth == 0 { " " } else { ", " });
            np.push_str(&self.fill(frame.text));
        }
        np
    }

    fn determiner(&mut self, class: Class) -> &'static str {
        match (class, self.rng.random_range(0..100)) {
            (Class::Name, _) | (_, 0..3) => "",
            (Class::Kin, 3..60) => "my",
            (_, 3..14) => "the",
            (_, 14..17) => "this",
            _ => "{a}",
        }
    }

    /// Sentences for what remains, as many as it takes and no more than [`MOST_SENTENCES`].
    fn follow_ups(&mut self, already: usize) -> Vec<Draft> {
        let mut drafts = Vec::new();
        while already + drafts.len() < MOST_SENTENCES {
            let Some(frame) = self.frame(|grammar| &grammar.frames.sentence, |_| true) else {
                break;
            };
            let text = self.fill(frame.text);
            drafts.push(self.end(text));
        }
        drafts
    }

    /// A frame for whose slots there are items, if any is left.
    fn frame(
        &mut self,
        kind: impl Fn(&'a Grammar) -> &'a Vec<Frame>,
        wanted: impl Fn(&Frame) -> bool,
    ) -> Option<Frame> {
        let candidates: Vec<Frame> = kind(self.grammar)
            .iter()
            .copied()
            .filter(|frame| wanted(frame) && !self.used.contains(frame))
            .filter(|frame| {
                slots(frame.text)
                    .filter_map(classes_of)
                    .all(|classes| self.items.iter().any(|item| classes.contains(&item.class)))
            })
            .collect();
        let frame = *pick(&candidates, |frame| frame.held_out, self.rng)?;
        self.held_out |= frame.held_out;
        self.used.push(frame);
        Some(frame)
    }

    /// The frame with items in its slots; slots of other kinds stay.
    fn fill(&mut self, frame: &str) -> String {
        let mut text = frame.to_owned();
        for slot in slots(frame) {
            let Some(classes) = classes_of(slot) else {
                continue;
            };
            let most = match slot {
                "part" => 1,
                "is" | "lack" | "no" | "not-is" | "not-has" | "not-worn" | "not-no" => {
                    self.rng.random_range(1..=2)
                }
                _ => self.rng.random_range(1..=3),
            };
            let items = self.take(classes, most);
            let mut texts = self.place(items);
            if matches!(slot, "no" | "not-no") {
                texts
                    .iter_mut()
                    .for_each(|text| *text = surface::bare(text).to_owned());
            }
            // "Not bald and red-haired" denies both.
            texts.sort_by_key(|text| text.starts_with("not "));
            let word = match slot {
                "lack" | "no" | "not-is" | "not-has" | "not-worn" | "not-no" => "or",
                _ => "and",
            };
            let list = surface::join(&texts, word, self.rng);
            text = text.replace(&format!("{{{slot}}}"), &list);
        }
        text
    }

    /// Removes up to `most` random items of the classes.
    fn take(&mut self, classes: &[Class], most: usize) -> Vec<Item> {
        self.items.shuffle(self.rng);
        let mut left = most;
        self.items
            .extract_if(.., |item| {
                let taken = left > 0 && classes.contains(&item.class);
                left -= usize::from(taken);
                taken
            })
            .collect()
    }

    /// The texts of items that stand in the caption now.
    fn place(&mut self, items: Vec<Item>) -> Vec<String> {
        items.iter().for_each(|item| self.say(item));
        items.into_iter().map(|item| item.text).collect()
    }

    fn say(&mut self, item: &Item) {
        self.said.add(&item.says);
        self.held_out |= item.held_out;
    }

    fn place_person(&mut self, person: &Phrase) -> String {
        self.said.add(&person.header.says);
        self.held_out |= person.held_out;
        person.text.to_owned()
    }
}

const KEYWORD_CLASSES: [Class; 10] = [
    Class::Adjective,
    Class::Age,
    Class::Before,
    Class::Is,
    Class::Has,
    Class::Wear,
    Class::Lack,
    Class::NotIs,
    Class::NotHas,
    Class::NotWear,
];

/// Whether what follows "is" may follow the noun as well: "a man in his forties".
fn follows_noun(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    first == "in" || first == "aged" || first.ends_with("ing")
}

/// A random candidate; where some are held out, one of those in two of five cases.
fn pick<'c, T>(
    candidates: &'c [T],
    held_out: impl Fn(&T) -> bool,
    rng: &mut impl Rng,
) -> Option<&'c T> {
    let held: Vec<&T> = candidates.iter().filter(|c| held_out(c)).collect();
    if !held.is_empty() && rng.random_bool(0.4) {
        return held.choose(rng).copied();
    }
    candidates.choose(rng)
}
