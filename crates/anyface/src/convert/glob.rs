//! Patterns of tensor names.

/// Whether `name` matches `pattern`, in which at most one `*` matches any text.
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
    fn a_star_matches_any_text_without_overlap() {
        assert!(matches("a.b", "a.b"));
        assert!(!matches("a.b", "a.b.c"));
        assert!(matches("a.*", "a.b"));
        assert!(matches("*.c", "a.b.c"));
        assert!(matches("a.*.c", "a.b.b.c"));
        assert!(!matches("ab*ba", "aba"));
    }
}
