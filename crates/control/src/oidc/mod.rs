//! Signing in at a provider of identities: OpenID Connect, by the authorization code flow with PKCE.
//!
//! In the order in which it happens: [`Oidc::begin`] sends the browser to the provider, with a secret in a
//! cookie; the provider sends it back with a code; [`Oidc::end`] exchanges the code for what the provider
//! says of somebody, and reads who that is here. Nothing is kept in between: state, nonce
//! and the verifier of PKCE come of the cookie, which shows when and by whom it was made.

mod claims;
mod provider;
mod signed;
mod turns;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use form_urlencoded::{Serializer, byte_serialize};
use ledger::{Account, Area, Role, User, sha256};
use ring::hmac;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Limits;
use crate::secret::random;
use claims::{Expected, claim, holds};
use provider::{Provider, Published, is_guarded};
use signed::{Keys, Unsigned};
use turns::Turns;
pub(crate) use turns::client;

/// The path that the provider sends people back to.
pub(crate) const RETURN: &str = "/sign-in/return";
/// How long signing in may take, in seconds.
pub(crate) const UNDER_WAY_S: i64 = 600;

/// How people sign in at a provider. Not for logs: it holds a secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// The provider, as it names itself.
    pub issuer: String,
    /// How the provider knows the console.
    pub client: String,
    /// What shows the provider that it is the console; none: PKCE alone.
    #[serde(skip)]
    pub secret: Option<String>,
    /// Where browsers reach the console.
    pub console: String,
    /// What is asked for, beside `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The claim that names somebody here.
    #[serde(default = "username")]
    pub name: String,
    /// Who may what; of several that fit, the first.
    pub roles: Vec<OidcRole>,
}

/// What they may who have this claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcRole {
    /// The claim, by its name or as a JSON pointer.
    pub claim: String,
    /// What it is, or holds.
    pub value: String,
    /// What they may.
    pub role: Role,
    /// Only in these parts of the ledger; none: in all. A file leaves it out for that: an empty list is
    /// refused.
    #[serde(default, deserialize_with = "named")]
    pub areas: Vec<Area>,
}

fn named<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Area>, D::Error> {
    let areas = Vec::deserialize(from)?;
    if areas.is_empty() {
        let why = "areas: name one or more, or leave the line out; an empty list would be no bound";
        return Err(D::Error::custom(why));
    }
    Ok(areas)
}

fn username() -> String {
    "preferred_username".to_owned()
}

/// Brings requests to the provider.
pub trait Line: Send + Sync {
    /// Status and body of the answer, which has so many bytes at most, or why there is none.
    fn exchange<'a>(&'a self, ask: &'a Ask, most: usize) -> Exchanging<'a>;
}

/// An answer that is waited for.
pub type Exchanging<'a> = Pin<Box<dyn Future<Output = Result<(u16, Vec<u8>), String>> + Send + 'a>>;

/// A request to the provider.
pub struct Ask {
    /// Where to.
    pub url: String,
    /// A form to send; none: a GET.
    pub form: Option<String>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

/// People sign in at this provider.
pub(crate) struct Oidc {
    settings: OidcSettings,
    line: Arc<dyn Line>,
    /// Signs the cookies of sign-ins that are under way.
    key: hmac::Key,
    /// What was read of the provider last.
    known: Mutex<Option<Arc<Provider>>>,
    /// Sign-ins that are worked on.
    turns: Turns,
}

/// What the browser brings back.
pub(crate) struct Returned<'a> {
    pub(crate) cookie: &'a str,
    pub(crate) state: &'a str,
    pub(crate) code: &'a str,
    /// Empty where it was not said.
    pub(crate) issuer: &'a str,
    /// What the provider has against it; empty: nothing.
    pub(crate) error: &'a str,
}

/// Why nobody was signed in.
pub(crate) enum Failure {
    /// There was no turn.
    Busy,
    /// For whoever signs in.
    Told(String),
    /// For the log alone: where the provider's places are, and what they answer.
    Logged(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Told(why)
    }
}

