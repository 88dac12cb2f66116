//! Published software in an affected version as the story's subject (`--app`).

mod install;
mod instance;
mod process;
mod recipe;
mod registry;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use patch::Source;
use recipe::Recipe;
use registry::App;

use super::screen::Screen;
use super::subject::{Instance, Subject};

/// Installs an application where it is not, and makes it a subject.
pub(super) async fn subject(
    name: &str,
    cache: Option<&Path>,
    screen: &Screen,
) -> anyhow::Result<Subject> {
    let app = registry::find(name)?;
    let recipe = Recipe::parse(app.name, app.recipe)?;
    let cache = match cache {
        Some(cache) => std::path::absolute(cache)?,
        None => install::default_cache()?,
    };
    let mut folders = Vec::new();
    for version in &recipe.versions {
        folders.push(install::installed(app, &recipe, version, &cache, screen).await?);
    }
    subject_of(app, recipe, folders)
}

fn subject_of(app: &App, recipe: Recipe, folders: Vec<PathBuf>) -> anyhow::Result<Subject> {
    let patches = app
        .patches
        .iter()
        .map(|(name, text)| Ok(Source::parse(name, text)?))
        .collect::<anyhow::Result<_>>()?;
    let first = recipe.versions.first().cloned().unwrap_or_default();
    let last = recipe.versions.last().cloned().unwrap_or_default();
    let title = recipe.title.clone();
    let recipe = Arc::new(recipe);
    Ok(Subject {
        title,
        name: app.name,
        versions: [first, last],
        patches,
        newer: Vec::new(),
        deploy: Box::new(move |version| {
            let recipe = Arc::clone(&recipe);
            let at = recipe.versions.iter().position(|known| *known == version);
            let folder = at.and_then(|at| folders.get(at)).cloned();
            Box::pin(async move {
                let folder = folder.ok_or_else(|| anyhow::anyhow!("{version} is not installed"))?;
                let instance = instance::start(&recipe, &folder).await?;
                Ok(Box::new(instance) as Box<dyn Instance>)
            })
        }),
    })
}

#[cfg(test)]
mod tests {
    use patch::document::{RequestForm, Success};
    use patch::{Expected, Reply, Request};

    use super::registry::APPS;
    use super::*;

    fn sources() -> Vec<Source> {
        let patches = APPS.iter().flat_map(|app| app.patches);
        patches
            .map(|(name, text)| Source::parse(name, text).unwrap())
            .collect()
    }

    #[test]
    fn every_patch_lints_and_is_for_its_application() {
        let names = APPS.iter();
        let names = names.flat_map(|app| app.patches.iter().map(|_| app.name));
        for (name, source) in names.zip(sources()) {
            let errors = crate::demo::story::errors(&source);
            assert!(errors.is_empty(), "{errors:#?}");
            assert_eq!(source.document.scope.apps, [format!("{name}*")]);
        }
    }

    #[test]
    fn an_exploit_shows_in_the_answer_and_not_by_an_echo() {
        for source in sources() {
            for case in &source.document.cases.exploit {
                let name = format!("{}: {}", source.name, case.name);
                let success = case.success.clone().unwrap_or_else(|| panic!("{name}"));
                let of_the_body = Success {
                    body_contains: success.body_contains,
                    body_matches: success.body_matches,
                    ..Success::default()
                };
                assert!(!of_the_body.is_empty(), "{name}");
                let request = Request::of(&case.request).unwrap();
                let echo = Reply {
                    status: 200,
                    headers: Vec::new(),
                    body: request.wire(),
                };
                let judged = of_the_body.judge(&echo).unwrap();
                assert!(matches!(judged, Expected::No(_)), "{name}");
                if let RequestForm::Raw(text) = &case.request {
                    assert!(text.contains(" HTTP/1.1\nHost: app\n"), "{name}");
                }
            }
        }
    }
}
