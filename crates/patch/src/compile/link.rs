//! Rules on their way to SecLang: still typed, not yet text.

use seclang::{Action, Directive, DirectiveKind, Operator, Rule, Selector, Span, Target};

use crate::document::Decode;

/// What a document's rule became.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// Made from allow, deny or strip.
    Made(Made),
    /// Written in SecLang.
    Seclang(seclang::Ruleset),
}

/// One rule or chain.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// From `NUMBERS` on.
    pub(crate) number: u64,
    pub(crate) phase: u8,
    pub(crate) message: String,
    pub(crate) effect: Effect,
    pub(crate) links: Vec<Link>,
}

/// What a match does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Deny { status: u16 },
    Strip(engine::Strip),
}

/// A condition; all of a chain's must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    pub(crate) targets: Vec<Target>,
    pub(crate) negated: bool,
    pub(crate) operator: &'static str,
    pub(crate) argument: String,
    pub(crate) transformations: Vec<&'static str>,
    /// Whether every stage of decoding is looked at.
    pub(crate) every_stage: bool,
    /// Whether the groups of its expression become `TX:1` and so on.
    pub(crate) captures: bool,
}

impl Entry {
    pub(crate) fn needs_body(&self) -> bool {
        match self {
            Self::Made(made) => made.links.iter().any(Link::needs_body),
            Self::Seclang(ruleset) => ruleset.directives.iter().any(|directive| {
                matches!(&directive.kind, DirectiveKind::Rule(rule)
                    if rule.targets.iter().any(is_of_body))
            }),
        }
    }
}

impl Made {
    pub(crate) fn new(message: String, effect: Effect, links: Vec<Link>) -> Self {
        Self {
            number: 0,
            phase: 1,
            message,
            effect,
            links,
        }
    }

    /// As SecLang: a chain whose first links are `heads`.
    pub(crate) fn directives(&self, id: u64, heads: &[Link]) -> Vec<Directive> {
        let links: Vec<&Link> = heads.iter().chain(&self.links).collect();
        let last = links.len().saturating_sub(1);
        links
            .iter()
            .enumerate()
            .map(|(at, link)| {
                let mut actions = Vec::new();
                if at == 0 {
                    actions.push(Action::new("id", &id.to_string()));
                    actions.push(Action::new("phase", &self.phase.to_string()));
                    actions.extend(self.effect.actions());
                    actions.push(Action::flag("log"));
                    actions.push(Action::new("msg", &self.message));
                }
                actions.push(Action::new("t", "none"));
                actions.extend(
                    link.transformations
                        .iter()
                        .map(|name| Action::new("t", name)),
                );
                if link.every_stage && !link.transformations.is_empty() {
                    actions.push(Action::flag("multiMatch"));
                }
                if link.captures {
                    actions.push(Action::flag("capture"));
                }
                if at < last {
                    actions.push(Action::flag("chain"));
                }
                Directive {
                    span: Span::default(),
                    kind: DirectiveKind::Rule(Rule {
                        targets: link.targets.clone(),
                        operator: Operator {
                            span: Span::default(),
                            negated: link.negated,
                            name: link.operator.to_owned(),
                            argument: link.argument.clone(),
                        },
                        actions,
                    }),
                }
            })
            .collect()
    }
}

impl Effect {
    fn actions(&self) -> Vec<Action> {
        match self {
            Self::Deny { status } => vec![
                Action::flag("deny"),
                Action::new("status", &status.to_string()),
            ],
            Self::Strip(what) => {
                let what = match what {
                    engine::Strip::Header(name) => format!("header:{name}"),
                    engine::Strip::Cookie(name) => format!("cookie:{name}"),
                    engine::Strip::QueryParameter(name) => format!("query:{name}"),
                };
                vec![Action::new("strip", &what)]
            }
        }
    }
}

impl Link {
    pub(crate) fn new(
        targets: Vec<Target>,
        operator: &'static str,
        argument: impl Into<String>,
    ) -> Self {
        Self {
            targets,
            negated: false,
            operator,
            argument: argument.into(),
            transformations: Vec::new(),
            every_stage: false,
            captures: false,
        }
    }

    /// How many values there are.
    pub(crate) fn counted(place: Located, operator: &'static str, than: usize) -> Self {
        let targets = place
            .0
            .into_iter()
            .map(|target| Target {
                counted: !target.excluded,
                ..target
            })
            .collect();
        Self::new(targets, operator, than.to_string())
    }

    pub(crate) fn negated(mut self) -> Self {
        self.negated = true;
        self
    }

    pub(crate) fn decoded(mut self, steps: &[Decode]) -> Self {
        self.transformations = steps
            .iter()
            .filter_map(|step| transformation(*step))
            .collect();
        self
    }

    pub(crate) fn needs_body(&self) -> bool {
        self.targets.iter().any(is_of_body)
    }
}

/// The targets that one place means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Located(pub(crate) Vec<Target>);

impl std::fmt::Display for Located {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join("|"))
    }
}

/// The SecLang name of a step; none for `backslash`, which the patterns see to.
fn transformation(step: Decode) -> Option<&'static str> {
    Some(match step {
        Decode::Url => "urlDecodeUni",
        Decode::Html => "htmlEntityDecode",
        Decode::Js => "jsDecode",
        Decode::Css => "cssDecode",
        Decode::Base64 => "base64DecodeExt",
        Decode::Inflate => "inflate",
        Decode::Hex => "hexDecode",
        Decode::Utf8 => "utf8toUnicode",
        Decode::Backslash => return None,
        Decode::NormalizePath => "normalisePath",
        Decode::Lowercase => "lowercase",
        Decode::Whitespace => "compressWhitespace",
        Decode::NoWhitespace => "removeWhitespace",
        Decode::Nulls => "removeNulls",
        Decode::Comments => "replaceComments",
        Decode::Shell => "cmdLine",
    })
}

fn is_of_body(target: &Target) -> bool {
    const PREFIXES: &[&str] = &[
        "ARGS_POST",
        "FILES",
        "MULTIPART",
        "XML",
        "REQUEST_BODY",
        "BODY_",
    ];
    let name = target.variable.to_ascii_uppercase();
    matches!(
        name.as_str(),
        "ARGS" | "ARGS_NAMES" | "ARGS_COMBINED_SIZE" | "REQBODY_PROCESSOR"
    ) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A target by its parts.
pub(crate) fn target(variable: &str, selector: Option<Selector>) -> Target {
    Target {
        span: Span::default(),
        excluded: false,
        counted: false,
        variable: variable.to_owned(),
        selector,
    }
}
