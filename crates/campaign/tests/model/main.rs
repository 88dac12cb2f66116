//! A campaign on hosts that are not there, with a controller that dies at any moment.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod made;
mod people;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use campaign::machine::{Fate, Signals, fates, next_step};
use campaign::{
    Action, Answer, Campaign, Entry, Evidence, Journal, Move, Origin, Outcome, Review, Source,
    SourceKind, Step, Task, Waiting, Word,
};
use proptest::prelude::*;

use made::{Shape, campaign, shapes};
use world::{Nature, World};

const MINUTE_MS: i64 = 60_000;
/// More steps than any of these campaigns has.
const ENDLESS: usize = 20_000;

/// When the controller dies: while so many-th task, and whether the host had done it by then.
#[derive(Debug, Clone, Copy)]
enum Death {
    BeforeDoing(usize),
    AfterDoing(usize),
}

struct Run<'w> {
    campaign: Campaign,
    journal: Journal,
    world: World<'w>,
    now_ms: i64,
    running: BTreeMap<String, Task>,
    begun: Vec<String>,
    deaths: Vec<Death>,
    /// Whether stakeholders never answer, their delegates do.
    stakeholders_are_silent: bool,
}

fn word(who: &str, text: &str) -> Word {
    Word {
        who: who.to_owned(),
        text: text.to_owned(),
        time_ms: 0,
    }
}

impl<'w> Run<'w> {
    fn new(campaign: &Campaign, world: World<'w>, deaths: Vec<Death>) -> Self {
        let start = Move::Start { why: String::new() };
        Self {
            now_ms: made::NOW_MS,
            campaign: campaign
                .after(&start, "ops@example.org", made::NOW_MS)
                .unwrap(),
            journal: Journal::default(),
            world,
            running: BTreeMap::new(),
            begun: Vec::new(),
            deaths,
            stakeholders_are_silent: false,
        }
    }

    /// Until the end, with people who answer at once.
    fn until_the_end(&mut self) {
        for _ in 0..ENDLESS {
            let seen = Signals {
                running: self.running.keys().cloned().collect(),
            };
            match next_step(&self.campaign, &self.journal, &seen, self.now_ms) {
                Step::Do(task) => self.begin(task),
                Step::Inspect(task) => {
                    let found = self.world.inspect(&task);
                    self.end(&task, Outcome::from(found));
                }
                Step::Skip(task, why) => {
                    let entry = Entry::skip(self.journal.get(&task.key), &task, &why, self.now_ms);
                    self.journal.keep(entry.unwrap());
                }
                Step::Wait(why) => self.wait(&why),
                Step::End => return,
            }
        }
        panic!(
            "no end after {ENDLESS} steps; the last: {:?}",
            self.begun.last()
        );
    }

    fn begin(&mut self, task: Task) {
        if let Action::Apply { .. } = task.action {
            let failed = fates(&self.campaign, &self.journal);
            let ring = |at: usize| &self.campaign.plan.rings[at].name;
            let failed = failed
                .iter()
                .filter(|it| it.fate.is_failure() && *ring(it.ring) == task.ring);
            let most = self.campaign.rules.failures as usize;
            assert!(
                failed.count() <= most,
                "{} though too many failed",
                task.key
            );
        }
        let parallel = self.campaign.rules.parallel as usize;
        assert!(self.running.len() < parallel, "{} beside others", task.key);
        let entry = Entry::begin(self.journal.get(&task.key), &task, self.now_ms).unwrap();
        if entry.attempts == 1 {
            self.world.may_begin(&task, self.now_ms);
        }
        self.journal.keep(entry);
        self.begun.push(task.key.clone());
        let number = self.begun.len();
        let dies = self.deaths.iter().find(|death| match death {
            Death::BeforeDoing(at) | Death::AfterDoing(at) => *at == number,
        });
        self.running.insert(task.key.clone(), task);
        if let Some(death) = dies {
            if let Death::AfterDoing(_) = death {
                for task in self.running.values() {
                    let _ = self.world.carry_out(task);
                }
            }
            self.running.clear();
        }
    }

