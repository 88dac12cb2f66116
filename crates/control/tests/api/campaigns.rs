//! A campaign over the API, as people and programs say what becomes of it.

use campaign::{Action, Done, Outcome, Task};
use ledger::Role;
use serde_json::{Value, json};
use store::By;

use crate::harness::Api;

const BY: By<'static> = By {
    who: "controller",
    why: "a test",
    now_ms: 1,
};

/// One asset in a test region, one in production, on which a service runs.
pub(crate) fn fill(api: &Api, op: &str) {
    let advisory = json!({ "id": "CVE-1", "title": "A flaw", "severity": "critical", "known_exploited": { "added_ms": 1, "due_ms": 2 } });
    api.done(op, "POST /advisories", &advisory);
    for (id, environment) in [("trial", "test"), ("db", "production")] {
        let asset = json!({
            "id": id, "title": id, "kind": "server", "environment": environment,
            "criticality": "high", "owner": "ops@example.org",
        });
        api.done(op, "POST /assets", &asset);
        let finding = json!({ "advisory": "CVE-1", "subject": { "asset": id } });
        api.done(op, "POST /findings", &finding);
    }
}

pub(crate) fn description() -> Value {
    let window =
        json!({ "days": "FREQ=DAILY", "opens": "00:00:00", "minutes": 2880, "zone": "Etc/UTC" });
    json!({ "description": {
        "title": "The month", "owner": "ops@example.org", "contact": "555-0100",
        "rings": [
            { "name": "test", "test": true, "window": window },
            { "name": "production", "window": window },
        ],
        "freezes": [{ "from": "2030-12-20", "until": "2031-01-06", "why": "the year is closed" }],
        "services": [{ "id": "shop", "assets": ["db"], "stakeholder": "shop@example.org", "delegate": "deputy@example.org" }],
        "patches": [{ "id": "openssl-2", "released": "2024-11-01", "fixes": ["CVE-1"],
            "means": { "packages": { "names": ["openssl"] } } }],
    }})
}

fn read() -> Value {
    json!([{ "kind": "release-notes", "text": "https://vendor.example/notes" },
        { "kind": "known-issues", "text": "none" }])
}

