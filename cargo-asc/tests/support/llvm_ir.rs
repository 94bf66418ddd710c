//! Finds memory writes without a hook in the text of LLVM IR.
//!
//! For every instruction that writes memory, the checker wants a call of a
//! hook for the same pointer and width before it in the same basic block,
//! unless the pointer leads to a stack slot of the function itself. Masked
//! stores have a hook per lane. An atomic operation must not be there at all: a
//! call performs it. What the checker cannot read is a violation
//! too, so that it cannot pass by not understanding.
//!
//! With several codegen units rustc optimises once more after our passes, and
//! the hook and its write may then compute one address in two ways. For those
//! modules [`Matching::Nearest`] takes a hook of the same width that stands
//! between the previous write and this one, and for a masked vector as many of
//! them, with different addresses, as it has lanes.

use std::collections::{BTreeSet, HashMap};

/// What makes a hook the hook of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// The same pointer and the same width.
    Exact,
    /// The same width, and no other write in between.
    Nearest,
}

/// The result of one check.
#[derive(Debug)]
pub(crate) struct Report {
    matching: Matching,
    /// How many writes outside the own stack frame were found.
    pub(crate) writes: usize,
    /// The functions with writes that have no hook, and the lines.
    pub(crate) violations: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn new(matching: Matching) -> Self {
        Self {
            matching,
            writes: 0,
            violations: Vec::new(),
        }
    }

    /// Checks a module and adds the result.
    pub(crate) fn add(&mut self, module: &str) {
        let mut lines = module.lines();
        while let Some(line) = lines.next() {
            if !line.starts_with("define ") {
                continue;
            }
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
            Function::new(function_name(line), &body).check(self);
        }
    }

    /// The names of the functions with violations.
    pub(crate) fn violators(&self) -> BTreeSet<&str> {
        self.violations
            .iter()
            .map(|(function, _)| function.as_str())
            .collect()
    }
}

/// One function: its lines and what each of its values is made of.
struct Function<'a> {
    name: &'a str,
    lines: &'a [&'a str],
    definitions: HashMap<&'a str, &'a str>,
}

