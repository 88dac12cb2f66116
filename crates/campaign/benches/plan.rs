//! What planning a large organisation takes: `cargo bench -p campaign`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::collections::BTreeMap;
use std::time::Instant;

use campaign::calendar::{WindowRule, Zone};
use campaign::plan::{Host, Inputs, Offer, RingRule, make};
use campaign::policy::{Lane, Policy, VendorPatch};
use campaign::{Means, Rules};

const ASSETS: u32 = 50_000;
const ADVISORIES: u32 = 2_000;
const DEPENDENCIES: u32 = 200_000;
/// Findings of each asset.
const FINDINGS: u32 = 40;

/// 2026-11-28 10:00 UTC.
const NOW_MS: i64 = 1_795_860_000_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from((self.0 >> 33) % u64::from(most.max(1))).unwrap()
    }
}

fn main() {
    let inputs = inputs();
    let begun = Instant::now();
    let plan = make(&inputs).unwrap();
    let took = begun.elapsed();
    let waves: usize = plan.rings.iter().map(|ring| ring.waves.len()).sum();
    let wanted: usize = plan.assets.iter().map(|asset| asset.patches.len()).sum();
    println!(
        "{ASSETS} assets, {ADVISORIES} advisories, {DEPENDENCIES} dependencies, {wanted} patches on assets: {waves} waves"
    );
    println!(
        "planned in {:.2} s, at most {} MB in memory",
        took.as_secs_f64(),
        most_mb()
    );
}

/// The most memory that this process has had.
fn most_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}

fn inputs() -> Inputs {
    let mut chance = Chance(7);
    let mut hosts: Vec<Host> = (0..ASSETS).map(|at| host(at, &mut chance)).collect();
    for _ in 0..DEPENDENCIES {
        // Five tiers: each depends on those before it.
        let tier = 1 + chance.below(4);
        let size = ASSETS / 5;
        let from = tier * size + chance.below(size);
        let to = (tier - 1) * size + chance.below(size);
        hosts[from as usize].depends_on.push(format!("asset-{to}"));
    }
    let wanted = (0..ASSETS).flat_map(|at| {
        let patches: Vec<u32> = (0..FINDINGS).map(|_| chance.below(ADVISORIES)).collect();
        patches.into_iter().map(move |patch| (at, patch))
    });
    let wanted = wanted.collect();
    let ring = |name: &str, test| RingRule {
        name: name.to_owned(),
        test,
        window: WindowRule {
            days: "FREQ=DAILY".to_owned().try_into().unwrap(),
            plus_days: 0,
            opens: jiff::civil::time(22, 0, 0, 0),
            minutes: 360,
            zone: Zone::try_from("Europe/Berlin".to_owned()).unwrap(),
            from: jiff::civil::date(2024, 1, 1),
        },
        urgent_window: None,
        audience: Vec::new(),
        gate: Vec::new(),
    };
    Inputs {
        lane: Lane::Monthly,
        hosts,
        offers: (0..ADVISORIES).map(offer).collect(),
        wanted,
        threats: BTreeMap::new(),
        policy: Policy::default(),
        rings: vec![ring("test", true), ring("production", false)],
        services: Vec::new(),
        freezes: Vec::new(),
        rules: Rules {
            parallel: 100,
            wave_assets: 500,
            ..Rules::default()
        },
        name: "bench".to_owned(),
        now_ms: NOW_MS,
    }
}

fn host(at: u32, chance: &mut Chance) -> Host {
    Host {
        id: format!("asset-{at}"),
        ring: if at.is_multiple_of(20) {
            "test"
        } else {
            "production"
        }
        .to_owned(),
        depends_on: Vec::new(),
        quorum: (chance.below(50) == 0).then(|| format!("quorum-{}", chance.below(300))),
        services: vec!["app.service".to_owned()],
        jobs: Vec::new(),
        automatic_updates: true,
        attended: false,
        checks: Vec::new(),
        backup: Some(("lvm".to_owned(), 14)),
        restore: true,
        takes_ms: None,
        owner: "ops@example.org".to_owned(),
    }
}

fn offer(at: u32) -> Offer {
    // A third of them supersede another.
    let supersedes = match at % 3 {
        0 if at > 0 => vec![format!("patch-{}", at - 1)],
        _ => Vec::new(),
    };
    Offer {
        patch: VendorPatch {
            id: format!("patch-{at}"),
            title: format!("patch {at}"),
            released_ms: Some(NOW_MS - i64::from(at % 90) * DAY_MS),
            updated_ms: None,
            first_seen_ms: NOW_MS,
            supersedes,
            fixes: vec![format!("CVE-2026-{at}")],
        },
        means: Means::Packages {
            names: vec![format!("package-{at}")],
        },
    }
}
