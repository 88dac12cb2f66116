//! Sources that are imported: files, standard input, addresses; packed or not, within bounds.

use std::io::{Cursor, Read};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use http::Uri;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::web::{Reach, client_to, is_public};

/// Bytes of a file or an answer as it comes, packed or not.
const PACKED_BYTES: usize = 268_435_456;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(120);
/// How long, where somebody waits for it in a browser.
const LOOK: Duration = Duration::from_secs(20);
/// How often an answer may send elsewhere.
const REDIRECTS: usize = 5;

/// The text of a file, of standard input (`-`), unpacked if it is gzip.
pub(crate) fn read(path: &Path, most: usize) -> anyhow::Result<String> {
    let at = path.display();
    let bytes = if path == Path::new("-") {
        bounded(std::io::stdin().lock(), PACKED_BYTES, "standard input")?
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("{at}: cannot be opened"))?;
        bounded(file, PACKED_BYTES, &at.to_string())?
    };
    unpacked(bytes, most, &at.to_string())
}

/// What an address answers, by HTTP or HTTPS, unpacked if it is gzip. `authorities` is a PEM file
/// of those that are trusted to sign its certificate; none: the public ones.
pub(crate) fn fetch(url: &str, authorities: Option<&Path>, most: usize) -> anyhow::Result<String> {
    asked(url, Reach::Any, authorities, most, ANSWER)
}

/// The same, for somebody in a browser: only of what everybody may ask.
pub(crate) fn fetch_public(url: &str, most: usize) -> anyhow::Result<String> {
    asked(url, Reach::Public, None, most, LOOK)
}

fn asked(
    url: &str,
    reach: Reach,
    authorities: Option<&Path>,
    most: usize,
    patience: Duration,
) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let bytes = runtime.block_on(async {
        let answer = ask(url, reach, authorities, most.min(PACKED_BYTES));
        let answer = tokio::time::timeout(patience, answer).await;
        answer.map_err(|_| anyhow::anyhow!("{url}: no answer within {} s", patience.as_secs()))?
    })?;
    unpacked(bytes, most, url)
}

async fn ask(
    url: &str,
    reach: Reach,
    authorities: Option<&Path>,
    most: usize,
) -> anyhow::Result<Vec<u8>> {
    let client = client_to(reach, authorities)?;
    let mut uri: Uri = url
        .parse()
        .with_context(|| format!("`{url}` is no address"))?;
    let encrypted = uri.scheme_str() == Some("https");
    for _ in 0..=REDIRECTS {
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            bail!("`{uri}` is no address that can be asked: write https://host/path");
        }
        if encrypted && uri.scheme_str() != Some("https") {
            bail!("{url}: it sends to `{uri}`, which is not encrypted");
        }
        if reach == Reach::Public && literal(&uri).is_some_and(|address| !is_public(address)) {
            bail!("{uri}: only public addresses are fetched here; paste the text");
        }
        let answer = client.get(uri.clone()).await;
        let answer = answer.with_context(|| format!("{uri}: cannot be reached"))?;
        let status = answer.status();
        if status.is_redirection() {
            let place = answer.headers().get(http::header::LOCATION);
            let place = place.and_then(|place| place.to_str().ok());
            let place =
                place.with_context(|| format!("{uri}: it sends elsewhere, but not where"))?;
            uri = absolute(&uri, place)?;
            continue;
        }
        if !status.is_success() {
            bail!("{uri}: answered {status}");
        }
        let body = Limited::new(answer.into_body(), most).collect().await;
        let body = body.map_err(|why| match why.is::<LengthLimitError>() {
            true => anyhow::anyhow!("{uri}: larger than the {most} bytes allowed"),
            false => anyhow::anyhow!("{uri}: the answer cannot be read: {why}"),
        })?;
        return Ok(body.to_bytes().to_vec());
    }
    bail!("{url}: sends elsewhere more than {REDIRECTS} times")
}

/// The address that stands in place of a name.
fn literal(uri: &Uri) -> Option<IpAddr> {
    let host = uri.host().unwrap_or_default();
    host.trim_matches(['[', ']']).parse().ok()
}

fn absolute(from: &Uri, place: &str) -> anyhow::Result<Uri> {
    let whole = match (place.starts_with('/'), from.scheme_str(), from.authority()) {
        (true, Some(scheme), Some(authority)) => format!("{scheme}://{authority}{place}"),
        _ => place.to_owned(),
    };
    whole
        .parse()
        .with_context(|| format!("{from}: sends to `{place}`, which is no address"))
}

fn bounded(from: impl Read, most: usize, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = from.take(bound).read_to_end(&mut bytes);
    read.with_context(|| format!("{name}: cannot be read"))?;
    if bytes.len() > most {
        bail!("{name}: larger than the {most} bytes allowed; import it in parts");
    }
    Ok(bytes)
}

fn unpacked(bytes: Vec<u8>, most: usize, name: &str) -> anyhow::Result<String> {
    let bytes = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => bounded(
            flate2::read::MultiGzDecoder::new(Cursor::new(bytes)),
            most,
            name,
        )?,
        false if bytes.len() > most => {
            bail!("{name}: larger than the {most} bytes allowed; import it in parts")
        }
        false => bytes,
    };
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{name}: it is no text in UTF-8"))
}
