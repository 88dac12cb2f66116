use std::path::{Path, PathBuf};

use ledger::exception::Standing;
use ledger::rollout::Stage;
use ledger::{Asset, State, VirtualPatch};
use store::{EventFilter, ExceptionFilter, Limits, Location, Paging, RolloutFilter, Store};

use crate::backend::{BY, Backend};

crate::on_both!(
    every_earlier_versions_specimen_is_read_by_this_one,
    a_ledger_of_a_later_release_is_left_alone,
    a_ledger_made_by_other_migrations_is_left_alone,
    a_ledger_that_is_not_there_is_not_made_by_reading,
    many_can_open_a_new_ledger_at_once,
);

fn specimen(version: usize) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/specimens");
    folder.join(format!("v{version}.jsonl"))
}

fn every_earlier_versions_specimen_is_read_by_this_one(backend: &Backend) {
    let newest = {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        backend.another().open().back_up(&file).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let head: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        usize::try_from(head["schema"].as_u64().unwrap()).unwrap()
    };
    for version in 1..=newest {
        let backend = backend.another();
        let file = specimen(version);
        assert!(file.exists(), "version {version} has no specimen");
        let store = Store::restore(&backend.location(), &file, &BY, Limits::default()).unwrap();
        assert_eq!(store.read(|it| it.get::<Asset>("db-1")).unwrap().version, 2);
        let patch: VirtualPatch = store.read(|it| it.get("p")).unwrap().value;
        assert_eq!(patch.document, "stopgap: 1\nid: p\n");
        assert_eq!(
            store.read(|it| it.finding(1)).unwrap().value.state(),
            State::Shielded
        );
        let rollouts = store.read(|it| it.rollouts(&RolloutFilter::default(), Paging::default()));
        assert_eq!(rollouts.unwrap().items[0].value.stage, Stage::Shadow);
        let events = store.read(|it| it.events(EventFilter::Patch("p"), Paging::default()));
        assert_eq!(events.unwrap().items.len(), usize::from(version >= 2));
        let probes = store.read(|it| it.probes("edge")).unwrap();
        assert_eq!(probes.len(), usize::from(version >= 5));
        let campaigns = store.read(|it| it.campaigns(Paging::default())).unwrap();
        assert_eq!(campaigns.items.len(), usize::from(version >= 7));
        for campaign in campaigns.items {
            let whole = store.read(|it| it.campaign(campaign.value.id)).unwrap();
            assert_eq!(whole.value.plan.assets[1].id, "web-1");
            let journal = store.read(|it| it.campaign_journal(campaign.value.id));
            assert_eq!(journal.unwrap().open().count(), 1);
        }
        let about = ExceptionFilter {
            standing: Some(Standing::Requested),
            finding: Some(1),
        };
        let exceptions = store.read(|it| it.exceptions(&about, Paging::default()));
        assert_eq!(exceptions.unwrap().items.len(), usize::from(version >= 8));
        store.read(|it| it.verify_audit(None)).unwrap();
    }
}

fn refused(location: &Location) -> String {
    Store::open(location, Limits::default())
        .err()
        .unwrap()
        .to_string()
}

fn a_ledger_of_a_later_release_is_left_alone(backend: &Backend) {
    backend.open();
    backend
        .raw("INSERT INTO migration VALUES (90, 'x'), (91, 'x'), (92, 'x')")
        .unwrap();
    let why = refused(&backend.location());
    assert!(why.contains("use a later release"), "{why}");
}

fn a_ledger_made_by_other_migrations_is_left_alone(backend: &Backend) {
    backend.open();
    backend
        .raw("UPDATE migration SET digest = 'x' WHERE version = 1")
        .unwrap();
    let why = refused(&backend.location());
    assert!(why.contains("version 1 of this ledger's schema"), "{why}");
}

fn a_ledger_that_is_not_there_is_not_made_by_reading(backend: &Backend) {
    let open = || Store::open_existing(&backend.location(), Limits::default());
    for _ in 0..2 {
        let why = open().err().unwrap();
        assert!(why.is_missing(), "{why}");
    }
    backend.open();
    assert!(open().is_ok());
}

fn many_can_open_a_new_ledger_at_once(backend: &Backend) {
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| backend.open());
        }
    });
}
