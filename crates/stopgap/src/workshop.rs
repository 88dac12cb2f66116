//! What the console has done by those who understand patch documents, and who reach other machines.

use std::sync::{Mutex, TryLockError};

use control::{Examined, Made, Refined, Workshop};
use factory::{Beside, Limits, Options, Outcome, importers};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use patch::document::{Document, Reason, Severity};
use patch::refine::{Wanted, diff, edited, refine};
use patch::{Level, Source};
use wire::Event;

use crate::terms;

/// The factory and the proof, for the console.
pub(crate) struct Bench;

/// Held while something is fetched: one answer at a time is in memory.
static FETCHING: Mutex<()> = Mutex::new(());

/// How a document that was typed or uploaded is called in messages.
const NAME: &str = "document";
/// Days that a patch which was made here has.
const DAYS: i64 = 90;

impl Workshop for Bench {
    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        let importers = importers().iter();
        importers
            .map(|importer| (importer.kind, importer.summary))
            .collect()
    }

    fn make(&self, kind: &str, name: &str, text: &str) -> Vec<Result<Made, String>> {
        let Some(importer) = importers().iter().find(|importer| importer.kind == kind) else {
            return vec![Err(format!("`{kind}` is not understood"))];
        };
        let today = crate::patch::today();
        let options = Options {
            owner: "unassigned".to_owned(),
            reason: Reason::ThirdParty,
            expires: today.saturating_add(DAYS.days()),
            today,
            // Somebody reviews it before it is kept.
            accept: true,
            hosts: Vec::new(),
            limits: Limits::default(),
            beside: Beside::default(),
        };
        let found = importer.import(text, name, &options).into_iter();
        found
            .map(|imported| match imported.outcome {
                Outcome::Patch(made) => Ok(Made {
                    fix: reference(&made.yaml),
                    document: made.yaml,
                }),
                Outcome::Needless(why) | Outcome::Rejected(why) => {
                    Err(format!("{}: {why}", imported.id))
                }
            })
            .collect()
    }

    fn ready(&self, advisory: &str) -> Option<Made> {
        let entry = crate::catalogue::named(advisory).ok()??;
        Some(Made {
            fix: reference(&entry.text),
            document: entry.text,
        })
    }

    fn examine(&self, document: &str, now_ms: i64) -> Result<Examined, Vec<String>> {
        let source = Source::parse(NAME, document).map_err(|why| vec![why.to_string()])?;
        let today = jiff::Timestamp::from_millisecond(now_ms);
        let today = today.map_err(|why| vec![why.to_string()])?;
        let today = today.to_zoned(TimeZone::UTC).date();
        let problems = patch::lint(&source, today).into_iter();
        let wrong: Vec<String> = problems
            .filter(|problem| problem.level == Level::Error)
            .map(|problem| problem.to_string())
            .collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let proof = crate::patch::by_itself(&source).map_err(|why| vec![format!("{why:#}")])?;
        examined(&source.document, document, &proof, now_ms).map_err(|why| vec![why])
    }

    fn explain(&self, document: &str) -> String {
        let source = Source::parse(NAME, document).ok();
        let explained = source.and_then(|source| patch::explain(&source).ok());
        explained.map_or_else(String::new, |explained| explained.to_string())
    }

    fn draw(&self, document: &str) -> Result<String, Vec<String>> {
        let source = Source::parse(NAME, document).map_err(|why| vec![why.to_string()])?;
        crate::patch::drawn(source).map_err(|why| vec![format!("{why:#}")])
    }

    fn draw_hit(&self, patch: &str, event: &Event) -> String {
        let request = crate::patch::request_of(event, patch);
        request.map_or_else(String::new, |it| crate::patch::drawn_request(&it))
    }

    fn style(&self) -> &'static str {
        crate::patch::STYLE
    }

    fn refine(&self, document: &str, event: &Event) -> Result<Option<Refined>, String> {
        let source = Source::parse(NAME, document).map_err(|why| why.to_string())?;
        let request = crate::patch::request_of(event, &source.document.id.value);
        let wanted = Wanted {
            pass: vec![request.ok_or("the patch did not match in this request")?],
            ..Wanted::default()
        };
        let Some(refined) = refine(&source, &wanted).map_err(|why| why.to_string())? else {
            return Ok(None);
        };
        let document = edited(document, &source.document, &refined.document)?;
        Ok(Some(Refined {
            document,
            reasons: refined.reasons,
        }))
    }

    fn fetch(&self, address: &str) -> Result<String, String> {
        let _one = match FETCHING.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err("something else is being fetched: try again in a moment".to_owned());
            }
            Ok(held) => held,
            Err(TryLockError::Poisoned(held)) => held.into_inner(),
        };
        crate::source::fetch_public(address, store::NOTE_BYTES).map_err(|why| format!("{why:#}"))
    }

    fn difference(&self, before: &str, after: &str) -> String {
        diff(before, after)
    }
}

