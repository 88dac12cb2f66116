//! What pages of a large ledger cost: `cargo bench -p store`, in a folder that is removed
//! afterwards; `cargo bench -p store -- postgres://…` in an empty database. Processor time is
//! this process's, so for PostgreSQL only the elapsed time tells of the database.
#![expect(
    clippy::unwrap_used,
    reason = "a measurement ends where anything fails"
)]

use std::time::{Duration, Instant};

use ledger::{Advisory, Asset, AssetKind, Criticality, Environment, Severity, State, Subject};
use rustix::time::{ClockId, clock_gettime};
use store::{By, EventFilter, FindingFilter, Limits, Location, Paging, Store};
use wire::{Action, Event, EventMatch};

const ASSETS: usize = 1_000;
const ADVISORIES: usize = 100;
const EVENTS: u64 = 1_000_000;
const PAGES: usize = 200;
const BY: By<'static> = By {
    who: "bench",
    why: "to measure",
    now_ms: 0,
};

fn main() {
    let url = std::env::args().find(|word| word.starts_with("postgres"));
    let folder = tempfile::tempdir().unwrap();
    let location = match url {
        Some(url) => Location::url(&url).unwrap(),
        None => Location::folder(folder.path()),
    };
    let store = Store::open(&location, Limits::default()).unwrap();
    let begun = Instant::now();
    findings(&store);
    println!(
        "{} findings, filled in {:.0?}",
        ASSETS * ADVISORIES,
        begun.elapsed()
    );
    let begun = Instant::now();
    events(&store);
    println!("{EVENTS} events, filled in {:.0?}", begun.elapsed());

    let all = FindingFilter::default();
    let open = FindingFilter {
        state: Some(State::Open),
        ..all.clone()
    };
    let asset = FindingFilter {
        subject: Some(Subject::Asset("asset-7".to_owned())),
        ..open.clone()
    };
    let advisory = FindingFilter {
        advisory: Some("CVE-7".to_owned()),
        ..open.clone()
    };
    for (name, filter) in [
        ("findings", all),
        ("findings by state", open),
        ("findings by state and asset", asset),
        ("findings by state and advisory", advisory),
    ] {
        walk(name, |paging| {
            store.read(|it| it.findings(&filter, paging)).unwrap().next
        });
    }
    for (name, filter) in [
        ("events", EventFilter::All),
        ("events by application", EventFilter::Application("app-3")),
        ("events by patch", EventFilter::Patch("patch-3")),
    ] {
        walk(name, |paging| {
            store.read(|it| it.events(filter, paging)).unwrap().next
        });
    }
    walk("audit", |paging| {
        store.read(|it| it.audit(None, paging)).unwrap().next
    });
    let begun = Instant::now();
    store.read(|it| it.verify_audit(None)).unwrap();
    println!("the audit log verified in {:.0?}", begun.elapsed());
    let begun = Instant::now();
    store.back_up(&folder.path().join("backup")).unwrap();
    println!("backed up in {:.0?}", begun.elapsed());
}

/// Reads a list from its beginning, page by page, and tells how long a page took.
fn walk(name: &str, page: impl Fn(Paging<'_>) -> Option<String>) {
    let (mut times, mut cost) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    while times.len() < PAGES {
        let (begun, busy) = (Instant::now(), processor());
        let paging = Paging {
            after: after.as_deref(),
            most: None,
        };
        after = page(paging);
        times.push(begun.elapsed());
        cost.push(processor() - busy);
    }
    for (kind, mut times) in [("elapsed", times), ("processor", cost)] {
        times.sort_unstable();
        let share = |percent: usize| times.get(times.len() * percent / 100).unwrap();
        println!(
            "{name}: {kind} p50 {:.1?}, p95 {:.1?}",
            share(50),
            share(95)
        );
    }
}

/// The processor time of this process.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
}

fn findings(store: &Store) {
    let severities = Severity::ALL.iter().cycle();
    store
        .change(&BY, |it| {
            for (number, severity) in severities.take(ADVISORIES).enumerate() {
                it.add(&Advisory {
                    title: "a flaw".to_owned(),
                    ..Advisory::new(format!("CVE-{number}"), *severity)
                })?;
            }
            Ok(())
        })
        .unwrap();
    for number in 0..ASSETS {
        let asset = Asset {
            title: "a server".to_owned(),
            environment: Some(Environment::Production),
            criticality: Some(Criticality::Medium),
            owner: Some("operations".to_owned()),
            ..Asset::new(format!("asset-{number}"), AssetKind::Server)
        };
        store
            .change(&BY, |it| {
                it.add(&asset)?;
                let subject = Subject::Asset(asset.id.clone());
                for advisory in 0..ADVISORIES {
                    it.open_finding(&format!("CVE-{advisory}"), &subject)?;
                }
                Ok(())
            })
            .unwrap();
    }
}

fn events(store: &Store) {
    for begin in (0..EVENTS).step_by(6_400) {
        let batch: Vec<_> = (begin..(begin + 6_400).min(EVENTS)).map(event).collect();
        store.deliver(&batch).unwrap();
    }
}

fn event(number: u64) -> Event {
    Event {
        version: Event::VERSION,
        reference: format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        time_ms: 1_700_000_000_000 + number,
        ingress: format!("edge-{}", number % 10),
        application: format!("app-{}", number % 20),
        client: "192.0.2.1".to_owned(),
        method: "GET".to_owned(),
        host: "shop.example.org".to_owned(),
        path: "/search?q=%27%20UNION%20SELECT%20id%2Cemail%2Cpassword%20FROM%20users--".to_owned(),
        action: Action::Block,
        status: Some(403),
        request_id: None,
        matches: vec![EventMatch {
            patch: Some(format!("patch-{}", number % 50)),
            rule: 1,
            phase: 2,
            target: "ARGS:q".to_owned(),
            message: "SQL injection".to_owned(),
            value: "' UNION SELECT id,email,password FROM users--".to_owned(),
            severity: Some(2),
            enforced: true,
        }],
        probe: None,
    }
}
