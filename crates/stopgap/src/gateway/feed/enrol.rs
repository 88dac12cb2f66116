//! `stopgap gateway enrol`: an ingress point joins a fleet.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::calls::Control;
use super::place::{Membership, Place};

/// Join the fleet of a control side.
///
/// Makes a key, which stays in the folder, and shows the token of `stopgap ingress enrol` once.
/// From then on `stopgap gateway --control URL --state DIR` enforces what that control side says.
#[derive(Args)]
pub(crate) struct Enrol {
    /// Where the control side is: https://host:port, or http:// on this machine.
    #[arg(long, value_name = "URL")]
    control: String,
    /// The token, which counts once.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "STOPGAP_ENROLMENT_TOKEN",
        hide_env_values = true
    )]
    token: String,
    /// The folder of this gateway's key, bundle and events that wait.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// A PEM file of the authorities that sign the control side's certificate; none: the public
    /// ones.
    #[arg(long, value_name = "FILE")]
    control_ca: Option<PathBuf>,
}

/// Joins, once.
pub(crate) async fn enrol(arguments: &Enrol) -> anyhow::Result<ExitCode> {
    let control = Control::parse(&arguments.control, arguments.control_ca.as_deref())?;
    let enrolled = admitted(&control, &arguments.token, &arguments.state).await?;
    println!(
        "enrolled as {} in the environment {}",
        enrolled.ingress, enrolled.environment
    );
    Ok(ExitCode::SUCCESS)
}

/// Joins the control side on this machine.
pub(crate) async fn join(control: &str, token: &str, state: &Path) -> anyhow::Result<()> {
    let control = Control::parse(control, None)?;
    admitted(&control, token, state).await.map(drop)
}

/// Whether the folder is that of a gateway which has joined.
pub(crate) fn has_joined(state: &Path) -> anyhow::Result<bool> {
    Ok(Place::open(state)?.membership()?.is_some())
}

async fn admitted(control: &Control, token: &str, state: &Path) -> anyhow::Result<wire::Enrolled> {
    let place = Place::open(state)?;
    if let Some(member) = place.membership()? {
        bail!(
            "{} is enrolled already, as {}: take another folder",
            state.display(),
            member.is.ingress
        );
    }
    // Kept before it is shown: if the answer is lost, the same key may come again.
    let key = place.key()?;
    let asked = wire::Enrol {
        version: 1,
        key: key.public(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let enrolled = control.enrol(token, &asked).await;
    let enrolled = enrolled
        .map_err(|why| anyhow!("{why}"))
        .context("not enrolled")?;
    place.keep_membership(&Membership::of(enrolled.clone()))?;
    Ok(enrolled)
}
