//! What a value looks like, as far as one must know to leave it or to replace it.

/// Whether nobody would look twice at it: a word, a number, a name of something.
pub(super) fn is_plain(value: &str) -> bool {
    value.len() <= 64
        && !value.contains("..")
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.: ,".contains(&byte))
}

/// Whether it can be the name of a parameter.
pub(super) fn is_name(name: &str) -> bool {
    let inner = name.strip_suffix("[]").unwrap_or(name);
    !inner.is_empty()
        && inner.len() <= 64
        && !inner.contains("__")
        // What walks through objects is no field of a form.
        && inner.matches('.').count() < 3
        && inner
            .as_bytes()
            .first()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && inner
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:[]".contains(&byte))
}

/// Whether a path is one that an application serves, with nothing hidden in it.
pub(super) fn is_clean_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains("..")
        && !path.contains("//")
        && !path.contains("/.")
        // Servers of Java applications never serve these.
        && !path.contains("WEB-INF")
        && !path.contains("META-INF")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-.~@".contains(&byte))
}

/// The folder that a path begins with, as far as it is clean; it ends in `/`.
pub(super) fn clean_folder(path: &str) -> String {
    let mut folder = String::from("/");
    for segment in path.split('/').skip(1) {
        let next = format!("{folder}{segment}");
        if segment.is_empty() || !is_clean_path(&next) || segment.contains('.') {
            break;
        }
        folder = format!("{next}/");
    }
    folder
}
