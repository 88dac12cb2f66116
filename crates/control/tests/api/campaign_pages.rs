//! Campaigns in the console, as a browser without scripts uses it.

use ledger::{Area, Role};
use serde_json::{Value, json};

use crate::campaigns::{description, fill};
use crate::console::Browser;
use crate::harness::Api;

/// The version of the campaign that a page's forms have seen.
fn seen(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"seen\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_campaign_is_reviewed_consented_to_started_and_paused_with_forms() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let shop = api.somebody("shop@example.org", Role::Approver);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let (op, shop) = (Browser::of(&api, &op), Browser::of(&api, &shop));

    let listed = op.look("/campaigns");
    assert!(listed.contains("The month") && listed.contains("planned"));
    let inbox = op.look("/inbox");
    assert!(inbox.contains("shop in production") && !inbox.contains("value=\"consent\""));

    let path = "/campaigns/1/review?patch=openssl-2&ring=test";
    let review = op.look(path);
    assert!(
        review.contains("openssl-2 is due 2024-11-01 in the urgent lane"),
        "{review}"
    );
    for ring in ["test", "production"] {
        let page = op.look(&format!("/campaigns/1/review?patch=openssl-2&ring={ring}"));
        let signed = op.send(
            "/campaigns/1/reviews",
            &[
                ("patch", "openssl-2"),
                ("ring", ring),
                ("seen", &seen(&page)),
                ("release_notes", "https://vendor.example/notes"),
                ("known_issues", "none <b>"),
                ("why", "nothing concerns us"),
            ],
        );
        assert_eq!(
            (signed.status, signed.header("location")),
            (303, "/inbox"),
            "{}",
            signed.html
        );
    }
    assert!(
        op.look("/inbox")
            .contains("No vendor patch waits for a review.")
    );
    assert!(op.look(path).contains("nothing concerns us"));

    let asked = shop.look("/inbox");
    let answer = |answer: &str, seen: &str| {
        shop.send(
            "/campaigns/1/answers",
            &[
                ("ring", "production"),
                ("service", "shop"),
                ("answer", answer),
                ("seen", seen),
                ("why", "we are open that night"),
            ],
        )
    };
    assert_eq!(
        answer("object", "1").status,
        412,
        "others have signed meanwhile"
    );
    assert_eq!(answer("object", &seen(&asked)).status, 303);
    assert!(
        op.look("/campaigns/1")
            .contains("shop@example.org objects for shop")
    );
    let asked = shop.look("/inbox");
    assert!(asked.contains("Objects: shop@example.org: we are open that night"));
    assert_eq!(answer("consent", &seen(&asked)).status, 303);
    assert!(
        shop.look("/inbox")
            .contains("No campaign waits for consent.")
    );

    for (step, state) in [
        ("start", "started"),
        ("pause", "paused"),
        ("resume", "started"),
    ] {
        let page = op.look("/campaigns/1");
        let moved = op.send(
            "/campaigns/1/moves",
            &[
                ("move", step),
                ("why", "it is time"),
                ("seen", &seen(&page)),
            ],
        );
        assert_eq!(moved.status, 303, "{}", moved.html);
        let mark = format!(">{state}</span>");
        assert!(op.look("/campaigns/1").contains(&mark), "{step}");
    }
    let board = op.look("/campaigns/1");
    assert_eq!(
        board.matches("<svg").count(),
        3,
        "the bar and both pictures"
    );
    assert!(board.contains("2 open"));
}

#[test]
fn whoever_follows_a_campaign_gets_a_page_that_is_shown_anew_and_has_no_forms() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let browser = Browser::of(&api, &op);
    let followed = browser.page("GET /campaigns/1?follow=1");
    assert_eq!(followed.header("refresh"), "5");
    assert!(!followed.html.contains("/campaigns/1/moves"));
    assert_eq!(browser.page("GET /campaigns/1").header("refresh"), "");
}

