//! Text cleaning before OpenAI's tokenizer: `ftfy.fix_text`, HTML entities twice, white space,
//! lower case.
//!
//! Implements the parts of ftfy 6 that act on a whole text. Of its mojibake detection, it
//! implements the most common case by far: UTF-8 decoded as Windows-1252.

use std::sync::LazyLock;

use fancy_regex::Regex;
use unicode_normalization::UnicodeNormalization;

/// Terminal colours and similar sequences.
static ANSI_ESCAPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\x1b\[[0-9;]*[a-zA-Z]").expect("a valid pattern"));

/// Windows-1252 from 0x80 to 0x9F, where it differs from Latin-1; unassigned bytes map to
/// themselves.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Cleans `text` for OpenAI's tokenizer.
pub(super) fn clean(text: &str) -> String {
    let fixed: String = text.split_inclusive('\n').map(fix_line).collect();
    let unescaped = htmlize::unescape(&*fixed);
    let unescaped = htmlize::unescape(&*unescaped);
    let words: Vec<&str> = unescaped.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// `ftfy.fix_text` for one line, repeated until nothing changes.
fn fix_line(line: &str) -> String {
    let mut text = line.to_owned();
    loop {
        // Text with a tag is HTML; its entities stay.
        let unescaped = match text.contains('<') {
            true => text.clone(),
            false => htmlize::unescape(&*text).into_owned(),
        };
        let plain: String = fix_mojibake(unescaped)
            .chars()
            .flat_map(plain_characters)
            .collect();
        let visible = ANSI_ESCAPE.replace_all(&plain, "");
        let fixed: String = visible
            .chars()
            .filter(|&c| !is_stray_control(c))
            .nfc()
            .collect();
        if fixed == text {
            return fixed;
        }
        text = fixed;
    }
}

/// Decodes `text` as UTF-8 that was read as Windows-1252, if that is possible and changes it.
fn fix_mojibake(text: String) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(windows_1252_byte).collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(decoded)) => decoded,
        _ => text,
    }
}

fn windows_1252_byte(c: char) -> Option<u8> {
    match WINDOWS_1252.iter().position(|&other| other == c) {
        Some(i) => Some(0x80 + i as u8),
        None => u8::try_from(c).ok(),
    }
}

/// Decodes C1 controls as Windows-1252, splits ligatures, normalises full-width letters,
/// straightens quotes, and turns line breaks into `\n`.
fn plain_characters(c: char) -> Vec<char> {
    match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' | '\r' => vec!['\n'],
        '\u{80}'..='\u{9f}' => plain_characters_of_c1(c),
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => vec!['\''],
        '\u{201c}'..='\u{201f}' => vec!['"'],
        '\u{132}' | '\u{133}' | '\u{149}' | '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}' => {
            c.nfkc().collect()
        }
        '\u{fb00}'..='\u{fb06}' | '\u{3000}' | '\u{ff01}'..='\u{ffef}' => c.nfkc().collect(),
        _ => vec![c],
    }
}

fn plain_characters_of_c1(c: char) -> Vec<char> {
    match WINDOWS_1252[c as usize - 0x80] {
        undefined if undefined == c => vec![c],
        meant => plain_characters(meant),
    }
}

/// Whether `c` is a control character other than tab, line feed and form feed.
fn is_stray_control(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
    )
}