    fn end(&mut self, task: &Task, outcome: Outcome) {
        let entry = self.journal.get(&task.key).unwrap();
        self.journal.keep(entry.end(outcome, self.now_ms).unwrap());
        for became in fates(&self.campaign, &self.journal) {
            if became.fate != (Fate::Open {}) {
                let id = &self.campaign.plan.assets[became.asset as usize].id;
                self.world.has_ended(id);
            }
        }
    }

    /// Lets time pass, or people answer.
    fn wait(&mut self, why: &[Waiting]) {
        if let Some((_, task)) = self.running.pop_first() {
            self.now_ms += self.world.takes_ms(&task);
            let outcome = match self.world.carry_out(&task) {
                Ok(done) => Outcome::Done(done),
                Err(failure) => Outcome::Failed(failure),
            };
            return self.end(&task, outcome);
        }
        for why in why {
            let step = match why {
                Waiting::Until { time_ms, .. } => {
                    assert!(*time_ms > self.now_ms, "{why:?} is not ahead");
                    self.now_ms = *time_ms;
                    continue;
                }
                Waiting::ForReview { ring, patch } => Move::Review(review(ring, patch)),
                Waiting::ForEvidence { patch, .. } => Move::Show(Evidence {
                    patch: patch.clone(),
                    from: Origin::Provider {
                        name: "the vendor".to_owned(),
                    },
                    reboot: false,
                    took_ms: None,
                    word: word("", "runs at others"),
                }),
                Waiting::ForConsent {
                    who, deadline_ms, ..
                } if self.stakeholders_are_silent && who.len() == 1 => {
                    assert!(*deadline_ms > self.now_ms, "{why:?} is not ahead");
                    self.now_ms = *deadline_ms;
                    continue;
                }
                Waiting::ForConsent {
                    ring, service, who, ..
                } => {
                    let answer = Answer {
                        ring: ring.clone(),
                        service: service.clone(),
                        consents: true,
                        word: word("", ""),
                    };
                    let step = Move::Answer(answer);
                    let last = &who[who.len() - 1];
                    let who = if self.stakeholders_are_silent {
                        last
                    } else {
                        &who[0]
                    };
                    self.campaign = self.campaign.after(&step, who, self.now_ms).unwrap();
                    continue;
                }
                other => panic!("{other:?}, and nobody is left to end it"),
            };
            self.campaign = self.campaign.after(&step, "ann", self.now_ms).unwrap();
        }
    }

    /// What must be true at the end of any campaign.
    fn has_ended_well(&self) {
        assert_eq!(self.world.held(), Vec::<&String>::new(), "jobs on hold");
        assert_eq!(
            self.world.stopped(),
            Vec::<&String>::new(),
            "services stopped"
        );
        for became in fates(&self.campaign, &self.journal) {
            let id = &self.campaign.plan.assets[became.asset as usize].id;
            let installed = self.world.is_installed(id);
            match became.fate {
                Fate::Done { .. } => assert!(installed, "{id} is done"),
                Fate::Skipped { .. } | Fate::RolledBack { .. } => assert!(!installed, "{id}"),
                Fate::Failed { .. } => {}
                Fate::Open {} => panic!("{id} has no end"),
            }
        }
        let reports = self.begun.iter().filter(|key| *key == "report");
        assert!(reports.count() >= 1);
    }
}

fn review(ring: &str, patch: &str) -> Review {
    let read = |kind| Source {
        kind,
        text: "https://vendor.example/notes".to_owned(),
        digest: None,
    };
    Review {
        patch: patch.to_owned(),
        ring: ring.to_owned(),
        read: vec![
            read(SourceKind::ReleaseNotes),
            read(SourceKind::KnownIssues),
        ],
        issue: None,
        word: word("", "read"),
    }
}

