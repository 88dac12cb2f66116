//! How a value is decoded before a rule looks at it. One file a transformation, one line in [`ALL`].

/// A transformation as rules name it.
pub struct Spec {
    /// As in `t:name`; names compare without regard to case.
    pub name: &'static str,
    /// Other spellings that rules use.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// Input and output.
    pub example: (&'static str, &'static str),
    /// Applies it.
    pub apply: Apply,
}

/// Reads a value and appends the result to a buffer.
///
/// `false`: the result equals the input, and nothing was appended. `true`: the
/// result is what was appended (which may be nothing).
pub type Apply = fn(&[u8], &mut Vec<u8>) -> bool;

/// Every transformation.
pub static ALL: &[Spec] = &[];

/// The transformation of that name or alias, case ignored.
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| {
        spec.name.eq_ignore_ascii_case(name)
            || spec
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    })
}
