//! URLs as people and tools write them: a host, and a target as it is sent.

/// A URL taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// With the port, without user information.
    pub(super) host: String,
    /// `user:password`, where the URL holds it.
    pub(super) user: Option<String>,
    /// Path and query, such as a request line may hold them.
    pub(super) target: String,
}

impl Target {
    /// Reads a URL; what has no scheme begins with the host.
    ///
    /// # Errors
    /// What is no URL of HTTP.
    pub(super) fn of(url: &str) -> Result<Self, String> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
                let scheme = scheme.to_ascii_lowercase();
                match matches!(scheme.as_str(), "http" | "https" | "ws" | "wss") {
                    true => rest,
                    false => return Err(format!("`{scheme}` is no scheme of HTTP")),
                }
            }
            _ => url,
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if host.is_empty() {
            return Err(format!("`{url}` names no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            user,
            target: sendable(target),
        })
    }
}

/// A target without its fragment, what cannot stand in a request line percent-encoded.
pub(super) fn sendable(target: &str) -> String {
    // A fragment is not sent.
    let target = target.split('#').next().unwrap_or_default();
    let mut out = String::with_capacity(target.len() + 1);
    if !target.starts_with('/') {
        out.push('/');
    }
    for byte in target.bytes() {
        match byte {
            0..=0x20 | 0x7f.. => out.push_str(&format!("%{byte:02X}")),
            other => out.push(char::from(other)),
        }
    }
    out
}
