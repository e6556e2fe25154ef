//! The rule of recovery as a table: evidence in, one verdict out. ARCHITECTURE.md has the same
//! table in words.

/// What opening a store has found out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Was every read answered?
    pub read: bool,
    /// Is there a valid slot?
    pub slot: bool,
    /// Does the log know of an epoch or a segment that the chosen slot does not?
    pub newer: bool,
    /// Is the highest watermark above the place where the walk ended (D > B)?
    pub damaged: bool,
    /// Does the slot say that the store was closed?
    pub clean: bool,
    /// If closed: does the log end where the slot says?
    pub as_closed: bool,
    /// Are there bytes past the end that are neither zero nor a stub?
    pub residue: bool,
}

/// What follows from the evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A read failed: nothing is concluded, nothing is written.
    Unreadable,
    /// Corrupt: both slots fail their check.
    NoSlot,
    /// Corrupt: the slot that named an epoch or a segment is gone.
    SlotLost,
    /// Corrupt: acknowledged bytes fail their check.
    Damaged,
    /// Corrupt: a closed store does not end where it was closed.
    NotAsClosed,
    /// The store was closed.
    Clean,
    /// A crash that tore nothing.
    Whole,
    /// A crash that tore the tail, which is discarded.
    TornTail,
}

/// One row: what each piece of evidence has to be (`None`: whatever it is), and the verdict.
struct Row {
    read: Option<bool>,
    slot: Option<bool>,
    newer: Option<bool>,
    damaged: Option<bool>,
    clean: Option<bool>,
    as_closed: Option<bool>,
    residue: Option<bool>,
    verdict: Verdict,
}

const ANY: Option<bool> = None;
const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

const fn row(columns: [Option<bool>; 7], verdict: Verdict) -> Row {
    let [read, slot, newer, damaged, clean, as_closed, residue] = columns;
    Row { read, slot, newer, damaged, clean, as_closed, residue, verdict }
}

//   read  slot newer D>B  clean as-closed residue
const TABLE: [Row; 8] = [
    row([NO, ANY, ANY, ANY, ANY, ANY, ANY], Verdict::Unreadable),
    row([YES, NO, ANY, ANY, ANY, ANY, ANY], Verdict::NoSlot),
    row([YES, YES, YES, ANY, ANY, ANY, ANY], Verdict::SlotLost),
    row([YES, YES, NO, YES, ANY, ANY, ANY], Verdict::Damaged),
    row([YES, YES, NO, NO, YES, NO, ANY], Verdict::NotAsClosed),
    row([YES, YES, NO, NO, YES, YES, ANY], Verdict::Clean),
    row([YES, YES, NO, NO, NO, ANY, NO], Verdict::Whole),
    row([YES, YES, NO, NO, NO, ANY, YES], Verdict::TornTail),
];

impl Row {
    fn fits(&self, evidence: &Evidence) -> bool {
        let columns = [
            (self.read, evidence.read),
            (self.slot, evidence.slot),
            (self.newer, evidence.newer),
            (self.damaged, evidence.damaged),
            (self.clean, evidence.clean),
            (self.as_closed, evidence.as_closed),
            (self.residue, evidence.residue),
        ];
        columns.iter().all(|(wanted, found)| wanted.is_none_or(|wanted| wanted == *found))
    }
}

/// The verdict on this evidence.
pub fn decide(evidence: &Evidence) -> Verdict {
    let row = TABLE.iter().find(|row| row.fits(evidence));
    // A test finds exactly one row for every evidence; were there none, nothing may be written.
    row.map_or(Verdict::Unreadable, |row| row.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_evidence_has_exactly_one_row() {
        let mut verdicts = Vec::new();
        for bits in 0_u32..1 << 7 {
            let bit = |nth: u32| bits >> nth & 1 == 1;
            let evidence = Evidence {
                read: bit(0),
                slot: bit(1),
                newer: bit(2),
                damaged: bit(3),
                clean: bit(4),
                as_closed: bit(5),
                residue: bit(6),
            };
            assert_eq!(TABLE.iter().filter(|row| row.fits(&evidence)).count(), 1, "{evidence:?}");
            verdicts.push(decide(&evidence));
        }
        for row in &TABLE {
            assert!(verdicts.contains(&row.verdict), "no evidence leads to {:?}", row.verdict);
        }
    }

    #[test]
    fn architecture_has_the_same_rows() {
        let page = include_str!("../../ARCHITECTURE.md");
        let names = [
            "unreadable",
            "no slot",
            "slot lost",
            "damaged",
            "not as closed",
            "clean",
            "whole",
            "torn tail",
        ];
        let cell = |column: Option<bool>, yes: &str, no: &str| match column {
            Some(true) => yes.to_owned(),
            Some(false) => no.to_owned(),
            None => String::new(),
        };
        for (row, name) in TABLE.iter().zip(names) {
            let cells = [
                cell(row.read, "ok", "failed"),
                cell(row.slot, "valid", "none"),
                cell(row.newer, "yes", "no"),
                cell(row.damaged, "yes", "no"),
                cell(row.clean, "yes", "no"),
                cell(row.as_closed, "yes", "no"),
                cell(row.residue, "yes", "no"),
            ];
            let line = page
                .lines()
                .find(|line| line.starts_with(&format!("| {name} |")))
                .unwrap_or_else(|| panic!("ARCHITECTURE.md has no row '{name}'"));
            let found: Vec<_> = line.split('|').skip(2).take(7).map(str::trim).collect();
            assert_eq!(found, cells, "row '{name}'");
        }
    }
}
