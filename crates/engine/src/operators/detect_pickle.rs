//! `@detectPickle`

use super::{Build, Hit, Operator, Spec};
use crate::need::{ByteSet, Need};
use crate::transformations::base64_decode;

/// `@detectPickle`
pub(super) const SPEC: Spec = Spec {
    name: "detectPickle",
    summary: "Python's `pickle` would read the value as an object that names what it calls, or, from its beginning, as a whole one that says its protocol (ours)",
    argument: "nothing, or `base64`: what the value holds in base64 and says its protocol is read so",
    example: "@detectPickle base64",
    build: Build::Compiled(|arguments| match arguments.text.trim() {
        "" => Ok(Box::new(DetectPickle)),
        "base64" => Ok(Box::new(InBase64)),
        other => Err(format!("it takes nothing or `base64`, not `{other}`")),
    }),
};

#[derive(Debug)]
struct DetectPickle;

impl Operator for DetectPickle {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let found = is_pickle(input) || calls_behind(input);
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

#[derive(Debug)]
struct InBase64;

impl Operator for InBase64 {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let found = is_in_base64(input, &mut hit.text);
        hit.text.clear();
        hit.span = found.then_some(0..input.len());
        found
    }

    fn has_groups(&self) -> bool {
        false
    }

    fn need(&self) -> Need {
        Need::text([&*PROTOCOL.to_ascii_lowercase()])
    }
}

/// Bytes that may be read at other places than the beginning, for each byte of the value. What
/// says so often that an object begins is taken for one.
const READ_AGAIN: usize = 4;

/// Whether an object that says its protocol and calls what it names stands behind something
/// else, such as its length.
fn calls_behind(value: &[u8]) -> bool {
    let mut room = value.len().saturating_mul(READ_AGAIN);
    memchr::memchr_iter(0x80, value)
        .skip_while(|at| *at == 0)
        .any(|at| {
            let start = value.get(at..).unwrap_or_default();
            if !matches!(start, [0x80, 2..=5, ..]) {
                return false;
            }
            let mut rest = start;
            let calls = matches!(object(&mut rest), Some(Object::Calls));
            let read = start.len() - rest.len();
            let within = room.checked_sub(read);
            room = within.unwrap_or(0);
            calls || within.is_none()
        })
}

/// What an object that says its protocol begins with in base64.
const PROTOCOL: &[u8] = b"gA";

fn is_in_base64(value: &[u8], scratch: &mut Vec<u8>) -> bool {
    let of_text = |byte: &u8| base64_decode::sextet_of_either(*byte).is_some();
    let mut room = value.len().saturating_mul(READ_AGAIN);
    memchr::memmem::find_iter(value, PROTOCOL).any(|at| {
        let start = value.get(at..).unwrap_or_default();
        // Bytes of the alphabet, or padding, in front belong to the same text.
        let before = at.checked_sub(1).and_then(|at| value.get(at));
        let within = before.is_some_and(|byte| of_text(byte) || *byte == b'=');
        // Protocols 2 to 5.
        if within || !matches!(start, [_, _, b'I'..=b'X', ..]) {
            return false;
        }
        let inside = |byte: &&u8| of_text(byte) || matches!(byte, b'\r' | b'\n');
        let length = start.iter().take_while(inside).count();
        let Some(left) = room.checked_sub(length) else {
            return true;
        };
        room = left;
        scratch.clear();
        base64_decode::decode_ext(start.get(..length).unwrap_or_default(), scratch);
        is_pickle(scratch)
    })
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
    /// As `Replace`; the first value is called with the others, or its own functions are.
    Call(usize),
    /// Needs as many; they stay.
    Holds(usize),
    Mark,
    /// Takes all above the last mark, and the mark.
    Unmark,
    /// As `Unmark`, and puts one value.
    Gather,
    /// As `Unmark`, where there is a value below, which what was above is added to.
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
        0x86 => (Bytes(0), Effect::Replace(2)),
        0x87 => (Bytes(0), Effect::Replace(3)),
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
        // Lists and the like are added to by their own functions, whatever stands for them.
        b'R' | b'b' | b'a' | 0x81 => (Bytes(0), Effect::Call(2)),
        b's' | 0x92 => (Bytes(0), Effect::Call(3)),
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

/// How far an object goes.
enum Object {
    /// Something that it names is called; what follows does not count.
    Calls,
    /// To its end; whether it names something.
    Ends { names: bool },
}

/// Whether `pickle` comes to what is looked for. One object may follow another.
fn is_pickle(value: &[u8]) -> bool {
    let told = matches!(value, [0x80, 2..=5, ..]);
    let mut rest = value;
    // Without a call, what is named counts where nothing but objects follow: lists of names are
    // written in the same way.
    let mut named = false;
    while let Some(object) = object(&mut rest) {
        match object {
            Object::Calls => return true,
            Object::Ends { .. } if told => return true,
            Object::Ends { names } => named |= names,
        }
        if rest.trim_ascii_start().is_empty() {
            return named;
        }
    }
    false
}

/// Reads an object up to its end, or to the first call of something that it names. None where
/// `pickle` gives up.
fn object(rest: &mut &[u8]) -> Option<Object> {
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
                    return Some(Object::Calls);
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
                if named {
                    return Some(Object::Calls);
                }
            }
            Effect::CallGathered => {
                stack.holds(1)?;
                stack.unmark()?;
                stack.push();
                if named {
                    return Some(Object::Calls);
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
            Effect::Instance => return stack.unmark().map(|()| Object::Calls),
            Effect::Stop => {
                stack.holds(1)?;
                return Some(Object::Ends { names: named });
            }
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
    let Some(end) = memchr::memchr(b'\n', rest) else {
        // All of it was looked at, and counts as read.
        *rest = &[];
        return None;
    };
    let line = take(rest, end)?;
    take(rest, 1)?;
    holds(line).then_some(())
}

/// Folders may have any name, and are imported as what they are called.
fn is_name(line: &[u8]) -> bool {
    !line.is_empty() && line.iter().all(|&byte| byte > b' ' && byte != 0x7f)
}

/// What C's `strtol` reads, and what Python's `int` does; a zero ends it.
fn is_integer(line: &[u8]) -> bool {
    let signs = |byte: &u8| byte.is_ascii_hexdigit() || b"xXoOlL_+- \t\r\x0b\x0c".contains(byte);
    !line.is_empty() && up_to_zero(line).iter().all(signs)
}

fn is_float(line: &[u8]) -> bool {
    let signs = |byte: &u8| {
        byte.is_ascii_digit() || byte.is_ascii_whitespace() || b"eE.+-_infatyINFATY".contains(byte)
    };
    !line.is_empty() && up_to_zero(line).iter().all(signs)
}

fn up_to_zero(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Between quotes; Python 2 lets spaces and controls follow.
fn is_quoted(line: &[u8]) -> bool {
    let end = line.iter().rposition(|&byte| byte > b' ').unwrap_or(0);
    matches!(
        line.get(..=end),
        Some([b'\'', .., b'\''] | [b'"', .., b'"'])
    )
}
