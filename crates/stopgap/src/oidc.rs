//! Who people sign in at, from a file, and how that provider is asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use control::{Ask, Exchanging, Line, OidcSettings, Service};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;

use crate::web::{Web, client};

/// Whether people sign in elsewhere.
#[derive(Args)]
pub(crate) struct SignIn {
    /// The file that says at which provider people may sign in by OpenID Connect, and who may what:
    /// docs/console.md.
    #[arg(long, value_name = "FILE")]
    oidc: Option<PathBuf>,
}

/// What the file says of other files.
#[derive(Deserialize)]
struct Files {
    /// The file of what shows the provider that it is the console.
    secret_file: Option<PathBuf>,
    /// The authorities that sign the provider's certificate; none: the public ones.
    authorities: Option<PathBuf>,
}

/// Such a file, in bytes.
const FILE_BYTES: usize = 1024 * 1024;

impl SignIn {
    /// The control side with the provider, where there is one.
    pub(crate) fn add(&self, service: Service) -> anyhow::Result<Service> {
        let Some(path) = &self.oidc else {
            return Ok(service);
        };
        let named = || path.display().to_string();
        let text = crate::source::read(path, FILE_BYTES)?;
        let (files, mut settings) = said(&text).with_context(named)?;
        let beside = |file: &Path| path.parent().unwrap_or(Path::new("")).join(file);
        if let Some(secret) = files.secret_file.as_deref().map(beside) {
            let text = crate::source::read(&secret, FILE_BYTES)?;
            settings.secret = Some(text.trim().to_owned());
        }
        let authorities = files.authorities.as_deref().map(beside);
        let line = Arc::new(Caller(client(authorities.as_deref())?));
        let service = service.with_oidc(settings, line);
        service.map_err(anyhow::Error::msg).with_context(named)
    }
}

/// What a file says; a name that is not known is an error.
fn said(text: &str) -> anyhow::Result<(Files, OidcSettings)> {
    let mut table: toml::Table = toml::from_str(text)?;
    let files = ["secret_file", "authorities"].map(|name| table.remove_entry(name));
    let files: toml::Table = files.into_iter().flatten().collect();
    Ok((files.try_into()?, table.try_into()?))
}

/// Asks over the network.
struct Caller(Web);

impl Caller {
    async fn answer(&self, ask: &Ask, most: usize) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut request = match &ask.form {
            None => Request::get(&ask.url),
            Some(_) => {
                Request::post(&ask.url).header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            }
        };
        request = request.header(ACCEPT, "application/json");
        if let Some(authorization) = &ask.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let form = ask.form.clone().unwrap_or_default();
        let request = request.body(Full::from(Bytes::from(form)))?;
        let answer: Response<_> = self.0.request(request).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, most).collect().await;
        let body = body.map_err(|why| anyhow::anyhow!("the answer is not whole: {why}"))?;
        Ok((head.status.as_u16(), body.to_bytes().to_vec()))
    }
}

impl Line for Caller {
    fn exchange<'a>(&'a self, ask: &'a Ask, most: usize) -> Exchanging<'a> {
        Box::pin(async move {
            let answer = self.answer(ask, most).await;
            answer.map_err(|why| format!("{why:#}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_known_is_an_error() {
        let good = "issuer = \"https://a.example\"\nclient = \"c\"\nconsole = \"https://c.example\"\n\
                    secret_file = \"s\"\nroles = []\n";
        let (files, settings) = said(good).unwrap();
        assert_eq!(files.secret_file, Some(PathBuf::from("s")));
        assert_eq!(settings.issuer, "https://a.example");
        for misspelt in ["secret_flie", "authorites"] {
            let why = said(&format!("{misspelt} = \"x\"\n{good}")).err().unwrap();
            assert!(why.to_string().contains(misspelt), "{why}");
        }
    }

    #[test]
    fn an_empty_list_of_areas_is_no_role_in_all() {
        let with = |areas: &str| {
            said(&format!(
                "issuer = \"https://a.example\"\nclient = \"c\"\nconsole = \"https://c.example\"\n\
                 [[roles]]\nclaim = \"groups\"\nvalue = \"security\"\nrole = \"operator\"\n{areas}\n"
            ))
        };
        let why = with("areas = []").err().unwrap().to_string();
        assert!(why.contains("areas: name one or more"), "{why}");
        let roles = |areas| with(areas).unwrap().1.roles;
        assert_eq!(roles("areas = [\"findings\"]")[0].areas.len(), 1);
        assert!(roles("")[0].areas.is_empty());
    }
}
