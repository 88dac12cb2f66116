//! How soon a finding wants attention.

use ledger::ssvc::{Inputs, Mission};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    row: Vec<[String; 6]>,
}

#[test]
fn every_decision_is_the_one_of_the_published_table() {
    let table: Table = toml::from_str(include_str!("../testdata/ssvc.toml")).unwrap();
    assert_eq!(table.row.len(), 12);
    for row in table.row {
        let [exploitation, automatable, technical_impact, decisions @ ..] = row;
        for (mission, decision) in Mission::ALL.iter().zip(decisions) {
            let inputs = Inputs {
                exploitation: exploitation.parse().unwrap(),
                automatable: automatable == "yes",
                technical_impact: technical_impact.parse().unwrap(),
                mission: *mission,
                because: "the table".to_owned(),
            };
            assert_eq!(inputs.decision().name(), decision, "{inputs:?}");
        }
    }
}
