//! The opcodes of protocols 0 and 1, which write values as lines of text, and detection of these
//! protocols.

use std::borrow::Cow;

use super::Node;

/// Whether bytes begin like a pickle of protocol 0 or 1: with a dict, a list, or a class name.
/// These pickles do not state their protocol.
pub(crate) fn begins_without_protocol(bytes: &[u8]) -> bool {
    match bytes {
        [b'(', b'd' | b'l', b'p', digit, ..] => digit.is_ascii_digit(),
        [b'}' | b']', b'q', 0, ..] => true,
        [b'(', b'c', rest @ ..] | [b'c', rest @ ..] => names_a_class(rest),
        _ => false,
    }
}

/// Whether the bytes are two lines of dotted names.
fn names_a_class(bytes: &[u8]) -> bool {
    let is_name = |line: &[u8]| {
        let letter = |&byte: &u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
        !line.is_empty() && line.iter().all(letter)
    };
    let mut lines = bytes.splitn(3, |&byte| byte == b'\n');
    let names = [lines.next(), lines.next()];
    names.into_iter().all(|line| line.is_some_and(is_name)) && lines.next().is_some()
}

/// A decimal integer. Python 2 may append an `L`.
pub(super) fn integer(line: &str) -> Result<Node<'static>, &'static str> {
    let digits = line.strip_suffix('L').unwrap_or(line);
    match digits.parse() {
        Ok(value) => Ok(Node::Int(value)),
        Err(_) => {
            let digits = digits.strip_prefix('-').unwrap_or(digits);
            let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_integer.then_some(Node::BigInt).ok_or("not an integer")
        }
    }
}

/// Python's `raw-unicode-escape`: Latin-1, with `\uXXXX` or `\UXXXXXXXX` for other characters.
pub(super) fn unicode(line: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    if let Ok(line) = str::from_utf8(line)
        && line.is_ascii()
        && !line.contains('\\')
    {
        return Ok(line.into());
    }
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        let length = match (byte, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(byte.into());
                rest = after;
                continue;
            }
        };
        let code = after.get(1..=length).and_then(hexadecimal);
        let character = code.and_then(char::from_u32);
        text.push(character.ok_or("an escape is not a character")?);
        rest = &after[1 + length..];
    }
    Ok(text.into())
}

/// The `repr` of a Python 2 string: quoted, with escapes.
pub(super) fn string(line: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let quoted = match line {
        [first @ (b'\'' | b'"'), inner @ .., last] if first == last => inner,
        _ => return Err("a string has no quotes"),
    };
    if !quoted.contains(&b'\\') {
        return Ok(quoted.into());
    }
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&escape, after)) = after.split_first() else {
            return Err("a string ends within an escape");
        };
        rest = after;
        bytes.push(match escape {
            b'\\' | b'\'' | b'"' => escape,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let code = after.get(..2).and_then(hexadecimal);
                rest = after.get(2..).unwrap_or_default();
                let code = code.and_then(|code| u8::try_from(code).ok());
                code.ok_or("an escape is not a byte")?
            }
            _ => return Err("a string has an unknown escape"),
        });
    }
    Ok(bytes.into())
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_hexadecimal)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicode_is_latin_1_with_escapes() {
        assert_eq!(unicode(b"plain").as_deref(), Ok("plain"));
        assert_eq!(unicode(b"t\xeate").as_deref(), Ok("tête"));
        assert_eq!(
            unicode(b"a\\u005cb\\u000a\\U0001f600").as_deref(),
            Ok("a\\b\n😀")
        );
        // A backslash before any other character is literal.
        assert_eq!(unicode(b"\\n").as_deref(), Ok("\\n"));
        assert!(unicode(b"\\u12").is_err() && unicode(b"\\ud800").is_err());
    }

    #[test]
    fn strings_of_python_2_are_unquoted() {
        assert_eq!(string(b"'plain'").as_deref(), Ok(b"plain".as_slice()));
        let escaped = string(br#""it's \x00\xff\\ \n""#);
        assert_eq!(escaped.as_deref(), Ok(b"it's \x00\xff\\ \n".as_slice()));
        for broken in [b"plain".as_slice(), b"'", b"'\\'", b"'\\x4'", b"'\\q'"] {
            assert!(string(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn integers_of_any_length_are_read() {
        assert_eq!(integer("-12"), Ok(Node::Int(-12)));
        assert_eq!(integer("12L"), Ok(Node::Int(12)));
        assert_eq!(integer("119547037146038801333356L"), Ok(Node::BigInt));
        assert!(integer("L").is_err() && integer("-").is_err() && integer("1.5").is_err());
    }

    #[test]
    fn text_is_not_a_pickle() {
        for pickle in [
            b"(dp0\nV".as_slice(),
            b"(lp0\n",
            b"}q\x00",
            b"ccollections\nOrderedDict\n(",
        ] {
            assert!(begins_without_protocol(pickle), "{pickle:?}");
        }
        for text in [
            b"(do it) now".as_slice(),
            b"can you\nread this\n",
            b"{}",
            b"c",
        ] {
            assert!(!begins_without_protocol(text), "{text:?}");
        }
    }
}