/// What an answer holds of use; the provider may say why there is none.
#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Oidc {
    /// # Errors
    /// The settings cannot work; why, for people.
    pub(crate) fn new(
        mut settings: OidcSettings,
        line: Arc<dyn Line>,
        limits: &Limits,
    ) -> Result<Self, String> {
        for (name, url) in [("issuer", &settings.issuer), ("console", &settings.console)] {
            if !is_guarded(url) {
                return Err(format!(
                    "{name}: `{url}` must begin with https://, or be on this machine"
                ));
            }
        }
        if settings.roles.is_empty() {
            return Err("roles: nobody may anything: say which claim gives which role".to_owned());
        }
        if settings.secret.as_deref() == Some("") {
            return Err(
                "secret_file: it is empty; without the line, PKCE alone shows who asks".to_owned(),
            );
        }
        let key = random().map_err(no_random)?;
        settings
            .console
            .truncate(settings.console.trim_end_matches('/').len());
        settings.scopes.retain(|scope| scope != "openid");
        settings.scopes.insert(0, "openid".to_owned());
        Ok(Self {
            settings,
            line,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            known: Mutex::default(),
            turns: Turns::new(limits),
        })
    }

    /// Who people sign in at.
    pub(crate) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Whether the console is reached by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.settings.console.starts_with("https://")
    }

    /// Where the browser goes, and what its cookie holds meanwhile.
    pub(crate) async fn begin(
        &self,
        client: Option<IpAddr>,
        now_ms: i64,
        limits: &Limits,
    ) -> Result<(String, String), Failure> {
        let _turn = self.turns.take(client, limits).ok_or(Failure::Busy)?;
        let provider = self.provider(now_ms, limits, false).await?;
        let cookie = self.cookie(now_ms)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(derived("verifier", &cookie)));
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client)
            .append_pair("redirect_uri", &self.redirect())
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", &derived("state", &cookie))
            .append_pair("nonce", &derived("nonce", &cookie))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let place = &provider.published.authorization_endpoint;
        Ok((with_query(place, &query), cookie))
    }

    /// When it was made, a secret, and that we have made it.
    fn cookie(&self, now_ms: i64) -> Result<String, String> {
        let secret = URL_SAFE_NO_PAD.encode(random().map_err(no_random)?);
        let made = format!("{now_ms}.{secret}");
        let mark = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, made.as_bytes()));
        Ok(format!("{made}.{mark}"))
    }

    /// Whether this is of a sign-in that we have begun in this browser, not too long ago.
    pub(crate) fn has_begun(&self, returned: &Returned<'_>, now_ms: i64) -> bool {
        let is_ours = |made: &str, mark: &str| {
            let mark = URL_SAFE_NO_PAD.decode(mark).unwrap_or_default();
            hmac::verify(&self.key, made.as_bytes(), &mark).is_ok()
        };
        let made = returned.cookie.rsplit_once('.');
        let made = made.filter(|(made, mark)| is_ours(made, mark));
        let began_ms = made.and_then(|(made, _)| made.split_once('.')?.0.parse::<i64>().ok());
        began_ms.is_some_and(|it| now_ms.saturating_sub(it) < UNDER_WAY_S * 1000)
            && returned.state == derived("state", returned.cookie)
    }

    /// Who has signed in, of what [has begun](Self::has_begun).
    ///
    /// # Errors
    /// Nobody has.
    pub(crate) async fn end(
        &self,
        client: Option<IpAddr>,
        returned: &Returned<'_>,
        now_ms: i64,
        limits: &Limits,
    ) -> Result<User, Failure> {
        let _turn = self.turns.take(client, limits).ok_or(Failure::Busy)?;
        let provider = self.provider(now_ms, limits, false).await?;
        let must_name = provider
            .published
            .authorization_response_iss_parameter_supported;
        if (must_name || !returned.issuer.is_empty()) && returned.issuer != self.issuer() {
            return Err("the answer is of another provider".to_owned().into());
        }
        if !returned.error.is_empty() {
            return Err(format!("the provider says: {}", short(returned.error)).into());
        }
        let text = self
            .exchanged(&provider.published, returned, limits)
            .await?;
        let claims = match provider.keys.open(&text) {
            // It may have other keys by now.
            Err(Unsigned::NoKey) => {
                let provider = self.provider(now_ms, limits, true).await?;
                provider.keys.open(&text)
            }
            opened => opened,
        };
        let claims = claims.map_err(|why| match why {
            Unsigned::NoKey => "no key of the provider has signed what it says".to_owned(),
            Unsigned::Bad(why) => format!("what the provider says does not count: {why}"),
        })?;
        let nonce = derived("nonce", returned.cookie);
        let expected = Expected {
            issuer: self.issuer(),
            client: &self.settings.client,
            nonce: &nonce,
            now_ms,
            skew_ms: limits.oidc_skew_ms,
        };
        let checked = expected.check(&claims);
        checked.map_err(|why| format!("what the provider says does not count: {why}"))?;
        Ok(self.person(&claims)?)
    }

    /// Where people sign out of the provider, if that is known.
    pub(crate) fn sign_out(&self) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.as_ref()?.published.end_session_endpoint.clone()?;
        let query = Serializer::new(String::new())
            .append_pair("client_id", &self.settings.client)
            .finish();
        Some(with_query(&place, &query))
    }

    /// Who somebody is here.
    fn person(&self, claims: &Value) -> Result<User, String> {
        let settings = &self.settings;
        let text = |name: &str| claim(claims, name).and_then(Value::as_str);
        let name = text(&settings.name)
            .ok_or_else(|| format!("the provider does not say your {}", settings.name))?;
        let fits = |rule: &&OidcRole| {
            claim(claims, &rule.claim).is_some_and(|claim| holds(claim, &rule.value))
        };
        let rule = settings.roles.iter().find(fits).ok_or_else(|| {
            format!(
                "{} may do nothing here: no role is for what the provider says of them",
                short(name)
            )
        })?;
        Ok(User {
            id: name.to_owned(),
            role: rule.role,
            areas: rule.areas.clone(),
            account: Some(Account {
                issuer: settings.issuer.clone(),
                subject: text("sub").unwrap_or_default().to_owned(),
            }),
            removed_ms: None,
        })
    }

    fn redirect(&self) -> String {
        format!("{}{RETURN}", self.settings.console)
    }

    /// What the code is given for: a signed text about somebody.
    async fn exchanged(
        &self,
        published: &Published,
        returned: &Returned<'_>,
        limits: &Limits,
    ) -> Result<String, Failure> {
        let ask = self.exchange(published, returned);
        let (status, body) = self.asked(&ask, limits).await?;
        let tokens: Result<Tokens, _> = serde_json::from_slice(&body);
        let no_answer = |_| format!("the provider answered the code with {status} and no JSON");
        let tokens = tokens.map_err(no_answer)?;
        if let Some(error) = tokens.error {
            let more = tokens.error_description.unwrap_or_default();
            return Err(format!("the provider says: {} {}", short(&error), short(&more)).into());
        }
        let missing = "the provider answered the code without an id_token";
        let token = tokens.id_token.filter(|_| status == 200);
        Ok(token.ok_or_else(|| missing.to_owned())?)
    }

    /// The code, shown by whoever has begun the sign-in.
    fn exchange(&self, published: &Published, returned: &Returned<'_>) -> Ask {
        let settings = &self.settings;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", returned.code)
            .append_pair("redirect_uri", &self.redirect())
            .append_pair("code_verifier", &derived("verifier", returned.cookie));
        let mut authorization = None;
        match &settings.secret {
            Some(secret) if published.takes_basic() => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&settings.client), encoded(secret));
                authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
            Some(secret) => {
                form.append_pair("client_id", &settings.client)
                    .append_pair("client_secret", secret);
            }
            None => {
                form.append_pair("client_id", &settings.client);
            }
        }
        Ask {
            url: published.token_endpoint.clone(),
            form: Some(form.finish()),
            authorization,
        }
    }

    /// What is known of the provider, read again after a while, or when it must be `fresh`.
    async fn provider(
        &self,
        now_ms: i64,
        limits: &Limits,
        fresh: bool,
    ) -> Result<Arc<Provider>, Failure> {
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let lasts = |it: &Arc<Provider>| {
            (0..limits.oidc_kept_ms).contains(&now_ms.saturating_sub(it.read_ms))
        };
        if let Some(known) = known.filter(|it| !fresh && lasts(it)) {
            return Ok(known);
        }
        let issuer = self.issuer().trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let text = self.read(url.clone(), limits).await?;
        let published = Published::read(&text, self.issuer());
        let published = published.map_err(|why| Failure::Logged(format!("{url}: {why}")))?;
        let keys = self.read(published.jwks_uri.clone(), limits).await?;
        let keys = Keys::read(&keys)
            .map_err(|why| Failure::Logged(format!("{}: {why}", published.jwks_uri)))?;
        let provider = Arc::new(Provider {
            published,
            keys,
            read_ms: now_ms,
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(&provider));
        Ok(provider)
    }

    async fn read(&self, url: String, limits: &Limits) -> Result<Vec<u8>, Failure> {
        let ask = Ask {
            url,
            form: None,
            authorization: None,
        };
        match self.asked(&ask, limits).await? {
            (200, body) => Ok(body),
            (status, _) => Err(Failure::Logged(format!("{} answers {status}", ask.url))),
        }
    }

    async fn asked(&self, ask: &Ask, limits: &Limits) -> Result<(u16, Vec<u8>), Failure> {
        let answer = self.line.exchange(ask, limits.oidc_answer_bytes);
        let answer = tokio::time::timeout(Duration::from_millis(limits.oidc_ms), answer).await;
        let answer = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        answer.map_err(|why| Failure::Logged(format!("{}: {why}", ask.url)))
    }
}

