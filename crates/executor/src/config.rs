//! How assets, mail servers, backups and schedulers elsewhere are reached.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// The most bytes of a configuration.
pub const MAX_BYTES: usize = 1 << 20;

/// How things are reached. What is left out is as OpenSSH and Ansible have it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// OpenSSH.
    #[serde(default)]
    pub ssh: Ssh,
    /// Ansible.
    #[serde(default)]
    pub ansible: Ansible,
    /// Where mail is handed in; none: tasks that send mail fail.
    #[serde(default)]
    pub mail: Option<MailServer>,
    /// Assets that are reached otherwise than by SSH at their own name.
    #[serde(default)]
    pub assets: BTreeMap<String, Reach>,
    /// Who makes backups, by name.
    #[serde(default)]
    pub backups: BTreeMap<String, Provider>,
    /// Who makes snapshots within images of machines, by name.
    #[serde(default)]
    pub qcow2: BTreeMap<String, Qcow2>,
    /// Jobs of schedulers elsewhere, by name.
    #[serde(default)]
    pub jobs: BTreeMap<String, External>,
    /// Databases that checks ask, by the name that the checks use.
    #[serde(default)]
    pub databases: BTreeMap<String, Database>,
}

/// OpenSSH's client.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// Its configuration file, as `ssh -F` takes it.
    #[serde(default)]
    pub config: Option<PathBuf>,
}

/// Ansible.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ansible {
    /// The program.
    #[serde(default = "ansible_playbook")]
    pub playbook: PathBuf,
}

impl Default for Ansible {
    fn default() -> Self {
        Self {
            playbook: ansible_playbook(),
        }
    }
}

fn ansible_playbook() -> PathBuf {
    "ansible-playbook".into()
}

/// A mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// `smtp://host:25`, `smtps://host`, `smtp://host:587?tls=required`; with `user:password@`
    /// where it asks for them.
    pub server: String,
    /// Whom mail comes from.
    pub from: String,
}

/// How an asset is reached.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// What `ssh` is told: `host`, `user@host`, a name of its configuration; empty: the asset's name.
    #[serde(default)]
    pub address: String,
    /// Whether it runs Windows, which has no shell of POSIX: it is worked on by playbooks alone.
    #[serde(default)]
    pub windows: bool,
    /// Variables for Ansible, such as `ansible_connection`, `ansible_network_os`.
    #[serde(default)]
    pub variables: BTreeMap<String, serde_json::Value>,
}

/// Commands that make, check, restore and remove a backup. In their arguments `{asset}` stands for the
/// asset and `{backup}` for the backup's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Makes it; one of the same name is replaced whole.
    pub take: Vec<String>,
    /// Restores it beside the asset and ends with 0 if it is whole.
    pub verify: Vec<String>,
    /// Brings the asset back to it.
    pub restore: Vec<String>,
    /// Removes it; ends with 0 too if it is gone.
    pub discard: Vec<String>,
}

/// Snapshots within an image of qcow2, by QEMU's tools. In paths and arguments `{asset}` stands for the asset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qcow2 {
    /// The image of the asset's disk.
    pub image: String,
    /// The socket of a monitor (QMP) of the machine that has the image open; none: nothing has, but between
    /// `start` and `stop`.
    #[serde(default)]
    pub qmp: Option<String>,
    /// Stops the machine; ends with 0 when nothing has the image open.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Starts the machine.
    #[serde(default)]
    pub start: Vec<String>,
    /// Looks at a copy of the disk as it is in the snapshot, raw, at `{copy}`; ends with 0 if it is whole.
    pub look: Vec<String>,
}

/// Commands for a job of a scheduler elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Ends with 0 when it does not begin any more and is not running.
    pub hold: Vec<String>,
    /// Ends with 0 when it begins again at its times.
    pub release: Vec<String>,
    /// Runs it now, to its end.
    pub run: Vec<String>,
}

/// A database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host/name`.
    pub url: String,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// It is too large or not TOML of this shape: with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is larger than {MAX_BYTES} bytes"));
        }
        let config: Self = toml::from_str(text).map_err(|why| why.to_string())?;
        let commands = |name: &str, lists: &[(&str, &Vec<String>)]| {
            let empty = lists.iter().find(|(_, list)| list.is_empty());
            empty.map_or(Ok(()), |(which, _)| {
                Err(format!("{name}: `{which}` names no program"))
            })
        };
        for (name, provider) in &config.backups {
            commands(
                &format!("backups.{name}"),
                &[
                    ("take", &provider.take),
                    ("verify", &provider.verify),
                    ("restore", &provider.restore),
                    ("discard", &provider.discard),
                ],
            )?;
        }
        for (name, provider) in &config.qcow2 {
            if config.backups.contains_key(name) {
                return Err(format!("qcow2.{name}: backups.{name} has that name"));
            }
            commands(&format!("qcow2.{name}"), &[("look", &provider.look)])?;
            for (which, path) in [
                ("image", Some(&provider.image)),
                ("qmp", provider.qmp.as_ref()),
            ] {
                if path.is_some_and(|path| !path.contains("{asset}")) {
                    return Err(format!(
                        "qcow2.{name}: `{which}` would be the same for all assets: write {{asset}} where they differ"
                    ));
                }
            }
            if provider.qmp.is_some() && provider.stop.is_empty() {
                return Err(format!(
                    "qcow2.{name}: a machine with `qmp` must be stopped to restore it: say `stop` and `start`"
                ));
            }
            if provider.stop.is_empty() != provider.start.is_empty() {
                return Err(format!(
                    "qcow2.{name}: `stop` and `start` go together: say both, or none"
                ));
            }
        }
        for (name, job) in &config.jobs {
            commands(
                &format!("jobs.{name}"),
                &[
                    ("hold", &job.hold),
                    ("release", &job.release),
                    ("run", &job.run),
                ],
            )?;
        }
        Ok(config)
    }

    /// What `ssh` is told to reach an asset.
    #[must_use]
    pub fn address<'a>(&'a self, asset: &'a str) -> &'a str {
        let told = self.assets.get(asset).map(|reach| reach.address.as_str());
        told.filter(|address| !address.is_empty()).unwrap_or(asset)
    }

    /// Whether an asset runs Windows.
    pub(crate) fn is_windows(&self, asset: &str) -> bool {
        self.assets.get(asset).is_some_and(|reach| reach.windows)
    }
}
