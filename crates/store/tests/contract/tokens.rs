use store::{By, Paging, Repeatable};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    tokens_are_kept_listed_and_taken_back,
    a_call_that_comes_again_gets_its_answer_for_a_day,
);

fn tokens_are_kept_listed_and_taken_back(backend: &Backend) {
    let store = backend.open();
    for id in ["b", "a", "c"] {
        change(&store, |it| it.add_token(&sample::token(id), "h"));
    }
    let twice = store.change(&BY, |it| it.add_token(&sample::token("a"), "h"));
    assert!(twice.unwrap_err().is_existing());
    let mut past = sample::token("d");
    past.expires_ms = BY.now_ms;
    let ended = store.change(&BY, |it| it.add_token(&past, "h"));
    assert!(ended.unwrap_err().is_refused());
    let first = store
        .read(|it| {
            it.tokens(Paging {
                after: None,
                most: Some(2),
            })
        })
        .unwrap();
    let after = first.next.as_deref();
    let second = store
        .read(|it| {
            it.tokens(Paging {
                after,
                most: Some(2),
            })
        })
        .unwrap();
    let ids: Vec<_> = [first.items, second.items]
        .concat()
        .into_iter()
        .map(|it| it.value.id)
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let revoked = change(&store, |it| it.revoke_token("b"));
    assert!(!revoked.value.holds(BY.now_ms));
    let (stored, hash) = store.read(|it| it.token_with_hash("b")).unwrap();
    assert_eq!((stored, hash.as_str()), (revoked, "h"));
    assert!(
        store
            .change(&BY, |it| it.revoke_token("b"))
            .unwrap_err()
            .is_refused()
    );
    assert!(
        store
            .change(&BY, |it| it.revoke_token("x"))
            .unwrap_err()
            .is_missing()
    );
    let log = store
        .read(|it| it.audit(Some("token/b"), Paging::default()))
        .unwrap();
    assert!(log.items.iter().all(|entry| !entry.detail.contains("hash")));
}

fn a_call_that_comes_again_gets_its_answer_for_a_day(backend: &Backend) {
    let store = backend.open();
    let call = Repeatable {
        token: "t",
        key: "k",
        request: "r",
    };
    let answered = |call| change(&store, |it| it.answered(&call));
    assert_eq!(answered(call), None);
    change(&store, |it| it.remember(&call, "done"));
    assert_eq!(answered(call), Some("done".to_owned()));
    assert_eq!(
        answered(Repeatable {
            token: "other",
            ..call
        }),
        None
    );
    let other = Repeatable {
        request: "other",
        ..call
    };
    assert!(
        store
            .change(&BY, |it| it.answered(&other))
            .unwrap_err()
            .is_refused()
    );
    let later = By {
        now_ms: BY.now_ms + 24 * 60 * 60 * 1000 + 1,
        ..BY
    };
    let next = Repeatable {
        key: "next",
        ..call
    };
    store
        .change(&later, |it| it.remember(&next, "done"))
        .unwrap();
    assert_eq!(answered(call), None);
}
