//! What a plan is, and what is refused.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use campaign::calendar::{Freeze, WindowRule};
use campaign::plan::{
    Excepted, Host, Inputs, Offer, Plan, RingRule, Service, gantt, graph, make, told,
};
use campaign::policy::{Lane, Policy, Threat, VendorPatch};
use campaign::{Campaign, Means, Rules, Word};

/// 2026-11-28 10:00 UTC.
const NOW_MS: i64 = 1_795_860_000_000;
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn host(id: &str, depends_on: &[&str]) -> Host {
    Host {
        id: id.to_owned(),
        ring: "all".to_owned(),
        depends_on: depends_on.iter().map(|it| (*it).to_owned()).collect(),
        quorum: None,
        services: Vec::new(),
        jobs: Vec::new(),
        automatic_updates: false,
        attended: false,
        checks: Vec::new(),
        backup: None,
        restore: false,
        takes_ms: Some(HOUR_MS),
        owner: "ops".to_owned(),
    }
}

fn offer(id: &str, days: i64, fixes: &str) -> Offer {
    Offer {
        patch: VendorPatch {
            id: id.to_owned(),
            title: String::new(),
            released_ms: Some(NOW_MS - days * DAY_MS),
            updated_ms: None,
            first_seen_ms: NOW_MS,
            supersedes: Vec::new(),
            fixes: vec![fixes.to_owned()],
        },
        means: Means::Packages {
            names: vec![id.to_owned()],
        },
    }
}

fn window(minutes: u32) -> WindowRule {
    let text = format!(
        "days = 'FREQ=DAILY'\nopens = '22:00:00'\nminutes = {minutes}\nzone = 'Europe/Berlin'"
    );
    toml::from_str(&text).unwrap()
}

/// All hosts want the first offer; windows of four hours every night.
fn inputs(hosts: Vec<Host>) -> Inputs {
    let wanted = (0..u32::try_from(hosts.len()).unwrap()).map(|at| (at, 0));
    Inputs {
        lane: Lane::Monthly,
        wanted: wanted.collect(),
        hosts,
        offers: vec![offer("openssl", 40, "CVE-1")],
        threats: BTreeMap::new(),
        policy: Policy::default(),
        rings: vec![RingRule {
            name: "all".to_owned(),
            test: false,
            window: window(240),
            urgent_window: None,
            audience: Vec::new(),
            gate: Vec::new(),
        }],
        services: Vec::new(),
        freezes: Vec::new(),
        rules: Rules::default(),
        name: "c".to_owned(),
        now_ms: NOW_MS,
    }
}

fn waves(plan: &Plan) -> Vec<Vec<&str>> {
    let waves = plan.rings.iter().flat_map(|ring| &ring.waves);
    let names = waves.map(|wave| {
        let assets = wave.assets.iter().map(|at| plan.asset(*at).unwrap());
        assets.map(|it| it.id.as_str()).collect()
    });
    names.collect()
}

fn refused(inputs: &Inputs) -> String {
    make(inputs).unwrap_err().to_string()
}

#[test]
fn what_others_depend_on_comes_before_them() {
    let hosts = vec![
        host("proxy", &["app-1", "app-2"]),
        host("app-1", &["db"]),
        host("app-2", &["db"]),
        host("db", &[]),
        host("mail", &[]),
    ];
    let plan = make(&inputs(hosts)).unwrap();
    let expected = [vec!["db", "mail"], vec!["app-1", "app-2"], vec!["proxy"]];
    assert_eq!(waves(&plan), expected);
}

#[test]
fn an_asset_without_patches_between_two_others_keeps_their_order() {
    let hosts = vec![
        host("proxy", &["app"]),
        host("app", &["db"]),
        host("db", &[]),
    ];
    let mut inputs = inputs(hosts);
    inputs.wanted = vec![(0, 0), (2, 0)];
    assert_eq!(waves(&make(&inputs).unwrap()), [vec!["db"], vec!["proxy"]]);
}

#[test]
fn a_circle_is_refused_and_named() {
    let hosts = vec![
        host("web", &["app"]),
        host("app", &["db"]),
        host("db", &["cache"]),
        host("cache", &["app"]),
    ];
    let why = refused(&inputs(hosts));
    assert!(
        why.contains("in a circle: app → db → cache → app;"),
        "{why}"
    );
    let why = refused(&inputs(vec![host("a", &["a"])]));
    assert!(why.contains("in a circle: a → a;"), "{why}");
}