#[test]
fn a_campaign_is_planned_reviewed_consented_to_paused_and_taken_back() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let key = [("idempotency-key", "k")];
    let planned = api.call(&op, "POST /campaigns", &key, &description());
    assert_eq!(
        (
            planned.status,
            planned.header("location"),
            planned.header("etag")
        ),
        (201, "/api/v1/campaigns/1", "\"1\""),
        "{planned:?}"
    );
    assert_eq!(
        api.call(&op, "POST /campaigns", &key, &description())
            .status,
        201
    );
    let listed = api.done(&op, "GET /campaigns", &Value::Null).body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "planned once");
    assert_eq!(listed["items"][0]["value"]["state"], "planned");
    assert_eq!(listed["items"][0]["value"]["assets"], 2);

    let plan = api.done(&op, "GET /campaigns/1/plan", &Value::Null).body;
    assert!(plan["text"].as_str().unwrap().contains("openssl-2"));
    for picture in ["graph", "gantt"] {
        assert!(plan[picture].as_str().unwrap().starts_with("<svg"));
    }
    let status = || api.done(&op, "GET /campaigns/1/status", &Value::Null).body;
    let asked = json!([{ "ring": "production", "service": "shop", "deadline_ms": null,
        "objection": null, "who": ["shop@example.org", "deputy@example.org"] }]);
    assert_eq!(status()["consents"], asked);
    assert_eq!(status()["reviews"].as_array().unwrap().len(), 2);

    let go = |step: &str| api.call(&op, "POST /campaigns/1/moves", &[], &json!({ step: {} }));
    assert_eq!(go("start").header("etag"), "\"2\"");
    assert_eq!(go("start").problem().0, 422, "it has been started");
    for ring in ["test", "production"] {
        let review = json!({ "patch": "openssl-2", "ring": ring, "read": read() });
        api.done(&op, "POST /campaigns/1/reviews", &review);
    }
    let note = |text: &str| {
        let note = json!({ "patch": "openssl-2", "kind": "release-notes", "text": text,
            "address": "https://vendor.example/notes" });
        api.call(&op, "POST /campaigns/1/notes", &[], &note)
    };
    assert_eq!(note("Fixes CVE-1.").status, 200);
    assert_eq!(note("Fixes CVE-1.").problem().0, 422, "it is kept already");
    assert_eq!(note(" ").problem().0, 422);
    let review = json!({ "patch": "openssl-2", "ring": "test", "read": read() });
    api.done(&op, "POST /campaigns/1/reviews", &review);
    let patches = api.done(&op, "GET /campaigns/1/patches", &Value::Null).body;
    let reviews = patches["items"][0]["reviews"].as_array().unwrap();
    let digest = &reviews.last().unwrap()["read"][0]["digest"];
    assert_eq!(
        *digest,
        ledger::sha256(b"Fixes CVE-1."),
        "which text was read is known"
    );
    let kept = format!("GET /campaigns/1/notes?digest={}", digest.as_str().unwrap());
    assert_eq!(
        api.done(&op, &kept, &Value::Null).body["text"],
        "Fixes CVE-1."
    );
    let other = api.call(&op, "GET /campaigns/1/notes?digest=00", &[], &Value::Null);
    assert_eq!(other.problem().0, 404);
    let unknown = json!({ "patch": "openssl-2", "ring": "test", "read": [
        { "kind": "release-notes", "text": "x", "digest": "00" }, { "kind": "known-issues", "text": "none" }] });
    let unknown = api.call(&op, "POST /campaigns/1/reviews", &[], &unknown);
    assert_eq!(unknown.problem().0, 422);
    let blank = json!({ "patch": "openssl-2", "ring": "test", "read": [] });
    let blank = api.call(&op, "POST /campaigns/1/reviews", &[], &blank);
    assert_eq!(blank.problem().0, 422);

    let [shop, mallory] =
        ["shop@example.org", "mallory@example.org"].map(|who| api.somebody(who, Role::Approver));
    let answer = |token: &str, consents: bool| {
        let body = json!({ "ring": "production", "service": "shop", "consents": consents });
        api.call(token, "POST /campaigns/1/answers", &[], &body)
    };
    let stranger = answer(&mallory, true);
    let (code, why) = stranger.problem();
    assert!(code == 422 && why.contains("shop@example.org"), "{why}");
    assert_eq!(answer(&shop, false).status, 200);
    let objection = status()["consents"][0]["objection"].clone();
    assert!(
        objection
            .as_str()
            .unwrap()
            .starts_with("shop@example.org: ")
    );
    assert_eq!(answer(&shop, true).status, 200);
    assert_eq!(status()["consents"], json!([]));
    assert_eq!(status()["reviews"], json!([]));

    assert_eq!(go("pause").status, 200);
    assert_eq!(status()["state"], "paused");
    let late = api.call(
        &op,
        "POST /campaigns/1/moves",
        &[("if-match", "\"1\"")],
        &json!({ "resume": {} }),
    );
    assert_eq!(late.problem().0, 412);
    assert_eq!(go("resume").status, 200);
    assert_eq!(go("roll-back").status, 200);
    assert_eq!(status()["state"], "taken back");

    let log = api
        .done(&op, "GET /audit?subject=campaign/1", &Value::Null)
        .body;
    let done: Vec<_> = log["items"].as_array().unwrap().iter().rev().collect();
    let actions: Vec<_> = done
        .iter()
        .map(|it| it["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "campaign.plan",
            "campaign.start",
            "campaign.review",
            "campaign.review",
            "campaign.note",
            "campaign.review",
            "campaign.answer",
            "campaign.answer",
            "campaign.pause",
            "campaign.resume",
            "campaign.roll-back",
        ]
    );
    let seen = api.call(
        &op,
        "GET /campaigns/1",
        &[("if-none-match", "\"11\"")],
        &Value::Null,
    );
    assert_eq!(seen.status, 304);
}

