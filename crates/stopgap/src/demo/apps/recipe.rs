//! What to install and to start: `apps/NAME/recipe.toml`, described in `apps/README.md`.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

/// How an application is installed and started.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    pub(super) name: String,
    /// For people: what the application is.
    pub(super) title: String,
    /// Affected ones, one or two; the second is deployed beside the first.
    pub(super) versions: Vec<String>,
    /// What the system must have.
    pub(super) needs: Vec<Need>,
    #[serde(default)]
    packages: Vec<String>,
    install: Vec<Vec<String>>,
    start: Vec<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    pub(super) ready: Ready,
    pub(super) size_megabytes: u32,
}

/// Something that the system must have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Need {
    /// For people.
    pub(super) what: String,
    /// Its package on Debian.
    pub(super) debian: String,
    /// A command that ends well if it is there.
    pub(super) check: Vec<String>,
}

/// A GET that is answered with this status once the application listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ready {
    pub(super) path: String,
    pub(super) status: u16,
}

impl Recipe {
    pub(super) fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).with_context(|| format!("apps/{name}/recipe.toml"))
    }

    /// The commands that install a version, in order.
    pub(super) fn install(&self, version: &str) -> Vec<Vec<String>> {
        let command = |command: &Vec<String>| {
            command
                .iter()
                .flat_map(|argument| match argument.as_str() {
                    "{packages}" => self.packages.clone(),
                    _ => vec![argument.clone()],
                })
                .map(|argument| argument.replace("{version}", version))
                .collect()
        };
        self.install.iter().map(command).collect()
    }

    /// The command that starts it on a port of this machine.
    pub(super) fn start(&self, port: u16) -> Vec<String> {
        let port = port.to_string();
        self.start
            .iter()
            .map(|argument| argument.replace("{port}", &port))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::APPS;
    use super::*;

    fn recipes() -> impl Iterator<Item = (&'static super::super::registry::App, Recipe)> {
        APPS.iter()
            .map(|app| (app, Recipe::parse(app.name, app.recipe).unwrap()))
    }

    #[test]
    fn every_recipe_names_its_directory_and_one_or_two_versions() {
        for (app, recipe) in recipes() {
            assert_eq!(recipe.name, app.name);
            assert!((1..=2).contains(&recipe.versions.len()), "{}", app.name);
        }
    }

    #[test]
    fn every_package_has_an_exact_version() {
        for (app, recipe) in recipes() {
            for package in &recipe.packages {
                let version = package.split_once("==").map(|(_, version)| version);
                let exact = version.is_some_and(|text| {
                    text == "{version}" || text.starts_with(|c: char| c.is_ascii_digit())
                });
                assert!(exact, "{}: {package}", app.name);
            }
            let by_npm = recipe.install.iter().flatten().any(|word| word == "npm");
            let lock = app.files.iter().find(|file| file.0 == "package-lock.json");
            assert_eq!(by_npm, lock.is_some(), "{}", app.name);
            if let Some((_, lock)) = lock {
                let pinned = format!("\"version\": \"{}\"", recipe.versions[0]);
                assert!(lock.contains(&pinned), "{}: {pinned}", app.name);
            }
        }
    }

    #[test]
    fn every_application_is_told_its_port() {
        for (app, recipe) in recipes() {
            assert!(
                recipe.start(4711).contains(&"4711".to_owned()),
                "{}",
                app.name
            );
        }
    }
}
