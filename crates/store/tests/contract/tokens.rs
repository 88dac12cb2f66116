use ledger::{Area, Role};
use store::{By, Paging, Repeatable};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    users_are_added_changed_and_put_out,
    accounts_of_a_provider_are_kept_with_what_it_says,
    subscriptions_know_how_far_they_were_told,
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
    let stale = store.change(&BY, |it| it.revoke_token("b", Some(9)));
    assert!(stale.unwrap_err().is_changed());
    let revoked = change(&store, |it| it.revoke_token("b", Some(1)));
    assert!(!revoked.value.holds(BY.now_ms));
    let (stored, hash) = store.read(|it| it.token_with_hash("b")).unwrap();
    assert_eq!((stored, hash.as_str()), (revoked, "h"));
    assert!(
        store
            .change(&BY, |it| it.revoke_token("b", None))
            .unwrap_err()
            .is_refused()
    );
    assert!(
        store
            .change(&BY, |it| it.revoke_token("x", None))
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

fn users_are_added_changed_and_put_out(backend: &Backend) {
    let store = backend.open();
    let user = sample::user();
    assert_eq!(change(&store, |it| it.add_user(&user, "one")).version, 1);
    let again = store.change(&BY, |it| it.add_user(&user, "two"));
    assert!(again.unwrap_err().is_existing());
    change(&store, |it| it.change_password("ann", "two", None));
    let (kept, hash) = store.read(|it| it.user_with_hash("ann")).unwrap();
    assert_eq!((kept.version, &kept.value, &*hash), (2, &user, "two"));
    change(&store, |it| it.remove_user("ann", None));
    let out = store.read(|it| it.users(Paging::default())).unwrap().items;
    assert_eq!(out[0].value.removed_ms, Some(BY.now_ms));
    assert!(out[0].value.access().is_none());
    let late = store.change(&BY, |it| it.change_password("ann", "three", None));
    assert!(late.unwrap_err().is_refused());
    // Whoever comes back gets another password.
    change(&store, |it| it.add_user(&user, "four"));
    let (kept, hash) = store.read(|it| it.user_with_hash("ann")).unwrap();
    assert_eq!((kept.value.removed_ms, &*hash), (None, "four"));
    let nobody = store.read(|it| it.user_with_hash("bob"));
    assert!(nobody.unwrap_err().is_missing());
    // What they may is said by whoever has seen what they might.
    let areas = [Area::Fleet];
    let viewer = (Role::Viewer, &areas[..]);
    let late = store.change(&BY, |it| {
        it.change_user("ann", viewer, Some(kept.version - 1))
    });
    assert!(late.unwrap_err().is_changed());
    let changed = change(&store, |it| {
        it.change_user("ann", viewer, Some(kept.version))
    });
    assert_eq!((changed.value.role, &changed.value.areas[..]), viewer);
    let (_, hash) = store.read(|it| it.user_with_hash("ann")).unwrap();
    assert_eq!(hash, "four");
    assert!(
        store
            .change(&BY, |it| it.restore_user("ann", None))
            .unwrap_err()
            .is_refused()
    );
}

fn accounts_of_a_provider_are_kept_with_what_it_says(backend: &Backend) {
    let store = backend.open();
    let account = |subject: &str| {
        Some(ledger::Account {
            issuer: "https://login.example".to_owned(),
            subject: subject.to_owned(),
        })
    };
    let user = ledger::User {
        account: account("1"),
        ..sample::user()
    };
    let admit = |user: &ledger::User| store.change(&BY, |it| it.admit_user(user));
    assert_eq!(admit(&user).unwrap().version, 1);
    assert_eq!(admit(&user).unwrap().version, 1, "nothing has changed");
    let role = Role::Viewer;
    let lower = ledger::User {
        role,
        ..user.clone()
    };
    assert_eq!(admit(&lower).unwrap().value.role, role);
    for other in [account("2"), None] {
        let other = ledger::User {
            account: other,
            ..user.clone()
        };
        assert!(admit(&other).unwrap_err().is_refused());
    }
    let renamed = ledger::User {
        id: "ann2".to_owned(),
        ..user.clone()
    };
    let why = admit(&renamed).unwrap_err();
    assert!(
        why.is_refused() && why.to_string().contains("known here as ann"),
        "{why}"
    );
    let access = (role, &[][..]);
    assert!(
        store
            .change(&BY, |it| it.change_user("ann", access, None))
            .unwrap_err()
            .is_refused()
    );
    assert!(
        store
            .change(&BY, |it| it.change_password("ann", "one", None))
            .unwrap_err()
            .is_refused()
    );
    let stale = store.change(&BY, |it| it.remove_user("ann", Some(99)));
    assert!(stale.unwrap_err().is_changed());
    change(&store, |it| it.remove_user("ann", None));
    assert!(admit(&user).unwrap_err().is_refused());
    change(&store, |it| it.restore_user("ann", None));
    assert_eq!(admit(&user).unwrap().value, user);
}

fn subscriptions_know_how_far_they_were_told(backend: &Backend) {
    let store = backend.open();
    let subscription = sample::subscription();
    change(&store, |it| it.add_subscription(&subscription, "secret"));
    let again = store.change(&BY, |it| it.add_subscription(&subscription, "other"));
    assert!(again.unwrap_err().is_existing());
    let [ops] = &store.read(|it| it.subscribed()).unwrap()[..] else {
        unreachable!("one");
    };
    assert_eq!((&*ops.secret, &ops.subscription), ("secret", &subscription));
    // What was there before is not told.
    let after = store.read(|it| it.audit_after(ops.told, 10)).unwrap();
    assert_eq!(after, []);
    for before_ms in [1, 2] {
        change(&store, |it| it.forget_events(before_ms));
    }
    let after = store.read(|it| it.audit_after(ops.told, 10)).unwrap();
    let sequences: Vec<_> = after.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [ops.told + 1, ops.told + 2]);
    store.note_told("ops", ops.told + 2).unwrap();
    store.note_told("ops", ops.told + 1).unwrap();
    let told = store.read(|it| it.subscribed()).unwrap()[0].told;
    assert_eq!(told, ops.told + 2, "nobody goes back");
    change(&store, |it| it.give_up_telling("ops", told));
    let stale = store.change(&BY, |it| it.remove_subscription("ops", Some(99)));
    assert!(stale.unwrap_err().is_changed());
    change(&store, |it| it.remove_subscription("ops", None));
    assert_eq!(store.read(|it| it.subscribed()).unwrap(), []);
    let late = store.change(&BY, |it| it.remove_subscription("ops", None));
    assert!(late.unwrap_err().is_missing());
}
