//! The playbooks that ship for what no test has: Windows and network devices. Ansible reads them, each module's
//! documentation knows what they say, and what they decide is tried on an imitation of a registry.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use campaign::{Action, Change, Class, Done, Failure, Hands, Means, Task};
use executor::{Config, Executor};
use ledger::{Job, JobKind};
use serde_json::{Value, json};
use testbed::{ansible_collections, ansible_playbook};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn playbooks() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(here("src/playbooks")).unwrap();
    let all: Vec<PathBuf> = folder.map(|it| it.unwrap().path()).collect();
    assert_eq!(all.len(), 5);
    all
}

fn syntax_check(playbook: &Path, collections: &Path) -> Output {
    Command::new(ansible_playbook().unwrap())
        .args(["--syntax-check", "-i", "localhost,"])
        .arg(playbook)
        .env("ANSIBLE_COLLECTIONS_PATH", collections)
        .output()
        .unwrap()
}

#[test]
fn ansible_reads_each_playbook_with_the_collections_that_it_names() {
    let collections = ansible_collections().unwrap();
    let none = tempfile::tempdir().unwrap();
    for playbook in playbooks() {
        let read = syntax_check(&playbook, &collections);
        assert!(read.status.success(), "{read:?}");
        let name = playbook.file_name().unwrap().to_str().unwrap();
        let without = syntax_check(&playbook, none.path()).status;
        assert_eq!(without.success(), name == "packages.yml", "{name}");
    }
}

