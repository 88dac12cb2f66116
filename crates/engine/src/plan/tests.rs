//! Each pass by itself, on rules as data: `testdata/plan/<pass>.toml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::interest::{Field, Joint};
use super::ir::{Check, Link, Program, Selector, Step, Text};
use super::query::{Query, Uses};
use super::route::Asked;
use super::signature::{Sets, Signatures};
use super::{Compiler, PatchRules, Plan, When};
use crate::language::lower::Pool;
use crate::language::variables;
use crate::need::ByteSet;
use crate::operators::Hit;
use crate::transaction::tx::Tx;
use crate::{Limits, NoResources, PathScope, RequestHead, Scope, Trace, transformations};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<C> {
    case: Vec<C>,
}

/// The cases of a pass.
fn cases<C: DeserializeOwned>(text: &str) -> Vec<C> {
    let file: File<C> = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    file.case
}

fn parsed(rules: &str) -> seclang::Ruleset {
    seclang::parse("case.conf", rules, &seclang::Limits::default())
        .unwrap_or_else(|error| panic!("{error}\n{rules}"))
}

fn compiled(rules: &str, plainly: bool) -> Arc<Plan> {
    let compiler = Compiler::new(&[parsed(rules)], Limits::default(), &NoResources)
        .unwrap_or_else(|error| panic!("{error}\n{rules}"));
    let compiler = match plainly {
        true => compiler.plainly(),
        false => compiler,
    };
    compiler.finish().unwrap()
}

/// The rules that are asked in a request for this target, in their order.
fn asked(plan: &Arc<Plan>, target: &str) -> Vec<u64> {
    inspected(plan, target).0
}

/// The rules that are asked, and those that match and say so.
fn inspected(plan: &Arc<Plan>, target: &str) -> (Vec<u64>, Vec<u64>) {
    let headers: Vec<(&str, &str)> = Vec::new();
    let mut transaction = plan.begin();
    transaction.trace();
    let head = RequestHead::new(b"GET", target.as_bytes(), &headers);
    let _ = transaction.request_head(&head);
    let _ = transaction.request_body_end();
    let (matches, trace) = transaction.finish_traced();
    let begun = trace.into_iter().filter_map(|step| match step {
        Trace::Begins { rule, link: 0, .. } => Some(rule),
        _ => None,
    });
    let matched = matches.iter().map(|found| found.rule);
    (begun.collect(), matched.collect())
}

/// A phase, a step each: `1`, `1 -> END`, `1 asks 5`, `marker END`.
fn steps(program: &Program, phase: usize) -> Vec<String> {
    let line = |step: &Step| match step {
        Step::Marker(name) => format!("marker {}", name.replace('\0', " ")),
        Step::Rule(rule) => {
            let mut line = rule.id.to_string();
            if let Some(argument) = rule.links.first().and_then(argument) {
                line += &format!(" asks {argument}");
            }
            if let Some(marker) = &rule.skip_after {
                line += &format!(" -> {}", marker.replace('\0', " "));
            }
            line
        }
    };
    program.phases[phase - 1].iter().map(line).collect()
}

