//! Text to syntax tree.

mod actions;
mod targets;
mod words;

use crate::ast::{Directive, DirectiveKind, Operator, Rule, Ruleset, Text};
use crate::error::SyntaxError;
use crate::include::Files;
use crate::limits::Limits;
use crate::span::{SourceMap, Span};
use words::Word;

/// Parses one text; `name` is what errors call it.
///
/// `Include` stays a setting: this reads no files. [`load`] follows it.
///
/// # Errors
/// The first thing that is not SecLang, or beyond the limits.
pub fn parse(name: &str, text: &str, limits: &Limits) -> Result<Ruleset, SyntaxError> {
    let mut loader = Loader::new(limits, None);
    loader.text(name, text, None)?;
    Ok(loader.ruleset)
}

/// Reads a file and all that it includes, each in the place of its `Include`.
///
/// # Errors
/// The first thing that is not SecLang, or beyond the limits; a file that is
/// not there or includes itself.
pub fn load(name: &str, files: &dyn Files, limits: &Limits) -> Result<Ruleset, SyntaxError> {
    let mut loader = Loader::new(limits, Some(files));
    let text = files.read(name).map_err(|why| {
        loader.ruleset.sources.add(name, "");
        SyntaxError::new(&loader.ruleset.sources, Span::default(), why)
    })?;
    loader.text(name, &text, None)?;
    Ok(loader.ruleset)
}

/// Reads the targets in an argument, such as that of `SecRuleUpdateTargetById`.
///
/// # Errors
/// What is wrong and what was expected.
pub fn parse_targets(text: &Text) -> Result<Vec<crate::ast::Target>, String> {
    targets::parse(&Word::again(text)).map_err(|(_, why)| why)
}

/// Reads the actions in an argument, such as that of `SecRuleUpdateActionById`.
///
/// # Errors
/// What is wrong and what was expected.
pub fn parse_actions(text: &Text) -> Result<Vec<crate::ast::Action>, String> {
    actions::parse(&Word::again(text)).map_err(|(_, why)| why)
}

/// Several texts on their way to one ruleset.
struct Loader<'a> {
    limits: &'a Limits,
    files: Option<&'a dyn Files>,
    ruleset: Ruleset,
    /// Names of the files that are being read: each is included by the one before.
    open: Vec<String>,
    bytes: usize,
    files_read: usize,
}

impl<'a> Loader<'a> {
    fn new(limits: &'a Limits, files: Option<&'a dyn Files>) -> Self {
        Self {
            limits,
            files,
            ruleset: Ruleset::default(),
            open: Vec::new(),
            bytes: 0,
            files_read: 0,
        }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(&self.ruleset.sources, span, message)
    }

    /// Reads one text; `included` is where that was asked for.
    fn text(&mut self, name: &str, text: &str, included: Option<Span>) -> Result<(), SyntaxError> {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > self.limits.source_bytes || u32::try_from(text.len()).is_err() {
            let span = included.unwrap_or_else(|| Span {
                source: self.ruleset.sources.add(name, ""),
                ..Span::default()
            });
            let message = format!(
                "{name}: the text is larger than the {} bytes allowed",
                self.limits.source_bytes
            );
            return Err(self.error(span, message));
        }
        let source = self.ruleset.sources.add(name, text);
        self.open.push(name.to_owned());
        let mut at = 0;
        loop {
            let words = words::next(text, source, &mut at)
                .map_err(|unclosed| self.error(unclosed.span, "this quote is not closed"))?;
            let Some((head, arguments)) = words.split_first() else {
                self.open.pop();
                return Ok(());
            };
            if self.ruleset.directives.len() == self.limits.directives {
                let message = format!(
                    "more than the {} directives allowed",
                    self.limits.directives
                );
                return Err(self.error(head.span, message));
            }
            let end = arguments.last().map_or(head.span.end, |last| last.span.end);
            let span = Span { end, ..head.span };
            match (self.files, head.text.to_ascii_lowercase().as_str()) {
                (Some(files), "include") => self.include(files, head, arguments, true)?,
                (Some(files), "includeoptional") => self.include(files, head, arguments, false)?,
                _ => {
                    let kind = Parser {
                        sources: &self.ruleset.sources,
                        limits: self.limits,
                    }
                    .directive(head, arguments)?;
                    self.ruleset.directives.push(Directive { span, kind });
                }
            }
        }
    }

    fn include(
        &mut self,
        files: &dyn Files,
        head: &Word,
        arguments: &[Word],
        required: bool,
    ) -> Result<(), SyntaxError> {
        let [pattern] = arguments else {
            let message = format!(
                "{} takes 1 argument, not {}: a file or a pattern such as rules/*.conf",
                head.text,
                arguments.len()
            );
            return Err(self.error(head.span, message));
        };
        let from = self.open.last().cloned().unwrap_or_default();
        let found = files
            .find(&pattern.text, &from)
            .map_err(|why| self.error(pattern.span, why))?;
        if found.is_empty() && required {
            return Err(self.error(
                pattern.span,
                "no file is included by this; write IncludeOptional if that is meant",
            ));
        }
        if self.open.len() > self.limits.include_depth {
            let message = format!(
                "files include one another more than {} deep",
                self.limits.include_depth
            );
            return Err(self.error(pattern.span, message));
        }
        for name in found {
            if self.open.contains(&name) {
                let message = format!("{name} includes itself: {}", self.open.join(" includes "));
                return Err(self.error(pattern.span, message));
            }
            self.files_read += 1;
            if self.files_read > self.limits.included_files {
                let message = format!("more than the {} files allowed", self.limits.included_files);
                return Err(self.error(pattern.span, message));
            }
            let text = files
                .read(&name)
                .map_err(|why| self.error(pattern.span, why))?;
            self.text(&name, &text, Some(pattern.span))?;
        }
        Ok(())
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
        let parsed =
            targets::parse(targets).map_err(|(span, message)| self.error(span, message))?;
        limit(parsed.len(), self.limits.targets, "targets", targets)?;
        Ok(DirectiveKind::Rule(Rule {
            targets: parsed,
            operator: self.operator(operator)?,
            actions: actions.map_or_else(|| Ok(Vec::new()), |word| self.actions(word))?,
        }))
    }

    fn actions(&self, word: &Word) -> Result<Vec<crate::ast::Action>, SyntaxError> {
        let parsed = actions::parse(word).map_err(|(span, message)| self.error(span, message))?;
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
