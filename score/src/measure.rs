//! Everything that is measured, in order.

use std::path::Path;

use patch::Source;
use patch::document::Effect;

use crate::corpora::texts;
use crate::patches::{Patches, plan};
use crate::report::{Reach, Report};
use crate::traffic::{self, Legitimate, Volume};
use crate::{Settings, benign, crowdsec};

/// Chooses all legitimate requests.
const SEED: u64 = 20_270_101;

/// Imports the corpora, loads all patches at once, and measures.
pub(crate) fn all(corpora: &Path, settings: Settings) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let crowdsec = Patches::import("crowdsec", &texts(&corpora.join("crowdsec/rules"))?)?;
    let own = plan(crowdsec.sources.iter())?;
    imported(&mut report, "crowdsec", &crowdsec, settings);
    let (tests, unread) = crowdsec::tests(&corpora.join("crowdsec/tests"))?;
    for line in unread.iter().filter(|_| settings.misses) {
        println!("crowdsec unread {line}");
    }
    let mut right = 0;
    for test in &tests {
        let wrong = test.wrong(&own);
        right += usize::from(wrong.is_empty());
        for line in wrong.iter().filter(|_| settings.misses) {
            println!("crowdsec wrong {}: {line}", test.name);
        }
    }
    let whole = tests.len() + unread.len();
    report.share(
        "crowdsec",
        "its own tests right",
        right,
        whole,
        Some(Reach::AtLeast(100.0)),
    );
    let everything: Vec<&Patches> = vec![&crowdsec];
    legitimate(&mut report, &everything, settings)?;
    Ok(report)
}

/// How many became patches, and why others did not.
fn imported(report: &mut Report, kind: &'static str, patches: &Patches, settings: Settings) {
    report.count(kind, "patches", patches.sources.len());
    report.count(kind, "rejected", patches.rejected.len());
    report.count(
        kind,
        "endpoint-closed",
        patches.with_effect(Effect::EndpointClosed),
    );
    report.count(kind, "literal", patches.with_effect(Effect::Literal));
    report.row(kind, "import", patches.took.as_secs_f64(), "s", None);
    for (id, reason) in patches.rejected.iter().filter(|_| settings.misses) {
        println!("{kind} rejected {id}: {reason}");
    }
}

/// With all patches loaded at once: none of the requests may be stopped.
fn legitimate(report: &mut Report, all: &[&Patches], settings: Settings) -> anyhow::Result<()> {
    let sources = || all.iter().flat_map(|patches| &patches.sources);
    let everything = plan(sources())?;
    let near: Vec<(&Source, bool)> = all
        .iter()
        .flat_map(|patches| {
            let closed = |source: &Source| patches.is_closed(&source.document.id.value);
            patches
                .sources
                .iter()
                .map(move |source| (source, closed(source)))
        })
        .collect();
    let volume = match settings.quick {
        true => Volume {
            seed: SEED,
            near: 6,
            elsewhere: 1_000,
        },
        false => Volume {
            seed: SEED,
            near: 40,
            elsewhere: 10_000,
        },
    };
    let requests = traffic::generate(&near, volume);
    let blocked = benign::blocked(&everything, &requests);
    report.count(
        "legitimate",
        "requests near patches",
        requests.iter().filter(|one| one.near.is_some()).count(),
    );
    report.count(
        "legitimate",
        "requests elsewhere",
        requests.iter().filter(|one| one.near.is_none()).count(),
    );
    report.row(
        "legitimate",
        "blocked",
        blocked.len() as f64,
        "",
        Some(Reach::AtMost(0.0)),
    );
    if settings.misses {
        for (patch, count) in benign::by_patch(&blocked) {
            println!("legitimate blocked {count} by {patch}");
        }
        for one in &blocked {
            println!("legitimate blocked by {} {}", one.patch, one.line);
        }
    }
    if settings.quick {
        return Ok(());
    }
    let none = plan(std::iter::empty())?;
    let parted: (Vec<&Legitimate>, Vec<&Legitimate>) =
        requests.iter().partition(|one| one.near.is_some());
    for (what, requests, reach) in [
        (
            "cost of all / none, elsewhere",
            &parted.1,
            Some(Reach::AtMost(1.3)),
        ),
        ("cost of all / none, near patches", &parted.0, None),
    ] {
        let sample: Vec<&Legitimate> = requests
            .iter()
            .step_by(requests.len() / 4_000 + 1)
            .copied()
            .collect();
        let ratio = benign::cost(&everything, &none, &sample, 9)?;
        report.row("legitimate", what, ratio, "×", reach);
    }
    Ok(())
}