#[test]
fn of_a_quorum_group_one_goes_at_a_time() {
    let mut hosts: Vec<Host> = (1..=3).map(|at| host(&format!("etcd-{at}"), &[])).collect();
    hosts.push(host("web", &[]));
    for host in &mut hosts[..3] {
        host.quorum = Some("etcd".to_owned());
    }
    let plan = make(&inputs(hosts)).unwrap();
    assert_eq!(
        waves(&plan),
        [vec!["etcd-1", "web"], vec!["etcd-2"], vec!["etcd-3"]]
    );
}

#[test]
fn waves_that_a_window_does_not_hold_go_to_the_next() {
    let hosts: Vec<Host> = (0..9).map(|at| host(&format!("h{at}"), &[])).collect();
    let mut inputs = inputs(hosts);
    // An hour each, one at a time, four hours a night.
    inputs.rules.parallel = 1;
    let plan = make(&inputs).unwrap();
    let sizes: Vec<usize> = plan.rings[0]
        .waves
        .iter()
        .map(|it| it.assets.len())
        .collect();
    assert_eq!(sizes, [4, 4, 1]);
    let begins: Vec<i64> = plan.rings[0].waves.iter().map(|it| it.begins_ms).collect();
    assert_eq!(begins[1] - begins[0], DAY_MS);
    assert_eq!(begins[2] - begins[1], DAY_MS);
}

#[test]
fn an_asset_that_takes_longer_than_a_window_is_refused_and_named() {
    let mut slow = host("mainframe", &[]);
    slow.takes_ms = Some(5 * HOUR_MS);
    let why = refused(&inputs(vec![host("web", &[]), slow]));
    let told = "asset mainframe takes 5 h, a window of ring all lasts 4 h";
    assert!(why.contains(told), "{why}");
}

#[test]
fn young_releases_are_left_out_and_exploited_ones_are_not() {
    let mut inputs = inputs(vec![host("web", &[])]);
    inputs.offers = vec![
        offer("old", 30, "CVE-1"),
        offer("young", 3, "CVE-2"),
        offer("exploited", 3, "CVE-3"),
    ];
    inputs.wanted = vec![(0, 0), (0, 1), (0, 2)];
    let kev = Threat {
        exploited: true,
        ..Threat::default()
    };
    inputs.threats.insert("CVE-3".to_owned(), kev);
    let patches =
        |plan: &Plan| -> Vec<String> { plan.patches.iter().map(|it| it.id.clone()).collect() };
    let plan = make(&inputs).unwrap();
    assert_eq!(patches(&plan), ["old", "exploited"]);
    assert_eq!(plan.left_out[0].patch, "young");
    assert!(
        plan.left_out[0].why.contains("too young"),
        "{:?}",
        plan.left_out
    );
    inputs.lane = Lane::Urgent;
    let plan = make(&inputs).unwrap();
    assert_eq!(patches(&plan), ["exploited"]);
    assert!(plan.left_out.iter().any(|it| it.why == "it is not urgent"));
}

#[test]
fn an_urgent_campaign_uses_the_urgent_windows() {
    let mut inputs = inputs(vec![host("web", &[])]);
    inputs.rings[0].window = toml::from_str(
        "days = 'FREQ=MONTHLY;BYDAY=2TU'\nopens = '22:00:00'\nminutes = 240\nzone = 'UTC'",
    )
    .unwrap();
    inputs.rings[0].urgent_window = Some(window(240));
    let kev = Threat {
        exploited: true,
        ..Threat::default()
    };
    inputs.threats.insert("CVE-1".to_owned(), kev);
    let begins = |inputs: &Inputs| make(inputs).unwrap().rings[0].waves[0].begins_ms;
    assert!(begins(&inputs) > NOW_MS + 7 * DAY_MS);
    inputs.lane = Lane::Urgent;
    assert!(begins(&inputs) < NOW_MS + DAY_MS);
}

