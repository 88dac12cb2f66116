//! `stopgap discover`: which ways lead to which applications, by what is there already.

mod difference;
mod own;
mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use discovery::{Found, KINDS, Limits, Source};
use ledger::{Application, Environment, IngressKind, IngressPoint};
use store::{By, Store};

use crate::ledger_place::{Place, now_ms};
use difference::{Difference, Wanted};

/// Find ingress points, hosts, paths and applications in configurations, zones and manifests.
///
/// Says what is found and how it differs from the ledger, if one is named; with --apply it is
/// brought there. Nothing is deleted: what vanished is told, and --forget takes its paths out.
/// docs/discovery.md says what each kind reads, and what it does not see.
#[derive(Args)]
pub(crate) struct Arguments {
    /// gateway, envoy, haproxy, nginx, kubernetes, dns, hosts or openapi.
    kind: String,
    /// Files of this kind; those that refer to each other together. `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The ingress point that they configure; by its kind if left out.
    #[arg(long, value_name = "NAME")]
    ingress: Option<String>,
    /// Where it is: test or production.
    #[arg(long, default_value = "production")]
    environment: Environment,
    /// Where clients reach it, such as https://shop.example: probes are sent there.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// All that is found is this application.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Who answers for new applications.
    #[arg(long, value_name = "NAME", default_value = "unassigned")]
    owner: String,
    #[command(flatten)]
    place: Option<Place>,
    /// Bring it into the ledger.
    #[arg(long, requires = "why")]
    apply: bool,
    /// Take paths out of the ledger that the files do not have any more.
    #[arg(long, requires = "apply")]
    forget: bool,
    /// Who does it, for the audit log.
    #[arg(long, env = "USER", default_value = "operator")]
    who: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Write one JSON object: {"points", "applications", "notes", "applied"}.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (kind, found, name) = found(arguments)?;
    let wanted = Wanted {
        found: &found,
        kind,
        ingress: arguments.ingress.as_deref().unwrap_or(&name),
        environment: arguments.environment,
        address: arguments.address.as_deref(),
        app: arguments.app.as_deref(),
        owner: &arguments.owner,
        forget: arguments.forget,
    };
    let difference = match (&arguments.place, arguments.apply) {
        (None, true) => bail!("say --data DIR or --database URL: where is it to be brought?"),
        (None, false) => wanted.against(&[], &[])?,
        (Some(place), false) => {
            let (applications, points) = known(&place.open()?)?;
            wanted.against(&applications, &points)?
        }
        (Some(place), true) => apply(arguments, &wanted, &place.open()?)?,
    };
    tell::tell(&difference, &found, arguments.apply, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// What the files say, and what the ingress point is called if nobody says.
fn found(arguments: &Arguments) -> anyhow::Result<(Option<IngressKind>, Found, String)> {
    let kind = arguments.kind.as_str();
    if kind == own::KIND {
        let [file] = arguments.files.as_slice() else {
            bail!("name one configuration of a gateway: each is an ingress point of its own");
        };
        let (found, name) = own::read(file)?;
        return Ok((Some(IngressKind::Gateway), found, name));
    }
    let limits = Limits::default();
    let mut texts = Vec::new();
    for file in &arguments.files {
        let name = file.display().to_string();
        let text = crate::source::read(file, limits.source_bytes)?;
        texts.push((name, text));
    }
    let sources = texts.iter().map(|(name, text)| Source { name, text });
    let sources: Vec<_> = sources.collect();
    let found = discovery::read(kind, &sources, &limits).map_err(|why| {
        match KINDS.iter().any(|known| known.name == kind) {
            true => anyhow::Error::from(why),
            false => anyhow::anyhow!("{why}, {}", own::KIND),
        }
    })?;
    // Descriptions of APIs say nothing of ingress points.
    let of = match kind {
        "hosts" => Some(IngressKind::Dns),
        kind => kind.parse().ok(),
    };
    Ok((of, found, kind.to_owned()))
}

fn known(store: &Store) -> anyhow::Result<(Vec<Application>, Vec<IngressPoint>)> {
    Ok(store.read(|it| Ok((it.all()?, it.all()?)))?)
}

/// Brings what differs into the ledger, as it is in that moment.
fn apply(arguments: &Arguments, wanted: &Wanted<'_>, store: &Store) -> anyhow::Result<Difference> {
    let by = By {
        who: &arguments.who,
        why: arguments.why.as_deref().unwrap_or_default(),
        now_ms: now_ms(),
    };
    let mut refused = None;
    let difference = store.change(&by, |it| {
        let (applications, points) = (it.all()?, it.all()?);
        let difference = match wanted.against(&applications, &points) {
            Ok(difference) => difference,
            Err(why) => {
                refused = Some(why);
                return Ok(None);
            }
        };
        for application in &difference.applications {
            match application.state {
                difference::State::New => drop(it.add(&application.value)?),
                difference::State::Changed => drop(it.replace(&application.value, None)?),
                difference::State::Known => {}
            }
        }
        for point in &difference.points {
            match point.state {
                difference::State::New => drop(it.add(&point.value)?),
                difference::State::Changed => drop(it.replace(&point.value, None)?),
                difference::State::Known => {}
            }
        }
        Ok(Some(difference))
    })?;
    match (difference, refused) {
        (Some(difference), _) => Ok(difference),
        (None, Some(why)) => Err(why),
        (None, None) => bail!("nothing was changed"),
    }
}
