//! What sources tell of assets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::Path;

use inventory::{Found, Options, Part, importers, merged};
use ledger::{Asset, JobKind};
use serde::Deserialize;
use serde_json::Value;

const NOW_MS: i64 = 1_780_000_000_000;

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

/// `expect`: what an asset, as JSON, says at a pointer; `absent`: where it says nothing. What is not named may be
/// anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: String,
    file: String,
    mapping: Option<String>,
    asset: String,
    assets: usize,
    expect: Vec<(String, Value)>,
    #[serde(default)]
    absent: Vec<String>,
}

fn options(mapping: Option<String>) -> Options {
    Options {
        mapping,
        ..Options::default()
    }
}

fn import(kind: &str, text: &str, name: &str, options: &Options) -> Result<Vec<Found>, String> {
    let importer = importers().iter().find(|it| it.kind == kind).unwrap();
    importer.import(text, name, options)
}

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn read(kind: &str, name: &str) -> Vec<Found> {
    import(kind, &file(name), name, &Options::default()).unwrap()
}

#[test]
fn each_kind_tells_of_assets_what_the_table_says() {
    let table: Table = toml::from_str(include_str!("../testdata/imports.toml")).unwrap();
    for case in &table.case {
        let mapping = case.mapping.as_deref().map(file);
        let found = import(&case.kind, &file(&case.file), &case.file, &options(mapping)).unwrap();
        assert_eq!(found.len(), case.assets, "{}", case.file);
        let asset = found.iter().find(|found| found.asset.id == case.asset);
        let asset = serde_json::to_value(&asset.unwrap().asset).unwrap();
        for (pointer, expected) in &case.expect {
            let told = asset.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(told, expected, "{}: {pointer}", case.file);
        }
        for pointer in &case.absent {
            let told = asset.pointer(pointer).unwrap_or(&Value::Null);
            assert!(told.is_null(), "{}: {pointer}: {told}", case.file);
        }
    }
    for importer in importers() {
        let named = table.case.iter().any(|case| case.kind == importer.kind);
        assert!(named, "no case of {}", importer.kind);
    }
}

#[test]
fn what_a_source_does_not_tell_stays_as_it_was() {
    let found = &read("collection", "web-1.collection")[0];
    let mut known = merged(None, found, "collection", NOW_MS);
    known.owner = Some("web".to_owned());
    known.jobs[0].must_not_be_skipped = true;
    let csv = "id,title,criticality\nweb-1.shop.example,Shop,high\n";
    let listed = &import("csv", csv, "list.csv", &Options::default()).unwrap()[0];
    let asset = merged(Some(&known), listed, "csv", NOW_MS);
    assert_eq!(asset.owner.as_deref(), Some("web"));
    assert_eq!(asset.software, known.software);
    assert_eq!(asset.sources, ["collection", "csv"]);
    let again = merged(Some(&asset), found, "collection", NOW_MS);
    assert!(
        again.jobs[0].must_not_be_skipped,
        "what people said of a job stays"
    );
}

#[test]
fn differences_between_two_collections_are_told() {
    let before = merged(
        None,
        &read("collection", "web-1.collection")[0],
        "collection",
        NOW_MS,
    );
    let mut now = before.clone();
    now.software.retain(|it| it.name != "openssl");
    for software in &mut now.software {
        if software.name == "libssl3" {
            software.version = "3.0.16-1".to_owned();
        }
    }
    let gone = Asset::new("old-1", ledger::AssetKind::Server);
    let come = Asset::new("new-1", ledger::AssetKind::Server);
    let told = inventory::differences(&[before, gone], &[now, come]);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "new-1: new",
            "web-1.shop.example: libssl3 3.0.11-1~deb12u2 to 3.0.16-1",
            "web-1.shop.example: removed openssl 3.0.11-1~deb12u2",
            "old-1: vanished",
        ]
    );
}

