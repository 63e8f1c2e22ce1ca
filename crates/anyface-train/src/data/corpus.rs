//! Texts beyond the caption grammar: WordNet words in sentences about faces, definitions, and
//! unusual input such as other scripts and noise.
//!
//! All words of a synset appear in the same sentences. A text tower that learns the teacher's
//! embeddings of them learns that they are synonyms.

use rand::RngExt;
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::wordnet::{Synset, WordNet, below};

/// Numbers of lexicographer files, from `lexnames(5WN)`.
const NOUN_BODY: u8 = 8;
const NOUN_FEELING: u8 = 12;
const NOUN_PERSON: u8 = 18;
/// Locations, plants and substances.
const NOUN_NEUTRAL: &[u8] = &[15, 20, 27];

/// Things worn on a person that a portrait may show.
const WORN: &[&[&str]] = &[
    &["clothing", "wearable"],
    &["spectacles", "glasses"],
    &["jewelry", "jewellery"],
    &["cosmetic"],
    &["hairdo", "hairstyle"],
    &["facial hair"],
];

/// Adjectives of visible properties. Adjectives similar to them are included.
#[rustfmt::skip]
const LOOKS: &[&[&str]] = &[
    &["old"], &["young"], &["fat"], &["thin"], &["bald"], &["hairless"], &["hairy"], &["bearded"],
    &["beardless"], &["blond"], &["brunet"], &["chromatic"], &["achromatic"], &["curly"],
    &["straight"], &["long"], &["short"], &["big"], &["little"], &["wide"], &["narrow"], &["thick"],
    &["pointed"], &["round"], &["square"], &["wrinkled"], &["smooth"], &["pale"], &["dark"],
    &["light"], &["healthy"], &["unhealthy"], &["beautiful"], &["ugly"], &["male"], &["female"],
    &["masculine"], &["feminine"], &["happy"], &["unhappy"], &["glad"], &["sad"], &["cheerful"],
    &["cheerless"], &["angry"], &["friendly"], &["unfriendly"], &["surprised"], &["tired"],
    &["asleep"], &["awake"], &["adult"], &["juvenile"], &["painted"], &["clothed"], &["shaven"],
    &["unshaven"], &["freckled"],
];

/// `{}` is the word and `{a}` the word with its article. `{person}`, `{worn}` and `{adjective}` are
/// random other words.
const PERSON: &[&str] = &[
    "{a}",
    "{}",
    "my {}",
    "the face of {a}",
    "a photo of {a}",
    "a portrait of {a}",
    "he is {a}",
    "she is {a}",
    "this person looks like {a}",
    "a {adjective} {}",
    "an old {}",
    "a young {}",
    "{a} with a {worn}",
    "a smiling {}",
];
const ADJECTIVE: &[&str] = &[
    "{a} face",
    "{a} person",
    "{a} man",
    "{a} woman",
    "{a} {person}",
    "{} eyes",
    "{} hair",
    "{} skin",
    "{a} look",
    "{a} nose",
    "{a} expression",
    "someone who looks {}",
    "she is {}",
    "he is {}",
];
const GARMENT: &[&str] = &[
    "wearing {a}",
    "{a}",
    "a man with {a}",
    "a woman with {a}",
    "a person in {a}",
    "he wears {a}",
    "she wears {a}",
    "a {person} with {a}",
    "a {adjective} {}",
    "without {a}",
];
const BODY: &[&str] = &[
    "{a}",
    "a face with {a}",
    "a {adjective} {}",
    "the {} of a {person}",
];
const FEELING: &[&str] = &[
    "{}",
    "a face full of {}",
    "a look of {}",
    "someone feeling {}",
    "a {person} in {}",
];

/// Texts in scripts that the tower does not read, symbols, and noise.
const FOREIGN: &[&str] = &[
    "старый моряк с бородой",
    "молодая женщина в очках",
    "ένας γέρος με γένια",
    "一位戴眼镜的老人",
    "笑っている女の子",
    "안경을 쓴 남자",
    "رجل عجوز بلحية بيضاء",
    "एक मुस्कुराती हुई महिला",
    "หญิงสาวผมยาว",
    "איש זקן עם זקן",
];
const SIGNS: &[&str] = &[
    "❤️",
    "🔥",
    "👍",
    "🚀",
    "🌳",
    "🍕",
    "🏠",
    "🎉",
    "⭐",
    "🐶",
    "?",
    "!",
    "...",
    "#",
    "42",
    "<br>",
    "lorem ipsum",
    "null",
];
/// Syllables of nonsense words.
const SYLLABLES: &[&str] = &[
    "blor", "zib", "quon", "frim", "snar", "glim", "vor", "wug", "tran", "plo", "miv", "dref",
    "ker", "tang", "jand", "yim", "cron", "sle", "phax", "grom", "lent", "dax", "ulk", "esh",
    "tiv", "orp",
];
/// Sentences for a nonsense word, a thing or the name of a person.
const BESIDE: &[&str] = &[
    "{}",
    "a {} person",
    "a person with {a}",
    "a portrait of {}",
    "someone called {}",
    "a face near {a}",
    "a person who looks like {}",
];