#[test]
fn a_description_that_means_nothing_is_refused_with_the_reason() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    for (pointer, wrong, why) in [
        (
            "/rings/0/window/zone",
            json!("Europe/Bonn"),
            "`Europe/Bonn` is no time zone",
        ),
        (
            "/rings/0/window/days",
            json!("FREQ=HOURLY"),
            "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY",
        ),
        ("/patches/0/released", json!(""), "four digit year"),
        ("/owner", json!(7), "invalid type"),
    ] {
        let mut described = description();
        let place = format!("/description{pointer}");
        *described.pointer_mut(&place).unwrap() = wrong;
        for call in ["POST /campaigns", "POST /campaigns/drafts"] {
            let refused = api.call(&op, call, &[], &described);
            let (status, told) = refused.problem();
            assert!(status == 422 && told.contains(why), "{pointer}: {told}");
        }
    }
}

#[test]
fn a_campaign_of_many_assets_is_told_in_short_and_its_plan_page_by_page() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let mut described = description();
    described["description"]["rules"] = json!({ "wave_assets": 100 });
    described["description"]["patches"] = json!([
        { "id": "openssl-2", "released": "2024-11-01", "fixes": ["CVE-1"],
            "means": { "packages": { "names": ["openssl"] } } },
    ]);
    api.store
        .change(&BY, |it| {
            for number in 0..400 {
                let id = format!("web-{number:03}");
                let mut asset = ledger::Asset::new(&id, ledger::AssetKind::Server);
                asset.environment = Some(ledger::Environment::Production);
                it.add(&asset)?;
                it.open_finding("CVE-1", &ledger::Subject::Asset(id))?;
            }
            Ok(())
        })
        .unwrap();
    api.done(&op, "POST /campaigns", &described);
    let told = api.done(&op, "GET /campaigns/1", &Value::Null).body;
    let summary = &told["value"];
    assert_eq!(
        (&summary["assets"], &summary["patches"]),
        (&json!(402), &json!(1))
    );
    let ring = json!({ "name": "production", "test": false, "zone": "Etc/UTC", "assets": 401, "waves": 5 });
    assert_eq!(summary["rings"][1], ring);
    assert!(told.to_string().len() < 4000, "{told}");

    let mut assets: Vec<Value> = Vec::new();
    let mut pages = 0;
    let mut call = "GET /campaigns/1/assets".to_owned();
    loop {
        let page = api.done(&op, &call, &Value::Null).body;
        assets.extend(page["items"].as_array().unwrap().iter().cloned());
        pages += 1;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        call = format!("GET /campaigns/1/assets?after={next}");
    }
    assert_eq!((assets.len(), pages), (402, 3));
    let of = |id: &str| assets.iter().find(|it| it["asset"]["id"] == id).unwrap();
    assert_eq!(of("trial")["ring"], "test");
    let last = of("web-399");
    assert_eq!(
        (&last["ring"], &last["wave"]),
        (&json!("production"), &json!(5))
    );
    assert_eq!(last["names"], json!(["openssl-2"]));

    let waves = |query: &str| {
        let call = format!("GET /campaigns/1/waves{query}");
        api.done(&op, &call, &Value::Null).body
    };
    let first = waves("?limit=4");
    let rest = waves(&format!(
        "?limit=4&after={}",
        first["next"].as_str().unwrap()
    ));
    let each = [&first, &rest].map(|it| it["items"].as_array().unwrap());
    let counts = each
        .into_iter()
        .flatten()
        .map(|it| it["assets"].as_u64().unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), [1, 100, 100, 100, 100, 1]);
    assert_eq!(rest["next"], Value::Null);
    for part in ["assets", "waves", "patches", "due", "remedies"] {
        let missing = api.call(&op, &format!("GET /campaigns/7/{part}"), &[], &Value::Null);
        assert_eq!(missing.problem().0, 404, "{part}");
        let wrong = format!("GET /campaigns/1/{part}?after=x");
        let wrong = api.call(&op, &wrong, &[], &Value::Null);
        assert_eq!(wrong.problem().0, 422, "{part}");
    }
}

