//! `stopgap findings verify`: does the exploit fail on the fixed version, without the patch?

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use ledger::{Finding, Move, State, VirtualPatch};
use patch::document::Case;
use patch::{Expected, Reply, Request, Source};
use serde_json::json;
use store::{Change, Error, FindingFilter, Paging, Session, Store};

use crate::ledger_place::{Place, Who, now_ms};
use crate::live::Target;

/// Send the exploit cases of a finding's patch directly to the fixed version, and close the finding
/// if all of them fail.
///
/// The address is that of the application itself, where no ingress point is between, and one that
/// nobody else needs. The benign cases must work there, and no exploit case may, as the cases'
/// `success` says. A patch is proposed for retirement when this was shown for every finding of its
/// advisories.
///
/// Exit status: 0 verified, 1 an exploit works, 2 wrong use, or the address does not answer as the
/// application does.
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    place: Place,
    /// The finding's number.
    #[arg(value_name = "NUMBER")]
    id: i64,
    /// The fixed version, such as http://127.0.0.1:3000.
    #[arg(long, value_name = "URL")]
    probe: String,
    /// A PEM file of the authorities that sign its certificate; the public ones if left out.
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// The patch whose cases are sent; those for the finding's advisory if left out.
    #[arg(long, value_name = "ID")]
    patch: Option<String>,
    /// The version that has the fix, if the ledger does not know that it is there yet.
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// Seconds that one answer may take.
    #[arg(long, default_value_t = 10)]
    timeout_seconds: u64,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: {"finding", "verified", "evidence", "cases", "retire"}.
    #[arg(long)]
    json: bool,
}

/// A case that was sent.
struct Tried {
    patch: String,
    case: String,
    exploit: bool,
    works: bool,
    status: u16,
}

pub(crate) fn run(arguments: &Verify) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let (finding, patches) = concerned(arguments, &store)?;
    match (finding.state(), &arguments.version) {
        (State::Closed, _) => bail!("finding {} is closed already", finding.id),
        (State::Fixed, _) | (_, Some(_)) => {}
        (state, None) => bail!(
            "finding {} is {state}: say --version TEXT, the version that has the fix",
            finding.id
        ),
    }
    let timeout = Duration::from_secs(arguments.timeout_seconds);
    let target = Target::parse(&arguments.probe, arguments.authorities.as_deref(), timeout)?;
    let mut tried = Vec::new();
    for patch in &patches {
        tried.extend(try_all(patch, &target, &arguments.probe)?);
    }
    let works: Vec<&Tried> = tried.iter().filter(|it| it.exploit && it.works).collect();
    if !works.is_empty() {
        tell(arguments, &tried, None, &[])?;
        return Ok(ExitCode::FAILURE);
    }
    let evidence = evidence(arguments, &patches, &tried);
    let retire = store.change(&arguments.by.by(now_ms()), |it| {
        close(it, arguments, &evidence)?;
        propose(it, &patches, &evidence)
    })?;
    tell(arguments, &tried, Some(&evidence), &retire)?;
    Ok(ExitCode::SUCCESS)
}

/// The finding, and the patches whose cases tell whether it is fixed.
fn concerned(arguments: &Verify, store: &Store) -> anyhow::Result<(Finding, Vec<VirtualPatch>)> {
    let (finding, patches) = store.read(|it| {
        let finding = it.finding(arguments.id)?.value;
        let patches = match &arguments.patch {
            Some(id) => vec![it.get::<VirtualPatch>(id)?.value],
            None => {
                let mut patches: Vec<VirtualPatch> = it.all()?;
                patches.retain(|patch| patch.advisories.contains(&finding.advisory));
                patches
            }
        };
        Ok((finding, patches))
    })?;
    if patches.is_empty() {
        bail!(
            "no patch in the ledger is for {}: --patch ID names the one whose exploit cases shall be sent",
            finding.advisory
        );
    }
    Ok((finding, patches))
}

/// The benign cases first: whether it is the application at all.
fn try_all(patch: &VirtualPatch, target: &Target, url: &str) -> anyhow::Result<Vec<Tried>> {
    let source = Source::parse(&patch.id, &patch.document)?;
    let cases = &source.document.cases.value;
    if cases.exploit.is_empty() {
        bail!("patch {} has no exploit case", patch.id);
    }
    let benign = cases.benign.iter().map(|case| (false, case));
    let exploits = cases.exploit.iter().map(|case| (true, case));
    let mut tried = Vec::new();
    for (exploit, case) in benign.chain(exploits) {
        let (reply, works) = try_one(case, target)
            .with_context(|| format!("patch {}, case {}, at {url}", patch.id, case.name))?;
        if is_refusal(&reply) {
            bail!(
                "patch {}, case {}: an ingress point has answered at {url}, not the application: name the application's own address",
                patch.id,
                case.name
            );
        }
        if !exploit && !works {
            bail!(
                "patch {}: the benign case {} does not work at {url} (status {}): is the application there?",
                patch.id,
                case.name,
                reply.status
            );
        }
        tried.push(Tried {
            patch: patch.id.clone(),
            case: case.name.clone(),
            exploit,
            works,
            status: reply.status,
        });
    }
    Ok(tried)
}

