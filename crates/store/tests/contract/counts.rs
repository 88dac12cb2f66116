use store::Paging;

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(what_there_is_is_counted);

fn what_there_is_is_counted(backend: &Backend) {
    let store = backend.open();
    change(&store, sample::fill);
    let began = store.read(|it| it.last_change()).unwrap();
    let counted = store.read(|it| it.finding_counts()).unwrap();
    assert_eq!(counted, [("open".to_owned(), 1)]);
    assert_eq!(store.read(|it| it.changes_after(began)).unwrap(), []);
    for before_ms in [1, 2] {
        store.change(&BY, |it| it.forget_events(before_ms)).unwrap();
    }
    let later = store.read(|it| it.changes_after(began)).unwrap();
    assert_eq!(later, [("events.forget".to_owned(), 2)]);
    let all = store.read(|it| it.changes_after(0)).unwrap();
    let page = store.read(|it| it.audit(None, Paging::default())).unwrap();
    let sum: u64 = all.iter().map(|(_, count)| count).sum();
    assert_eq!(sum, page.items.len() as u64);
    assert!(store.read(|it| it.size_bytes()).unwrap() > 10_000);
}
