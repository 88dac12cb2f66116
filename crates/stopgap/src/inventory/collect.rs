//! `stopgap inventory collect`: hosts are asked over SSH what they run, many at one time.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use ::inventory::{COLLECT, Found, Importer, Options, Reached, importers, named, reached};
use anyhow::{Context, bail};
use clap::Args;
use executor::Config;
use ledger::AssetKind;
use serde_json::{Value, json};

use super::bring::Bring;
use crate::campaign::executor_config;

/// What is collected is told as what this kind of source tells.
const KIND: &str = "collection";

/// Ask hosts over SSH what they run, and show what differs from the ledger; with --apply, write it
/// into the ledger. Ends with exit status 1 if a host could not be asked.
#[derive(Args)]
pub(super) struct Collect {
    /// Hosts, as `ssh` knows them, with or without `USER@`; each is the asset of its name.
    #[arg(value_name = "HOST", required_unless_present = "inventory")]
    hosts: Vec<String>,
    /// Ask the hosts of an inventory of Ansible too, at their `ansible_host`, `ansible_port` and
    /// `ansible_user`.
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// How assets are reached, as for campaigns: docs/executor.md.
    #[arg(long, value_name = "FILE.toml")]
    executor: Option<PathBuf>,
    /// How many are asked at one time.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    parallel: u16,
    /// How long one may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..))]
    timeout: u16,
    /// What assets are that nobody has told of: server, workstation, mobile, appliance.
    #[arg(long, value_name = "KIND")]
    asset_kind: Option<AssetKind>,
    #[command(flatten)]
    bring: Bring,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

/// A host that could not be asked, or did not tell what it should.
struct Silent {
    asset: String,
    class: &'static str,
    why: String,
}

impl Collect {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let mut config = match &self.executor {
            Some(file) => executor_config(file)?,
            None => Config::default(),
        };
        if self.bring.is_complete() && self.inventory.is_none() {
            bail!(
                "--complete says that all other collected assets have vanished: name them all in an --inventory"
            );
        }
        let (hosts, others) = self.hosts()?;
        for host in &hosts {
            // What the configuration says of an asset counts more than what an inventory says.
            let reach = config.assets.entry(host.asset.clone()).or_default();
            if reach.address.is_empty() {
                reach.address.clone_from(&host.address);
            }
        }
        let (found, silent) = self.ask(&config, &hosts)?;
        let asked: Vec<&str> = silent.iter().map(|it| it.asset.as_str()).collect();
        let asked = [asked, others.iter().map(|it| it.asset.as_str()).collect()].concat();
        let brought = self.bring.bring(&found, KIND, &asked)?;
        let mut output = std::io::stdout().lock();
        let json = self.json.then(|| {
            let failed = silent.iter().map(
                |it| json!({ "asset": it.asset, "class": it.class, "excerpt": it.why }),
            );
            let others = others
                .iter()
                .map(|it| json!({ "asset": it.asset, "reached_by": it.otherwise }));
            json!({ "failed": failed.collect::<Vec<Value>>(), "not_by_ssh": others.collect::<Vec<Value>>() })
        });
        brought.tell(&mut output, json)?;
        if !self.json {
            for it in &others {
                let how = it.otherwise.as_deref().unwrap_or_default();
                writeln!(
                    output,
                    "{}: not asked: it is reached by {how}, not by SSH",
                    it.asset
                )?;
            }
            for it in &silent {
                writeln!(
                    output,
                    "{}: not collected: {}: {}",
                    it.asset, it.class, it.why
                )?;
            }
        }
        Ok(match silent.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(1),
        })
    }

    /// The hosts that are asked, and those that cannot be asked by SSH.
    fn hosts(&self) -> anyhow::Result<(Vec<Reached>, Vec<Reached>)> {
        let mut all = Vec::new();
        for host in &self.hosts {
            all.push(named(host).map_err(anyhow::Error::msg)?);
        }
        if let Some(file) = &self.inventory {
            let options = Options::default();
            let text = crate::source::read(file, options.limits.source_bytes)?;
            let name = file.display().to_string();
            all.extend(reached(&text, &name, &options).map_err(anyhow::Error::msg)?);
        }
        if let Some(nameless) = all.iter().find(|it| it.asset.is_empty()) {
            bail!("`{}` is no name of a host", nameless.address);
        }
        all.sort_by(|one, other| one.asset.cmp(&other.asset));
        all.dedup();
        let same = |pair: &&[Reached]| matches!(pair, [one, other] if one.asset == other.asset);
        if let Some([one, other]) = all.windows(2).find(same) {
            let (asset, one, other) = (&one.asset, &one.address, &other.address);
            bail!("`{one}` and `{other}` would be one asset, {asset}: ask one of them by itself");
        }
        Ok(all.into_iter().partition(|it| it.otherwise.is_none()))
    }

    /// What the hosts say, in their order, and which of them say nothing; progress goes to
    /// standard error as they answer.
    fn ask(&self, config: &Config, hosts: &[Reached]) -> anyhow::Result<(Vec<Found>, Vec<Silent>)> {
        let importer = importers().iter().find(|it| it.kind == KIND);
        let importer = importer.context("hosts cannot be collected")?;
        let next = AtomicUsize::new(0);
        let (sender, receiver) = channel();
        let mut answers = Vec::new();
        std::thread::scope(|scope| {
            for _ in 0..usize::from(self.parallel).min(hosts.len()) {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let Some(host) = hosts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // Whoever listens is gone only if this thread's scope has panicked.
                        let _ = sender.send(self.ask_one(config, importer, host));
                    }
                });
            }
            drop(sender);
            let mut progress = std::io::stderr().lock();
            for (at, answer) in receiver.iter().enumerate() {
                let said = match &answer {
                    Ok(found) => {
                        let packages = found.asset.software.len();
                        format!("{}: {packages} packages", found.asset.id)
                    }
                    Err(silent) => format!("{}: {}", silent.asset, silent.class),
                };
                // That nobody looks on is no reason to stop.
                let _ = writeln!(progress, "{}/{} {said}", at + 1, hosts.len());
                answers.push(answer);
            }
        });
        let (mut found, mut silent) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Ok(one) => found.push(one),
                Err(one) => silent.push(one),
            }
        }
        found.sort_by(|one, other| one.asset.id.cmp(&other.asset.id));
        silent.sort_by(|one, other| one.asset.cmp(&other.asset));
        Ok((found, silent))
    }

    fn ask_one(
        &self,
        config: &Config,
        importer: &Importer,
        host: &Reached,
    ) -> Result<Found, Silent> {
        let silent = |class, why: String| Silent {
            asset: host.asset.clone(),
            class,
            why,
        };
        let patience = Duration::from_secs(u64::from(self.timeout));
        let told = executor::look(config, &host.asset, COLLECT, patience)
            .map_err(|why| silent(why.class.name(), why.excerpt))?;
        let options = Options {
            // As campaigns reach it, whatever it calls itself.
            asset: Some(host.asset.clone()),
            asset_kind: self.asset_kind,
            ..Options::default()
        };
        let found = importer
            .import(&told, &host.asset, &options)
            .map_err(|why| silent("unreadable", why))?;
        let one = found.into_iter().next();
        one.ok_or_else(|| silent("unreadable", "it told nothing".to_owned()))
    }
}
