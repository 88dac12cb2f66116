//! Text to syntax tree.

mod actions;
mod targets;
mod words;

use crate::ast::{Directive, DirectiveKind, Operator, Rule, Ruleset, Text};
use crate::error::SyntaxError;
use crate::limits::Limits;
use crate::span::{SourceMap, Span};
use words::Word;

/// Parses one text; `name` is what errors call it.
///
/// `Include` stays a setting: this reads no files.
///
/// # Errors
/// The first thing that is not SecLang, or beyond the limits.
pub fn parse(name: &str, text: &str, limits: &Limits) -> Result<Ruleset, SyntaxError> {
    let mut sources = SourceMap::default();
    if text.len() > limits.source_bytes || u32::try_from(text.len()).is_err() {
        sources.add(name, "");
        let message = format!(
            "the text is larger than the {} bytes allowed",
            limits.source_bytes
        );
        return Err(SyntaxError::new(&sources, Span::default(), message));
    }
    let source = sources.add(name, text);
    let mut directives = Vec::new();
    let mut at = 0;
    loop {
        let words = words::next(text, source, &mut at).map_err(|unclosed| {
            SyntaxError::new(&sources, unclosed.span, "this quote is not closed")
        })?;
        let Some((head, arguments)) = words.split_first() else {
            return Ok(Ruleset {
                sources,
                directives,
            });
        };
        if directives.len() == limits.directives {
            let message = format!("more than the {} directives allowed", limits.directives);
            return Err(SyntaxError::new(&sources, head.span, message));
        }
        let end = arguments.last().map_or(head.span.end, |last| last.span.end);
        let span = Span { end, ..head.span };
        let kind = Parser {
            sources: &sources,
            limits,
        }
        .directive(head, arguments)?;
        directives.push(Directive { span, kind });
    }
}

struct Parser<'a> {
    sources: &'a SourceMap,
    limits: &'a Limits,
}

impl Parser<'_> {
    fn error(&self, span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.sources, span, message)
    }

    fn directive(&self, head: &Word, arguments: &[Word]) -> Result<DirectiveKind, SyntaxError> {
        let text = |word: &Word| Text {
            span: word.span,
            value: word.text.clone(),
        };
        match (head.text.to_ascii_lowercase().as_str(), arguments) {
            ("secrule", [targets, operator]) => self.rule(targets, operator, None),
            ("secrule", [targets, operator, actions]) => self.rule(targets, operator, Some(actions)),
            ("secrule", _) => Err(self.error(
                head.span,
                format!(
                    "SecRule takes 2 or 3 arguments, not {}: SecRule TARGETS \"OPERATOR\" \"ACTIONS\"; quote what holds spaces",
                    arguments.len()
                ),
            )),
            ("secaction", [actions]) => Ok(DirectiveKind::Action(self.actions(actions)?)),
            ("secdefaultaction", [actions]) => {
                Ok(DirectiveKind::DefaultAction(self.actions(actions)?))
            }
            ("secmarker", [name]) => Ok(DirectiveKind::Marker(text(name))),
            ("secaction" | "secdefaultaction" | "secmarker", _) => Err(self.error(
                head.span,
                format!("{} takes 1 argument, not {}; quote what holds spaces", head.text, arguments.len()),
            )),
            _ => Ok(DirectiveKind::Setting {
                name: text(head),
                arguments: arguments.iter().map(text).collect(),
            }),
        }
    }

    fn rule(
        &self,
        targets: &Word,
        operator: &Word,
        actions: Option<&Word>,
    ) -> Result<DirectiveKind, SyntaxError> {
        let limit = |count: usize, limit: usize, what: &str, word: &Word| match count > limit {
            true => Err(self.error(word.span, format!("more than the {limit} {what} allowed"))),
            false => Ok(()),
        };
        let parsed = targets::parse(&targets.text, targets.span)
            .map_err(|message| self.error(targets.span, message))?;
        limit(parsed.len(), self.limits.targets, "targets", targets)?;
        Ok(DirectiveKind::Rule(Rule {
            targets: parsed,
            operator: self.operator(operator)?,
            actions: actions.map_or_else(|| Ok(Vec::new()), |word| self.actions(word))?,
        }))
    }

    fn actions(&self, word: &Word) -> Result<Vec<crate::ast::Action>, SyntaxError> {
        let parsed = actions::parse(&word.text, word.span)
            .map_err(|message| self.error(word.span, message))?;
        if parsed.len() > self.limits.actions {
            let message = format!("more than the {} actions allowed", self.limits.actions);
            return Err(self.error(word.span, message));
        }
        Ok(parsed)
    }

    fn operator(&self, word: &Word) -> Result<Operator, SyntaxError> {
        let text = word.text.trim_start();
        let (negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let (name, argument) = match rest.strip_prefix('@') {
            Some(named) => named.split_once([' ', '\t']).unwrap_or((named, "")),
            None => ("rx", rest),
        };
        if name.is_empty() {
            return Err(self.error(word.span, "an operator's name follows `@`, such as `@rx`"));
        }
        Ok(Operator {
            span: word.span,
            negated,
            name: name.to_owned(),
            argument: argument.to_owned(),
        })
    }
}