/// A write that an instruction does.
enum Write<'a> {
    /// This many bytes at this pointer.
    Bytes(&'a str, u64),
    /// A masked vector: lanes, bytes per lane, and which lanes for sure not.
    Lanes {
        pointer: &'a str,
        lanes: u64,
        bytes: u64,
        mask: &'a str,
    },
    /// Some of the elements, packed.
    Packed(&'a str, u64),
    /// An atomic operation that no call performs: a hook before it would have
    /// it undone like a store, and with it what other threads did meanwhile.
    Atomic(&'a str),
    /// The checker does not know the instruction.
    Unknown,
}

impl<'a> Function<'a> {
    fn new(name: &'a str, lines: &'a [&'a str]) -> Self {
        let definition = |line: &&'a str| line.trim().split_once(" = ");
        Self {
            name,
            lines,
            definitions: lines.iter().filter_map(definition).collect(),
        }
    }

    fn check(&self, report: &mut Report) {
        for (index, line) in self.lines.iter().enumerate() {
            let Some(write) = write_of(line.trim()) else {
                continue;
            };
            if self.is_to_own_stack(&write) {
                continue;
            }
            report.writes += 1;
            let is_hooked = self.is_hooked(&write, index)
                || (report.matching == Matching::Nearest && self.has_nearest_hook(&write, index));
            if !is_hooked {
                report
                    .violations
                    .push((self.name.to_owned(), line.trim().to_owned()));
            }
        }
    }

    fn is_to_own_stack(&self, write: &Write<'a>) -> bool {
        match write {
            Write::Bytes(pointer, _)
            | Write::Packed(pointer, _)
            | Write::Atomic(pointer)
            | Write::Lanes { pointer, .. } => self.is_own_stack(pointer, &mut BTreeSet::new()),
            Write::Unknown => false,
        }
    }

    /// Whether a pointer can only lead to a stack slot of this function.
    fn is_own_stack(&self, pointer: &'a str, visited: &mut BTreeSet<&'a str>) -> bool {
        if !visited.insert(pointer) {
            // A loop of phis: the other operands decide.
            return true;
        }
        let Some(made_of) = self.definitions.get(pointer) else {
            return false;
        };
        let sources = match made_of.split_once(' ').unwrap_or((made_of, "")).0 {
            "alloca" => return true,
            "getelementptr" => pointers_in(made_of).into_iter().take(1).collect(),
            "select" | "freeze" => pointers_in(made_of),
            "phi" => phi_sources(made_of),
            _ => return false,
        };
        !sources.is_empty()
            && sources
                .iter()
                .all(|source| self.is_own_stack(source, visited))
    }

    fn is_hooked(&self, write: &Write<'a>, index: usize) -> bool {
        match *write {
            Write::Unknown | Write::Atomic(_) => false,
            Write::Bytes(pointer, bytes) => {
                let hooks = self.hooks_in_block(index);
                hooks.iter().any(|hook| self.fits(hook, pointer, bytes))
            }
            Write::Lanes {
                pointer,
                lanes,
                bytes,
                mask,
            } => {
                let hooks = self.hooks_before(index);
                let has_hook = |lane: u64| {
                    hooks
                        .iter()
                        .any(|hook| self.fits_lane(hook, pointer, lane, bytes))
                };
                // A mask that is known takes one hook or leaves lanes out.
                let whole = hooks
                    .iter()
                    .any(|hook| self.fits(hook, pointer, lanes * bytes));
                whole || (0..lanes).all(|lane| is_off(mask, lane) || has_hook(lane))
            }
            Write::Packed(pointer, bytes) => {
                let hooks = self.hooks_before(index);
                hooks
                    .iter()
                    .any(|hook| self.fits_some_lane(hook, pointer, bytes))
            }
        }
    }

    /// Whether a hook of the right width, or one for each lane, stands between the previous write and
    /// this one. The hooks of lanes stand in blocks of their own.
    fn has_nearest_hook(&self, write: &Write<'a>, index: usize) -> bool {
        match *write {
            Write::Bytes(_, bytes) => self
                .since_previous_write(self.block_before(index))
                .any(|(_, size)| size == bytes),
            Write::Lanes {
                lanes, bytes, mask, ..
            } => {
                let hooks = self.since_previous_write(self.lines[..index].iter().copied().rev());
                let of_lanes = hooks.filter(|(_, size)| *size == bytes);
                let addresses: BTreeSet<&str> = of_lanes.map(|(address, _)| address).collect();
                let wanted = (0..lanes).filter(|lane| !is_off(mask, *lane)).count();
                addresses.len() >= wanted
            }
            _ => false,
        }
    }

    /// The hook calls among lines, up to the previous write that needs one.
    fn since_previous_write(
        &self,
        lines: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = (&'a str, u64)> {
        lines
            .take_while(|line| {
                write_of(line.trim()).is_none_or(|other| self.is_to_own_stack(&other))
            })
            .filter_map(hook_of)
    }

    /// The lines before a line in its basic block, the nearest first.
    fn block_before(&self, index: usize) -> impl Iterator<Item = &'a str> {
        let is_label = |line: &str| !line.starts_with(' ') && !line.is_empty();
        self.lines[..index]
            .iter()
            .copied()
            .rev()
            .take_while(move |line| !is_label(line))
    }

    /// The hook calls before a line in its basic block.
    fn hooks_in_block(&self, index: usize) -> Vec<(&'a str, u64)> {
        self.block_before(index).filter_map(hook_of).collect()
    }

    /// The hook calls before a line in the function's text.
    fn hooks_before(&self, index: usize) -> Vec<(&'a str, u64)> {
        self.lines[..index]
            .iter()
            .filter_map(|line| hook_of(line))
            .collect()
    }

    fn fits(&self, (address, size): &(&'a str, u64), pointer: &str, bytes: u64) -> bool {
        *size == bytes && self.pointer_behind(address) == Some(pointer)
    }

    fn fits_lane(&self, hook: &(&'a str, u64), pointer: &str, lane: u64, bytes: u64) -> bool {
        hook.1 == bytes
            && self.element_behind(hook.0).is_some_and(|element| {
                element.contains(&format!("ptr {pointer},"))
                    && element.ends_with(&format!("i64 {lane}"))
            })
    }

    fn fits_some_lane(&self, hook: &(&'a str, u64), pointer: &str, bytes: u64) -> bool {
        hook.1 == bytes
            && self
                .element_behind(hook.0)
                .is_some_and(|element| element.contains(&format!("ptr {pointer},")))
    }

    /// The pointer of which a hook's address is the integer.
    fn pointer_behind(&self, address: &'a str) -> Option<&'a str> {
        let cast = self.definitions.get(address).copied().unwrap_or(address);
        let rest = cast
            .strip_prefix("ptrtoint ")?
            .trim_start_matches('(')
            .strip_prefix("ptr ")?;
        rest.rsplit_once(" to i64").map(|(pointer, _)| pointer)
    }

    /// The instruction that computes the address of a vector's lane.
    fn element_behind(&self, address: &'a str) -> Option<&'a str> {
        let element = self.definitions.get(self.pointer_behind(address)?)?;
        element.starts_with("getelementptr").then_some(element)
    }
}

/// The write an instruction does, if it does one.
fn write_of(line: &str) -> Option<Write<'_>> {
    let instruction = line
        .split_once(" = ")
        .map_or(line, |(_, instruction)| instruction);
    let word = instruction.split(' ').next()?;
    match word {
        "store" => Some(write_of_store(instruction)),
        "atomicrmw" | "cmpxchg" => Some(write_of_atomic(instruction)),
        "call" | "tail" | "musttail" | "notail" | "invoke" => write_of_call(instruction),
        _ => None,
    }
}

/// `store [atomic] [volatile] <type> <value>, ptr <pointer>, …`
fn write_of_store(instruction: &str) -> Write<'_> {
    let mut rest = instruction.strip_prefix("store ").unwrap_or(instruction);
    for word in ["atomic ", "volatile "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let operands = split_at_depth_0(rest, ',');
    let kind = first_at_depth_0(operands[0]);
    match (
        operands.get(1).and_then(|operand| pointer_operand(operand)),
        size_of_type(kind),
    ) {
        (Some(pointer), Some(bytes)) => Write::Bytes(pointer, bytes),
        _ => Write::Unknown,
    }
}

/// `atomicrmw <operation> ptr <pointer>, <type> <value> …` and `cmpxchg`.
fn write_of_atomic(instruction: &str) -> Write<'_> {
    let Some((_, operands)) = instruction.split_once(" ptr ") else {
        return Write::Unknown;
    };
    match split_at_depth_0(operands, ',').first() {
        Some(pointer) => Write::Atomic(pointer),
        None => Write::Unknown,
    }
}

/// Calls of intrinsics and of inline assembly; other calls write in a function
/// that is checked itself.
fn write_of_call(instruction: &str) -> Option<Write<'_>> {
    if let Some((_, assembly)) = instruction.split_once(" asm ") {
        return write_of_assembly(assembly);
    }
    let (_, callee) = instruction.split_once("@llvm.")?;
    let (name, rest) = callee.split_once('(')?;
    let arguments = split_at_depth_0(inside_parentheses(rest), ',');
    let pointers: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| pointer_operand(argument))
        .collect();
    if pointers.is_empty()
        || READING_INTRINSICS
            .iter()
            .any(|reading| name.starts_with(reading))
    {
        return None;
    }
    if name.starts_with("masked.store") {
        return Some(write_of_masked_store(&arguments, pointers[0]));
    }
    if name.starts_with("masked.compressstore") {
        let (_, bytes) = vector_type(first_at_depth_0(arguments[0].trim()))?;
        return Some(Write::Packed(pointers[0], bytes));
    }
    Some(Write::Unknown)
}

/// Intrinsics with pointers that write nothing the program can see.
const READING_INTRINSICS: &[&str] = &[
    "assume",
    "experimental.noalias",
    "invariant",
    "is.constant",
    "launder",
    "lifetime",
    "load.relative",
    "masked.gather",
    "masked.load",
    "masked.expandload",
    "prefetch",
    "ptrmask",
    "threadlocal.address",
    "eh.typeid.for",
];

/// Assembly that may write memory through an operand. An empty template is an
/// optimisation barrier and writes nothing.
fn write_of_assembly(assembly: &str) -> Option<Write<'static>> {
    let mut quoted = assembly.split('"');
    let template = quoted.nth(1)?;
    let constraints = quoted.nth(1)?;
    let arguments = quoted.next()?;
    let may_write = constraints.contains("~{memory}") && arguments.contains("ptr ");
    (may_write && !template.is_empty()).then_some(Write::Unknown)
}

fn write_of_masked_store<'a>(arguments: &[&'a str], pointer: &'a str) -> Write<'a> {
    let mask = arguments.last().copied().unwrap_or_default();
    match vector_type(first_at_depth_0(arguments[0].trim())) {
        Some((lanes, bytes)) => Write::Lanes {
            pointer,
            lanes,
            bytes,
            mask,
        },
        None => Write::Unknown,
    }
}

/// Whether a constant mask switches a lane off: `<4 x i1> <i1 true, i1 false, …>`.
fn is_off(mask: &str, lane: u64) -> bool {
    let Some((_, constant)) = mask.trim().split_once("> <") else {
        return false;
    };
    constant
        .trim_end_matches('>')
        .split(',')
        .nth(lane as usize)
        .is_some_and(|bit| bit.ends_with("false"))
}

/// `call void @__asan_store8(i64 …)`, `@__asan_storeN(i64 …, i64 <size>)`: the
/// address and the size.
fn hook_of(line: &str) -> Option<(&str, u64)> {
    let (_, call) = line.split_once("@__asan_store")?;
    let (width, rest) = call.split_once('(')?;
    let arguments = split_at_depth_0(inside_parentheses(rest), ',');
    let address = arguments[0].trim().strip_prefix("i64 ")?;
    let size = if width == "N" {
        arguments.get(1)?.trim().strip_prefix("i64 ")?
    } else {
        width
    };
    Some((address, size.parse().ok()?))
}

/// The bytes that a value of this type takes in memory.
fn size_of_type(kind: &str) -> Option<u64> {
    if let Some(lanes) = kind
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(" x i1>"))
    {
        return Some(lanes.parse::<u64>().ok()?.div_ceil(8));
    }
    if let Some((lanes, bytes)) = vector_type(kind) {
        return Some(lanes * bytes);
    }
    if let Some(array) = kind
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let (count, element) = array.split_once(" x ")?;
        return Some(count.parse::<u64>().ok()? * size_of_type(element)?);
    }
    match kind {
        "ptr" | "double" => Some(8),
        "float" => Some(4),
        "half" | "bfloat" => Some(2),
        "fp128" => Some(16),
        _ => Some(kind.strip_prefix('i')?.parse::<u64>().ok()?.div_ceil(8)),
    }
}

