//! What becomes due as time passes and traffic comes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ledger::due::{
    GUARDED_MS, WARNING_MS, moves, of_exception, of_finding, of_patch, of_rollout, watched,
};
use ledger::exception::{self, About, Evidence, Protection, Terms};
use ledger::rollout::{Move, Policy, Rules, Signals, Stage};
use ledger::{
    Advisory, AwaitedFix, Environment, Exception, Finding, Limits, Reason, Rollout, Severity,
    Subject, VirtualPatch,
};

const NOW: i64 = 10 * GUARDED_MS;
const POLICY: Policy = Policy { two_persons: false };

fn patch() -> VirtualPatch {
    VirtualPatch {
        id: "p".to_owned(),
        title: "p".to_owned(),
        advisories: vec!["CVE-1".to_owned()],
        owner: "web".to_owned(),
        reason: Reason::ThirdParty,
        expires_ms: NOW,
        fix: AwaitedFix {
            link: "release 2".to_owned(),
            verified_by: None,
        },
        document: "stopgap: 1\n".to_owned(),
    }
}

fn rollout(stage: Stage) -> Rollout {
    let rules = Rules {
        automatic_until: Some(Stage::Canary),
        ..Rules::default()
    };
    let owed = ("exploited".to_owned(), 5);
    let to = (Environment::Production, rules);
    let limits = Limits::default();
    let started = Rollout::start_unproven(1, &patch(), owed, to, ("a", 1), &limits);
    Rollout {
        stage,
        share_percent: (stage == Stage::Canary).then_some(5),
        ..started.unwrap()
    }
}

fn finding() -> Finding {
    let advisory = Advisory {
        title: "t".to_owned(),
        ..Advisory::new("CVE-1", Severity::High)
    };
    Finding::open(1, &advisory, Subject::Application("shop".to_owned()), 1)
}

#[test]
fn a_step_is_watched_where_it_takes_effect_as_long_as_that_can_change_anything() {
    use Environment::{Production, Test};
    assert_eq!(watched(&rollout(Stage::Test), NOW), Some(Test));
    assert_eq!(watched(&rollout(Stage::Shadow), NOW), Some(Production));
    let mut enforced = rollout(Stage::Enforce);
    assert_eq!(watched(&enforced, NOW), None, "it stands for long");
    enforced.false_positives = 1;
    assert_eq!(watched(&enforced, NOW), Some(Production));
    enforced.false_positives = 0;
    enforced.since_ms = NOW - 1;
    assert_eq!(watched(&enforced, NOW), Some(Production));
    let mut paused = rollout(Stage::Shadow);
    paused.paused = Some("holiday".to_owned());
    assert_eq!(watched(&paused, NOW), None);
    assert_eq!(watched(&rollout(Stage::Retired), NOW), None);
}

#[test]
fn what_goes_back_by_itself_is_paused() {
    let seen = Signals {
        false_positives: 1,
        ..Signals::default()
    };
    let (moves_, why) = moves(&rollout(Stage::Canary), &seen, POLICY, NOW);
    assert_eq!(why, "it stopped legitimate requests");
    assert!(matches!(&moves_[..], [Move::Demote {}, Move::Pause { .. }]));
    let (none, _) = moves(&rollout(Stage::Canary), &Signals::default(), POLICY, NOW);
    assert!(none.is_empty());
}

#[test]
fn a_proof_that_is_overdue_is_told() {
    let owed = rollout(Stage::Enforce);
    assert!(matches!(
        owed.evidence,
        ledger::rollout::Evidence::Owed { .. }
    ));
    assert_eq!(of_rollout(&owed, 4), None);
    let told = of_rollout(&owed, 5).unwrap();
    assert_eq!(told.action, "rollout.proof-overdue");
    assert_eq!(of_rollout(&rollout(Stage::Retired), 5), None);
}

#[test]
fn a_patch_tells_of_its_expiry_before_and_after() {
    let told = |now_ms| of_patch(&patch(), now_ms).map(|telling| telling.action);
    assert_eq!(told(NOW - WARNING_MS - 1), None);
    assert_eq!(told(NOW - WARNING_MS), Some("patch.expiring"));
    assert_eq!(told(NOW), Some("patch.expired"));
    let mut fixed = patch();
    fixed.fix.verified_by = Some("probe".to_owned());
    let told = of_patch(&fixed, 1).unwrap();
    assert_eq!(told.action, "patch.propose-retirement");
}

#[test]
fn a_finding_is_shielded_as_long_as_its_patch_is_enforced() {
    use ledger::Move::{Expose, Shield};
    let open = finding();
    let patch = "p".to_owned();
    assert_eq!(of_finding(&open, "p", true), Some(Shield { patch }));
    assert_eq!(of_finding(&open, "p", false), None);
    let mut shielded = open;
    shielded.shield = Some("p".to_owned());
    assert_eq!(of_finding(&shielded, "p", true), None);
    assert_eq!(of_finding(&shielded, "p", false), Some(Expose {}));
    assert_eq!(
        of_finding(&shielded, "q", false),
        None,
        "another shields it"
    );
}

#[test]
fn an_exception_that_ends_soon_is_told_and_again_when_its_time_has_changed() {
    let evidence = |recheck_ms| Evidence {
        seen: "a scan".to_owned(),
        recheck_ms,
    };
    let terms = Terms {
        about: About::Findings(vec![1]),
        reason: "r".to_owned(),
        owner: "o".to_owned(),
        expires_ms: NOW + 9 * WARNING_MS,
        protection: Protection::NetworkIsolation(evidence(NOW + 2 * WARNING_MS)),
    };
    let (limits, policy) = (Limits::default(), Policy { two_persons: true });
    let asked = Exception::request(1, terms, vec![1], ("ann", NOW), &limits).unwrap();
    let far_ms = NOW + WARNING_MS;
    assert_eq!(of_exception(&asked, far_ms), None, "nobody has approved it");
    let step = exception::Move::Approve {};
    let counts = asked.after(&step, policy, ("bob", NOW), &limits).unwrap();
    assert_eq!(of_exception(&counts, far_ms - 1), None);
    let told = of_exception(&counts, far_ms).unwrap();
    assert_eq!((told.action, told.since_ms), ("exception.ending", far_ms));
    let step = exception::Move::Recheck(evidence(NOW + 3 * WARNING_MS));
    let again = counts.after(&step, policy, ("bob", far_ms), &limits);
    assert_eq!(of_exception(&again.unwrap(), far_ms), None);
}