#[test]
fn a_quoted_value_of_an_ini_inventory_may_hold_what_begins_a_comment() {
    let text = "w1 stopgap_owner=\"web #1\" stopgap_ring=late # the last\n";
    let found = import("ansible", text, "s", &Options::default()).unwrap();
    assert_eq!(found[0].asset.owner.as_deref(), Some("web #1"));
    assert_eq!(found[0].asset.ring.as_deref(), Some("late"));
}

#[test]
fn an_inventory_that_stands_for_too_much_is_refused() {
    let ranges = format!("w{}\n", "[1:1]".repeat(100_000));
    let digits = format!("w[{}1:2]\n", "0".repeat(100_000));
    let hosts = (0..30).map(|at| format!("    w{at}-[1:9999]:\n"));
    let hosts = format!("all:\n  hosts:\n{}", hosts.collect::<String>());
    for (text, why) in [
        (ranges, "s:1: a name has more than the 64 ranges"),
        (digits, "s:1: `w[000"),
        (hosts, "s: there are too many hosts"),
    ] {
        let found = import("ansible", &text, "s", &Options::default()).unwrap_err();
        assert!(found.starts_with(why), "{why}");
    }
}

#[test]
fn what_is_missing_of_an_asset_is_told() {
    let day = 86_400_000;
    let mut asset = merged(
        None,
        &read("collection", "web-1.collection")[0],
        "collection",
        NOW_MS,
    );
    asset.last_seen_ms = Some(NOW_MS - 31 * day);
    asset.last_backup_ms = Some(NOW_MS - 2 * day);
    let names = |asset: &Asset, days| {
        let gaps = inventory::gaps(asset, days, NOW_MS);
        gaps.iter().map(|gap| gap.kind.name()).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&asset, 30),
        [
            "no-owner",
            "no-environment",
            "auto-update-on",
            "unreachable"
        ]
    );
    assert_eq!(
        names(&asset, 1),
        [
            "no-owner",
            "no-environment",
            "no-backup",
            "auto-update-on",
            "unreachable"
        ]
    );
    let bare = Asset::new("pc-1", ledger::AssetKind::Workstation);
    assert_eq!(
        names(&bare, 30),
        [
            "no-owner",
            "no-environment",
            "no-backup",
            "unknown-software",
            "unreachable"
        ]
    );
}

#[test]
fn what_a_router_says_of_itself_is_no_gap_beside_its_package() {
    let found = read("collection", "routers.collection");
    for router in &found {
        let asset = merged(None, router, "collection", NOW_MS);
        assert_eq!(asset.software.len(), 2);
        let gaps = inventory::gaps(&asset, 30, NOW_MS);
        let unknown = gaps.iter().find(|it| it.kind.name() == "unknown-software");
        assert_eq!(unknown, None, "{}", asset.id);
    }
    let mut asset = merged(None, &found[0], "collection", NOW_MS);
    asset.software[0].purl = None;
    let gaps = inventory::gaps(&asset, 30, NOW_MS);
    let text = "2 without package URL or CPE";
    assert!(gaps.iter().any(|it| it.detail == text), "{gaps:?}");
}

#[test]
fn a_program_that_shares_the_name_of_a_package_is_a_gap() {
    let found = read("collection", "routers.collection");
    let mut asset = merged(None, &found[0], "collection", NOW_MS);
    let mut other = asset.software[0].clone();
    other.purl = None;
    other.kind = ledger::SoftwareKind::Application;
    asset.software.push(other);
    let gaps = inventory::gaps(&asset, 30, NOW_MS);
    let text = "1 without package URL or CPE";
    assert!(gaps.iter().any(|it| it.detail == text), "{gaps:?}");
}