fn no_random(why: std::io::Error) -> String {
    format!("the system gives no random bytes: {why}")
}

/// What comes of the cookie's secret for one use; no other use can be told from it.
fn derived(what: &str, secret: &str) -> String {
    sha256(format!("stopgap sign-in {what} {secret}").as_bytes())
}

fn with_query(url: &str, query: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{query}")
}

/// What others wrote, cut for a page.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Line for Silent {
        fn exchange<'a>(&'a self, _: &'a Ask, _: usize) -> Exchanging<'a> {
            Box::pin(async { Err("nobody answers".to_owned()) })
        }
    }

    fn oidc(secret: Option<&str>) -> Result<Oidc, String> {
        let settings = OidcSettings {
            issuer: "https://login.example".to_owned(),
            client: "stopgap".to_owned(),
            secret: secret.map(str::to_owned),
            console: "https://console.example".to_owned(),
            scopes: Vec::new(),
            name: username(),
            roles: vec![OidcRole {
                claim: "groups".to_owned(),
                value: "security".to_owned(),
                role: Role::Viewer,
                areas: Vec::new(),
            }],
        };
        Oidc::new(settings, Arc::new(Silent), &Limits::default())
    }

    #[test]
    fn a_sign_in_has_ten_minutes_and_is_of_whoever_began_it() {
        let (here, elsewhere) = (oidc(None).unwrap(), oidc(None).unwrap());
        let cookie = here.cookie(5).unwrap();
        let state = derived("state", &cookie);
        let returned = Returned {
            cookie: &cookie,
            state: &state,
            code: "c",
            issuer: "",
            error: "",
        };
        for (oidc, now_ms, begun) in [
            (&here, 5, true),
            (&here, 5 + 599_999, true),
            (&here, 5 + 600_000, false),
            (&elsewhere, 5, false),
        ] {
            assert_eq!(oidc.has_begun(&returned, now_ms), begun, "{now_ms}");
        }
    }

    #[test]
    fn a_secret_is_not_empty() {
        assert!(oidc(Some("s")).is_ok());
        let why = oidc(Some("")).err().unwrap();
        assert!(why.contains("secret_file"), "{why}");
    }
}