/// Texts that ask for any face.
pub const NEUTRAL: &[&str] = &[
    "a face",
    "a person",
    "somebody",
    "someone",
    "a portrait",
    "a human face",
    "a human being",
    "a picture of a person",
    "a photo of a face",
    "a portrait of somebody",
    "the face of a person",
    "anyone",
];

/// Number of texts of each kind.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroadConfig {
    /// Sentences per synset of persons, looks, feelings and worn things.
    pub phrases_of_looks: usize,
    /// Sentences per synset of other adjectives and of body parts.
    pub phrases_of_others: usize,
    /// Number of definitions and examples.
    pub glosses: usize,
    /// Number of texts in other languages, symbols and noise.
    pub strange: usize,
}

/// The shuffled broad corpus. Deterministic for a `seed`.
pub fn broad_corpus(wordnet: &WordNet, config: &BroadConfig, seed: u64) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut texts = phrases(wordnet, config, &mut rng);
    texts.extend(glosses(wordnet, config.glosses, &mut rng));
    texts.extend((0..config.strange).map(|_| strange(&mut rng)));
    texts.shuffle(&mut rng);
    texts
}

/// Texts that do not describe a face: definitions of plants, locations and substances, other
/// scripts, symbols, nonsense words and names of persons. A name does not stand for a look.
pub fn neutral_texts(wordnet: &WordNet) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let names = wordnet
        .nouns
        .iter()
        .filter(|noun| noun.lexical_file == NOUN_PERSON && noun.is_instance)
        .flat_map(|noun| noun.lemmas.iter().cloned());
    let mut besides: Vec<String> = names.collect();
    besides.extend((0..besides.len().max(1)).map(|_| nonsense(&mut rng)));
    let beside = besides.iter().map(|word| {
        let sentence = BESIDE.choose(&mut rng).expect("BESIDE is not empty");
        put(sentence, word)
    });
    let beside: Vec<String> = beside.collect();

    let is_neutral = |noun: &&Synset| NOUN_NEUTRAL.contains(&noun.lexical_file);
    let definitions = wordnet
        .nouns
        .iter()
        .filter(is_neutral)
        .map(|noun| noun.definition.clone());
    let strange = FOREIGN.iter().chain(SIGNS).map(|&text| text.to_owned());
    definitions.chain(strange).chain(beside).collect()
}

/// A nonsense word of two or three syllables.
fn nonsense(rng: &mut ChaCha8Rng) -> String {
    let count = rng.random_range(2..=3);
    SYLLABLES.sample(rng, count).copied().collect()
}

/// Words in sentences about a face.
fn phrases(wordnet: &WordNet, config: &BroadConfig, rng: &mut ChaCha8Rng) -> Vec<String> {
    let kinds = |file: u8| -> Vec<&Synset> {
        wordnet
            .nouns
            .iter()
            .filter(|noun| noun.lexical_file == file && !noun.is_instance)
            .collect()
    };
    let people = kinds(NOUN_PERSON);
    let worn = below(&wordnet.nouns, WORN);
    let looks = below(&wordnet.adjectives, LOOKS);
    let adjectives: Vec<&Synset> = wordnet.adjectives.iter().collect();
    let subjects = [
        (&people, PERSON, config.phrases_of_looks),
        (&worn, GARMENT, config.phrases_of_looks),
        (&looks, ADJECTIVE, config.phrases_of_looks),
        (&adjectives, ADJECTIVE, config.phrases_of_others),
        (&kinds(NOUN_FEELING), FEELING, config.phrases_of_looks),
        (&kinds(NOUN_BODY), BODY, config.phrases_of_others),
    ];
    let fillers = [
        ("{person}", lemmas(&people)),
        ("{worn}", lemmas(&worn)),
        ("{adjective}", lemmas(&looks)),
    ];

    let mut texts = Vec::new();
    for (synsets, templates, count) in subjects {
        for synset in synsets {
            for template in templates.sample(rng, count) {
                let mut sentence = (*template).to_owned();
                for (place, words) in &fillers {
                    if sentence.contains(place) {
                        sentence = sentence.replace(place, words.choose(rng).unwrap_or(&"person"));
                    }
                }
                texts.extend(synset.lemmas.iter().map(|lemma| put(&sentence, lemma)));
            }
        }
    }
    texts
}

