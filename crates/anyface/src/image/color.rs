//! Colours in hexadecimal notation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An sRGB colour, written `#RRGGBB` or `#RGB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color(pub [u8; 3]);

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| format!("`{text}` is not a colour: use #RRGGBB, e.g. #808080"))
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

fn parse(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#')?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, channels @ ..] = match digits.len() {
        6 => number.to_be_bytes(),
        3 => [0, 8, 4, 0].map(|shift| (number >> shift & 0xF) as u8 * 0x11),
        _ => return None,
    };
    Some(Color(channels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_written() {
        assert_eq!("#8040ff".parse(), Ok(Color([0x80, 0x40, 0xFF])));
        assert_eq!("#84F".parse(), Ok(Color([0x88, 0x44, 0xFF])));
        assert_eq!(Color([128, 0, 9]).to_string(), "#800009");
        for wrong in [
            "", "#", "808080", "#80808", "#80808g", "#+80808", "grey", "#é2345",
        ] {
            let message = wrong.parse::<Color>().unwrap_err();
            assert!(message.contains("#RRGGBB"), "{message}");
        }
    }
}
