//! Which requests a patch concerns.

/// A request is concerned if every part agrees; an empty list agrees with all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Names of applications; `*` stands for any run of characters.
    pub applications: Vec<String>,
    /// Host names without port; `*.example.org` for every host below.
    pub hosts: Vec<String>,
    /// As in the request line; case matters.
    pub methods: Vec<String>,
    /// Any of these.
    pub paths: Vec<PathScope>,
}

/// A set of paths.
///
/// Paths are compared without regard to ASCII case and in every reading that a
/// common server may give to the request target: as sent, percent-decoded once
/// and twice, with and without dot segments, repeated slashes, `;parameters`
/// and backslashes; and without what servers drop at the end: slashes, dots and spaces, a zero
/// and what follows, a short extension such as `.json`, what follows the name of a script such
/// as `x.php/`.
/// One agreeing reading is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathScope {
    /// This path alone.
    Exact(String),
    /// This path and all that begin with it, byte by byte.
    Prefix(String),
    /// All that end with it, such as `.php`.
    Suffix(String),
    /// An unanchored regular expression, ASCII case ignored.
    Regex(String),
}
