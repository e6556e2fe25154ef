//! `dump`: what stands at a byte of the file.

use super::Globals;
use crate::exit::Outcome;
use crate::show::{Out, Style, escaped, thousands};
use annals::{Dissection, Field, Store, Structure};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;

/// Take apart what stands at a byte of the file, as FORMAT.md has it
///
/// Shows the structures that have the byte, from the outside in: a segment, a frame, a record; a
/// run, a page, an entry. Each with its fields, their names, offsets, bytes and what they say, and
/// with its check. The file need not be a store that can be opened. For whoever writes another
/// reader, or looks at damage.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals dump orders.annals --offset 16384
  annals dump orders.annals --offset 0x4060 --json | jq .structures[-1].fields
  annals verify orders.annals --json | jq .problems[0].file_offset")]
pub struct Args {
    /// The file
    file: PathBuf,
    /// The byte, from 0 on; 0x... for hexadecimal
    #[arg(short, long, value_name = "N", value_parser = offset)]
    offset: u64,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
}

/// What stands there, for programs.
#[derive(serde::Serialize)]
struct There<'a> {
    file_offset: u64,
    structures: Vec<Part<'a>>,
}

#[derive(serde::Serialize)]
struct Part<'a> {
    name: &'a str,
    file_offset: u64,
    length: u64,
    log_offset: Option<u64>,
    whole: bool,
    check_stored: Option<String>,
    check_computed: Option<String>,
    fields: Vec<Member<'a>>,
    wrong: &'a [String],
    notes: &'a [String],
}

#[derive(serde::Serialize)]
struct Member<'a> {
    name: &'a str,
    offset: u64,
    size: u64,
    /// In hexadecimal, as they stand there: the first of them.
    bytes: String,
    value: &'a str,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let found = Store::dissect(&args.file, args.offset)?;
    let mut out = globals.out();
    if args.json {
        out.json(&There::of(&found))?;
    } else {
        shown(&mut out, &found)?;
    }
    Ok(out.flush()?)
}

fn offset(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let number = match digits.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16),
        None => digits.parse(),
    };
    number.map_err(|_| "expected a number, such as 16384 or 0x4000".to_owned())
}

fn shown(out: &mut Out, found: &Dissection) -> io::Result<()> {
    for (nth, structure) in found.structures.iter().enumerate() {
        if nth > 0 {
            writeln!(out)?;
        }
        head(out, structure)?;
        fields(out, &structure.fields)?;
        for wrong in &structure.wrong {
            out.styled(Style::Bad, "  wrong")?;
            writeln!(out, ": {}", escaped(wrong))?;
        }
        for note in &structure.notes {
            writeln!(out, "  {}", escaped(note))?;
        }
    }
    Ok(())
}

fn head(out: &mut Out, structure: &Structure) -> io::Result<()> {
    out.styled(Style::Head, structure.name)?;
    let (from, length) = (structure.file_offset, structure.length);
    write!(out, " at byte {from} ({from:#x}), {} bytes", thousands(length))?;
    if let Some(log_offset) = structure.log_offset {
        write!(out, ", log offset {log_offset}")?;
    }
    if let Some(check) = structure.check {
        write!(out, ", check {:#x} ", check.stored)?;
        if check.passes() {
            out.styled(Style::Good, "passes")?;
        } else {
            out.styled(Style::Bad, format_args!("FAILS: should be {:#x}", check.computed))?;
        }
    }
    writeln!(out)
}

/// Bytes that are shown of a field.
const SHOWN: usize = 16;

fn fields(out: &mut Out, fields: &[Field]) -> io::Result<()> {
    let widest = fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    for field in fields {
        let Field { name, offset, size, value, .. } = field;
        write!(out, "  {offset:>6} {size:>6}  ")?;
        out.styled(Style::Name, format_args!("{:<widest$}", escaped(name)))?;
        let bytes = hexadecimal(field.bytes.get(..SHOWN).unwrap_or(&field.bytes), " ");
        let more = if *size > 16 { "…" } else { "" };
        out.styled(Style::Dim, format_args!("  {bytes}{more}"))?;
        writeln!(out, "  {}", escaped(value))?;
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8], between: &str) -> String {
    let mut text = String::new();
    for (nth, byte) in bytes.iter().enumerate() {
        let between = if nth > 0 { between } else { "" };
        // A string takes everything.
        let _ = write!(text, "{between}{byte:02x}");
    }
    text
}

impl<'a> There<'a> {
    fn of(found: &'a Dissection) -> Self {
        let structures = found.structures.iter().map(Part::of).collect();
        Self { file_offset: found.file_offset, structures }
    }
}

impl<'a> Part<'a> {
    fn of(structure: &'a Structure) -> Self {
        let hexadecimal = |number: u64| format!("{number:#x}");
        let check = structure.check;
        Self {
            name: structure.name,
            file_offset: structure.file_offset,
            length: structure.length,
            log_offset: structure.log_offset.map(|at| at.get()),
            whole: structure.is_whole(),
            check_stored: check.map(|check| hexadecimal(check.stored)),
            check_computed: check.map(|check| hexadecimal(check.computed)),
            fields: structure.fields.iter().map(Member::of).collect(),
            wrong: &structure.wrong,
            notes: &structure.notes,
        }
    }
}

impl<'a> Member<'a> {
    fn of(field: &'a Field) -> Self {
        Self {
            name: &field.name,
            offset: field.offset,
            size: field.size,
            bytes: hexadecimal(&field.bytes, ""),
            value: &field.value,
        }
    }
}
