//! Events as the Open Cybersecurity Schema Framework has them: class HTTP Activity (4002), version 1.6.0.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use serde_json::Value;
use wire::{Action, Event};

fn event() -> Event {
    Event::from_line(include_str!("../testdata/event/v1.json")).unwrap()
}

type IsType = fn(&Value) -> bool;

/// What the class, its bases and its profile demand of every event, with the type.
const REQUIRED: &[(&str, IsType)] = &[
    ("/activity_id", Value::is_u64),
    ("/category_uid", Value::is_u64),
    ("/class_uid", Value::is_u64),
    ("/metadata/version", Value::is_string),
    ("/metadata/product/name", Value::is_string),
    ("/metadata/product/vendor_name", Value::is_string),
    ("/severity_id", Value::is_u64),
    ("/time", Value::is_u64),
    ("/type_uid", Value::is_u64),
    ("/action_id", Value::is_u64),
    ("/disposition_id", Value::is_u64),
    // At least one of each pair: endpoints; request or response.
    ("/src_endpoint/ip", Value::is_string),
    ("/http_request/url/path", Value::is_string),
];

#[test]
fn what_the_schema_demands_is_there() {
    let mut event = event();
    for (method, activity) in [("GET", 3), ("POST", 6), ("PATCH", 9), ("PROPFIND", 99)] {
        method.clone_into(&mut event.method);
        let told = event.to_ocsf();
        for (pointer, is_so) in REQUIRED {
            assert!(
                told.pointer(pointer).is_some_and(is_so),
                "{pointer} in {told}"
            );
        }
        assert_eq!(told["activity_id"], activity);
        assert_eq!(
            (&told["class_uid"], &told["category_uid"]),
            (&4002.into(), &4.into())
        );
        assert_eq!(told["type_uid"], 400_200 + activity);
        assert_eq!(told["time"], event.time_ms);
        assert_eq!(told["metadata"]["uid"], event.reference);
        assert_eq!(told["metadata"]["profiles"][0], "security_control");
    }
}

#[test]
fn what_was_done_and_how_bad_it_is_have_their_numbers() {
    let mut event = event();
    for (action, id, disposition) in [
        (Action::Pass, 1, 15),
        (Action::Strip, 1, 11),
        (Action::Block, 2, 2),
        (Action::Redirect, 2, 2),
        (Action::Drop, 2, 6),
    ] {
        event.action = action;
        let told = event.to_ocsf();
        assert_eq!(told["action_id"], id);
        assert_eq!(told["disposition_id"], disposition);
    }
    for (severity, id) in [
        (None, 0),
        (Some(0), 6),
        (Some(2), 5),
        (Some(4), 3),
        (Some(7), 1),
    ] {
        event.matches[0].severity = severity;
        event.matches.truncate(1);
        assert_eq!(event.to_ocsf()["severity_id"], id);
    }
    event.host = "shop.example:8443".to_owned();
    event.path = "/a?b=c?d".to_owned();
    let told = event.to_ocsf();
    assert_eq!(told["dst_endpoint"]["port"], 8443);
    assert_eq!(told["http_request"]["url"]["hostname"], "shop.example");
    assert_eq!(told["http_request"]["url"]["query_string"], "b=c?d");
    event.matches.clear();
    assert_eq!(event.to_ocsf()["firewall_rule"], Value::Null);
}
