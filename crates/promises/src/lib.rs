//! What each parser promises of whatever bytes: one function each, which panics where the promise
//! is broken.
//!
//! The targets of `fuzz/` and the property tests here call the same functions, so that the
//! former, which need a nightly compiler, cannot rot. What fuzzing finds becomes a file in
//! `testdata/<name>/` before it is mended.

mod assets;
mod bodies;
mod documents;
mod http;
mod rules;
mod ways;

/// A promise about any bytes.
pub type Promise = fn(&[u8]);

/// All promises by the names of their fuzz targets.
pub const ALL: &[(&str, Promise)] = &[
    ("advisories", assets::advisories),
    ("cookies", bodies::cookies),
    ("discover_dns", |bytes| ways::read("dns", bytes)),
    ("discover_envoy", |bytes| ways::read("envoy", bytes)),
    ("discover_haproxy", |bytes| ways::read("haproxy", bytes)),
    ("discover_hosts", |bytes| ways::read("hosts", bytes)),
    ("discover_kubernetes", |bytes| {
        ways::read("kubernetes", bytes)
    }),
    ("discover_nginx", |bytes| ways::read("nginx", bytes)),
    ("discover_openapi", |bytes| ways::read("openapi", bytes)),
    ("ext_proc", http::ext_proc),
    ("framing", http::framing),
    ("http_case", documents::http_case),
    ("import_advisory", |bytes| {
        documents::import("advisory", bytes)
    }),
    ("import_burp", |bytes| documents::import("burp", bytes)),
    ("import_crowdsec", |bytes| {
        documents::import("crowdsec", bytes)
    }),
    ("import_curl", |bytes| documents::import("curl", bytes)),
    ("import_har", |bytes| documents::import("har", bytes)),
    ("import_http", |bytes| documents::import("http", bytes)),
    ("import_openapi", |bytes| {
        documents::import("openapi", bytes)
    }),
    ("import_sarif", |bytes| documents::import("sarif", bytes)),
    ("import_seclang", |bytes| {
        documents::import("seclang", bytes)
    }),
    ("import_zap", |bytes| documents::import("zap", bytes)),
    ("inflate", bodies::inflate),
    ("inventory", assets::inventory),
    ("json", bodies::json),
    ("multipart", bodies::multipart),
    ("nuclei_template", documents::nuclei_template),
    ("patch_yaml", documents::patch_yaml),
    ("path", http::path),
    ("seclang", rules::seclang),
    ("seclang_load", rules::seclang_load),
    ("spop", http::spop),
    ("urlencoded", bodies::urlencoded),
    ("versions", assets::versions),
    ("xml", bodies::xml),
    ("xpath", rules::xpath),
];

/// Holds bytes against the promise of that name.
///
/// # Panics
/// The promise is broken, or there is none of that name.
pub fn check(name: &str, bytes: &[u8]) {
    let promise = ALL.iter().find(|(known, _)| *known == name);
    assert!(promise.is_some(), "no promise is called {name}");
    if let Some((_, promise)) = promise {
        promise(bytes);
    }
}
