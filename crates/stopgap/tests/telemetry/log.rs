//! What is logged, and by which id.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The head of what is answered to a call with this line in its head.
fn called(address: &str, line: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let call = "POST /api/v1/assets HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0";
    write!(stream, "{call}\r\n{line}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().0.to_owned()
}

fn id_of(head: &str) -> &str {
    let mut lines = head.lines();
    let id = lines.find_map(|line| line.strip_prefix("x-request-id: "));
    id.unwrap_or_else(|| panic!("no id: {head}"))
}

#[test]
fn calls_of_the_api_are_logged_as_json_by_their_ids() {
    for believes in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let believe = ["--believe-request-ids"];
        let mut control = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(["control", "--listen", "127.0.0.1:0", "--log", "json"])
            .args(believe.iter().filter(|_| believes))
            .arg("--data")
            .arg(folder.path())
            .env_remove("STOPGAP_DATABASE")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(control.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        let given = called(address, "x-request-id: from-before");
        let own = called(address, "x-request-id: not\"plain");
        kill_process(Pid::from_child(&control), Signal::TERM).unwrap();
        let log = control.wait_with_output().unwrap().stderr;

        assert!(given.starts_with("HTTP/1.1 401"), "{given}");
        assert_eq!(id_of(&given) == "from-before", believes);
        assert_eq!(id_of(&own).len(), 16, "{own}");
        let log = String::from_utf8(log).unwrap();
        for id in [id_of(&given), id_of(&own)] {
            let lines = log.lines().map(|line| -> Value {
                serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))
            });
            let mut of_call = lines.filter(|line| line["span"]["request_id"] == id);
            let line = of_call.next().unwrap();
            assert_eq!(line["fields"]["message"], "answered");
            assert_eq!(line["fields"]["status"], 401);
            assert_eq!(line["span"]["route"], "/api/v1/assets");
        }
    }
}
