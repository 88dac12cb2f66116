//! Everything that is measured, in order.

use std::collections::BTreeSet;
use std::path::Path;

use factory::importers;
use patch::Source;
use patch::document::Effect;

use crate::corpora::texts;
use crate::crowdsec::{self, Test};
use crate::patches::{Patches, plan};
use crate::report::{Reach, Report};
use crate::traffic::{self, Legitimate, Volume};
use crate::{Settings, benign};

/// Chooses all legitimate requests.
const SEED: u64 = 20_270_101;
/// Requests whose cost is measured.
const COSTED: usize = 4_000;

/// Imports the corpora, loads all patches at once, and measures.
pub(crate) fn all(corpora: &Path, settings: Settings) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let (tests, unread) = crowdsec::tests(&corpora.join("crowdsec/tests"))?;
    let crowdsec = Patches::import("crowdsec", &texts(&corpora.join("crowdsec/rules"))?)?;
    if importers().iter().any(|importer| importer.kind == "nuclei") {
        let nuclei = Patches::import("nuclei", &texts(&corpora.join("nuclei"))?)?;
        imported(&mut report, "nuclei", &nuclei, settings);
        across(&mut report, &nuclei, &tests, settings)?;
        legitimate(&mut report, "nuclei", &nuclei, &crowdsec, settings)?;
        cost(&mut report, &nuclei, settings)?;
    }
    imported(&mut report, "crowdsec", &crowdsec, settings);
    own_tests(&mut report, &crowdsec, &tests, &unread, settings)?;
    Ok(report)
}

/// How many became patches, and why others did not.
fn imported(report: &mut Report, kind: &'static str, patches: &Patches, settings: Settings) {
    let made = patches.sources.len();
    report.count(kind, "patches", made);
    report.count(kind, "needless", patches.needless.len());
    report.count(kind, "rejected", patches.rejected.len());
    let closed = patches.with_effect(Effect::EndpointClosed);
    let literal = patches.with_effect(Effect::Literal);
    report.count(kind, "endpoint-closed", closed);
    report.count(kind, "literal", literal);
    report.row(kind, "import", patches.took.as_secs_f64(), "s", None);
    if settings.misses {
        for (id, reason) in &patches.needless {
            println!("{kind} needless {id}: {reason}");
        }
        for (id, reason) in &patches.rejected {
            println!("{kind} rejected {id}: {reason}");
        }
    }
}

/// CrowdSec's tests of its rules, with all of these rules loaded at once.
fn own_tests(
    report: &mut Report,
    patches: &Patches,
    tests: &[Test],
    unread: &[String],
    settings: Settings,
) -> anyhow::Result<()> {
    let plan = plan(patches.sources.iter())?;
    let mut right = 0;
    for test in tests {
        let wrong = test.wrong(&plan);
        right += usize::from(wrong.is_empty());
        for line in wrong.iter().filter(|_| settings.misses) {
            println!("crowdsec wrong {}: {line}", test.name);
        }
    }
    for line in unread.iter().filter(|_| settings.misses) {
        println!("crowdsec unread {line}");
    }
    let whole = tests.len() + unread.len();
    let reach = Some(Reach::AtLeast(100.0));
    report.share("crowdsec", "its own tests right", right, whole, reach);
    Ok(())
}

/// Exploits that others have written for the vulnerabilities that these patches are about.
fn across(
    report: &mut Report,
    patches: &Patches,
    tests: &[Test],
    settings: Settings,
) -> anyhow::Result<()> {
    let plan = plan(patches.sources.iter())?;
    let ids: BTreeSet<String> = patches.rejected.iter().map(|(id, _)| id.clone()).collect();
    let (mut stopped, mut whole, mut without) = (0, 0, 0);
    for test in tests {
        if !patches
            .sources
            .iter()
            .any(|source| crowdsec::is_about(source, &test.cves))
        {
            without += usize::from(test.cves.iter().any(|cve| ids.contains(cve)));
            continue;
        }
        whole += 1;
        match test.is_stopped(&plan) {
            true => stopped += 1,
            false if settings.misses => println!("across misses {}", test.name),
            false => {}
        }
    }
    let reach = Some(Reach::AtLeast(85.0));
    report.share(
        "nuclei",
        "CrowdSec's exploits of the same CVE stopped",
        stopped,
        whole,
        reach,
    );
    report.count(
        "nuclei",
        "CrowdSec's exploits for which no patch could be made",
        without,
    );
    Ok(())
}

/// With all patches loaded at once, and others with them: none of the requests that are
/// legitimate where these watch, or elsewhere, may be stopped.
fn legitimate(
    report: &mut Report,
    of: &'static str,
    patches: &Patches,
    others: &Patches,
    settings: Settings,
) -> anyhow::Result<()> {
    let everything = plan(patches.sources.iter().chain(&others.sources))?;
    let requests = requests(patches, settings);
    let blocked = benign::blocked(&everything, &requests);
    let near = requests.iter().filter(|one| one.near.is_some()).count();
    report.count(of, "legitimate requests near patches", near);
    report.count(of, "legitimate requests elsewhere", requests.len() - near);
    let reach = Some(Reach::AtMost(0.0));
    report.row(
        of,
        "legitimate requests blocked",
        blocked.len() as f64,
        "",
        reach,
    );
    if settings.misses {
        for (patch, count) in benign::by_patch(&blocked) {
            println!("legitimate blocked {count} by {patch}");
        }
        for one in &blocked {
            println!("legitimate blocked by {} {}", one.patch, one.line);
        }
    }
    Ok(())
}

/// The same for the same patches.
fn requests(patches: &Patches, settings: Settings) -> Vec<Legitimate> {
    let near: Vec<(&Source, bool)> = patches
        .sources
        .iter()
        .map(|source| (source, patches.is_closed(&source.document.id.value)))
        .collect();
    let (near_each, elsewhere) = if settings.quick {
        (6, 1_000)
    } else {
        (40, 10_000)
    };
    let volume = Volume {
        seed: SEED,
        near: near_each,
        elsewhere,
    };
    traffic::generate(&near, volume)
}

/// What all patches, loaded together, cost more than none.
fn cost(report: &mut Report, patches: &Patches, settings: Settings) -> anyhow::Result<()> {
    if settings.quick {
        return Ok(());
    }
    let all = plan(patches.sources.iter())?;
    let none = plan(std::iter::empty())?;
    let requests = requests(patches, settings);
    let (near, elsewhere): (Vec<&Legitimate>, Vec<&Legitimate>) =
        requests.iter().partition(|one| one.near.is_some());
    for (what, requests, reach) in [
        (
            "cost of all / none, elsewhere",
            elsewhere,
            Some(Reach::AtMost(1.3)),
        ),
        ("cost of all / none, near patches", near, None),
    ] {
        let step = requests.len() / COSTED + 1;
        let sample: Vec<&Legitimate> = requests.into_iter().step_by(step).collect();
        let ratio = benign::cost(&all, &none, &sample, 9)?;
        report.row("nuclei", what, ratio, "×", reach);
    }
    Ok(())
}
