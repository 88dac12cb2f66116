use campaign::calendar::{Window, Zone};
use campaign::plan::{Plan, PlannedAsset, PlannedPatch, Ring, Wave};
use campaign::policy::{Due, Lane};
use campaign::{Action, Campaign, Done, Means, Move, Outcome, Retreat, Task, Word};
use store::{Error, Paging, Store};

use crate::backend::{BY, Backend, change};

crate::on_both!(
    a_campaign_is_kept_with_its_plan_and_what_people_do_with_it,
    a_task_begins_once_and_ends_once,
    a_campaign_is_worked_on_by_one_controller,
    nothing_begins_that_does_not_know_what_people_have_said,
    campaigns_are_listed_without_their_assets,
);

pub(crate) fn campaign() -> Campaign {
    let asset = |id: &str| PlannedAsset {
        id: id.to_owned(),
        patches: vec![0],
        dependents: Vec::new(),
        level: 0,
        quorum: None,
        services: Vec::new(),
        jobs: Vec::new(),
        automatic_updates: false,
        attended: false,
        checks: Vec::new(),
        backup: None,
        retreat: Retreat::Downgrade {},
        takes_ms: 60_000,
        owner: "operations".to_owned(),
    };
    let plan = Plan {
        lane: Lane::Monthly,
        patches: vec![PlannedPatch {
            id: "openssl".to_owned(),
            title: "OpenSSL – β".to_owned(),
            fixes: vec!["CVE-1".to_owned()],
            due: Due {
                patch: "openssl".to_owned(),
                lane: Lane::Monthly,
                due_ms: 5,
                because: vec!["it is old".to_owned()],
            },
            means: Means::Packages {
                names: vec!["openssl".to_owned()],
            },
        }],
        assets: vec![asset("db-1"), asset("web-1")],
        rings: vec![Ring {
            rule: None,
            name: "all".to_owned(),
            test: true,
            zone: Zone::try_from("Europe/Berlin".to_owned()).unwrap(),
            windows: vec![Window {
                opens_ms: 10,
                closes_ms: 10_000_000,
            }],
            waves: vec![Wave {
                assets: vec![0, 1],
                begins_ms: 10,
                takes_ms: 60_000,
            }],
            consents: Vec::new(),
            audience: Vec::new(),
            gate: Vec::new(),
        }],
        left_out: Vec::new(),
        freezes: Vec::new(),
        excepted: Vec::new(),
        remarks: Vec::new(),
    };
    let planned = Word {
        who: "alice".to_owned(),
        text: "the month".to_owned(),
        time_ms: 5,
    };
    Campaign {
        id: 0,
        title: "December".to_owned(),
        owner: "ops@example.org".to_owned(),
        contact: "555-0100".to_owned(),
        ..Campaign::of(plan, planned)
    }
}

pub(crate) fn task() -> Task {
    Task {
        key: "all/1/db-1/apply".to_owned(),
        ring: "all".to_owned(),
        asset: Some("db-1".to_owned()),
        action: Action::Apply {
            changes: Vec::new(),
        },
    }
}

/// A campaign that was started, in which something was begun.
pub(crate) fn begun(store: &Store) {
    change(store, |it| it.plan_campaign(|_| Ok(campaign())));
    let start = Move::Start {
        why: "it is time".to_owned(),
    };
    change(store, |it| it.move_campaign(1, &start, None));
    store
        .hold_campaign(1, "controller-1", |_| false, (0, 100))
        .unwrap();
    change(store, |it| it.begin_task(1, &task(), ("controller-1", 2)));
}

fn a_campaign_is_kept_with_its_plan_and_what_people_do_with_it(backend: &Backend) {
    let store = backend.open();
    let kept = change(&store, |it| it.plan_campaign(|_| Ok(campaign())));
    let expected = Campaign {
        id: 1,
        ..campaign()
    };
    assert_eq!((kept.version, &kept.value), (1, &expected));
    assert_eq!(store.read(|it| it.campaign(1)).unwrap(), kept);
    let start = Move::Start {
        why: "it is time".to_owned(),
    };
    let started = change(&store, |it| it.move_campaign(1, &start, Some(1)));
    assert_eq!(started.value.started.as_ref().unwrap().who, BY.who);
    assert_eq!(store.read(|it| it.campaign(1)).unwrap(), started);
    let again = store.change(&BY, |it| it.move_campaign(1, &start, None));
    assert!(again.unwrap_err().is_refused());
    let late = store.change(&BY, |it| it.move_campaign(1, &start, Some(1)));
    assert!(late.unwrap_err().is_changed());
    let entries = store.read(|it| it.audit(Some("campaign/1"), Paging::default()));
    let actions: Vec<_> = entries
        .unwrap()
        .items
        .into_iter()
        .map(|it| it.action)
        .collect();
    assert_eq!(actions, ["campaign.start", "campaign.plan"]);
    let lost = Campaign {
        follows: Some(9),
        ..campaign()
    };
    let lost = store.change(&BY, |it| it.plan_campaign(|_| Ok(lost)));
    assert!(lost.unwrap_err().is_missing());
}

