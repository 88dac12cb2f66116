//! Every application that the demo can show, part of this program: one line each.

use anyhow::bail;

/// A directory of `apps/`.
pub(super) struct App {
    pub(super) name: &'static str,
    pub(super) recipe: &'static str,
    /// What is copied to where it is installed: path and text.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Its patches: path and text.
    pub(super) patches: &'static [(&'static str, &'static str)],
}

macro_rules! app {
    ($name:literal, [$($file:literal),*], [$($patch:literal),*]) => {
        App {
            name: $name,
            recipe: include_str!(concat!("../../../apps/", $name, "/recipe.toml")),
            files: &[$(($file, include_str!(concat!("../../../apps/", $name, "/", $file)))),*],
            patches: &[$((
                concat!("apps/", $name, "/", $patch),
                include_str!(concat!("../../../apps/", $name, "/", $patch)),
            )),*],
        }
    };
}

/// In the order in which they are listed.
pub(super) const APPS: &[App] = &[
    app!("aiohttp", ["app.py"], ["CVE-2024-23334.yaml"]),
    app!("bentoml", ["app.py"], ["CVE-2025-27520.yaml"]),
    app!(
        "deep-extend",
        ["app.js", "package-lock.json", "package.json"],
        ["CVE-2018-3750.yaml"]
    ),
    app!("django", ["app.py"], ["CVE-2025-64459.yaml"]),
    app!(
        "ip",
        ["app.js", "package-lock.json", "package.json"],
        ["CVE-2023-42282.yaml"]
    ),
    app!(
        "js-yaml",
        ["app.js", "package-lock.json", "package.json"],
        ["GHSA-8j8c-7jfh-h6hx.yaml"]
    ),
    app!("markdown2", ["app.py"], ["CVE-2020-11888.yaml"]),
    app!(
        "monolog",
        [
            "app.php",
            "pages/help/knots.txt",
            "pages/tide..tables.txt",
            "pages/welcome.txt"
        ],
        ["CWE-502.yaml", "CWE-98.yaml"]
    ),
    app!(
        "nextjs",
        [
            "middleware.js",
            "package-lock.json",
            "package.json",
            "pages/admin.js",
            "pages/index.js"
        ],
        ["CVE-2025-29927.yaml"]
    ),
    app!(
        "node-serialize",
        ["app.js", "package-lock.json", "package.json"],
        ["CVE-2017-5941.yaml"]
    ),
    app!("pyload", ["app.py"], ["CVE-2023-0297.yaml"]),
    app!("snakeyaml", ["App.java"], ["CVE-2022-1471.yaml"]),
    app!("svglib", ["app.py"], ["CVE-2020-10799.yaml"]),
    app!(
        "systeminformation",
        ["app.js", "package-lock.json", "package.json"],
        ["CVE-2021-21315.yaml"]
    ),
];

/// The application of that name.
pub(super) fn find(name: &str) -> anyhow::Result<&'static App> {
    match APPS.iter().find(|app| app.name == name) {
        Some(app) => Ok(app),
        None => {
            let names: Vec<&str> = APPS.iter().map(|app| app.name).collect();
            bail!(
                "there is no application `{name}`; there are {}",
                names.join(", ")
            )
        }
    }
}