#[test]
fn what_was_done_is_told_task_by_task_and_in_the_report() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let task = Task {
        key: "test/1/trial/apply".to_owned(),
        ring: "test".to_owned(),
        asset: Some("trial".to_owned()),
        action: Action::Apply {
            changes: Vec::new(),
        },
    };
    let until = i64::MAX;
    api.store
        .hold_campaign(1, "one", |_| false, (0, until))
        .unwrap();
    let begun = api
        .store
        .change(&BY, |it| it.begin_task(1, &task, ("one", 1)));
    begun.unwrap();
    let status = api.done(&op, "GET /campaigns/1/status", &Value::Null).body;
    assert_eq!(status["open"], json!([task.key]));
    let done = Outcome::Done(Done::default());
    api.store
        .change(&BY, |it| it.end_task(1, &task.key, done, "one"))
        .unwrap();
    let tasks = api.done(&op, "GET /campaigns/1/tasks", &Value::Null).body;
    assert_eq!(tasks["items"][0]["task"]["key"], task.key);
    let report = api.done(&op, "GET /campaigns/1/report", &Value::Null).body;
    let results = report["results"].as_array().unwrap();
    let of = |asset: &str| results.iter().find(|it| it["asset"] == asset).unwrap();
    assert_eq!(
        (&of("trial")["result"], &of("db")["result"]),
        (&json!("done"), &json!("open"))
    );
    let notices = api.done(&op, "GET /campaigns/1/notices", &Value::Null).body;
    assert!(notices["mails"]["announce"]["text"].is_string());
    let remedy = json!({ "asset": "db", "owner": "db@example.org" });
    api.done(&op, "POST /campaigns/1/remedies", &remedy);
    let evidence = json!({ "patch": "openssl-2", "from": { "canary": { "asset": "trial" } }, "reboot": false });
    api.done(&op, "POST /campaigns/1/evidence", &evidence);
    assert_eq!(
        api.call(&op, "GET /campaigns/7/status", &[], &Value::Null)
            .problem()
            .0,
        404
    );
}

#[test]
fn the_calendar_tells_freezes_windows_waves_and_what_is_due() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let kinds = |target: &str| -> Vec<String> {
        let told = api.done(&op, target, &Value::Null).body;
        let items = told["items"].as_array().unwrap().iter();
        let mut kinds: Vec<_> = items
            .map(|it| it["kind"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds("GET /calendar"), ["wave", "window"]);
    // It is exploited: it was due when it was released.
    assert_eq!(kinds("GET /calendar?from_ms=1730419200000"), ["due"]);
    // Christmas of 2030, in milliseconds.
    let christmas = "GET /calendar?from_ms=1924300800000&until_ms=1924387200000";
    assert_eq!(kinds(christmas), ["freeze"]);
    let long = api.call(&op, "GET /calendar?from_ms=0", &[], &Value::Null);
    assert_eq!(long.status, 200);
    let long = api.call(
        &op,
        "GET /calendar?from_ms=0&until_ms=99000000000",
        &[],
        &Value::Null,
    );
    assert_eq!(long.problem().0, 422);
}

#[test]
fn when_patches_are_due_is_explained_for_a_patch_an_advisory_or_an_asset() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    for (query, told) in [
        ("", true),
        ("?patch=openssl-2", true),
        ("?advisory=CVE-1&asset=db", true),
        ("?patch=other", false),
        ("?advisory=CVE-2", false),
        ("?asset=elsewhere", false),
    ] {
        let call = format!("GET /campaigns/1/due{query}");
        let body = api.done(&op, &call, &Value::Null).body;
        let explained: Vec<_> = body["items"].as_array().unwrap().iter().collect();
        assert_eq!(explained.len(), usize::from(told), "{query}: {body}");
        if told {
            let sentence = "openssl-2 is due 2024-11-01 in the urgent lane because CVE-1 is known to be exploited (KEV)";
            assert_eq!(body["items"][0]["explained"], sentence);
            assert_eq!(body["items"][0]["left_out"], Value::Null);
        }
    }
}

