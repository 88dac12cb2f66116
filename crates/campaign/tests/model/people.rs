//! What people are told and asked, and how much time all of it gets.

use campaign::machine::Fate;
use campaign::notice::Template;
use campaign::{Action, Answer, Campaign, Move};

use crate::made::{self, Shape};
use crate::world::World;
use crate::{Death, Run, word};

const HOUR_MS: i64 = 60 * crate::MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn ran<'w>(campaign: &'w Campaign, shape: &Shape, deaths: Vec<Death>) -> Run<'w> {
    let world = World::new(&campaign.plan, shape.natures());
    let mut run = Run::new(campaign, world, deaths);
    run.until_the_end();
    run.has_ended_well();
    run
}

/// To whom the mail of a task goes.
fn to(run: &Run<'_>, key: &str) -> Vec<String> {
    match &run.journal.get(key).unwrap().task.action {
        Action::Tell(mail) => mail.to.clone(),
        other => panic!("{key}: {other:?}"),
    }
}

fn ended_ms(run: &Run<'_>, key: &str) -> i64 {
    let ended = run.journal.get(key).unwrap().ended.as_ref();
    ended.unwrap().time_ms
}

fn mails(run: &Run<'_>, key: &str) -> usize {
    let prefix = format!("{key}: ");
    let mails = run.world.mails.iter();
    mails.filter(|it| it.starts_with(&prefix)).count()
}

#[test]
fn where_a_stakeholder_does_not_answer_in_time_the_delegate_is_asked_and_may() {
    let shape = made::chain();
    let campaign = made::campaign(&shape);
    let world = World::new(&campaign.plan, shape.natures());
    let mut run = Run::new(&campaign, world, Vec::new());
    run.stakeholders_are_silent = true;
    run.until_the_end();
    run.has_ended_well();
    let [ask, delegate] = ["production/ask/shop", "production/ask-delegate/shop"];
    assert_eq!(to(&run, ask), ["shop@example.org"]);
    assert_eq!(to(&run, delegate), ["deputy@example.org"]);
    let begun_ms = run.journal.get(delegate).unwrap().begun_ms;
    assert_eq!(begun_ms - ended_ms(&run, ask), campaign.rules.consent_ms);
    let who = run.campaign.answers.iter().map(|it| it.word.who.as_str());
    assert_eq!(who.collect::<Vec<_>>(), ["deputy@example.org"]);
    let at = |key: &str| run.begun.iter().position(|it| it == key);
    assert!(at(delegate) < at("production/1/db/apply"));
    assert!(run.world.is_installed("db"));
    // Nobody else may.
    let answer = Answer {
        ring: "production".to_owned(),
        service: "shop".to_owned(),
        consents: true,
        word: word("", ""),
    };
    let other = campaign.after(&Move::Answer(answer), "mallory@example.org", made::NOW_MS);
    let why = other.unwrap_err().to_string();
    assert!(why.contains("or the delegate named with it"), "{why}");
}

#[test]
fn people_are_reminded_once_before_the_window_also_by_another_controller() {
    let mut shape = made::chain();
    shape.rules.remind_ms = 2 * HOUR_MS;
    let campaign = made::campaign(&shape);
    let key = "test/remind/1";
    let run = ran(&campaign, &shape, Vec::new());
    let opens_ms = campaign.plan.rings[0].windows[0].opens_ms;
    let begun_ms = run.journal.get(key).unwrap().begun_ms;
    assert_eq!(begun_ms, opens_ms - 2 * HOUR_MS);
    assert!(ended_ms(&run, "test/announce/1") < begun_ms);
    assert_eq!(to(&run, key), to(&run, "test/announce/1"));
    let number = run.begun.iter().position(|it| it == key).unwrap() + 1;
    for death in [Death::BeforeDoing(number), Death::AfterDoing(number)] {
        let run = ran(&campaign, &shape, vec![death]);
        assert_eq!(mails(&run, key), 1, "{death:?}");
    }
    // Who heard of it when others were reminded needs no reminder.
    shape.rules.remind_ms = DAY_MS;
    let campaign = made::campaign(&shape);
    let run = ran(&campaign, &shape, Vec::new());
    assert_eq!((mails(&run, "test/announce/1"), mails(&run, key)), (1, 0));
}

#[test]
fn mails_say_what_people_have_written() {
    let shape = made::chain();
    let mut campaign = made::campaign(&shape);
    campaign.templates.announce = Template {
        subject: "{ring}: please save".to_owned(),
        text: "From {begins} to {ends}. Ask {contact}.".to_owned(),
    };
    let run = ran(&campaign, &shape, Vec::new());
    let Action::Tell(mail) = &run.journal.get("test/announce/1").unwrap().task.action else {
        panic!("no mail")
    };
    assert_eq!(mail.subject, "test: please save");
    assert!(
        mail.text.starts_with("From 2026-11-28 22:00"),
        "{}",
        mail.text
    );
    assert!(
        mail.text.ends_with("Ask the service desk, 555-0100."),
        "{}",
        mail.text
    );
}

#[test]
fn a_window_must_be_as_long_as_the_test_region_has_shown_and_a_margin() {
    // Windows have six hours, the margin is half as much again.
    for (hours, fits) in [(3, true), (5, false)] {
        let mut shape = made::chain();
        shape.hosts[0].nature.apply_ms = Some(hours * HOUR_MS);
        let campaign = made::campaign(&shape);
        let run = ran(&campaign, &shape, Vec::new());
        assert!(run.world.is_installed("test-1"));
        let fates = campaign::machine::fates(&run.campaign, &run.journal);
        let of = |id: &str| {
            let mut all = fates.iter();
            let asset = |at: u32| &campaign.plan.assets[at as usize].id;
            all.find(|it| asset(it.asset) == id).map(|it| &it.fate)
        };
        match of("db") {
            Some(Fate::Done { .. }) => assert!(fits, "{hours} hours"),
            Some(Fate::Skipped { why, .. }) => {
                assert!(!fits, "{hours} hours");
                assert_eq!(why, "no window is left that is long enough");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn backups_are_kept_for_their_days_after_the_report_and_then_ended_once() {
    let shape = made::chain();
    let campaign = made::campaign(&shape);
    let run = ran(&campaign, &shape, Vec::new());
    let told_ms = ended_ms(&run, "report");
    for host in &shape.hosts {
        let key = format!("discard/{}", host.name);
        let entry = run.journal.get(&key).unwrap();
        let kept_ms = entry.begun_ms - told_ms;
        assert!(
            (14 * DAY_MS..14 * DAY_MS + HOUR_MS).contains(&kept_ms),
            "{key}"
        );
        let Action::Discard(backup) = &entry.task.action else {
            panic!("{key}: {:?}", entry.task.action)
        };
        let asset = campaign.plan.assets.iter().find(|it| it.id == host.name);
        assert_eq!(Some(backup), asset.unwrap().backup.as_ref());
        assert_eq!(run.begun.iter().filter(|it| **it == key).count(), 1);
    }
}
