//! Patterns of tensor names.

/// Whether `name` fits `pattern`, in which at most one `*` stands for any text.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => name
            .strip_prefix(start)
            .is_some_and(|rest| rest.ends_with(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text_but_never_twice() {
        assert!(matches("a.b", "a.b"));
        assert!(!matches("a.b", "a.b.c"));
        assert!(matches("a.*", "a.b"));
        assert!(matches("*.c", "a.b.c"));
        assert!(matches("a.*.c", "a.b.b.c"));
        assert!(!matches("ab*ba", "aba"));
    }
}
