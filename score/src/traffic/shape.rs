//! What a value looks like, as far as one must know to leave it or to replace it.

/// Whether nobody would look twice at it: a word, a number, a name of something.
pub(super) fn is_plain(value: &str) -> bool {
    value.len() <= 64
        && !value.contains("..")
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.: ,".contains(&byte))
}

/// Whether it is a URL of another site, or what browsers take for one.
pub(super) fn leads_elsewhere(value: &str) -> bool {
    let value = value.trim_start();
    let mut start = value.bytes().take(2);
    let slashes = start.all(|byte| byte == b'/' || byte == b'\\');
    value.contains("://") || (slashes && value.len() > 2)
}

/// Whether a browser that gets it as markup runs script of it.
pub(super) fn runs_script(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let mut tags = lower.split('<').skip(1);
    tags.any(|tag| {
        tag.starts_with("script")
            || tag.contains("javascript:")
            || tag
                .split(|letter: char| letter.is_whitespace() || "/\"'".contains(letter))
                .any(|attribute| {
                    let name = attribute.split('=').next().unwrap_or_default();
                    attribute.len() > name.len()
                        && name.len() > 3
                        && name.starts_with("on")
                        && name.bytes().all(|byte| byte.is_ascii_lowercase())
                })
    })
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
