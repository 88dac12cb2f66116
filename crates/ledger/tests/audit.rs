//! A chain of entries tells what was done to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ledger::audit::{Broken, Entry, Fault, Head};

fn chain(entries: i64) -> Vec<Entry> {
    let mut head = Head::beginning();
    (1..=entries)
        .map(|sequence| {
            let entry = Entry {
                sequence,
                time_ms: sequence * 10,
                who: "alice".to_owned(),
                action: "finding.shield".to_owned(),
                subject: format!("finding/{sequence}"),
                why: "it is exploited".to_owned(),
                detail: "{}".to_owned(),
                previous: head.hash.clone(),
                hash: String::new(),
            }
            .sealed();
            head = head.after(&entry).unwrap();
            entry
        })
        .collect()
}

fn read(entries: &[Entry]) -> Result<Head, Broken> {
    let beginning = Head::beginning();
    entries
        .iter()
        .try_fold(beginning, |head, entry| head.after(entry))
}

#[test]
fn a_whole_chain_leads_to_its_head() {
    let entries = chain(5);
    let head = read(&entries).unwrap();
    assert_eq!((head.sequence, &head.hash), (5, &entries[4].hash));
}

#[test]
fn a_change_of_any_field_is_named() {
    let changes: [fn(&mut Entry); 8] = [
        |entry| entry.time_ms += 1,
        |entry| entry.who = "bob".to_owned(),
        |entry| entry.action.push('x'),
        |entry| entry.subject.push('x'),
        |entry| entry.why.clear(),
        |entry| entry.detail = "[]".to_owned(),
        |entry| entry.hash = Head::beginning().hash,
        // Bytes may not wander from one field to the next.
        |entry| {
            entry.who = "alicefinding.".to_owned();
            entry.action = "shield".to_owned();
        },
    ];
    for change in changes {
        let mut entries = chain(5);
        change(&mut entries[2]);
        let broken = read(&entries).unwrap_err();
        assert_eq!((broken.sequence, broken.fault), (3, Fault::Altered));
    }
}

#[test]
fn what_was_taken_out_put_in_or_made_anew_is_named() {
    let mut without = chain(5);
    without.remove(2);
    let broken = read(&without).unwrap_err();
    assert_eq!((broken.sequence, broken.fault), (3, Fault::Missing));

    let mut twice = chain(5);
    twice.insert(3, twice[2].clone());
    let broken = read(&twice).unwrap_err();
    assert_eq!((broken.sequence, broken.fault), (4, Fault::Missing));

    let mut sealed_anew = chain(5);
    sealed_anew[2].who = "bob".to_owned();
    sealed_anew[2] = sealed_anew[2].clone().sealed();
    let broken = read(&sealed_anew).unwrap_err();
    assert_eq!((broken.sequence, broken.fault), (4, Fault::Unlinked));
}

#[test]
fn the_hash_is_of_the_fields_as_documented() {
    // Made with Python's hashlib from the description in docs/ledger.md.
    assert_eq!(
        chain(1)[0].hash,
        "5bbf7564fece7272c09a88cd22eec8de42414b4a80c75a3c74dd15ef33903a4b"
    );
}