#[test]
fn patches_that_were_left_out_are_explained_with_the_reason() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let flaw = json!({ "id": "CVE-2", "title": "Another flaw", "severity": "high" });
    api.done(&op, "POST /advisories", &flaw);
    let finding = json!({ "advisory": "CVE-2", "subject": { "asset": "db" } });
    api.done(&op, "POST /findings", &finding);
    let mut described = description();
    let patches = described["description"]["patches"].as_array_mut().unwrap();
    let means = json!({ "packages": { "names": ["x"] } });
    for (id, fixes, assets) in [
        ("unneeded-1", "CVE-9", Value::Null),
        ("young-1", "CVE-2", Value::Null),
        ("young-2", "CVE-9", json!(["trial"])),
    ] {
        patches.push(
            json!({ "id": id, "released": "2999-01-01", "fixes": [fixes],
            "assets": assets, "means": means }),
        );
    }
    api.done(&op, "POST /campaigns", &described);
    for (query, told) in [
        ("", &["openssl-2", "young-1", "young-2", "unneeded-1"][..]),
        ("?patch=young-1", &["young-1"]),
        ("?advisory=CVE-9", &["young-2", "unneeded-1"]),
        ("?asset=db", &["openssl-2", "young-1"]),
        ("?asset=trial", &["openssl-2", "young-2"]),
        ("?asset=elsewhere", &[]),
    ] {
        let call = format!("GET /campaigns/1/due{query}");
        let body = api.done(&op, &call, &Value::Null).body;
        let items = body["items"].as_array().unwrap().iter();
        let patches: Vec<_> = items.map(|it| it["patch"].as_str().unwrap()).collect();
        assert_eq!(patches, told, "{query}: {body}");
    }
    // What an asset waits for tells of its findings.
    let admin = api.somebody("admin", Role::Admin);
    let narrow = json!({ "id": "board", "who": "board", "role": "viewer", "areas": ["campaigns"], "expires_ms": i64::MAX });
    let made = api.done(&admin, "POST /tokens", &narrow).body;
    let narrow = made["secret"].as_str().unwrap();
    let body = api
        .done(narrow, "GET /campaigns/1/due?asset=db", &Value::Null)
        .body;
    let items = body["items"].as_array().unwrap().iter();
    let patches: Vec<_> = items.map(|it| it["patch"].as_str().unwrap()).collect();
    assert_eq!(patches, ["openssl-2"], "{body}");
    let of = |patch: &str| {
        let call = format!("GET /campaigns/1/due?patch={patch}");
        api.done(&op, &call, &Value::Null).body["items"][0].clone()
    };
    let young = of("young-1");
    let why = young["left_out"].as_str().unwrap();
    assert!(why.starts_with("it is too young on "), "{young}");
    assert_eq!(
        young["explained"],
        format!(
            "young-1 is due 2999-01-31 because it was released 2999-01-01 and the policy gives 30 days; not in this campaign: {why}"
        )
    );
    assert_eq!(
        of("unneeded-1")["left_out"],
        "no asset of this campaign needs it"
    );
    let listed = api.done(&op, "GET /campaigns/1", &Value::Null).body;
    assert_eq!(listed["value"]["left_out"], 3);
}

#[test]
fn what_is_missing_of_assets_is_told_page_by_page() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let missing = json!({ "id": "zoo", "title": "zoo", "kind": "server" });
    api.done(&op, "POST /assets", &missing);
    let page = api.done(&op, "GET /gaps?limit=2", &Value::Null).body;
    let of = |page: &Value, asset: &str, gap: &str| {
        let mut items = page["items"].as_array().unwrap().iter();
        items.any(|it| it["asset"] == asset && it["gap"] == gap)
    };
    assert!(
        of(&page, "db", "no-backup") && !of(&page, "db", "no-owner"),
        "{page}"
    );
    assert!(!of(&page, "zoo", "no-owner"));
    let call = format!("GET /gaps?limit=2&after={}", page["next"].as_str().unwrap());
    let rest = api.done(&op, &call, &Value::Null).body;
    assert!(
        of(&rest, "zoo", "no-owner") && of(&rest, "zoo", "no-environment"),
        "{rest}"
    );
    assert_eq!(rest["next"], Value::Null);
    let wrong = api.call(&op, "GET /gaps?days=some", &[], &Value::Null);
    assert_eq!(wrong.status, 400);
}