#[test]
fn each_option_is_one_that_the_documentation_of_its_module_knows() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.yml");
    std::fs::write(&wrong, WRONG).unwrap();
    let check = |playbooks: &[PathBuf]| {
        let bin = ansible_playbook().unwrap();
        let bin = bin.parent().unwrap();
        let output = Command::new(bin.join("python"))
            .arg(here("tests/data/options.py"))
            .arg(bin.join("ansible-doc"))
            .args(playbooks)
            .env("ANSIBLE_COLLECTIONS_PATH", ansible_collections().unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(check(&playbooks()), "");
    let faults = check(&[wrong]);
    for fault in [
        "junos_package has no option remote",
        "junos_package needs src",
        "state cannot be updated",
    ] {
        assert!(faults.contains(fault), "{faults}");
    }
}

/// What no module knows.
const WRONG: &str = "
- hosts: all
  tasks:
    - name: one
      junipernetworks.junos.junos_package:
        remote: true
    - name: another
      ansible.windows.win_updates:
        state: updated
";

/// A workstation whose registry is a file.
struct Workstation {
    folder: tempfile::TempDir,
}

const UPDATES: &str = r"HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU!NoAutoUpdate";
const STORE: &str = r"HKLM:\SOFTWARE\Policies\Microsoft\WindowsStore!AutoDownload";

impl Workstation {
    fn new(registry: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("registry"), registry.to_string()).unwrap();
        Self { folder }
    }

    fn registry(&self) -> Value {
        let text = std::fs::read(self.folder.path().join("registry")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn write(&self, registry: &Value) {
        std::fs::write(self.folder.path().join("registry"), registry.to_string()).unwrap();
    }

    fn executor(&self) -> Executor {
        self.executor_of("desk", "")
    }

    /// For an asset of any name; `exports`: what the shell that starts Ansible exports too.
    fn executor_of(&self, asset: &str, exports: &str) -> Executor {
        let ansible = self.folder.path().join("ansible-playbook");
        let script = format!(
            "#!/bin/sh\nexport ANSIBLE_COLLECTIONS_PATH={:?}:{:?} REGISTRY={:?} {exports}\nexec {:?} \"$@\"\n",
            here("tests/data/registry"),
            ansible_collections().unwrap(),
            self.folder.path().join("registry"),
            ansible_playbook().unwrap()
        );
        std::fs::write(&ansible, script).unwrap();
        std::fs::set_permissions(&ansible, Permissions::from_mode(0o755)).unwrap();
        let python = ansible_playbook().unwrap().with_file_name("python");
        let config = format!(
            "[ansible]\nplaybook = {ansible:?}\n[assets.{asset:?}]\nwindows = true\n[assets.{asset:?}.variables]\n\
             ansible_network_os = \"acme.os.os\"\nansible_connection = \"local\"\nansible_shell_type = \"sh\"\nansible_python_interpreter = {python:?}\n\
             [jobs.export]\nhold = [\"touch\", \"{0}/held\"]\nrelease = [\"rm\", \"{0}/held\"]\nrun = [\"touch\", \"{0}/ran\"]\n",
            self.folder.path().display()
        );
        let config = Config::parse(&config).unwrap();
        Executor::new(config, "monthly", &self.folder.path().join("journal")).unwrap()
    }

    fn carry_out(&self, action: Action) -> Result<Done, Failure> {
        self.executor().carry_out(&Task {
            key: "production/1/desk/hold".to_owned(),
            ring: "production".to_owned(),
            asset: Some("desk".to_owned()),
            action,
        })
    }

    fn hold(&self) -> Result<Done, Failure> {
        self.carry_out(Action::Hold {
            jobs: Vec::new(),
            automatic_updates: true,
        })
    }

    fn release(&self) -> Result<Done, Failure> {
        self.carry_out(Action::Release {
            jobs: Vec::new(),
            run: Vec::new(),
            automatic_updates: true,
        })
    }
}

#[test]
fn automatic_updates_of_windows_are_held_and_given_back_as_they_were() {
    for before in [
        json!({}),
        json!({ UPDATES: 0, STORE: 4 }),
        json!({ STORE: 2 }),
    ] {
        let desk = Workstation::new(&before);
        // What was never held is left alone.
        desk.release().unwrap();
        assert_eq!(desk.registry(), before);
        for _ in 0..2 {
            let held = desk.hold().unwrap();
            assert!(
                held.evidence.contains("hold: NoAutoUpdate 1"),
                "{}",
                held.evidence
            );
            let registry = desk.registry();
            assert_eq!(
                (&registry[UPDATES], &registry[STORE]),
                (&json!(1), &json!(2))
            );
        }
        for _ in 0..2 {
            desk.release().unwrap();
            assert_eq!(desk.registry(), before);
        }
    }
}

#[test]
fn windows_restarts_once_whenever_its_controller_is_lost() {
    for (lost, meanwhile) in [("never", 1), ("after", 1), ("before", 0)] {
        let desk = Workstation::new(&json!({}));
        if lost != "never" {
            desk.write(&json!({ "lost": lost }));
        }
        let restart = || {
            desk.carry_out(Action::Reboot {
                timeout_ms: 600_000,
            })
        };
        assert_eq!(restart().is_ok(), lost == "never");
        let mut registry = desk.registry();
        let restarts = |registry: &Value| registry["restarts"].as_u64().unwrap_or(0);
        assert_eq!(restarts(&registry), meanwhile, "{lost}: {registry}");
        registry.as_object_mut().unwrap().remove("lost");
        desk.write(&registry);
        for _ in 0..2 {
            restart().unwrap();
            assert_eq!(restarts(&desk.registry()), 1, "{lost}");
        }
    }
}

#[test]
fn what_is_not_as_before_when_it_is_given_back_is_said_and_can_be_given_back_later() {
    let before = json!({ UPDATES: 0, STORE: 4 });
    let desk = Workstation::new(&before);
    desk.hold().unwrap();
    let mut registry = desk.registry();
    registry["fixed"] = json!([STORE]);
    desk.write(&registry);
    let failure = desk.release().unwrap_err();
    let expected = "AutoDownload is not as before it was held (4)";
    assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
    let mut registry = desk.registry();
    registry.as_object_mut().unwrap().remove("fixed");
    desk.write(&registry);
    desk.release().unwrap();
    assert_eq!(desk.registry(), before);
}

#[test]
fn what_ends_only_with_a_restart_says_so() {
    let desk = Workstation::new(&json!({}));
    let apply = |means: Means| {
        let patch = "one".to_owned();
        let changes = vec![Change { patch, means }];
        desk.carry_out(Action::Apply { changes }).unwrap()
    };
    let updates = || Means::Playbook {
        name: "windows-updates".to_owned(),
        variables: [("updates".to_owned(), "KB5040442".to_owned())].into(),
    };
    for needed in [true, false] {
        desk.write(&json!({ "reboot_required": needed }));
        assert_eq!(apply(updates()).reboot_needed, needed);
    }
    let says = |text: &str| Means::Command {
        arguments: vec!["echo".to_owned(), text.to_owned()],
    };
    assert!(apply(says("stopgap: a restart is needed")).reboot_needed);
}

#[test]
fn a_playbook_that_does_nothing_is_not_done() {
    let desk = Workstation::new(&json!({}));
    let folder = desk.folder.path().display();
    let own = |name: &str, text: &str| {
        std::fs::write(desk.folder.path().join(name), text).unwrap();
        format!("{folder}/{name}")
    };
    let task = "  gather_facts: false\n  tasks: [{ ansible.builtin.debug: { msg: worked }";
    let elsewhere = own("elsewhere.yml", &format!("- hosts: routers\n{task} }}]\n"));
    let left_out = own(
        "left-out.yml",
        &format!("- hosts: all\n{task}, when: false }}]\n"),
    );
    let works = own("works.yml", &format!("- hosts: all\n{task} }}]\n"));
    // Both ask first what the asset is.
    let setup = "vars: { ansible_facts_modules: [ansible.builtin.setup] }";
    let task = task.replace("gather_facts: false", setup);
    let of_facts = |name: &str, system: &str| {
        let only = format!("when: ansible_facts.system == '{system}'");
        own(name, &format!("- hosts: all\n{task}, {only} }}]\n"))
    };
    let (for_another, for_this) = (
        of_facts("another.yml", "OpenBSD"),
        of_facts("this.yml", "Linux"),
    );
    let apply = |name: &str| {
        desk.carry_out(Action::Apply {
            changes: vec![Change {
                patch: "one".to_owned(),
                means: Means::Playbook {
                    name: name.to_owned(),
                    variables: [("image".to_owned(), "flash:new.bin".to_owned())].into(),
                },
            }],
        })
    };
    for name in [&works, &for_this] {
        assert!(apply(name).unwrap().evidence.contains("worked"));
    }
    for (name, expected) in [
        (&*elsewhere, "did nothing on desk"),
        (&left_out, "did nothing on desk"),
        (&for_another, "did nothing on desk"),
        // Of a system that it does not know.
        (
            "network-software",
            "does not know ansible_network_os acme.os.os: name cisco.ios.ios, arista.eos.eos, junipernetworks.junos.junos",
        ),
    ] {
        let failure = apply(name).unwrap_err();
        assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
    }
}

#[test]
fn a_playbook_has_worked_whatever_colours_and_names_there_are() {
    let desk = Workstation::new(&json!({}));
    let settings = desk.folder.path().join("ansible.cfg");
    std::fs::write(&settings, "[defaults]\nforce_color = true\n").unwrap();
    let path = desk.folder.path().join("own.yml");
    let settings = format!("ANSIBLE_CONFIG={settings:?}");
    for (asset, host, exports) in [
        ("desk", "desk", "ANSIBLE_FORCE_COLOR=1"),
        ("desk", "desk", &settings),
        ("desk-7.lan", "desk-7.lan", ""),
        ("db:22", "all", ""),
        ("db[1:3]", "all", ""),
        ("arn:aws:db/1", "all", ""),
        ("mario's", "all", ""),
    ] {
        for (when, works) in [(true, true), (false, false)] {
            let play = format!(
                "- hosts: {host}\n  vars: {{ ansible_facts_modules: [ansible.builtin.setup] }}\n  \
                 tasks: [{{ ansible.builtin.debug: {{ msg: worked }}, when: {when} }}]\n"
            );
            std::fs::write(&path, play).unwrap();
            let outcome = desk.executor_of(asset, exports).carry_out(&Task {
                key: "production/1/own/apply".to_owned(),
                ring: "production".to_owned(),
                asset: Some(asset.to_owned()),
                action: Action::Apply {
                    changes: vec![Change {
                        patch: "one".to_owned(),
                        means: Means::Playbook {
                            name: path.display().to_string(),
                            variables: [].into(),
                        },
                    }],
                },
            });
            let said = match (outcome, works) {
                (Ok(done), true) => done.evidence,
                (Err(failure), false) => failure.excerpt,
                (outcome, _) => panic!("{asset}, {exports}, {when}: {outcome:?}"),
            };
            let expected = if works { "worked" } else { "did nothing on" };
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
    }
}

fn job(name: &str, kind: JobKind) -> Job {
    Job {
        name: name.to_owned(),
        kind,
        schedule: "daily".to_owned(),
        command: String::new(),
        file: None,
        user: None,
        must_not_be_skipped: false,
    }
}

#[test]
fn a_job_that_cannot_be_held_on_windows_is_refused() {
    let desk = Workstation::new(&json!({}));
    let held = desk.folder.path().join("held");
    let export = job("export", JobKind::External);
    desk.carry_out(Action::Hold {
        jobs: vec![export.clone()],
        automatic_updates: false,
    })
    .unwrap();
    // What was held elsewhere before the refusal would have stayed so.
    std::fs::remove_file(&held).unwrap();
    for (other, expected) in [
        (job("backup.timer", JobKind::Timer), "runs Windows"),
        (job("unknown", JobKind::External), "no job `unknown`"),
    ] {
        let task = Task {
            key: format!("production/2/desk/hold-{}", other.name),
            ring: "production".to_owned(),
            asset: Some("desk".to_owned()),
            action: Action::Hold {
                jobs: vec![export.clone(), other],
                automatic_updates: true,
            },
        };
        let failure = desk.executor().carry_out(&task).unwrap_err();
        assert_eq!(failure.class, Class::Command);
        assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
        assert!(!held.exists(), "{expected}");
    }
    assert_eq!(desk.registry(), json!({}));
}

#[test]
fn what_can_be_released_is_whatever_cannot() {
    let desk = Workstation::new(&json!({}));
    desk.hold().unwrap();
    let held = desk.folder.path().join("held");
    let ran = desk.folder.path().join("ran");
    let release = |number: u32, jobs: &[Job]| {
        std::fs::write(&held, "").unwrap();
        let _ = std::fs::remove_file(&ran);
        desk.executor().carry_out(&Task {
            key: format!("production/{number}/desk/release"),
            ring: "production".to_owned(),
            asset: Some("desk".to_owned()),
            action: Action::Release {
                jobs: jobs.to_vec(),
                run: jobs.to_vec(),
                automatic_updates: true,
            },
        })
    };
    let (timer, unknown, export) = (
        job("backup.timer", JobKind::Timer),
        job("unknown", JobKind::External),
        job("export", JobKind::External),
    );
    // That it is held was refused: nothing of it is left.
    let done = release(1, &[timer.clone(), export.clone()]).unwrap();
    let expected = "`backup.timer` was never held";
    assert!(done.evidence.contains(expected), "{}", done.evidence);
    assert!(!held.exists());
    assert!(ran.exists());
    assert_eq!(desk.registry(), json!({}));
    desk.hold().unwrap();
    let failure = release(2, &[unknown, timer, export]).unwrap_err();
    assert_eq!(failure.class, Class::Command);
    let expected = "no job `unknown`";
    assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
    assert!(!held.exists());
    assert!(ran.exists());
    assert_eq!(desk.registry(), json!({}));
}

#[test]
fn what_takes_a_shell_of_posix_is_refused_on_windows_and_not_tried_again() {
    let desk = Workstation::new(&json!({}));
    let change = Change {
        patch: "one".to_owned(),
        means: Means::Packages {
            names: vec!["openssl".to_owned()],
        },
    };
    let services = vec!["app.service".to_owned()];
    for action in [
        Action::Message {
            text: "save your work".to_owned(),
        },
        Action::Stop { services },
        Action::Apply {
            changes: vec![change],
        },
    ] {
        let failure = desk.carry_out(action).unwrap_err();
        assert_eq!(failure.class, Class::Command, "{}", failure.excerpt);
        let expected = "desk runs Windows, where messages, services and packages";
        assert!(failure.excerpt.contains(expected), "{}", failure.excerpt);
    }
}