/// `<lanes x type>`: the lanes and the bytes per lane.
fn vector_type(kind: &str) -> Option<(u64, u64)> {
    let (lanes, element) = kind
        .strip_prefix('<')?
        .strip_suffix('>')?
        .split_once(" x ")?;
    Some((lanes.parse().ok()?, size_of_type(element)?))
}

/// The operand of `ptr [attributes] <operand>`.
fn pointer_operand(argument: &str) -> Option<&str> {
    let mut rest = argument.trim().strip_prefix("ptr")?.strip_prefix(' ')?;
    loop {
        let is_operand = rest.starts_with(['%', '@'])
            || [
                "getelementptr",
                "inttoptr",
                "null",
                "undef",
                "poison",
                "splat",
            ]
            .iter()
            .any(|word| rest.starts_with(word));
        if is_operand {
            return Some(operand_at_start(rest));
        }
        rest = rest.split_once(' ')?.1;
    }
}

/// The operand without what may follow it, for instance an atomic ordering.
fn operand_at_start(text: &str) -> &str {
    if text.starts_with(['%', '@']) {
        first_at_depth_0(text)
    } else {
        text
    }
}

/// All pointer operands in an instruction.
fn pointers_in(instruction: &str) -> Vec<&str> {
    split_at_depth_0(instruction, ',')
        .into_iter()
        .filter_map(|part| pointer_operand(&part[part.find("ptr ")?..]))
        .collect()
}

