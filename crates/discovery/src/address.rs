//! Hosts and ports.

/// Host and port as one text; IPv6 in brackets.
pub(crate) fn joined(host: &str, port: &str) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.contains(':') {
        true => format!("[{bare}]:{port}"),
        false => format!("{bare}:{port}"),
    }
}

/// A host without its port; brackets stay.
pub(crate) fn host_of(authority: &str) -> &str {
    split(authority).0
}

/// Host and port, if it has one.
pub(crate) fn split(authority: &str) -> (&str, Option<&str>) {
    let ends_in_bracket = authority.ends_with(']');
    match authority.rsplit_once(':') {
        Some((host, port))
            if !ends_in_bracket
                && !port.is_empty()
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && (host.ends_with(']') || !host.contains(':')) =>
        {
            (host, Some(port))
        }
        _ => (authority, None),
    }
}

/// `HOST:PORT` of a URL.
pub(crate) fn of_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" | "grpc" => "80",
        "https" | "grpcs" => "443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (host, port) = split(authority);
    match host.is_empty() {
        true => None,
        false => Some(joined(host, port.unwrap_or(usual))),
    }
}

/// Whether it could be a host of DNS, or what stands for those below one, or an address.
pub(crate) fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    !name.is_empty() && name.len() <= 255 && name.bytes().all(plain)
}

/// A host as it is compared: in lower case, without the last dot.
pub(crate) fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}
