//! CISA's catalogue of known exploited vulnerabilities.

use ledger::{Advisory, KnownExploited, Severity};

use super::{Fault, Told, add, add_cwe, documents, is_cve, list, text, time_ms, title};
use crate::{Limits, News};

pub(super) fn read(source: &str, limits: &Limits) -> Result<Told, Fault> {
    let mut told = Told::default();
    for catalogue in documents(source, limits)? {
        if catalogue.get("vulnerabilities").is_none() {
            return Err(Fault::new("it has no list of vulnerabilities"));
        }
        for entry in list(&catalogue, "/vulnerabilities") {
            let id = text(entry, "/cveID").unwrap_or_default();
            let added_ms = text(entry, "/dateAdded").and_then(time_ms);
            let (true, Some(added_ms)) = (is_cve(id), added_ms) else {
                return Err(Fault::new(format!(
                    "the entry `{id}` has no cveID or no dateAdded that can be read"
                )));
            };
            // How bad it is the catalogue does not say; that it is exploited it does.
            let mut advisory = Advisory::new(id, Severity::High);
            if let Some(name) = text(entry, "/vulnerabilityName") {
                advisory.title = title(name);
            }
            for cwe in list(entry, "/cwes") {
                add_cwe(&mut advisory.cwe, cwe.as_str().unwrap_or_default());
            }
            for note in text(entry, "/notes").unwrap_or_default().split(';') {
                if note.trim().starts_with("http") {
                    add(&mut advisory.references, note);
                }
            }
            advisory.exploited = true;
            advisory.known_exploited = Some(KnownExploited {
                added_ms,
                due_ms: text(entry, "/dueDate").and_then(time_ms),
                ransomware: text(entry, "/knownRansomwareCampaignUse") == Some("Known"),
            });
            told.news.push(News::Exploited {
                advisory: Box::new(advisory),
            });
        }
    }
    Ok(told)
}