#[test]
fn the_report_is_a_page_and_files() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let browser = Browser::of(&api, &op);
    assert!(browser.look("/campaigns/1/report").contains("openssl-2"));
    for (ending, kind) in [
        ("html", "text/html; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("json", "application/json"),
    ] {
        let file = browser.page(&format!("GET /campaigns/1/report.{ending}"));
        assert_eq!(file.header("content-type"), kind);
        let name = format!("attachment; filename=\"campaign-1.{ending}\"");
        assert_eq!(file.header("content-disposition"), name);
        assert!(file.html.contains("openssl-2"));
    }
}

#[test]
fn the_calendar_shows_a_month() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let browser = Browser::of(&api, &op);
    assert!(browser.look("/calendar").contains("test wave 1, 1 asset"));
    // The rule goes on behind what was planned, but not while all is frozen.
    assert!(
        browser
            .look("/calendar?month=2030-11")
            .contains("production opens by its rule 2030-11-")
    );
    let december = browser.look("/calendar?month=2030-12");
    assert!(december.contains("production opens by its rule 2030-12-18 "));
    assert!(!december.contains("production opens by its rule 2030-12-19 "));
    assert!(december.contains("<h1>December 2030</h1>"));
    // From the 20th to the 31st, and the five days of the next month that are in the last week.
    assert_eq!(
        december
            .matches("all rings frozen: the year is closed")
            .count(),
        17
    );
    let wrong = browser.page("GET /calendar?month=winter");
    assert_eq!(wrong.status, 400);
}

#[test]
fn campaigns_are_shown_to_those_alone_who_may_see_them() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let (_, other) = api.token("other", Role::Admin, &[Area::Inventory], i64::MAX);
    let other = Browser::of(&api, &other);
    for path in [
        "/campaigns",
        "/campaigns/1",
        "/campaigns/1/report.csv",
        "/calendar",
        "/inbox",
    ] {
        assert_eq!(other.page(&format!("GET {path}")).status, 403, "{path}");
    }
    let viewer = api.somebody("viewer", Role::Viewer);
    let viewer = Browser::of(&api, &viewer);
    assert!(!viewer.look("/campaigns/1").contains("/campaigns/1/moves"));
    let moved = viewer.send("/campaigns/1/moves", &[("move", "start"), ("why", "x")]);
    assert_eq!(moved.status, 403);
    let log = api
        .done(&op, "GET /audit?subject=campaign/1", &Value::Null)
        .body;
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}

#[test]
fn today_puts_what_is_exploited_unshielded_and_unfixed_before_all_else() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let critical = json!({ "id": "CVE-2", "title": "Another flaw", "severity": "critical" });
    api.done(&op, "POST /advisories", &critical);
    let finding = json!({ "advisory": "CVE-2", "subject": { "asset": "db" } });
    api.done(&op, "POST /findings", &finding);
    api.done(&op, "POST /campaigns", &description());
    let browser = Browser::of(&api, &op);
    let order = || {
        let html = browser.look("/");
        let mut at: Vec<_> = [
            "CVE-1 in asset/trial",
            "CVE-1 in asset/db",
            "CVE-2 in asset/db",
            "should have been started",
            "that nobody has reviewed",
        ]
        .iter()
        .map(|text| (html.find(text), *text))
        .collect();
        at.sort();
        let there = at.into_iter().filter(|(place, _)| place.is_some());
        there.map(|(_, text)| text).collect::<Vec<_>>()
    };
    assert_eq!(
        order(),
        [
            "CVE-1 in asset/trial",
            "CVE-1 in asset/db",
            "CVE-2 in asset/db",
            "should have been started",
            "that nobody has reviewed",
        ]
    );
    assert!(
        browser
            .look("/")
            .contains("First: it is exploited now, unshielded and unfixed")
    );
    // A planned fix that does not come in time leaves it as urgent as what may be exploited.
    let planned = json!({ "schedule": { "by": "campaign 1", "due_ms": 1 } });
    api.done(&op, "POST /findings/1/moves", &planned);
    let html = browser.look("/");
    assert!(
        html.contains("campaign 1 was to fix it until 1970-01-01 00:00 UTC, and nothing protects")
    );
    assert_eq!(order()[0], "CVE-1 in asset/db");
}