/// `phi ptr [ %a, %block ], [ %b, %block ]`
fn phi_sources(instruction: &str) -> Vec<&str> {
    instruction
        .split('[')
        .skip(1)
        .filter_map(|part| part.split(',').next())
        .map(str::trim)
        .collect()
}

/// The function's name in `define … @name(…`.
fn function_name(line: &str) -> &str {
    let name = line.split_once('@').map_or(line, |(_, rest)| rest);
    name.split('(').next().unwrap_or(name).trim_matches('"')
}

/// What precedes the parenthesis that closes an already open one.
fn inside_parentheses(text: &str) -> &str {
    let end = depths(text).find(|(_, byte, depth)| *byte == b')' && *depth < 0);
    end.map_or(text, |(index, _, _)| &text[..index])
}

/// The text before the first space outside brackets and quotes.
fn first_at_depth_0(text: &str) -> &str {
    split_at_depth_0(text, ' ')[0]
}

fn split_at_depth_0(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, byte, depth) in depths(text) {
        if depth == 0 && char::from(byte) == separator {
            parts.push(&text[start..index]);
            start = index + 1;
        }
    }
    parts.push(text[start..].trim_start());
    parts
}

/// Each byte outside quotes with the number of brackets open after it.
fn depths(text: &str) -> impl Iterator<Item = (usize, u8, i32)> + '_ {
    let mut depth = 0;
    let mut is_quoted = false;
    text.bytes().enumerate().filter_map(move |(index, byte)| {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'(' | b'[' | b'{' | b'<' if !is_quoted => depth += 1,
            b')' | b']' | b'}' | b'>' if !is_quoted => depth -= 1,
            _ => {}
        }
        (!is_quoted).then_some((index, byte, depth))
    })
}
