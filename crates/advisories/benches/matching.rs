//! How long matching takes: `cargo bench -p advisories`. 50,000 assets with 300 packages each, of
//! 20,000 packages in two versions, and 2,000 advisories.

use std::time::Instant;

use advisories::{Index, Limits};
use ledger::{Advisory, Affected, Severity, Software, VersionRange};

const ASSETS: usize = 50_000;
const PACKAGES: usize = 300;
const NAMES: usize = 20_000;
const ADVISORIES: usize = 2_000;

fn advisory(number: usize) -> Advisory {
    let range = VersionRange {
        fixed: Some("2.4.10-1+deb12u3".to_owned()),
        ..VersionRange::default()
    };
    Advisory {
        affected: vec![Affected {
            what: format!("pkg:deb/debian/package-{}?distro=debian-12", number * 10),
            ranges: vec![range],
            ..Affected::default()
        }],
        ..Advisory::new(format!("CVE-2026-{number:04}"), Severity::High)
    }
}

/// Which package an asset has in a place: spread evenly, and always the same.
fn software(asset: usize, place: usize) -> Software {
    let name = (asset * 7919 + place * 104_729) % NAMES;
    let version = format!("2.4.{}-1", 9 + asset % 2 * 2);
    Software {
        name: format!("package-{name}"),
        purl: Some(format!(
            "pkg:deb/debian/package-{name}@{version}?arch=amd64&distro=debian-12"
        )),
        version,
        ..Software::default()
    }
}

fn main() {
    let advisories: Vec<Advisory> = (0..ADVISORIES).map(advisory).collect();
    let mut index = Index::new(&advisories, &Limits::default());
    let (mut findings, mut busy) = (0, std::time::Duration::ZERO);
    for asset in 0..ASSETS {
        let installed: Vec<Software> = (0..PACKAGES).map(|place| software(asset, place)).collect();
        let begin = Instant::now();
        findings += installed
            .iter()
            .map(|software| index.look_up(software).matched.len())
            .sum::<usize>();
        busy += begin.elapsed();
    }
    println!(
        "{ASSETS} assets with {PACKAGES} packages, {ADVISORIES} advisories: {findings} matches in {:.2} s",
        busy.as_secs_f64()
    );
}