fn a_task_begins_once_and_ends_once(backend: &Backend) {
    let store = backend.open();
    begun(&store);
    let refused = |outcome: Result<campaign::Entry, Error>, why: &str| {
        let told = outcome.unwrap_err();
        assert!(
            told.is_refused() && told.to_string().contains(why),
            "{told}"
        );
    };
    let begin = || store.change(&BY, |it| it.begin_task(1, &task(), ("controller-1", 2)));
    refused(begin(), "it is under way");
    let journal = store.read(|it| it.campaign_journal(1)).unwrap();
    assert_eq!(journal.open().count(), 1);
    let end = |outcome: Outcome| {
        store.change(&BY, |it| {
            it.end_task(1, &task().key, outcome, "controller-1")
        })
    };
    end(Outcome::Undone {}).unwrap();
    assert_eq!(begin().unwrap().attempts, 2);
    end(Outcome::Done(Done::default())).unwrap();
    refused(end(Outcome::Undone {}), "it has ended");
    refused(begin(), "it was done");
    let skip = store.change(&BY, |it| it.skip_task(1, &task(), "late", "controller-1"));
    refused(skip, "it was begun");
    store.read(|it| it.verify_audit(None)).unwrap();
}

fn a_campaign_is_worked_on_by_one_controller(backend: &Backend) {
    let store = backend.open();
    change(&store, |it| it.plan_campaign(|_| Ok(campaign())));
    let begin = |holder: &str| store.change(&BY, |it| it.begin_task(1, &task(), (holder, 1)));
    assert!(
        begin("one")
            .unwrap_err()
            .to_string()
            .contains("nobody works on campaign 1")
    );
    store.hold_campaign(1, "one", |_| false, (0, 100)).unwrap();
    store.hold_campaign(1, "one", |_| false, (50, 150)).unwrap();
    let other = store
        .hold_campaign(1, "two", |_| false, (149, 300))
        .unwrap_err();
    assert!(
        other.to_string().contains("one works on campaign 1"),
        "{other}"
    );
    store
        .hold_campaign(1, "two", |_| false, (150, 300))
        .unwrap();
    assert!(
        begin("one")
            .unwrap_err()
            .to_string()
            .contains("two works on campaign 1")
    );
    begin("two").unwrap();
    let gone = |holder: &str| holder == "two";
    store.hold_campaign(1, "three", gone, (151, 300)).unwrap();
    assert!(
        store
            .hold_campaign(9, "one", |_| false, (0, 1))
            .unwrap_err()
            .is_missing()
    );
}

fn nothing_begins_that_does_not_know_what_people_have_said(backend: &Backend) {
    let store = backend.open();
    begun(&store);
    let pause = Move::Pause {
        why: "something is wrong".to_owned(),
    };
    change(&store, |it| it.move_campaign(1, &pause, None));
    let other = Task {
        key: "all/1/web-1/apply".to_owned(),
        ..task()
    };
    let begin =
        |seen: i64| store.change(&BY, |it| it.begin_task(1, &other, ("controller-1", seen)));
    assert!(begin(2).unwrap_err().is_changed());
    begin(3).unwrap();
    let mut paging = Paging {
        after: None,
        most: Some(1),
    };
    let first = store.read(|it| it.campaign_tasks(1, paging)).unwrap();
    paging.after = first.next.as_deref();
    let second = store.read(|it| it.campaign_tasks(1, paging)).unwrap();
    assert_eq!(
        [&first.items[0].task, &second.items[0].task],
        [&task(), &other]
    );
    assert_eq!(second.next, None);
    assert!(
        store
            .read(|it| it.campaign_tasks(2, paging))
            .unwrap_err()
            .is_missing()
    );
}

fn campaigns_are_listed_without_their_assets(backend: &Backend) {
    let store = backend.open();
    for _ in 0..3 {
        change(&store, |it| it.plan_campaign(|_| Ok(campaign())));
    }
    let mut paging = Paging {
        after: None,
        most: Some(2),
    };
    let first = store.read(|it| it.campaigns(paging)).unwrap();
    assert!(first.items.iter().all(|it| it.value.plan.assets.is_empty()));
    paging.after = first.next.as_deref();
    let second = store.read(|it| it.campaigns(paging)).unwrap();
    let ids: Vec<i64> = [first.items, second.items]
        .concat()
        .iter()
        .map(|it| it.value.id)
        .collect();
    assert_eq!(ids, [1, 2, 3]);
    let planned = campaign().plan.assets;
    let mut told = Vec::new();
    let mut after = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(1),
        };
        let page = store.read(|it| it.campaign_assets(2, paging)).unwrap();
        assert_eq!(page.items.len(), 1);
        told.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(told, (0..).zip(planned).collect::<Vec<_>>());
    let missing = store.read(|it| it.campaign_assets(9, Paging::default()));
    assert!(missing.unwrap_err().is_missing());
}
