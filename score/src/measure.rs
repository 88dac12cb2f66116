//! Everything that is measured, in order.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use patch::Source;
use patch::document::Effect;

use crate::corpora::{Text, texts};
use crate::crowdsec::{self, Test};
use crate::patches::{Patches, plan};
use crate::report::{Reach, Report};
use crate::traffic::{self, Legitimate, Volume};
use crate::{Settings, benign, nuclei};

/// Requests whose cost is measured.
const COSTED: usize = 4_000;

/// Imports the corpora, loads all patches at once, and measures.
pub(crate) fn all(corpora: &Path, settings: Settings) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let (tests, unread) = crowdsec::tests(&corpora.join("crowdsec/tests"))?;
    let crowdsec = of_crowdsec(corpora)?;
    let templates = texts(&corpora.join("nuclei"))?;
    let nuclei = Patches::import("nuclei", &templates)?;
    imported(&mut report, "nuclei", &nuclei, settings);
    let seconds = nuclei.took.as_secs_f64();
    report.row("nuclei", "import", seconds, "s", Some(Reach::AtMost(10.0)));
    stopped(&mut report, &nuclei, &templates, settings)?;
    across(&mut report, &nuclei, &tests, settings)?;
    legitimate(&mut report, &nuclei, &crowdsec, settings)?;
    cost(&mut report, &nuclei, &crowdsec, settings)?;
    imported(&mut report, "crowdsec", &crowdsec, settings);
    own_tests(&mut report, &crowdsec, &tests, &unread, settings)?;
    Ok(report)
}

fn of_crowdsec(corpora: &Path) -> anyhow::Result<Patches> {
    Patches::import("crowdsec", &texts(&corpora.join("crowdsec/rules"))?)
}