#[test]
fn consent_is_asked_of_services_that_stand_still_though_they_get_no_patch() {
    let mut app = host("app", &["db"]);
    app.services = vec!["app.service".to_owned()];
    let mut inputs = inputs(vec![host("db", &[]), app, host("other", &[])]);
    inputs.wanted = vec![(0, 0)];
    let service = |id: &str, asset: &str| Service {
        id: id.to_owned(),
        assets: vec![asset.to_owned()],
        stakeholder: format!("{id}@example.org"),
        delegate: None,
    };
    inputs.services = vec![service("shop", "app"), service("wiki", "other")];
    let plan = make(&inputs).unwrap();
    let asked: Vec<&str> = plan.rings[0]
        .consents
        .iter()
        .map(|it| it.service.as_str())
        .collect();
    assert_eq!(asked, ["shop"]);
}

#[test]
fn what_is_not_there_is_told() {
    let mut lost = inputs(vec![host("web", &["ghost"])]);
    let plan = make(&lost).unwrap();
    assert_eq!(
        plan.remarks[0],
        "web depends on ghost, which is not in the inventory"
    );
    lost.hosts[0].ring = "nowhere".to_owned();
    assert!(refused(&lost).contains("ring `nowhere`, which is none of all"));
    let twice = inputs(vec![host("web", &[]), host("web", &[])]);
    assert!(refused(&twice).contains("asset web is there twice"));
    let mut frozen = inputs(vec![host("web", &[])]);
    frozen.freezes = vec![Freeze {
        from: "2026-11-01".parse().unwrap(),
        until: "2036-11-01".parse().unwrap(),
        why: "the merger".to_owned(),
        groups: Vec::new(),
    }];
    assert!(refused(&frozen).contains("a freeze closes them until 2036-11-01: the merger"));
    let mut rules = inputs(vec![host("web", &[])]);
    rules.rules.parallel = 0;
    assert!(refused(&rules).contains("rules.parallel must be at least 1"));
}

#[test]
fn pictures_escape_names_and_draw_each_wave() {
    let plan = make(&inputs(vec![
        host("<b>&\"db", &[]),
        host("app", &["<b>&\"db"]),
    ]))
    .unwrap();
    for picture in [graph(&plan), gantt(&plan)] {
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>"));
        assert!(!picture.contains("<b>"));
    }
    assert!(graph(&plan).contains("&lt;b&gt;&amp;&quot;db"));
    assert_eq!(gantt(&plan).matches("#4a8f4a").count(), 2);
}

#[test]
fn many_assets_are_drawn_as_waves() {
    let hosts: Vec<Host> = (0..500).map(|at| host(&format!("h{at}"), &[])).collect();
    let plan = make(&inputs(hosts)).unwrap();
    let drawn = graph(&plan).matches("<rect").count();
    assert_eq!(drawn, plan.rings[0].waves.len());
}

#[test]
fn an_approver_reads_why_each_patch_does_not_come() {
    let mut inputs = inputs(vec![host("db", &[])]);
    inputs.offers = vec![
        offer("openssl", 40, "CVE-1"),
        offer("young", 1, "CVE-2"),
        offer("excepted", 40, "CVE-3"),
        offer("one", 40, "CVE-4"),
        offer("two", 40, "CVE-5"),
    ];
    inputs.wanted.push((0, 1));
    let mut plan = make(&inputs).unwrap();
    plan.excepted.push(Excepted {
        asset: "db".to_owned(),
        patch: "excepted".to_owned(),
        exception: 3,
        protection: "patch p".to_owned(),
        until_ms: NOW_MS,
    });
    let told = told(&campaign(plan));
    let (_, left_out) = told.split_once("Not in this campaign\n").unwrap();
    let left_out: Vec<&str> = left_out.lines().take_while(|it| !it.is_empty()).collect();
    let [young, excepted, others] = *left_out.as_slice() else {
        panic!("{told}")
    };
    assert!(
        young.starts_with("- young (1 asset): it is too young"),
        "{young}"
    );
    assert!(excepted.starts_with("- excepted: "), "{excepted}");
    assert!(excepted.ends_with(", until 2026-11-28"), "{excepted}");
    assert_eq!(others, "- 2 vendor patches that no asset of it needs");
}

fn campaign(plan: Plan) -> Campaign {
    let planned = Word {
        who: "ops".to_owned(),
        text: "the month".to_owned(),
        time_ms: NOW_MS,
    };
    Campaign {
        id: 7,
        title: "December".to_owned(),
        owner: "ops".to_owned(),
        contact: String::new(),
        ..Campaign::of(plan, planned)
    }
}
