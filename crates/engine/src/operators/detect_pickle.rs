//! `@detectPickle`

use super::{Build, Hit, Operator, Spec};
use crate::need::{ByteSet, Need};

/// `@detectPickle`
pub(super) const SPEC: Spec = Spec {
    name: "detectPickle",
    summary: "Python's `pickle` would read the value, from its beginning, as an object that names what it calls, or as a whole one that says its protocol (ours)",
    argument: "",
    example: "@detectPickle",
    build: Build::Compiled(|_| Ok(Box::new(DetectPickle))),
};

#[derive(Debug)]
struct DetectPickle;

impl Operator for DetectPickle {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let found = is_pickle(input);
        hit.span = found.then_some(0..input.len());
        found
    }

    fn has_groups(&self) -> bool {
        false
    }

    /// Lines that name a global, what names one otherwise, or the protocol.
    fn need(&self) -> Need {
        Need::byte(ByteSet::of(b"\n\x80\x93"))
    }
}

/// What comes behind an opcode.
enum Argument {
    Bytes(usize),
    /// The length of what follows, in so many bytes, the lowest first.
    Counted(usize),
    Line(fn(&[u8]) -> bool),
    /// A module, and what is in it.
    Global,
}

/// What an opcode does with the stack.
enum Effect {
    Nothing,
    /// Puts one value on so many, which are there and stay.
    Push(usize),
    /// Takes so many values and puts one.
    Replace(usize),
    /// As `Replace`; the values are a function and what it is called with, or the like.
    Call(usize),
    /// Needs as many; they stay.
    Holds(usize),
    Mark,
    /// Takes all above the last mark, and the mark.
    Unmark,
    /// As `Unmark`, and puts one value.
    Gather,
    /// As `Unmark`, where there is a value below.
    Add,
    /// As `Gather`; calls what is first above the mark.
    CallGathered,
    Pop,
    /// As `Push(0)`; the value is a function or a class.
    Name,
    /// As `Replace(2)`; the value is a function or a class.
    NameOfTexts,
    /// Names a class, and calls it with all above the last mark.
    Instance,
    Stop,
}

/// The opcodes of CPython's `Lib/pickletools.py` up to protocol 5.
fn meaning(code: u8) -> Option<(Argument, Effect)> {
    use Argument::{Bytes, Counted, Global, Line};
    Some(match code {
        b'I' | b'L' | b'g' => (Line(is_integer), Effect::Push(0)),
        b'F' => (Line(is_float), Effect::Push(0)),
        b'S' => (Line(is_quoted), Effect::Push(0)),
        b'V' | b'P' => (Line(|_| true), Effect::Push(0)),
        b'K' | b'h' => (Bytes(1), Effect::Push(0)),
        b'M' => (Bytes(2), Effect::Push(0)),
        b'J' | b'j' => (Bytes(4), Effect::Push(0)),
        b'G' => (Bytes(8), Effect::Push(0)),
        b'U' | b'C' | 0x8a | 0x8c => (Counted(1), Effect::Push(0)),
        b'T' | b'B' | b'X' | 0x8b => (Counted(4), Effect::Push(0)),
        0x8d | 0x8e | 0x96 => (Counted(8), Effect::Push(0)),
        b'N' | b']' | b')' | b'}' | 0x88 | 0x89 | 0x8f | 0x97 => (Bytes(0), Effect::Push(0)),
        b'2' => (Bytes(0), Effect::Push(1)),
        b'Q' | 0x85 | 0x98 => (Bytes(0), Effect::Replace(1)),
        b'a' | 0x86 => (Bytes(0), Effect::Replace(2)),
        b's' | 0x87 => (Bytes(0), Effect::Replace(3)),
        b'(' => (Bytes(0), Effect::Mark),
        b'1' => (Bytes(0), Effect::Unmark),
        b'l' | b't' | b'd' | 0x91 => (Bytes(0), Effect::Gather),
        b'e' | b'u' | 0x90 => (Bytes(0), Effect::Add),
        b'0' => (Bytes(0), Effect::Pop),
        b'p' => (Line(is_integer), Effect::Holds(1)),
        b'q' => (Bytes(1), Effect::Holds(1)),
        b'r' => (Bytes(4), Effect::Holds(1)),
        0x94 => (Bytes(0), Effect::Holds(1)),
        0x80 => (Bytes(1), Effect::Nothing),
        0x95 => (Bytes(8), Effect::Nothing),
        b'c' => (Global, Effect::Name),
        // Extensions are of an application's own; hardly any has one.
        0x82 => (Bytes(1), Effect::Push(0)),
        0x83 => (Bytes(2), Effect::Push(0)),
        0x84 => (Bytes(4), Effect::Push(0)),
        0x93 => (Bytes(0), Effect::NameOfTexts),
        b'i' => (Global, Effect::Instance),
        b'o' => (Bytes(0), Effect::CallGathered),
        b'R' | b'b' | 0x81 => (Bytes(0), Effect::Call(2)),
        0x92 => (Bytes(0), Effect::Call(3)),
        b'.' => (Bytes(0), Effect::Stop),
        _ => return None,
    })
}