/// What a plain operator compares with, where macros are or were in it.
fn argument(link: &Link) -> Option<&str> {
    match &link.test.as_ref()?.check {
        Check::Plain { argument, .. } => Some(argument.written()),
        Check::Compiled(_) | Check::Expanded(..) => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jump {
    name: String,
    rules: String,
    /// Phase 1 after the pass.
    steps: Vec<String>,
    /// What then is asked.
    asked: Vec<u64>,
}

#[test]
fn a_skip_becomes_a_jump_to_where_it_leads() {
    for case in cases::<Jump>(include_str!("../../testdata/plan/jump.toml")) {
        let rules = [parsed(&case.rules)];
        let limits = Limits::default();
        let program = super::lower(rules.iter(), &limits, &NoResources, &mut Pool::default());
        let program = program.unwrap_or_else(|fault| panic!("{}: {}", case.name, fault.message));
        assert_eq!(steps(&program, 1), case.steps, "{}", case.name);
        let (asked, matched) = inspected(&compiled(&case.rules, true), "/");
        assert_eq!(asked, case.asked, "{}", case.name);
        let (_, in_plan) = inspected(&compiled(&case.rules, false), "/");
        assert_eq!(in_plan, matched, "{}", case.name);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fold {
    name: String,
    rules: String,
    /// Of all phases, after the pass.
    left: Vec<String>,
    /// Of `TX`; an empty text: nothing.
    #[serde(default)]
    initial: BTreeMap<String, String>,
}

#[test]
fn what_is_certain_at_load_is_folded_and_nothing_else() {
    for case in cases::<Fold>(include_str!("../../testdata/plan/fold.toml")) {
        let plan = compiled(&case.rules, false);
        let left: Vec<String> = (1..=5)
            .flat_map(|phase| steps(&plan.base, phase))
            .filter(|step| !step.starts_with("marker"))
            .collect();
        assert_eq!(left, case.left, "{}", case.name);
        let tx = Tx::default();
        for (name, expected) in &case.initial {
            let names = &plan.base.tx;
            let value = tx
                .get(names.named(name.as_bytes()), names)
                .unwrap_or_default();
            assert_eq!(value, expected.as_bytes(), "{}: {name}", case.name);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    /// As in a rule.
    operator: String,
    /// A value must hold a byte of each.
    #[serde(default)]
    bytes: Vec<String>,
    /// And one of these.
    #[serde(default)]
    texts: Vec<String>,
    /// Or a byte of this in place of a text.
    #[serde(default)]
    or: String,
    /// Values that the operator matches: the gate must let them through.
    matching: Vec<String>,
    /// Values that the gate keeps from the operator.
    #[serde(default)]
    kept_out: Vec<String>,
}

#[test]
fn a_gate_asks_for_what_every_match_holds() {
    let mut wrong = Vec::new();
    for case in cases::<Asking>(include_str!("../../testdata/plan/gate.toml")) {
        let name = &case.operator;
        let quoted = name.replace('"', "\\\"");
        let rule = format!("SecRule ARGS \"{quoted}\" \"id:1,phase:2,pass,nolog,t:none\"");
        let plan = compiled(&rule, false);
        let asks = match plan.outline().swap_remove(0).when {
            When::Holding { bytes, texts, or } => (bytes, texts, or),
            When::AnyValue => Default::default(),
            When::Always(why) => panic!("{name}: {why}"),
        };
        let expected = (case.bytes, case.texts, case.or);
        if asks != expected {
            wrong.push(format!("{name} asks for {asks:?}, not {expected:?}"));
        }
        let Some(Step::Rule(rule)) = plan.base.phases[1].first() else {
            panic!("{name}: no rule is left");
        };
        let test = rule.links[0].test.as_ref().unwrap();
        let passes = |value: &str| {
            let signature = plan.scan.signatures.of(value.as_bytes());
            let mut found = Vec::new();
            plan.scan.texts.find(value.as_bytes(), &mut found);
            let clause = test.gate.asks_for(signature);
            test.gate.admits(signature) && clause.is_none_or(|clause| found.contains(&clause))
        };
        let mut hit = Hit::default();
        let mut matches = |value: &str| match &test.check {
            Check::Compiled(operator) => {
                operator.matches(value.as_bytes(), &mut hit) != test.negated
            }
            Check::Plain {
                function,
                argument: Text::Plain(argument),
                ..
            } => function(argument.as_bytes(), value.as_bytes(), &mut hit) != test.negated,
            _ => panic!("{name} has macros"),
        };
        for value in &case.matching {
            assert!(matches(value), "{name} does not match {value:?}");
            assert!(passes(value), "{name}: the gate keeps out {value:?}");
        }
        for value in &case.kept_out {
            assert!(!matches(value), "{name} matches {value:?}");
            assert!(!passes(value), "{name}: the gate lets through {value:?}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    transformation: String,
    /// Values that it leaves as they are, as the signature alone tells.
    left: Vec<String>,
    /// Values that it may change.
    open: Vec<String>,
}

#[test]
fn a_signature_tells_what_a_transformation_leaves_as_it_is() {
    let signatures = Signatures::new(&Sets::default());
    for case in cases::<Signature>(include_str!("../../testdata/plan/signature.toml")) {
        let name = &case.transformation;
        let named = |spec: &transformations::Spec| spec.name == name;
        let at = transformations::ALL.iter().position(named).unwrap() as u16;
        let apply = transformations::ALL[usize::from(at)].apply;
        let leaves = |value: &str| signatures.leaves(at, signatures.of(value.as_bytes()));
        for value in &case.left {
            let mut output = Vec::new();
            let changed = apply(value.as_bytes(), &mut output) && output != value.as_bytes();
            assert!(leaves(value) && !changed, "{name}: {value:?}");
        }
        for value in &case.open {
            assert!(!leaves(value), "{name}: {value:?}");
        }
    }
}

#[test]
fn a_signature_has_a_bit_for_each_set_that_a_value_has_a_byte_of() {
    let mut sets = Sets::default();
    let angle = sets.add(ByteSet::of(b"<>")).unwrap();
    let letter = sets.add(ByteSet::of(b"q")).unwrap();
    let signatures = Signatures::new(&sets);
    let both = angle | letter;
    for (value, expected) in [
        ("", 0),
        ("abc", 0),
        ("a<b", angle),
        // Needs ignore ASCII case.
        ("Q", letter),
        (">q<", both),
    ] {
        assert_eq!(signatures.of(value.as_bytes()) & both, expected, "{value}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queried {
    name: String,
    rules: String,
    /// Phase 1 as groups.
    groups: Vec<String>,
    /// Targets, and the rules that are asked for them.
    asked: BTreeMap<String, Vec<u64>>,
}

#[test]
fn rules_are_grouped_by_what_they_look_at_and_how_it_is_decoded() {
    for case in cases::<Queried>(include_str!("../../testdata/plan/query.toml")) {
        let plan = compiled(&case.rules, false);
        let queries = plan.base.queries.as_ref().unwrap();
        assert_eq!(
            groups(&plan.base, &queries[0]),
            case.groups,
            "{}",
            case.name
        );
        for (target, expected) in &case.asked {
            assert_eq!(&asked(&plan, target), expected, "{}: {target}", case.name);
        }
    }
}

/// `always: 1`, `ARGS, any value: 2`, `ARGS:q, after lowercase: 3`.
fn groups(program: &Program, query: &Query) -> Vec<String> {
    let ids = |steps: &mut dyn Iterator<Item = u32>| {
        let mut ids: Vec<u64> = steps
            .filter_map(|step| match &program.phases[0][step as usize] {
                Step::Rule(rule) => Some(rule.id),
                Step::Marker(_) => None,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        ids.join(" ")
    };
    let mut groups = Vec::new();
    let always = ids(&mut query.always.iter());
    if !always.is_empty() {
        groups.push(format!("always: {always}"));
    }
    let mut of = |who: &str, uses: &Uses| {
        let mut tell = |how: String, ids: String| {
            if !ids.is_empty() {
                groups.push(format!("{who}, {how}: {ids}"));
            }
        };
        let any = uses.open.iter().chain(&uses.free);
        tell("any value".into(), ids(&mut any.copied()));
        tell("as it came".into(), ids(&mut uses.undecoded.steps()));
        for (at, stage) in uses.stages.iter().enumerate() {
            let chain = chain(uses, at);
            tell(format!("after {chain}"), ids(&mut stage.rules.steps()));
        }
    };
    for looked in &query.looked_at {
        let variable = variables::spec(looked.variable).name;
        of(variable, &looked.all);
        let named = looked.named.iter();
        let named: BTreeMap<_, _> = named
            .map(|(number, uses)| (name_of(program, *number), uses))
            .collect();
        for (name, uses) in named {
            of(&format!("{variable}:{name}"), uses);
        }
        for (_, uses) in &looked.patterns {
            of(&format!("{variable}:/…/"), uses);
        }
    }
    groups
}

/// The name that rules ask for by this number.
fn name_of(program: &Program, number: u32) -> String {
    let rules = program.phases[0].iter().filter_map(|step| match step {
        Step::Rule(rule) => Some(&rule.links),
        Step::Marker(_) => None,
    });
    let targets = rules.flatten().flat_map(|link| &link.targets);
    let mut names = targets.filter_map(|target| match &target.selector {
        Selector::Name(Text::Plain(name)) if target.name == Some(number) => Some(name),
        _ => None,
    });
    names.next().unwrap().to_ascii_lowercase()
}

fn chain(uses: &Uses, at: usize) -> String {
    let stage = &uses.stages[at];
    let name = transformations::ALL[usize::from(stage.transformation)].name;
    match stage.before {
        Some(before) => format!("{} {name}", chain(uses, before as usize)),
        None => name.to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    name: String,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    methods: Vec<String>,
    exact: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    regex: Option<String>,
    /// Method, host, target.
    concerned: Vec<String>,
    not: Vec<String>,
}

/// All scopes are in one index, as patches are; each case speaks of its own.
#[test]
fn a_route_concerns_the_patches_whose_scope_it_is_in() {
    let cases = cases::<Route>(include_str!("../../testdata/plan/route.toml"));
    let mut compiler = Compiler::new(&[], Limits::default(), &NoResources).unwrap();
    for case in &cases {
        let patch = PatchRules {
            id: case.name.clone(),
            scope: scope(case),
            ..PatchRules::default()
        };
        compiler.add(&patch).unwrap();
    }
    let plan = compiler.finish().unwrap();
    for (at, case) in (0..).zip(&cases) {
        let sides = [(&case.concerned, true), (&case.not, false)];
        for (request, expected) in sides.iter().flat_map(|(requests, expected)| {
            requests.iter().map(move |request| (request, *expected))
        }) {
            let mut words = request.splitn(3, ' ').map(str::as_bytes);
            let mut word = || words.next().unwrap_or_default();
            let (method, host, target) = (word(), word(), word());
            let asked = Asked {
                application: "",
                host,
                method,
                target,
            };
            let mut found = Vec::new();
            plan.routes
                .lookup(&asked, &mut Vec::new(), &mut |concern, _| {
                    found.push(concern.patch);
                });
            assert_eq!(found.contains(&at), expected, "{}: {request}", case.name);
        }
    }
}

fn scope(case: &Route) -> Scope {
    let paths = [
        case.exact.clone().map(PathScope::Exact),
        case.prefix.clone().map(PathScope::Prefix),
        case.suffix.clone().map(PathScope::Suffix),
        case.regex.clone().map(PathScope::Regex),
    ];
    Scope {
        applications: Vec::new(),
        hosts: case.hosts.clone(),
        methods: case.methods.clone(),
        paths: paths.into_iter().flatten().collect(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Interested {
    name: String,
    rules: String,
    /// Names and values of fields that are kept.
    kept: Vec<(String, String)>,
    /// And of those that no rule could match or count.
    left_out: Vec<(String, String)>,
}

#[test]
fn fields_are_kept_that_a_rule_could_match_or_count() {
    for case in cases::<Interested>(include_str!("../../testdata/plan/interest.toml")) {
        let mut compiler = Compiler::new(&[], Limits::default(), &NoResources).unwrap();
        let patch = PatchRules {
            id: "patch".to_owned(),
            rules: vec![parsed(&case.rules)],
            ..PatchRules::default()
        };
        compiler.add(&patch).unwrap();
        let plan = compiler.finish().unwrap();
        let interest = plan.patches[0].interest.as_ref().unwrap();
        let mut joint = Joint::default();
        joint.join(std::iter::once(Some(interest)));
        for (fields, expected) in [(&case.kept, true), (&case.left_out, false)] {
            for (name, value) in fields {
                let signatures = &plan.scan.signatures;
                let field = Field::new(name.as_bytes(), value.as_bytes(), false, signatures);
                let texts = field.texts();
                let wanted = interest.wants(&field, texts, &mut None);
                assert_eq!(wanted, expected, "{}: {name}={value}", case.name);
                // What is asked before that must not keep out what is wanted.
                let may = joint.may_want(&field) && interest.keys().may_be_in(texts);
                assert!(may || !wanted, "{}: {name}={value}", case.name);
            }
        }
    }
}
