//! Campaigns that tests make.

use std::collections::BTreeMap;

use campaign::calendar::WindowRule;
use campaign::plan::{Host, Inputs, Offer, RingRule, Service, make};
use campaign::policy::{Lane, Policy, VendorPatch};
use campaign::{Campaign, Check, Means, Probe, Rules, Scope, Word};
use ledger::{Job, JobKind};
use proptest::prelude::*;

use crate::world::Nature;

/// 2026-11-28 10:00 UTC.
pub(crate) const NOW_MS: i64 = 1_795_860_000_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) hosts: Vec<Made>,
    pub(crate) rules: Rules,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) test: bool,
    pub(crate) patched: bool,
    pub(crate) depends_on: Vec<String>,
    pub(crate) quorum: Option<String>,
    pub(crate) services: bool,
    pub(crate) jobs: bool,
    pub(crate) checks: bool,
    pub(crate) backup: bool,
    pub(crate) nature: Nature,
}

impl Shape {
    pub(crate) fn natures(&self) -> BTreeMap<String, Nature> {
        let natures = self
            .hosts
            .iter()
            .map(|it| (it.name.clone(), it.nature.clone()));
        natures.collect()
    }
}

/// A test asset; a database, an application on it and a proxy before that.
pub(crate) fn chain() -> Shape {
    let host = |name: &str, depends_on: &[&str]| Made {
        name: name.to_owned(),
        test: name.starts_with("test"),
        patched: true,
        depends_on: depends_on.iter().map(|it| (*it).to_owned()).collect(),
        services: name != "db",
        jobs: true,
        checks: true,
        backup: true,
        nature: Nature {
            reboot_needed: true,
            ..Nature::default()
        },
        ..Made::default()
    };
    Shape {
        hosts: vec![
            host("test-1", &[]),
            host("db", &[]),
            host("app", &["db"]),
            host("proxy", &["app"]),
        ],
        rules: Rules {
            failures: 1,
            ..Rules::default()
        },
    }
}

pub(crate) fn campaign(shape: &Shape) -> Campaign {
    let plan = make(&inputs(shape)).unwrap();
    let planned = Word {
        who: "ops@example.org".to_owned(),
        text: "the month".to_owned(),
        time_ms: NOW_MS,
    };
    Campaign {
        id: 7,
        title: "December".to_owned(),
        owner: "ops@example.org".to_owned(),
        contact: "the service desk, 555-0100".to_owned(),
        rules: shape.rules.clone(),
        ..Campaign::of(plan, planned)
    }
}

fn inputs(shape: &Shape) -> Inputs {
    let window: WindowRule = toml::from_str(
        "days = 'FREQ=DAILY'\nopens = '22:00:00'\nminutes = 360\nzone = 'Europe/Berlin'",
    )
    .unwrap();
    let ring = |name: &str, test| RingRule {
        name: name.to_owned(),
        test,
        window: window.clone(),
        urgent_window: None,
        audience: vec!["all@example.org".to_owned()],
        gate: Vec::new(),
    };
    let patched = (0_u32..).zip(&shape.hosts).filter(|(_, it)| it.patched);
    let production = shape.hosts.iter().filter(|it| !it.test);
    Inputs {
        lane: Lane::Monthly,
        hosts: shape.hosts.iter().map(host).collect(),
        offers: vec![Offer {
            patch: VendorPatch {
                id: "openssl".to_owned(),
                title: "OpenSSL 3.0.15".to_owned(),
                released_ms: Some(NOW_MS - 40 * DAY_MS),
                updated_ms: None,
                first_seen_ms: NOW_MS,
                supersedes: Vec::new(),
                fixes: vec!["CVE-2026-0001".to_owned()],
            },
            means: Means::Packages {
                names: vec!["openssl".to_owned()],
            },
        }],
        wanted: patched.map(|(at, _)| (at, 0)).collect(),
        threats: BTreeMap::new(),
        policy: Policy::default(),
        rings: vec![ring("test", true), ring("production", false)],
        services: vec![Service {
            id: "shop".to_owned(),
            assets: production.map(|it| it.name.clone()).collect(),
            stakeholder: "shop@example.org".to_owned(),
            delegate: Some("deputy@example.org".to_owned()),
        }],
        freezes: Vec::new(),
        rules: shape.rules.clone(),
        name: "december".to_owned(),
        now_ms: NOW_MS,
    }
}