/// The first place where the vulnerability can be read about.
fn reference(document: &str) -> String {
    let source = Source::parse(NAME, document).ok();
    let references = source.map(|source| source.document.vulnerability.references);
    let first = references.unwrap_or_default().into_iter().next();
    first.unwrap_or_default()
}

/// A document, as far as the ledger looks into it. What a patch must say for the ledger is
/// left out of no document: whoever owns nothing is not told when it expires.
fn examined(
    document: &Document,
    text: &str,
    proof: &patch::prove::Proof,
    now_ms: i64,
) -> Result<Examined, String> {
    let missing = |name: &str| format!("{NAME}: say `{name}`: the ledger keeps it");
    let owner = document.owner.as_ref().ok_or_else(|| missing("owner"))?;
    let reason = document.reason.as_ref().ok_or_else(|| missing("reason"))?;
    let expires = document
        .expires
        .as_ref()
        .ok_or_else(|| missing("expires"))?;
    let day: jiff::civil::Date = expires.value.parse().map_err(|_| missing("expires"))?;
    let expires_ms = terms::ends_ms(day).map_err(|why| why.to_string())?;
    let known = &document.vulnerability;
    let severity = match document.severity {
        Severity::Critical => ledger::Severity::Critical,
        Severity::High => ledger::Severity::High,
        Severity::Medium => ledger::Severity::Medium,
        Severity::Low => ledger::Severity::Low,
    };
    Ok(Examined {
        id: document.id.value.clone(),
        title: document.title.value.clone(),
        advisory: ledger::Advisory {
            title: document.title.value.clone(),
            aliases: known.aliases.clone(),
            fixed_in: known.fixed_in.clone(),
            exploited: known.known_exploited,
            ..ledger::Advisory::new(&document.id.value, severity)
        },
        owner: owner.value.clone(),
        reason: terms::reason(reason.value),
        expires_ms,
        proof: ledger::Proof {
            digest: ledger::sha256(text.as_bytes()),
            objections: proof.objections(),
            proven_ms: now_ms,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_holds_on_the_day_on_which_it_expires() {
        let text = include_str!("../demo/shop/sql-injection.yaml");
        let day = "2026-02-28";
        let (before, rest) = text.split_once("\nexpires: ").unwrap();
        let (_, after) = rest.split_once('\n').unwrap();
        let text = format!("{before}\nexpires: {day}\n{after}");
        // Noon of that day, and of the next.
        let noon_ms = 1_772_280_000_000;
        let examined = Bench.examine(&text, noon_ms).unwrap();
        assert_eq!(examined.expires_ms, noon_ms + 12 * 3_600_000);
        let wrong = Bench
            .examine(&text, noon_ms + 24 * 3_600_000)
            .err()
            .unwrap();
        assert!(wrong[0].contains("expired on 2026-02-28"), "{wrong:?}");
    }
}