/// Writes what [`cost`] loads and inspects.
pub(crate) fn write(corpora: &Path, folder: &Path, settings: Settings) -> anyhow::Result<()> {
    let crowdsec = of_crowdsec(corpora)?;
    let nuclei = Patches::import("nuclei", &texts(&corpora.join("nuclei"))?)?;
    let patches = folder.join("patches");
    std::fs::create_dir_all(&patches)?;
    for (source, text) in nuclei.sources.iter().zip(&nuclei.texts) {
        let file = patches.join(format!("{}.yaml", source.document.id.value));
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let requests = requests(&nuclei, &crowdsec, settings, true);
    for (name, sample) in samples(&requests) {
        let file = folder.join(format!("{name}.jsonl"));
        let lines = benign::records(&sample)?;
        std::fs::write(&file, lines.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
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
    report.count(
        kind,
        "own URLs only",
        patches.with_effect(Effect::OwnUrlsOnly),
    );
    if settings.misses {
        for (id, reason) in &patches.needless {
            println!("{kind} needless {id}: {reason}");
        }
        for (id, reason) in &patches.rejected {
            println!("{kind} rejected {id}: {reason}");
        }
    }
}

/// The templates' own exploits, and how many patches stop more or less than a class of them.
fn stopped(
    report: &mut Report,
    patches: &Patches,
    templates: &[Text],
    settings: Settings,
) -> anyhow::Result<()> {
    let plan = plan(patches.sources.iter())?;
    let found = nuclei::exploits(templates, &plan, settings.seed);
    let made = patches.sources.len();
    let apart = patches.effects.len();
    let urls = patches.with_effect(Effect::OwnUrlsOnly);
    for (what, apart) in [
        ("endpoint-closed or literal", apart - urls),
        ("endpoint-closed, literal or own URLs only", apart),
    ] {
        report.share("nuclei", what, apart, made, Some(Reach::AtMost(10.0)));
    }
    report.count(
        "nuclei",
        "templates that cannot be rendered",
        found.unrendered.len(),
    );
    let reach = Some(Reach::AtLeast(92.0));
    report.share(
        "nuclei",
        "exploits stopped, every way",
        found.stopped,
        found.rendered,
        reach,
    );
    report.share(
        "nuclei",
        "exploits stopped, some way",
        found.touched,
        found.rendered,
        None,
    );
    if settings.misses {
        for reason in &found.unrendered {
            println!("nuclei unrendered {reason}");
        }
        for line in &found.missed {
            println!("nuclei misses {line}");
        }
    }
    Ok(())
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
    patches: &Patches,
    others: &Patches,
    settings: Settings,
) -> anyhow::Result<()> {
    let everything = plan(patches.sources.iter().chain(&others.sources))?;
    let unmannered = requests(patches, others, settings, false);
    let requests = requests(patches, others, settings, true);
    let (written, blocked): (Vec<_>, Vec<_>) = benign::blocked(&everything, &requests)
        .into_iter()
        .partition(|one| {
            let mut others = others.sources.iter();
            others.any(|source| source.document.id.value == one.patch)
        });
    let near = requests.iter().filter(|one| one.near.is_some()).count();
    report.count("nuclei", "legitimate requests near patches", near);
    report.count(
        "nuclei",
        "legitimate requests elsewhere",
        requests.len() - near,
    );
    let reach = Some(Reach::AtMost(0.0));
    report.row(
        "nuclei",
        "legitimate requests blocked",
        blocked.len() as f64,
        "",
        reach,
    );
    let what = "blocked, of clients who also do what patches say they stop";
    let found = benign::blocked(&everything, &unmannered).len();
    report.count("nuclei", what, found);
    // What their authors have written is taken over as it stands.
    let what = "legitimate requests blocked by CrowdSec's own rules";
    report.count("nuclei", what, written.len());
    let blocked: Vec<_> = blocked.into_iter().chain(written).collect();
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

/// The same for the same patches. An endpoint that a patch closes, here or among others that
/// are about the same vulnerability, has no legitimate requests.
fn requests(
    patches: &Patches,
    others: &Patches,
    settings: Settings,
    mannered: bool,
) -> Vec<Legitimate> {
    let closed = |source: &Source| {
        let document = &source.document;
        let aliases = document.vulnerability.aliases.iter();
        let cves: BTreeSet<String> = aliases.chain([&document.id.value]).cloned().collect();
        let mut closing = others
            .sources
            .iter()
            .filter(|other| others.is_closed(&other.document.id.value));
        patches.is_closed(&document.id.value)
            || closing.any(|other| crowdsec::is_about(other, &cves))
    };
    let near: Vec<(&Source, bool)> = patches
        .sources
        .iter()
        .map(|source| (source, closed(source)))
        .collect();
    let (near_each, elsewhere) = if settings.quick {
        (6, 1_000)
    } else {
        (40, 10_000)
    };
    let volume = Volume {
        seed: settings.seed,
        near: near_each,
        elsewhere,
        mannered,
    };
    traffic::generate(&near, volume)
}

/// What all patches, loaded together, cost the engine more than none, which is next to nothing: what
/// they cost a gateway is measured by `cargo xtask bench imported`.
fn cost(
    report: &mut Report,
    patches: &Patches,
    others: &Patches,
    settings: Settings,
) -> anyhow::Result<()> {
    if settings.quick {
        return Ok(());
    }
    let all = plan(patches.sources.iter())?;
    let none = plan(std::iter::empty())?;
    let requests = requests(patches, others, settings, true);
    for (what, sample) in samples(&requests) {
        let cost = benign::cost(&all, &none, &sample, 9)?;
        report.row(
            "nuclei",
            format!("engine alone, cost of all / none, {what}"),
            cost.ratio,
            "×",
            None,
        );
        report.row(
            "nuclei",
            format!("engine alone, cost of none, {what}"),
            cost.none_us,
            "µs",
            None,
        );
    }
    Ok(())
}

/// Requests whose cost is measured, and where they are sent.
fn samples(requests: &[Legitimate]) -> [(&'static str, Vec<&Legitimate>); 2] {
    let (near, elsewhere): (Vec<&Legitimate>, Vec<&Legitimate>) =
        requests.iter().partition(|one| one.near.is_some());
    let sample = |requests: Vec<_>| {
        let step = requests.len() / COSTED + 1;
        requests.into_iter().step_by(step).collect()
    };
    [("elsewhere", sample(elsewhere)), ("near", sample(near))]
}