fn host(made: &Made) -> Host {
    let job = |name: String, must_not_be_skipped| Job {
        name,
        kind: JobKind::Timer,
        schedule: "daily".to_owned(),
        command: "/usr/bin/true".to_owned(),
        file: None,
        user: None,
        must_not_be_skipped,
    };
    let jobs = vec![
        job(format!("backup-{}", made.name), true),
        job(format!("clean-{}", made.name), false),
    ];
    Host {
        id: made.name.clone(),
        ring: if made.test { "test" } else { "production" }.to_owned(),
        depends_on: made.depends_on.clone(),
        quorum: made.quorum.clone(),
        services: made
            .services
            .then(|| "app.service".to_owned())
            .into_iter()
            .collect(),
        jobs: if made.jobs { jobs } else { Vec::new() },
        automatic_updates: made.jobs,
        attended: made.jobs,
        checks: made
            .checks
            .then(|| Check {
                name: "answers".to_owned(),
                probe: Probe::Tcp {
                    address: "127.0.0.1:80".to_owned(),
                },
                timeout_ms: 1000,
            })
            .into_iter()
            .collect(),
        backup: made.backup.then(|| ("overlay".to_owned(), 14)),
        restore: made.backup,
        takes_ms: None,
        owner: "ops@example.org".to_owned(),
    }
}

fn nature() -> impl Strategy<Value = Nature> {
    let rare = || prop::bool::weighted(0.1);
    let often = || prop::bool::weighted(0.5);
    (
        (rare(), 0_u32..2, often(), rare(), rare()),
        (rare(), rare(), rare(), 0_u32..2, rare()),
    )
        .prop_map(
            |(
                (apply_fails, passing, reboot, itself, sick),
                (before, backup, downs, release, back),
            )| {
                Nature {
                    apply_fails,
                    apply_passing: passing,
                    reboot_needed: reboot,
                    reboots_itself: itself,
                    sick_afterwards: sick,
                    sick_before: before,
                    backup_fails: backup,
                    backup_downs: downs,
                    release_fails: release,
                    rollback_fails: back,
                    apply_ms: None,
                }
            },
        )
}

pub(crate) fn shapes() -> impl Strategy<Value = Shape> {
    let host = (
        nature(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::option::weighted(0.3, 0_u8..2),
        any::<[bool; 4]>(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.25),
    );
    let rules = (0_u32..4, 1_u32..4, 1_u32..4, 0_u32..3, any::<bool>());
    (prop::collection::vec(host, 1..10), rules).prop_map(|(hosts, rules)| {
        let mut made: Vec<Made> = Vec::new();
        for (at, (nature, needs, quorum, [services, jobs, checks, backup], patched, test)) in
            hosts.into_iter().enumerate()
        {
            let mut depends_on: Vec<String> = Vec::new();
            for need in needs.iter().filter(|_| at > 0) {
                depends_on.push(made[need.index(at)].name.clone());
            }
            made.push(Made {
                name: format!("host-{at}"),
                test,
                patched,
                depends_on,
                quorum: quorum.map(|it| format!("quorum-{it}")),
                services,
                jobs,
                checks,
                backup,
                nature,
            });
        }
        let (failures, parallel, wave_assets, sample, wave) = rules;
        Shape {
            hosts: made,
            rules: Rules {
                failures,
                parallel,
                wave_assets,
                sample,
                roll_back: if wave { Scope::Wave } else { Scope::Asset },
                ..Rules::default()
            },
        }
    })
}
