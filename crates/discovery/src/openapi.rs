//! OpenAPI 3: the hosts by which an application is asked for, and the paths that it answers.

use serde_json::Value;

use crate::{Application, Found, Limits, Problem, Source, address, yaml};

/// A server's URL, in bytes.
const URL_BYTES: usize = 4096;

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut found = Found::default();
    for source in sources {
        for document in yaml::documents(source)? {
            let application = application(source, &document, limits, &mut found.notes)?;
            found.applications.push(application);
        }
    }
    Ok(found)
}

fn application(
    source: &Source<'_>,
    document: &Value,
    limits: &Limits,
    notes: &mut Vec<String>,
) -> Result<Application, Problem> {
    let version = yaml::text(document, "openapi").unwrap_or_default();
    if !version.starts_with("3.") {
        return Err(Problem(format!(
            "{}: there is no `openapi: 3.…`; convert an older description first",
            source.name
        )));
    }
    let title = yaml::within(document, &["info", "title"]).and_then(Value::as_str);
    let title = title.unwrap_or_default();
    let name = slug(title);
    if name.is_empty() {
        return Err(Problem(format!(
            "{}: `info.title` gives the application no name",
            source.name
        )));
    }
    let mut hosts = Vec::new();
    for server in yaml::items(document, "servers") {
        let url = yaml::text(server, "url").unwrap_or_default();
        let url = filled(&url, server);
        match address::of_url(&url) {
            Some(authority) => {
                let host = address::plain(address::host_of(&authority));
                if address::is_host(&host) && !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
            // Beside where the description is served: that says no host.
            None => notes.push(format!("{}: the server `{url}` names no host", source.name)),
        }
    }
    let paths = document.get("paths").and_then(Value::as_object);
    let paths: Vec<String> = paths
        .into_iter()
        .flatten()
        .map(|(path, _)| path.clone())
        .collect();
    limits.within("paths", paths.len(), limits.paths)?;
    limits.within("hosts", hosts.len(), limits.paths)?;
    Ok(Application {
        name,
        title: title.to_owned(),
        hosts,
        paths,
    })
}

/// A server's URL with the defaults of its variables.
fn filled(url: &str, server: &Value) -> String {
    let variables = server.get("variables").and_then(Value::as_object);
    let mut url = url.to_owned();
    for (name, variable) in variables.into_iter().flatten() {
        // Defaults may name further variables, and so grow.
        if url.len() > URL_BYTES {
            break;
        }
        if let Some(usual) = yaml::text(variable, "default") {
            url = url.replacen(&format!("{{{name}}}"), &usual, 1);
        }
    }
    url
}

/// A title as an identifier.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().take(100) {
        match letter.is_ascii_alphanumeric() {
            true => slug.push(letter.to_ascii_lowercase()),
            false if slug.ends_with('-') || slug.is_empty() => {}
            false => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}
