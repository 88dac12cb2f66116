//! The report for people: one page that needs nothing else.

use std::fmt::Write;

use engine::Match;
use patch::prove::{self, Proof};
use patch::{Request, Source};

use super::picture::{Escaped, Picture};
use super::{Proven, told};

/// Pictures of variants that pass at most, of one patch.
const VARIANTS: usize = 20;

pub(super) fn page(proven: &[Proven]) -> anyhow::Result<String> {
    let mut page = format!("{HEAD}{STYLE}{START}");
    for each in proven {
        section(&mut page, each)?;
    }
    page.push_str("</main></body></html>\n");
    Ok(page)
}

pub(super) fn section(page: &mut String, proven: &Proven) -> anyhow::Result<()> {
    let (source, proof) = (&proven.source, &proven.proof);
    let document = &source.document;
    let objections = proof.objections();
    let (class, word) = match objections.is_empty() {
        true => ("good", "proven"),
        false => ("bad", "not proven"),
    };
    write!(
        page,
        "<section><h1>{} <span class={class}>{word}</span></h1><p class=lead>{}</p>",
        Escaped(&document.id),
        Escaped(&document.title)
    )?;
    write!(
        page,
        "<p class=small>{} · document {} · {}</p>",
        Escaped(&source.name),
        Escaped(proof.document.get(..12).unwrap_or_default()),
        proof.time
    )?;
    list(page, "What speaks against it", &objections)?;
    list(page, "What was shown", &told(proof))?;
    shares(page, proof)?;
    cases(page, source, proof)?;
    variants(page, source, proof)?;
    if !proven.hits.is_empty() {
        page.push_str("<h2>Recorded requests that would have been stopped</h2>");
    }
    for hit in &proven.hits {
        let request = Request::from(hit.exchange.clone());
        card(
            page,
            &hit.record,
            ("bad", "stopped"),
            &request,
            Some(&hit.cause),
        )?;
    }
    page.push_str("</section>");
    Ok(())
}

fn list(page: &mut String, title: &str, lines: &[String]) -> std::fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    write!(page, "<h2>{title}</h2><ul>")?;
    for line in lines {
        write!(page, "<li>{}</li>", Escaped(line))?;
    }
    page.push_str("</ul>");
    Ok(())
}

/// How much of each kind is as it should be, as bars.
fn shares(page: &mut String, proof: &Proof) -> std::fmt::Result {
    let of_kind = |exploit| {
        proof
            .cases
            .iter()
            .filter(move |case| case.exploit == exploit)
    };
    let ok = |exploit| of_kind(exploit).filter(|case| case.ok).count() as u64;
    let mut bars = vec![
        ("exploits stopped", ok(true), of_kind(true).count() as u64),
        (
            "benign requests pass",
            ok(false),
            of_kind(false).count() as u64,
        ),
        (
            "variants stopped",
            proof.evasions.stopped,
            proof.evasions.count,
        ),
    ];
    if let Some(traffic) = &proof.traffic {
        let pass = traffic.requests - traffic.hits;
        bars.push(("recorded requests pass", pass, traffic.requests));
    }
    page.push_str("<div class=bars>");
    for (name, good, all) in bars.into_iter().filter(|(_, _, all)| *all > 0) {
        write!(
            page,
            "<label>{name} <b>{good} of {all}</b><meter min=0 max={all} low={all} optimum={all} value={good}></meter></label>"
        )?;
    }
    page.push_str("</div>");
    Ok(())
}

fn cases(page: &mut String, source: &Source, proof: &Proof) -> anyhow::Result<()> {
    let plan = prove::plan(source, &patch::compile(source)?)?;
    let application = prove::application(&source.document);
    let of_document = &source.document.cases;
    let exploits = prove::requests(source, &of_document.exploit)?;
    let benign = prove::requests(source, &of_document.benign)?;
    let mut exploit = None;
    for (case, request) in proof.cases.iter().zip(exploits.iter().chain(&benign)) {
        if exploit != Some(case.exploit) {
            exploit = Some(case.exploit);
            page.push_str(match case.exploit {
                true => "<h2>Exploits</h2>",
                false => "<h2>Legitimate requests that look like them</h2>",
            });
        }
        let verdict = request.exchange(&application).inspect(&plan);
        let decided = verdict.decision.map(|decision| decision.cause);
        let cause = decided.or_else(|| verdict.matches.into_iter().find(|each| each.disruptive));
        let class = if case.ok { "good" } else { "bad" };
        let word = match case.action.as_str() {
            "pass" => "passes",
            "strip" => "made harmless",
            _ => "stopped",
        };
        card(page, &case.name, (class, word), request, cause.as_ref())?;
    }
    Ok(())
}

/// Those that pass, made again from their names.
fn variants(page: &mut String, source: &Source, proof: &Proof) -> anyhow::Result<()> {
    let evasions = &proof.evasions;
    if evasions.passed.is_empty() {
        return Ok(());
    }
    page.push_str(match evasions.target {
        Some(_) => "<h2>Variants that work and pass</h2>",
        None => "<h2>Variants that pass; nobody said whether they work</h2>",
    });
    let cases = &source.document.cases.exploit;
    let requests = prove::requests(source, cases)?;
    for passed in evasions.passed.iter().take(VARIANTS) {
        let at = cases.iter().position(|case| case.name == passed.of);
        let request = at.and_then(|at| requests.get(at));
        let request = request.and_then(|request| patch::variant(request, &passed.name));
        if let Some(request) = request {
            let title = format!("{}, {}", passed.of, passed.name);
            let class = if evasions.target.is_some() {
                "bad"
            } else {
                "open"
            };
            card(page, &title, (class, "passes"), &request, None)?;
        }
    }
    if evasions.passed.len() > VARIANTS {
        let more = evasions.count - evasions.stopped - VARIANTS as u64;
        write!(page, "<p>and {more} more</p>")?;
    }
    Ok(())
}

fn card(
    page: &mut String,
    title: &str,
    (class, word): (&str, &str),
    request: &Request,
    cause: Option<&Match>,
) -> std::fmt::Result {
    let open = if class == "good" { "" } else { " open" };
    write!(
        page,
        "<details{open}><summary>{} <span class={class}>{word}</span></summary>{}</details>",
        Escaped(title),
        Picture { request, cause }
    )
}

/// How requests and shares are drawn; a page around them has a colour `--line`.
pub(crate) const STYLE: &str = include_str!("page.css");

const HEAD: &str = r#"<!doctype html>
<html lang=en><head><meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<title>Proof of patches</title>
<style>
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #c62828; --open: #9a6700 }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
section + section { border-top: 2px solid var(--line); margin-top: 3rem }
h1 { font-size: 1.6rem; margin: 1.5rem 0 .3rem } h2 { font-size: 1.15rem; margin: 1.6rem 0 .5rem }
.lead { margin: 0 } .small { opacity: .7; font-size: .85rem }
.good, .bad, .open { color: #fff; border-radius: .4rem; padding: .05rem .5rem; font-size: .8rem; vertical-align: middle }
.good { background: var(--good) } .bad { background: var(--bad) } .open { background: var(--open) }
"#;

const START: &str = "</style></head><body><main>
";