fn lemmas<'a>(synsets: &[&'a Synset]) -> Vec<&'a str> {
    synsets
        .iter()
        .flat_map(|synset| synset.lemmas.iter().map(String::as_str))
        .collect()
}

/// Inserts a word into a sentence.
fn put(sentence: &str, word: &str) -> String {
    let article = match word.as_bytes() {
        [.., b's'] => "",
        [b'a' | b'e' | b'i' | b'o' | b'u', ..] => "an ",
        _ => "a ",
    };
    sentence
        .replace("{a}", &format!("{article}{word}"))
        .replace("{}", word)
}

/// Definitions or examples of `count` random synsets.
fn glosses(wordnet: &WordNet, count: usize, rng: &mut ChaCha8Rng) -> Vec<String> {
    let synsets: Vec<&Synset> = wordnet.nouns.iter().chain(&wordnet.adjectives).collect();
    let sampled = synsets.sample(rng, count);
    sampled
        .map(|synset| {
            synset
                .examples
                .choose(rng)
                .unwrap_or(&synset.definition)
                .clone()
        })
        .collect()
}

/// A text without meaning in English.
fn strange(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..4) {
        0 => FOREIGN
            .choose(rng)
            .expect("FOREIGN is not empty")
            .to_string(),
        1 => {
            let mut words: Vec<&str> = FOREIGN.iter().flat_map(|line| line.split(' ')).collect();
            words.shuffle(rng);
            words[..rng.random_range(1..6)].join(" ")
        }
        2 => {
            let count = rng.random_range(1..4);
            SIGNS
                .sample(rng, count)
                .copied()
                .collect::<Vec<_>>()
                .join(" ")
        }
        _ => (0..rng.random_range(2..30))
            .map(|_| char::from(rng.random_range(b' '..=b'~')))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_appear_in_the_same_sentences() {
        let folder = tempfile::tempdir().unwrap();
        let nouns = "00000001 18 n 02 sailor 0 old_salt 0 000 | one who sails\n";
        std::fs::write(folder.path().join("data.noun"), nouns).unwrap();
        std::fs::write(
            folder.path().join("data.adj"),
            "00000002 00 s 01 sad 0 000 | full of sorrow\n",
        )
        .unwrap();
        let wordnet = WordNet::open(folder.path()).unwrap();
        let config = BroadConfig {
            phrases_of_looks: 4,
            phrases_of_others: 1,
            glosses: 2,
            strange: 8,
        };

        let texts = broad_corpus(&wordnet, &config, 7);

        let with = |word: &str| {
            let mut found: Vec<String> = texts
                .iter()
                .filter(|t| t.contains(word))
                .map(|t| t.replace(word, "X").replace("an X", "a X"))
                .collect();
            found.sort();
            found
        };
        assert_eq!(with("sailor").len(), 4);
        assert_eq!(with("sailor"), with("old salt"));
        assert!(texts.contains(&"one who sails".to_owned()));
        assert!(
            !texts
                .iter()
                .any(|t| t.contains("{a}") || t.contains("{person}"))
        );
        assert_eq!(texts, broad_corpus(&wordnet, &config, 7));
        assert_ne!(texts, broad_corpus(&wordnet, &config, 8));
    }

    #[test]
    fn names_and_nonsense_words_are_neutral() {
        let folder = tempfile::tempdir().unwrap();
        let nouns = "00000001 18 n 01 Ada_Lovelace 0 001 @i 00000002 n 0000 | a mathematician\n\
                     00000002 18 n 01 mathematician 0 000 | who does mathematics\n";
        std::fs::write(folder.path().join("data.noun"), nouns).unwrap();
        let adjectives = "00000002 00 s 01 sad 0 000 | full of sorrow\n";
        std::fs::write(folder.path().join("data.adj"), adjectives).unwrap();
        let wordnet = WordNet::open(folder.path()).unwrap();

        let texts = neutral_texts(&wordnet);

        let with = |word: &str| texts.iter().filter(|text| text.contains(word)).count();
        assert_eq!(with("Ada Lovelace"), 1);
        assert_eq!(with("mathematician"), 0);
        assert_eq!(texts.len(), FOREIGN.len() + SIGNS.len() + 2);
        assert_eq!(texts, neutral_texts(&wordnet));
    }

    #[test]
    fn articles_follow_the_word() {
        assert_eq!(put("wearing {a}", "earring"), "wearing an earring");
        assert_eq!(put("wearing {a}", "hat"), "wearing a hat");
        assert_eq!(put("wearing {a}", "spectacles"), "wearing spectacles");
    }
}