#[test]
fn what_was_pasted_is_shown_to_whoever_signs_and_named_in_the_review() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let browser = Browser::of(&api, &op);
    let page = "/campaigns/1/review?patch=openssl-2&ring=test";
    for (kind, text) in [
        (
            "release-notes",
            "<html><body><p>Fixes <b>CVE-1</b></body></html>",
        ),
        ("known-issues", "Old keys are <refused>."),
    ] {
        let seen = seen(&browser.look(page));
        let kept = browser.send(
            "/campaigns/1/notes",
            &[
                ("patch", "openssl-2"),
                ("ring", "test"),
                ("kind", kind),
                ("text", text),
                ("seen", &seen),
                ("why", "the vendor's page"),
            ],
        );
        assert_eq!(
            (kept.status, kept.header("location")),
            (303, page),
            "{}",
            kept.html
        );
    }
    let html = browser.look(page);
    assert!(html.contains(">Fixes CVE-1</pre>"), "{html}");
    assert!(html.contains("Old keys are &#60;refused&#62;."));
    let sign = |seen: &str| {
        browser.send(
            "/campaigns/1/reviews",
            &[
                ("patch", "openssl-2"),
                ("ring", "test"),
                ("why", "no old keys here"),
                ("seen", seen),
            ],
        )
    };
    assert_eq!(sign("1").status, 412, "something came that was not shown");
    assert_eq!(sign(&seen(&html)).status, 303);
    let patches = api.done(&op, "GET /campaigns/1/patches", &Value::Null).body;
    let read = &patches["items"][0]["reviews"][0]["read"];
    assert_eq!(
        read[1]["digest"],
        ledger::sha256(b"Old keys are <refused>.")
    );
}

#[test]
fn a_campaign_is_planned_with_a_form_and_looked_at_before_it_is_kept() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let viewer = api.somebody("viewer", Role::Viewer);
    fill(&api, &op);
    let browser = Browser::of(&api, &op);
    let none = |what: &str| {
        let kept = api.done(&op, "GET /campaigns", &Value::Null).body;
        assert_eq!(kept["items"], json!([]), "{what}");
    };
    let send = |description: &str, step: &str| {
        browser.send(
            "/campaigns/new",
            &[
                ("description", description),
                ("do", step),
                ("why", "the month"),
            ],
        )
    };
    let starter = browser.look("/campaigns/new");
    assert!(starter.contains("FREQ=MONTHLY;BYDAY=2TU") && starter.contains("owner: &#34;op&#34;"));

    for (description, trouble) in [
        ("title: <b>\nrings: 7", "description: "),
        (
            "{title: a, owner: b, contact: c, rings: [], patches: []}",
            "ring",
        ),
    ] {
        for step in ["look", "keep"] {
            let refused = send(description, step);
            assert_eq!(refused.status, 200, "{}", refused.html);
            let (_, alert) = refused.html.split_once("role=\"alert\">").unwrap();
            let (alert, form) = alert.split_once("</p>").unwrap();
            assert!(alert.contains(trouble), "{alert}");
            assert!(
                form.contains(&description[..6]),
                "what was typed is still there"
            );
            assert!(!form.contains("<b>"));
        }
    }
    none("what is wrong is not kept");

    // JSON is YAML, too.
    let described = description()["description"].to_string();
    let look = send(&described, "look");
    assert!(
        look.html.contains("openssl-2 URGENT: CVE-1 is known"),
        "{}",
        look.html
    );
    assert!(look.html.contains("in 2 rings. campaign (draft); ops@"));
    assert_eq!(look.html.matches("<svg").count(), 2);
    none("a look keeps nothing");
    let unseen = send(&described, "keep");
    assert!(
        unseen.html.contains("Nothing is kept yet"),
        "{}",
        unseen.html
    );
    let (_, looked) = look.html.split_once("name=\"looked\" value=\"").unwrap();
    let looked = looked.split_once('"').unwrap().0;
    let keep = |description: &str| {
        let form = [
            ("description", description),
            ("do", "keep"),
            ("looked", looked),
            ("why", "the month"),
        ];
        browser.send("/campaigns/new", &form)
    };
    let other = described.replace("The month", "Another");
    assert!(keep(&other).html.contains("Nothing is kept yet"));
    none("what was not looked at is not kept");
    let kept = keep(&format!("{described}\r\n"));
    assert_eq!(
        (kept.status, kept.header("location")),
        (303, "/campaigns/1"),
        "{}",
        kept.html
    );
    assert!(browser.look("/campaigns").contains("The month"));

    let viewer = Browser::of(&api, &viewer);
    assert!(!viewer.look("/campaigns").contains("/campaigns/new"));
    assert_eq!(viewer.page("GET /campaigns/new").status, 403);
    let form = [
        ("description", &*described),
        ("do", "keep"),
        ("why", "the month"),
    ];
    assert_eq!(viewer.send("/campaigns/new", &form).status, 403);
}