#[test]
fn of_an_odd_host_is_taken_what_is_known() {
    let head = "@@ stopgap-collection 1\n@@ hostname\n \n @ended hostname\n web\n@@ os-release\n ID=debian\n";
    let dpkg = "@@ dpkg\n ii \tfrr\t8.4.4-1\tamd64\tfrr\t8.4.4-1\n";
    let cron = "@@ cron\n /etc/crontab\t1 1 * * * root true\n";
    let taken = |sections: &str| {
        let text = format!("{head}{sections}@@ end\n");
        let mut found = import("collection", &text, "s", &Options::default()).unwrap();
        let found = found.remove(0);
        assert_eq!(found.asset.id, "web");
        assert_eq!(found.left_out[0], "s:4: `hostname` did not end in time");
        found
    };
    let odd = taken(&format!("{dpkg}@@ show-version\n FRRouting \n{cron}"));
    assert_eq!(odd.left_out[1..], ["s:11: it does not say its version"]);
    assert_eq!(odd.asset.software[0].name, "frr");
    let slow = taken(&format!(
        "{dpkg}@@ show-version\n @ended vtysh\n{cron}@@ apt-config\n @ended apt-config\n"
    ));
    let told = [
        "s:11: `vtysh` did not end in time",
        "s:15: `apt-config` did not end in time",
    ];
    assert_eq!(slow.left_out[1..], told);
    assert_eq!((slow.asset.software.len(), slow.asset.jobs.len()), (1, 1));
    let [tables, timers] = [JobKind::Cron, JobKind::Timer];
    let told = [Part::Software, Part::Jobs(tables), Part::Jobs(timers)];
    assert_eq!(slow.tells, told);
    // A list that was cut is no list: nothing of it was removed.
    let cut = taken(&format!(
        "@@ dpkg\n ii \tfrr\t8.4\n @ended dpkg-query\n{cron}@@ timers\n @ended systemctl\n"
    ));
    let told = [
        Part::Jobs(tables),
        Part::SomeJobs(timers),
        Part::AutoUpdates,
    ];
    assert_eq!(cut.tells, told);
    let known = merged(None, &odd, "collection", NOW_MS);
    let now = merged(Some(&known), &cut, "collection", NOW_MS);
    assert_eq!((now.software, now.jobs), (known.software, known.jobs));
    // However many it says.
    let many: String = (0..1000)
        .map(|at| format!("@@ x{at}\n @ended x\n"))
        .collect();
    assert_eq!(taken(&many).left_out.len(), 20);
}

#[test]
fn jobs_that_were_read_are_kept_where_others_could_not_be() {
    let timer = |id: &str| {
        format!(
            " Id={id}.timer\n ActiveState=active\n Unit={id}.service\n TimersCalendar={{ OnCalendar=daily ; }}\n ExecStart={{ argv[]=/usr/bin/{id} ; }}\n \n"
        )
    };
    let taken = |cron: &[&str], timers: &str| {
        let cron: String = cron
            .iter()
            .map(|it| format!(" /etc/crontab\t1 1 * * * root {it}\n"))
            .collect();
        let text = format!(
            "@@ stopgap-collection 1\n@@ hostname\n web\n@@ cron\n{cron}@@ timers\n{timers}@@ end\n"
        );
        import("collection", &text, "s", &Options::default())
            .unwrap()
            .remove(0)
    };
    let names = |asset: &Asset| {
        let names = asset.jobs.iter().map(|it| it.name.clone());
        names.collect::<BTreeSet<_>>()
    };
    let all = [timer("backup"), timer("report")].concat();
    let mut known = merged(None, &taken(&["a", "b"], &all), "collection", NOW_MS);
    for job in &mut known.jobs {
        job.must_not_be_skipped = job.name == "report.timer";
    }
    let whole = names(&known);
    assert_eq!(whole.len(), 4);
    // Of the second timer only a part came.
    let half = "Id=report.timer\n ActiveState=active\n TimersCalendar={ OnCalendar=no";
    let half = format!(" {half}\n \n @ended systemctl\n");
    let slow = taken(&["a", "c"], &[timer("backup"), half].concat());
    assert_eq!(slow.left_out, ["s:18: `systemctl` did not end in time"]);
    let new = merged(None, &slow, "collection", NOW_MS);
    assert_eq!(
        names(&new),
        names_of(&["backup.timer", "crontab: a", "crontab: c"])
    );
    // A table that was read whole counts; a timer that was not told is not gone.
    let now = merged(Some(&known), &slow, "collection", NOW_MS);
    assert_eq!(
        names(&now),
        names_of(&["backup.timer", "crontab: a", "crontab: c", "report.timer"])
    );
    let report = now.jobs.iter().find(|it| it.name == "report.timer");
    let report = report.unwrap();
    assert!(report.must_not_be_skipped && report.schedule == "OnCalendar=daily");
    let later = taken(&["a"], &timer("backup"));
    let later = merged(Some(&now), &later, "collection", NOW_MS);
    assert_eq!(names(&later), names_of(&["backup.timer", "crontab: a"]));
}