fn run(shape: &Shape, deaths: Vec<Death>) -> (Vec<String>, BTreeMap<String, Fate>) {
    let campaign = campaign(shape);
    let world = World::new(&campaign.plan, shape.natures());
    let mut run = Run::new(&campaign, world, deaths);
    run.until_the_end();
    run.has_ended_well();
    let fates = fates(&run.campaign, &run.journal).into_iter().map(|it| {
        let id = run.campaign.plan.assets[it.asset as usize].id.clone();
        (id, it.fate)
    });
    (run.begun.clone(), fates.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_whenever_the_controller_dies_all_promises_hold(
        shape in shapes(),
        deaths in prop::collection::vec((1_usize..120, any::<bool>()), 0..6),
    ) {
        let deaths = deaths.into_iter().map(|(at, after)| match after {
            true => Death::AfterDoing(at),
            false => Death::BeforeDoing(at),
        });
        run(&shape, deaths.collect());
    }
}

#[test]
fn a_controller_killed_at_any_step_is_followed_by_one_that_does_the_rest() {
    let shape = made::chain();
    let (begun, fates) = run(&shape, Vec::new());
    let each: BTreeSet<&String> = begun.iter().collect();
    assert_eq!(
        each.len(),
        begun.len(),
        "nothing is begun twice when nobody dies"
    );
    for at in 1..=begun.len() {
        for death in [Death::BeforeDoing(at), Death::AfterDoing(at)] {
            let (again, same) = run(&shape, vec![death]);
            assert_eq!(same, fates, "{death:?}");
            let once: BTreeSet<&String> = again.iter().collect();
            assert_eq!(once, each, "{death:?}");
            let repeated = again.len() - once.len();
            match death {
                Death::BeforeDoing(_) => assert!(repeated >= 1, "{death:?}"),
                Death::AfterDoing(_) => assert_eq!(repeated, 0, "{death:?}"),
            }
        }
    }
}

#[test]
fn databases_come_before_applications_and_these_before_proxies() {
    let (begun, _) = run(&made::chain(), Vec::new());
    let at = |key: &str| begun.iter().position(|it| it == key).unwrap();
    let [db, app, proxy] = [1, 2, 3].map(|wave| format!("production/{wave}/"));
    let of = |wave: &str, what: &str| at(&format!("{wave}{what}"));
    assert!(of(&db, "db/reboot") < of(&app, "app/apply"));
    assert!(of(&app, "app/reboot") < of(&proxy, "proxy/apply"));
    // Both ways: the last of the chain stops first, and starts last.
    assert!(of(&db, "proxy/stop") < of(&db, "app/stop"));
    assert!(of(&db, "app/stop") < of(&db, "db/reboot"));
    assert!(of(&db, "db/reboot") < of(&db, "app/start"));
    assert!(of(&db, "app/start") < of(&db, "proxy/start"));
    // The test region has ended before.
    assert!(at("test/all-clear") < of(&db, "db/hold"));
}

#[test]
fn what_fails_in_the_test_region_does_not_go_to_production() {
    let mut shape = made::chain();
    shape.hosts[0].nature = Nature {
        sick_afterwards: true,
        ..Nature::default()
    };
    let (_, fates) = run(&shape, Vec::new());
    let Fate::RolledBack { phase, .. } = &fates["test-1"] else {
        panic!("{:?}", fates["test-1"]);
    };
    assert_eq!(phase, "check-after");
    for id in ["db", "app", "proxy"] {
        let Fate::Skipped { why, .. } = &fates[id] else {
            panic!("{id}: {:?}", fates[id]);
        };
        assert!(
            why.contains("failed on 1 asset of the test region test"),
            "{why}"
        );
    }
}

#[test]
fn a_backup_that_leaves_an_asset_down_counts_as_what_failed() {
    let mut shape = made::chain();
    for host in &mut shape.hosts {
        host.nature.backup_downs = host.name == "db";
        host.quorum = (!host.test).then(|| "shop".to_owned());
    }
    let (begun, fates) = run(&shape, Vec::new());
    let Fate::Failed { phase, .. } = &fates["db"] else {
        panic!("{:?}", fates["db"]);
    };
    assert_eq!(phase, "back-up");
    assert!(begun.iter().all(|key| key != "production/1/db/apply"));
    for id in ["app", "proxy"] {
        let Fate::Skipped { why, .. } = &fates[id] else {
            panic!("{id}: {:?}", fates[id]);
        };
        assert!(why.contains("failed, ") || why.contains("is down"), "{why}");
        let backup = format!("/{id}/back-up");
        assert!(
            begun.iter().all(|key| !key.ends_with(&backup)),
            "{id} is backed up"
        );
    }
}

#[test]
fn a_restart_that_the_test_region_needed_is_made_in_production_too() {
    let mut shape = made::chain();
    shape.hosts[0].nature.reboot_needed = true;
    for host in &mut shape.hosts[1..] {
        host.nature.reboot_needed = false;
    }
    let campaign = campaign(&shape);
    let world = World::new(&campaign.plan, shape.natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    run.until_the_end();
    assert_eq!(run.world.restarts("db"), 1);
}

#[test]
fn a_restart_that_somebody_has_shown_to_be_needed_is_made_whatever_the_test_region_shows() {
    let mut shape = made::chain();
    for host in &mut shape.hosts {
        host.nature.reboot_needed = false;
    }
    let mut campaign = campaign(&shape);
    campaign.evidence.push(Evidence {
        patch: campaign.plan.patches[0].id.clone(),
        from: Origin::Provider {
            name: "the vendor".to_owned(),
        },
        reboot: true,
        took_ms: None,
        word: word("ann", "it says so in its notes"),
    });
    let world = World::new(&campaign.plan, shape.natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    run.until_the_end();
    assert_eq!(run.world.restarts("db"), 1);
}

#[test]
fn an_objection_stops_a_campaign_before_anything_is_done() {
    let campaign = campaign(&made::chain());
    let world = World::new(&campaign.plan, made::chain().natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    let answer = Answer {
        ring: "production".to_owned(),
        service: "shop".to_owned(),
        consents: false,
        word: word("", "the year is being closed"),
    };
    let objects = Move::Answer(answer);
    let stranger = run.campaign.after(&objects, "eve@example.org", run.now_ms);
    assert!(
        stranger
            .unwrap_err()
            .to_string()
            .contains("answers for service shop")
    );
    run.campaign = run
        .campaign
        .after(&objects, "shop@example.org", run.now_ms)
        .unwrap();
    run.until_the_end();
    assert_eq!(run.begun, ["report"]);
    assert!(run.world.mails[0].contains("Report on campaign 7"));
}

#[test]
fn a_known_issue_that_concerns_us_keeps_a_patch_from_its_ring() {
    let campaign = campaign(&made::chain());
    let world = World::new(&campaign.plan, made::chain().natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    let mut issue = review("production", "openssl");
    issue.issue = Some("breaks our smart cards".to_owned());
    run.campaign = run
        .campaign
        .after(&Move::Review(issue), "ann", run.now_ms)
        .unwrap();
    run.until_the_end();
    run.has_ended_well();
    let production = fates(&run.campaign, &run.journal);
    let production: Vec<_> = production.iter().filter(|it| it.ring == 1).collect();
    assert_eq!(production.len(), 3);
    for became in production {
        let Fate::Skipped { why, .. } = &became.fate else {
            panic!("{became:?}");
        };
        assert!(why.contains("breaks our smart cards (ann)"), "{why}");
    }
}

#[test]
fn a_campaign_that_is_taken_back_leaves_everything_as_it_was() {
    let campaign = campaign(&made::chain());
    let world = World::new(&campaign.plan, made::chain().natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    run.until_the_end();
    assert!(run.world.is_installed("db"));
    let step = Move::RollBack {
        why: "the shop is slow".to_owned(),
    };
    run.campaign = run.campaign.after(&step, "ann", run.now_ms).unwrap();
    run.until_the_end();
    run.has_ended_well();
    let back: Vec<&String> = run
        .begun
        .iter()
        .filter(|it| it.ends_with("roll-back"))
        .collect();
    let order = [
        "back/production/3/proxy",
        "back/production/2/app",
        "back/production/1/db",
        "back/test/1/test-1",
    ];
    assert_eq!(
        back,
        order
            .map(|it| format!("{it}/roll-back"))
            .iter()
            .collect::<Vec<_>>()
    );
    for asset in &campaign.plan.assets {
        assert!(!run.world.is_installed(&asset.id));
    }
}

#[test]
fn a_job_that_must_not_be_skipped_is_run_after_its_hold() {
    let campaign = campaign(&made::chain());
    let world = World::new(&campaign.plan, made::chain().natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    run.until_the_end();
    assert!(run.world.jobs_run.contains("backup-db"));
}