#[test]
fn a_text_to_read_is_fetched_with_a_form() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let viewer = api.somebody("viewer", Role::Viewer);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let page = "/campaigns/1/review?patch=openssl-2&ring=test";
    let fetch = |browser: &Browser<'_>, address: &str, seen: &str| {
        browser.send(
            "/campaigns/1/fetch",
            &[
                ("patch", "openssl-2"),
                ("ring", "test"),
                ("kind", "release-notes"),
                ("address", address),
                ("seen", seen),
                ("why", "to be read"),
            ],
        )
    };
    let (browser, viewer) = (Browser::of(&api, &op), Browser::of(&api, &viewer));
    let shown = seen(&browser.look(page));
    assert!(!viewer.look(page).contains("/campaigns/1/fetch"));
    assert_eq!(
        fetch(&viewer, "https://vendor.example/2", &shown).status,
        403
    );
    let refused = fetch(&browser, "file:///etc/passwd", &shown);
    assert_eq!(refused.status, 422, "{}", refused.html);
    assert!(refused.html.contains("file:///etc/passwd cannot be asked"));
    let kept = fetch(&browser, "https://vendor.example/2", &shown);
    assert_eq!(
        (kept.status, kept.header("location")),
        (303, page),
        "{}",
        kept.html
    );
    let html = browser.look(page);
    assert!(html.contains("from https://vendor.example/2"));
    assert!(html.contains("what https://vendor.example/2 says"));
}

#[test]
fn the_calendar_shows_planned_fixes_and_ends_of_exceptions_to_those_who_see_findings() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let ann = api.somebody("ann", Role::Approver);
    fill(&api, &op);
    // The 6th and the 21st of June 2040.
    let planned = json!({ "schedule": { "by": "change 7", "due_ms": 2_222_553_600_000_i64 } });
    for finding in [1, 2] {
        api.done(&op, &format!("POST /findings/{finding}/moves"), &planned);
    }
    let critical = json!({ "id": "CVE-2", "title": "Another flaw", "severity": "critical" });
    api.done(&op, "POST /advisories", &critical);
    let found = json!({ "advisory": "CVE-2", "subject": { "asset": "db" } });
    api.done(&op, "POST /findings", &found);
    let terms = json!({ "about": { "findings": [3] }, "reason": "the vendor is gone", "owner": "op",
        "expires_ms": 2_223_849_600_000_i64,
        "protection": { "other-control": { "what": "it is switched off",
            "evidence": { "seen": "the switch", "recheck_ms": 2_223_849_600_000_i64 } } } });
    api.done(&op, "POST /exceptions", &terms);
    let page = "/calendar?month=2040-06";
    let browser = Browser::of(&api, &op);
    assert!(
        !browser.look(page).contains("the vendor is gone"),
        "nobody consented"
    );
    api.done(&ann, "POST /exceptions/1/approvals", &Value::Null);
    let shown = browser.look(page);
    assert!(shown.contains("href=\"/findings/1\">fix: CVE-1 in 2 places by change 7</a>"));
    assert!(shown.contains("href=\"/exceptions/1\">exception: 1 ends: the vendor is gone</a>"));
    let (_, other) = api.token("other", Role::Admin, &[Area::Campaigns], i64::MAX);
    let other = Browser::of(&api, &other).look(page);
    assert!(!other.contains("CVE-1") && !other.contains("the vendor is gone"));

    // Another plan for the same day is another entry; what is not planned any more is none.
    let other = json!({ "schedule": { "by": "change 8", "due_ms": 2_222_553_600_000_i64 } });
    api.done(&op, "POST /findings/2/moves", &json!({ "unschedule": {} }));
    let shown = browser.look(page);
    assert!(shown.contains("fix: CVE-1 in 1 place by change 7</a>"));
    api.done(&op, "POST /findings/2/moves", &other);
    assert!(
        browser
            .look(page)
            .contains("href=\"/findings/2\">fix: CVE-1 in 1 place by change 8</a>")
    );
    assert!(!browser.look("/calendar?month=2040-07").contains("fix: "));
}

