//! What a provider of identities publishes of itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;

use super::signed::Keys;

/// Where things are at the provider, and with what it signs.
pub(super) struct Provider {
    pub(super) published: Published,
    pub(super) keys: Keys,
    pub(super) read_ms: i64,
}

#[derive(Deserialize)]
pub(super) struct Published {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) end_session_endpoint: Option<String>,
    /// How a client shows its secret; the first way, if nothing is said.
    #[serde(default = "basic")]
    token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether every answer names the provider (RFC 9207).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

fn basic() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

impl Published {
    pub(super) fn read(text: &[u8], issuer: &str) -> Result<Self, String> {
        let published: Self = serde_json::from_slice(text).map_err(|why| why.to_string())?;
        if published.issuer != issuer {
            return Err(format!("it is of the issuer {}", published.issuer));
        }
        let places = [
            Some(&published.authorization_endpoint),
            Some(&published.token_endpoint),
            Some(&published.jwks_uri),
            published.end_session_endpoint.as_ref(),
        ];
        if let Some(place) = places.into_iter().flatten().find(|it| !is_guarded(it)) {
            return Err(format!("{place} is not reached by https://"));
        }
        Ok(published)
    }

    /// Whether a secret goes into the header.
    pub(super) fn takes_basic(&self) -> bool {
        let ways = &self.token_endpoint_auth_methods_supported;
        ways.iter().any(|way| way == "client_secret_basic")
    }
}

/// Whether nobody on the way can read or change what goes there: by TLS, or on this machine.
pub(super) fn is_guarded(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return url.starts_with("https://");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_on_this_machine() {
        for (url, guarded) in [
            ("https://login.example/a", true),
            ("http://login.example/a", false),
            ("http://127.0.0.1:80/a", true),
            ("http://localhost/a", true),
            ("http://[::1]:8080", true),
            ("http://localhost.example", false),
            ("http://127.0.0.1@login.example", false),
            ("http://login.example?127.0.0.1", false),
            ("ftp://127.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_guarded(url), guarded, "{url}");
        }
    }
}