fn names_of(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn whether_windows_updates_itself_is_told_or_said_to_be_unknown() {
    let key = r"HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU";
    let osquery = |values: &[(&str, &str)], service: &str| {
        let values: Vec<String> = values
            .iter()
            .map(|(name, data)| {
                format!(r#"{{"path":"{key}\\{name}","name":"{name}","data":"{data}"}}"#)
            })
            .collect();
        let text = format!(
            r#"{{"system_info":[{{"hostname":"pc"}}],"os_version":[{{"platform":"windows","name":"Windows 11"}}],"registry":[{}],"services":[{service}]}}"#,
            values.join(",")
        );
        ("osquery", text)
    };
    let facts = |more: &str| {
        let text = format!(
            r#"{{"ansible_hostname":"pc","ansible_distribution":"Microsoft Windows Server 2022"{more}}}"#
        );
        ("ansible-facts", text)
    };
    let stopped = r#"{"name":"wuauserv","start_type":"DISABLED"}"#;
    let started = r#"{"name":"wuauserv","start_type":"DEMAND_START"}"#;
    for ((kind, text), expected) in [
        (
            osquery(&[("NoAutoUpdate", "1"), ("AUOptions", "4")], ""),
            Some(false),
        ),
        (
            osquery(&[("NoAutoUpdate", "0"), ("AUOptions", "4")], ""),
            Some(true),
        ),
        (osquery(&[("AUOptions", "3")], started), Some(false)),
        (osquery(&[("NoAutoUpdate", "0")], ""), Some(true)),
        (osquery(&[("AUOptions", "4")], stopped), Some(false)),
        (osquery(&[], stopped), Some(false)),
        (osquery(&[], started), None),
        (osquery(&[], ""), None),
        (
            facts(r#","ansible_windows_update":{"NoAutoUpdate":1}"#),
            Some(false),
        ),
        (
            facts(r#","ansible_windows_update":{"AUOptions":"4"}"#),
            Some(true),
        ),
        (facts(r#","ansible_windows_update":{}"#), None),
        (facts(""), None),
    ] {
        let found = import(kind, &text, "s", &Options::default())
            .unwrap()
            .remove(0);
        let asset = merged(None, &found, kind, NOW_MS);
        let told = asset.auto_updates.first().map(|it| it.on);
        assert_eq!(told, expected, "{text}");
        let gaps = inventory::gaps(&asset, 30, NOW_MS);
        let names: Vec<_> = gaps.iter().map(|it| it.kind.name()).collect();
        assert_eq!(names.contains(&"auto-update-on"), expected == Some(true));
        assert_eq!(names.contains(&"auto-update-unknown"), expected.is_none());
    }
}

#[test]
fn a_source_that_cannot_be_read_says_where_and_what_to_give() {
    for (kind, text, why) in [
        ("collection", "", "s: it is empty"),
        ("collection", "hello", "s:1: it must begin with"),
        (
            "collection",
            "@@ stopgap-collection 1\n@@ time\n 1\n",
            "s: it ends before `@@ end`",
        ),
        (
            "collection",
            "@@ stopgap-collection 1\nx\n",
            "s:2: a line of a section",
        ),
        ("ansible", "[web]\nw[1:\n", "s:2: `w[1:` is no range"),
        (
            "ansible",
            "[web]\nw[1:99999999]\n",
            "s:2: `w[1:99999999]` stands for more",
        ),
        (
            "ansible",
            "w1 stopgap_kind=car\n",
            "s: host w1: variable stopgap_kind: kind: `car` is none of server",
        ),
        (
            "ansible",
            "w1 stopgap_color=red\n",
            "s: host w1: variable stopgap_color: there is no field `color`",
        ),
        ("ansible-facts", "{}", "s: it has no ansible_hostname"),
        ("cyclonedx", "{}", "s: it is no CycloneDX document"),
        ("cyclonedx", "<bom><a></b>", "s:1: it is no XML"),
        (
            "spdx",
            "{\"spdxVersion\":\"SPDX-9\"}",
            "s: version SPDX-9 is not known",
        ),
        (
            "spdx",
            "SPDXVersion: SPDX-2.3\nnonsense\n",
            "s:2: `nonsense` is no tag",
        ),
        ("csv", "", "s: it is empty"),
        ("csv", "id,owner\n\"a", "s:2: a quoted value does not end"),
        ("csv", "id\na,b\n", "s:2: 2 values for 1 columns"),
        (
            "csv",
            "name\na\n",
            "s:2: a row has no id in the column `id`",
        ),
        (
            "csv",
            "id,last_seen\na,soon\n",
            "s:2: last_seen: `soon` is no time",
        ),
        ("osquery", "{}", "s: it has none of the tables"),
        ("mdm", "[]", "s: it tells of no device"),
        ("show-version", "hello", "s: it is of no system"),
    ] {
        let found = import(kind, text, "s", &Options::default()).unwrap_err();
        assert!(found.starts_with(why), "{kind}: {found}");
    }
    let mapping = options(Some("[columns]\ncolor = \"x\"".to_owned()));
    let found = import("csv", "id\na\n", "s", &mapping).unwrap_err();
    assert!(found.contains("names a field `color`"), "{found}");
}

#[test]
fn an_inventory_of_ansible_tells_how_its_hosts_are_reached() {
    let text = "gate ansible_host=192.0.2.1 ansible_connection=network_cli\n[web]\nWeb-1 ansible_host=192.0.2.7\n\
                six ansible_host=2001:db8::1 ansible_port=2222\nplain\n\
                far:2022 ansible_connection=ansible.builtin.ssh\n[web:vars]\nansible_user=deploy\n";
    let found = inventory::reached(text, "s", &Options::default()).unwrap();
    let told = found.iter().map(|it| {
        let otherwise = it.otherwise.as_deref();
        (it.asset.as_str(), it.address.as_str(), otherwise)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("web-1", "deploy@192.0.2.7", None),
            ("far", "ssh://deploy@far:2022", None),
            ("gate", "192.0.2.1", Some("network_cli")),
            ("plain", "deploy@plain", None),
            ("six", "ssh://deploy@[2001:db8::1]:2222", None),
        ]
    );
    for (line, why) in [
        ("web ansible_host={{ address }}", "`{{` is no address"),
        ("web ansible_host=x`id`", "is no address"),
        ("web ansible_user=-oProxyCommand=x", "is no user"),
        ("web ansible_port=ssh", "`ssh` is no port"),
        ("-x", "is no address"),
    ] {
        let wrong = inventory::reached(line, "s", &Options::default()).unwrap_err();
        assert!(
            wrong.starts_with("s: host ") && wrong.contains(why),
            "{line}: {wrong}"
        );
    }
    let wrong = inventory::reached("[web:sons]\n", "s", &Options::default()).unwrap_err();
    assert!(wrong.starts_with("s:1: `[web:sons]`"), "{wrong}");
}

#[test]
fn people_name_a_host_with_or_without_user_and_port() {
    for (host, asset, address) in [
        ("web-1", "web-1", "web-1"),
        ("me@Web-1.example", "web-1.example", "me@Web-1.example"),
        ("me@web-1:2222", "web-1", "ssh://me@web-1:2222"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1"),
    ] {
        let found = inventory::named(host).unwrap();
        assert_eq!((&*found.asset, &*found.address), (asset, address), "{host}");
    }
    for host in [
        "web ansible_port=22",
        "{\"a\":1}",
        "[web]",
        "-oX",
        "@web",
        "web:ssh",
        "",
    ] {
        assert!(inventory::named(host).is_err(), "{host}");
    }
}