#[test]
fn on_a_busy_day_the_calendar_shows_some_of_each_kind_and_counts_the_rest() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    for number in 10..22 {
        let id = format!("CVE-{number}");
        let flaw = json!({ "id": id, "title": "A flaw", "severity": "high" });
        api.done(&op, "POST /advisories", &flaw);
        let found = json!({ "advisory": id, "subject": { "asset": "db" } });
        let made = api.done(&op, "POST /findings", &found).body;
        let finding = made["value"]["id"].as_i64().unwrap();
        // In the night of a window of both rings, and while all is frozen.
        let planned = json!({ "schedule": { "by": "change 7", "due_ms": 1_924_300_800_000_i64 } });
        api.done(&op, &format!("POST /findings/{finding}/moves"), &planned);
    }
    let mut many = description();
    let names = (0..12).map(|it| format!("ring{it}"));
    many["description"]["freezes"] = names
        .map(|name| json!({ "from": "2030-12-20", "until": "2031-01-06", "why": name }))
        .collect();
    api.done(&op, "POST /campaigns", &many);
    let browser = Browser::of(&api, &op);
    let page = browser.look("/calendar?month=2030-12");
    let (_, day) = page.split_once("<strong>24</strong>").unwrap();
    let day = day.split_once("</td>").unwrap().0;
    let count = |text: &str| day.matches(text).count();
    assert_eq!(
        (count(">freeze: "), count(">fix: ")),
        (4 + 1, 4 + 1),
        "{day}"
    );
    assert!(day.contains(">freeze: 8 more<") && day.contains(">fix: 8 more<"));
}

#[test]
fn the_calendar_says_what_it_leaves_out() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    api.done(&op, "POST /campaigns", &description());
    let told = |target: &str| api.done(&op, target, &Value::Null).body["left_out"].clone();
    assert_eq!(told("GET /calendar"), json!([]));
    // Each day has a window, of which a year and some days are looked at behind the plan.
    let far = "GET /calendar?from_ms=1735689600000&until_ms=1770000000000";
    assert_eq!(told(far), json!([]), "all of it is past");
    api.store
        .change(
            &store::By {
                who: "op",
                why: "a test",
                now_ms: 1,
            },
            |it| {
                for number in 0..1002 {
                    let id = format!("CVE-{}", 10_000 + number);
                    it.add(&ledger::Advisory::new(&id, ledger::Severity::Low))?;
                    let subject = ledger::Subject::Asset("db".to_owned());
                    let finding = it.open_finding(&id, &subject)?.finding.value.id;
                    let schedule = ledger::Move::Schedule(ledger::Schedule {
                        by: "change 7".to_owned(),
                        due_ms: 2_222_553_600_000,
                    });
                    it.move_finding(finding, &schedule, None)?;
                }
                Ok(())
            },
        )
        .unwrap();
    let june = "GET /calendar?from_ms=2222467200000&until_ms=2222640000000";
    assert_eq!(told(june), json!(["2 planned fixes behind the first 1000"]));
    let page = Browser::of(&api, &op).look("/calendar?month=2040-06");
    assert!(page.contains("Not shown: 2 planned fixes behind the first 1000."));
}