fn try_one(case: &Case, target: &Target) -> anyhow::Result<(Reply, bool)> {
    let request = Request::of(&case.request).map_err(anyhow::Error::msg)?;
    let reply = target.send(&request.wire())?;
    let judged = crate::patch::judge(case.success.as_ref(), &reply)?;
    Ok((reply, judged == Expected::Yes))
}

/// Whether an ingress point of ours refused it: by the page that it shows.
fn is_refusal(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.body);
    let is_problem = text.contains("\"type\":\"about:blank\"") && text.contains("\"reference\":\"");
    reply.status >= 400 && (text.contains("This request was not passed on") || is_problem)
}

fn evidence(arguments: &Verify, patches: &[VirtualPatch], tried: &[Tried]) -> String {
    /// So that it stays readable, and within what the ledger takes.
    const NAMED: usize = 10;
    let names: Vec<_> = patches
        .iter()
        .take(NAMED)
        .map(|it| it.id.as_str())
        .collect();
    let exploits = tried.iter().filter(|it| it.exploit).count();
    let time = jiff::Timestamp::from_millisecond(now_ms()).unwrap_or_default();
    format!(
        "{exploits} exploit cases of {} fail at {} without a patch between, {} benign ones work, {time:.0}",
        names.join(", "),
        arguments.probe,
        tried.len() - exploits
    )
}

fn close(it: &mut Change<'_>, arguments: &Verify, evidence: &str) -> Result<(), Error> {
    if it.finding(arguments.id)?.value.state() != State::Fixed
        && let Some(version) = arguments.version.clone()
    {
        it.move_finding(arguments.id, &Move::Fix { version }, None)?;
    }
    let evidence = evidence.to_owned();
    it.move_finding(arguments.id, &Move::Verify { evidence }, None)?;
    Ok(())
}

/// Keeps with the patches that their fix was verified, where no finding of theirs is left. Gives
/// their names.
fn propose(
    it: &mut Change<'_>,
    patches: &[VirtualPatch],
    evidence: &str,
) -> Result<Vec<String>, Error> {
    let mut retire = Vec::new();
    for patch in patches {
        if !all_closed(it, &patch.advisories)? {
            continue;
        }
        let mut stored = it.get::<VirtualPatch>(&patch.id)?;
        stored.value.fix.verified_by = Some(evidence.to_owned());
        it.replace(&stored.value, Some(stored.version))?;
        retire.push(patch.id.clone());
    }
    Ok(retire)
}

fn all_closed(it: &mut Session<'_>, advisories: &[String]) -> Result<bool, Error> {
    for advisory in advisories {
        for state in State::ALL.iter().filter(|it| **it != State::Closed) {
            let filter = FindingFilter {
                state: Some(*state),
                advisory: Some(advisory.clone()),
                subject: None,
            };
            let one = Paging {
                after: None,
                most: Some(1),
            };
            if !it.findings(&filter, one)?.items.is_empty() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn tell(
    arguments: &Verify,
    tried: &[Tried],
    evidence: Option<&str>,
    retire: &[String],
) -> anyhow::Result<()> {
    if arguments.json {
        let cases = tried.iter().map(|it| {
            json!({
                "patch": it.patch, "case": it.case, "exploit": it.exploit, "works": it.works,
                "status": it.status,
            })
        });
        let told = json!({
            "finding": arguments.id, "verified": evidence.is_some(), "evidence": evidence,
            "cases": cases.collect::<Vec<_>>(), "retire": retire,
        });
        println!("{told}");
        return Ok(());
    }
    for it in tried {
        let kind = if it.exploit { "exploit" } else { "benign" };
        let works = if it.works { "works" } else { "fails" };
        println!(
            "  {kind:8} {:40} {works} ({}), {}",
            it.case, it.status, it.patch
        );
    }
    match evidence {
        None => println!(
            "finding {} stays: the fix does not hold at {}",
            arguments.id, arguments.probe
        ),
        Some(_) => println!("finding {} is closed", arguments.id),
    }
    for patch in retire {
        println!("patch {patch} may be retired: its fix was verified");
    }
    Ok(())
}
