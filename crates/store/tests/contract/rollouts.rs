use ledger::Environment::{self, Production, Test};
use ledger::rollout::{Move, Policy, Rules, Stage};
use ledger::{Rollout, VirtualPatch};
use store::{By, Error, Paging, RolloutFilter, Start, Store, Stored};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    a_rollout_goes_its_way_and_every_step_is_kept,
    a_rollout_needs_a_proof_of_the_present_document,
    one_document_is_deployed_to_one_environment_once,
    a_proof_that_is_owed_can_be_brought,
    rollouts_are_listed_by_patch_and_stage,
);

const POLICY: Policy = Policy { two_persons: true };

fn start(store: &Store, to: Environment) -> Result<Stored<Rollout>, Error> {
    let proof = sample::proof(&sample::patch("p", &[]));
    store.change(&BY, |it| {
        it.start_rollout("p", &Start::Proven(&proof), to, Rules::default())
    })
}

fn step(store: &Store, who: &str, step: &Move) -> Result<Stored<Rollout>, Error> {
    let by = By { who, ..BY };
    store.change(&by, |it| it.move_rollout(1, step, POLICY, None))
}

fn a_rollout_goes_its_way_and_every_step_is_kept(backend: &Backend) {
    let store = sample::filled(backend);
    assert_eq!(start(&store, Production).unwrap().value.started_by, "alice");
    for _ in 0..4 {
        step(&store, "alice", &Move::Promote {}).unwrap();
    }
    let alone = step(&store, "alice", &Move::Promote {}).unwrap_err();
    assert!(alone.is_refused() && alone.to_string().contains("somebody other"));
    step(&store, "bob", &Move::Approve {}).unwrap();
    let enforced = step(&store, "alice", &Move::Promote {}).unwrap();
    assert_eq!(
        (enforced.version, enforced.value.stage),
        (7, Stage::Enforce)
    );
    assert_eq!(store.read(|it| it.rollout(1)).unwrap(), enforced);
    // The fix decides whether a patch that stops people may go.
    assert!(
        step(&store, "alice", &Move::Retire {})
            .unwrap_err()
            .is_refused()
    );
    let mut patch = sample::patch("p", &["CVE-1"]);
    patch.fix.verified_by = Some("probe".to_owned());
    change(&store, |it| it.replace(&patch, None));
    let retired = step(&store, "alice", &Move::Retire {}).unwrap();
    assert_eq!(retired.value.stage, Stage::Retired);
    let late = store.change(&BY, |it| {
        it.move_rollout(1, &Move::Demote {}, POLICY, Some(7))
    });
    assert!(late.unwrap_err().is_changed());
    let entries = store.read(|it| it.audit(Some("rollout/1"), Paging::default()));
    let told: Vec<_> = entries
        .unwrap()
        .items
        .into_iter()
        .map(|entry| (entry.who, entry.action))
        .collect();
    assert_eq!(told[0], ("alice".to_owned(), "rollout.retire".to_owned()));
    assert_eq!(told[2], ("bob".to_owned(), "rollout.approve".to_owned()));
    assert_eq!(told.len(), 8);
}

fn a_rollout_needs_a_proof_of_the_present_document(backend: &Backend) {
    let store = sample::filled(backend);
    let mut patch: VirtualPatch = store.read(|it| it.get("p")).unwrap().value;
    patch.document.push_str("# changed\n");
    change(&store, |it| it.replace(&patch, None));
    let stale = start(&store, Test).unwrap_err();
    assert!(stale.is_refused() && stale.to_string().contains("another document"));
    let none = store.change(&BY, |it| {
        it.start_rollout(
            "none",
            &Start::Owed("exploited", 5_000),
            Test,
            Rules::default(),
        )
    });
    assert!(none.unwrap_err().to_string().contains("no patch none"));
}

fn one_document_is_deployed_to_one_environment_once(backend: &Backend) {
    let store = sample::filled(backend);
    start(&store, Test).unwrap();
    assert!(start(&store, Test).unwrap_err().is_existing());
    assert_eq!(start(&store, Production).unwrap().value.id, 2);
    step(&store, "alice", &Move::Retire {}).unwrap();
    let third = start(&store, Test).unwrap();
    assert_eq!(third.value.id, 3);
    // The first may not come back beside it.
    assert!(
        step(&store, "alice", &Move::Demote {})
            .unwrap_err()
            .is_existing()
    );
}

fn a_proof_that_is_owed_can_be_brought(backend: &Backend) {
    let store = sample::filled(backend);
    change(&store, |it| {
        it.start_rollout(
            "p",
            &Start::Owed("exploited", 5_000),
            Test,
            Rules::default(),
        )
    });
    let emergency = Move::Emergency {
        reason: "exploited".to_owned(),
        proof_due_ms: 5_000,
    };
    let enforced = step(&store, "alice", &emergency).unwrap();
    assert_eq!(enforced.value.stage, Stage::Enforce);
    assert!(enforced.value.proof_is_overdue(5_000));
    let patch: VirtualPatch = store.read(|it| it.get("p")).unwrap().value;
    let mut proof = sample::proof(&patch);
    proof.objections = vec!["1 variant passes".to_owned()];
    let doubtful = store.change(&BY, |it| it.prove_rollout(1, &proof, None));
    assert!(
        doubtful
            .unwrap_err()
            .to_string()
            .contains("1 variant passes")
    );
    proof.objections.clear();
    let proven = change(&store, |it| it.prove_rollout(1, &proof, Some(2)));
    assert!(!proven.value.proof_is_overdue(i64::MAX));
}

fn rollouts_are_listed_by_patch_and_stage(backend: &Backend) {
    let store = sample::filled(backend);
    change(&store, |it| it.add(&sample::patch("q", &["CVE-1"])));
    for (patch, to) in [("p", Test), ("q", Test), ("p", Production)] {
        let owed = Start::Owed("exploited", 5_000);
        change(&store, |it| {
            it.start_rollout(patch, &owed, to, Rules::default())
        });
    }
    step(&store, "alice", &Move::Retire {}).unwrap();
    let listed = |patch: Option<&str>, stage, most, after: Option<&str>| {
        let filter = RolloutFilter {
            patch: patch.map(str::to_owned),
            stage,
        };
        let paging = Paging {
            after,
            most: Some(most),
        };
        let page = store.read(|it| it.rollouts(&filter, paging)).unwrap();
        let ids: Vec<_> = page.items.iter().map(|item| item.value.id).collect();
        (ids, page.next)
    };
    assert_eq!(listed(None, None, 200, None), (vec![1, 2, 3], None));
    assert_eq!(listed(Some("p"), None, 200, None).0, [1, 3]);
    assert_eq!(listed(None, Some(Stage::Test), 200, None).0, [2, 3]);
    assert_eq!(listed(Some("p"), Some(Stage::Retired), 200, None).0, [1]);
    let (first, next) = listed(None, None, 2, None);
    assert_eq!(
        (first, listed(None, None, 2, next.as_deref()).0),
        (vec![1, 2], vec![3])
    );
}