/// Levels of which it is known how much lies on them; lower ones hold enough for anything.
const LEVELS: usize = 64;

/// How much lies above each mark of the stack; not what. Where an opcode finds too little,
/// `pickle` gives up.
#[derive(Debug)]
struct Stack {
    /// Above the last mark.
    above: usize,
    /// Between the marks, the lowest first.
    between: [usize; LEVELS],
    marks: usize,
}

impl Stack {
    const EMPTY: Self = Self {
        above: 0,
        between: [0; LEVELS],
        marks: 0,
    };

    fn holds(&self, values: usize) -> Option<()> {
        (self.above >= values).then_some(())
    }

    fn push(&mut self) {
        self.above = self.above.saturating_add(1);
    }

    fn replace(&mut self, values: usize) -> Option<()> {
        self.above = self.above.checked_sub(values)?;
        self.push();
        Some(())
    }

    fn mark(&mut self) {
        if let Some(level) = self.between.get_mut(self.marks) {
            *level = self.above;
        }
        self.marks += 1;
        self.above = 0;
    }

    fn unmark(&mut self) -> Option<()> {
        self.marks = self.marks.checked_sub(1)?;
        let level = self.between.get(self.marks);
        self.above = level.copied().unwrap_or(usize::MAX);
        Some(())
    }
}

/// Whether `pickle` comes to what is looked for. One object may follow another.
fn is_pickle(value: &[u8]) -> bool {
    let told = matches!(value, [0x80, 2..=5, ..]);
    let mut rest = value;
    std::iter::from_fn(|| object(&mut rest)).any(|named| told || named)
}

/// Reads an object up to its end, or to the first call of something that it names: whether
/// it names something. None where `pickle` gives up.
fn object(rest: &mut &[u8]) -> Option<bool> {
    let mut stack = Stack::EMPTY;
    let mut named = false;
    loop {
        let (&code, behind) = rest.split_first()?;
        *rest = behind;
        let (argument, effect) = meaning(code)?;
        argument.skip(rest)?;
        match effect {
            Effect::Nothing => {}
            Effect::Push(on) => {
                stack.holds(on)?;
                stack.push();
            }
            Effect::Replace(values) => stack.replace(values)?,
            Effect::Call(values) => {
                stack.replace(values)?;
                if named {
                    return Some(true);
                }
            }
            Effect::Holds(values) => stack.holds(values)?,
            Effect::Mark => stack.mark(),
            Effect::Unmark => stack.unmark()?,
            Effect::Gather => {
                stack.unmark()?;
                stack.push();
            }
            Effect::Add => {
                stack.unmark()?;
                stack.holds(1)?;
            }
            Effect::CallGathered => {
                stack.holds(1)?;
                stack.unmark()?;
                stack.push();
                if named {
                    return Some(true);
                }
            }
            Effect::Pop => match stack.above.checked_sub(1) {
                Some(fewer) => stack.above = fewer,
                None => stack.unmark()?,
            },
            Effect::Name => {
                stack.push();
                named = true;
            }
            Effect::NameOfTexts => {
                stack.replace(2)?;
                named = true;
            }
            Effect::Instance => return stack.unmark().map(|()| true),
            Effect::Stop => return stack.holds(1).map(|()| named),
        }
    }
}

impl Argument {
    /// None where it is not there.
    fn skip(self, rest: &mut &[u8]) -> Option<()> {
        match self {
            Self::Bytes(count) => take(rest, count).map(|_| ()),
            Self::Counted(bytes) => {
                let length = take(rest, bytes)?.iter().rev();
                let length = length.fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
                take(rest, usize::try_from(length).ok()?).map(|_| ())
            }
            Self::Line(holds) => line(rest, holds),
            Self::Global => {
                line(rest, is_name)?;
                line(rest, is_name)
            }
        }
    }
}

fn take<'v>(rest: &mut &'v [u8], count: usize) -> Option<&'v [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

fn line(rest: &mut &[u8], holds: fn(&[u8]) -> bool) -> Option<()> {
    let end = memchr::memchr(b'\n', rest)?;
    let line = take(rest, end)?;
    take(rest, 1)?;
    holds(line).then_some(())
}

/// As Python's import has them, in any script.
fn is_name(line: &[u8]) -> bool {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..);
    !line.is_empty() && line.iter().all(of_name)
}

/// What C's `strtol` reads, and what Python's `int` does; a zero ends it.
fn is_integer(line: &[u8]) -> bool {
    let signs = |byte: &u8| byte.is_ascii_hexdigit() || b"xXoOlL_+- \t\r\x0b\x0c".contains(byte);
    !line.is_empty() && up_to_zero(line).iter().all(signs)
}

fn is_float(line: &[u8]) -> bool {
    let signs = |byte: &u8| byte.is_ascii_digit() || b"eE.+-_ infatyINFATY".contains(byte);
    !line.is_empty() && up_to_zero(line).iter().all(signs)
}

fn up_to_zero(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Between quotes; Python 2 lets white space follow.
fn is_quoted(line: &[u8]) -> bool {
    matches!(line.trim_ascii_end(), [b'\'', .., b'\''] | [b'"', .., b'"'])
}
