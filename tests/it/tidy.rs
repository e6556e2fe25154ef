//! Holds the code to the floors that ARCHITECTURE.md lists and `src/lib.rs` shows as groups of
//! `mod` lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Characters of a line, comments included.
const LINE: usize = 100;
/// Lines of a file.
const LINES: usize = 600;

/// A source file: its path from the root of the project, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Its lines without comments and literals, numbered from 1.
    fn code(&self) -> Vec<(usize, String)> {
        let code = without_words(&self.text);
        code.lines().enumerate().map(|(nth, line)| (nth + 1, line.to_owned())).collect()
    }

    /// The module of the first floor that it belongs to, for files of the library.
    fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?;
        let name = inner.split('/').next()?;
        Some(name.strip_suffix(".rs").unwrap_or(name)).filter(|name| *name != "lib")
    }

    /// How many modules it is deep in the library: 1 for `src/words/mod.rs`.
    fn depth(&self) -> usize {
        self.path.matches('/').count() - usize::from(self.path.ends_with("/mod.rs"))
    }
}

#[test]
fn imports_go_down_only() {
    let floors = floors(&read("src/lib.rs"));
    let wrong: Vec<_> = library().iter().flat_map(|source| upward(source, &floors)).collect();
    assert!(wrong.is_empty(), "imports that go up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn the_architecture_page_lists_the_floors_of_the_code() {
    let page = read("ARCHITECTURE.md");
    let mut listed = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let (Ok(floor), Some(name)) = (cells[1].parse(), cells[2].strip_prefix('`')) {
            listed.insert(name.trim_end_matches('`').to_owned(), floor);
        }
    }
    // The table of locks is numbered too, but names no module.
    listed.retain(|name: &String, _| Path::new(&root()).join("src").join(name).is_dir());
    assert_eq!(listed, floors(&read("src/lib.rs")));
}

#[test]
fn the_unsafe_and_the_file_system_stay_in_storage() {
    let mut wrong = Vec::new();
    for source in library() {
        for (line, code) in source.code() {
            let at = format!("{}:{line}", source.path);
            if has_word(&code, "unsafe") && !source.path.starts_with("src/storage/sys/") {
                wrong.push(format!("{at}: unsafe"));
            }
            let files =
                code.contains("std::fs") || code.contains("std::{") && has_word(&code, "fs");
            if files && !source.path.starts_with("src/storage/") {
                wrong.push(format!("{at}: std::fs"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_threads_share_goes_by_the_module_that_models_exchange() {
    const ONLY_THERE: [&str; 6] = ["atomic", "thread", "Mutex", "RwLock", "Condvar", "OnceLock"];
    let wrong: Vec<_> = library().iter().flat_map(|source| shared(source, &ONLY_THERE)).collect();
    assert!(wrong.is_empty(), "use `crate::threads` for these:\n{}", wrong.join("\n"));
}

/// Where a file of the library has one of these names from std. Models may, and so may a lock that
/// is no part of a store, and the toolkit, which stands on the public API alone.
fn shared(source: &Source, names: &[&str]) -> Vec<String> {
    const MAY: [&str; 5] =
        ["src/threads/", "/races", "modelled.rs", "/file/lock.rs", "src/toolkit/"];
    if MAY.iter().any(|may| source.path.contains(may)) {
        return Vec::new();
    }
    let from_std = |code: &str| code.contains("std::sync") || code.contains("std::thread");
    let lines = source.code().into_iter().filter(|(_, code)| from_std(code));
    let wrong = lines.filter(|(_, code)| names.iter().any(|name| has_word(code, name)));
    wrong.map(|(line, code)| format!("{}:{line}: {code}", source.path)).collect()
}

#[test]
fn the_library_neither_prints_nor_leaves_things_to_do() {
    const MACROS: [&str; 7] =
        ["println!", "eprintln!", "print!", "eprint!", "dbg!", "todo!", "unimplemented!"];
    let mut wrong = Vec::new();
    for source in library() {
        for (line, code) in source.code() {
            let found = MACROS.iter().filter(|name| has_word(&code, name));
            wrong.extend(found.map(|name| format!("{}:{line}: {name}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_line_and_no_file_is_too_long() {
    let mut wrong = Vec::new();
    for source in all() {
        let lines = source.text.lines().count();
        if lines > LINES {
            wrong.push(format!("{}: {lines} lines", source.path));
        }
        for (nth, line) in source.text.lines().enumerate() {
            let length = line.chars().count();
            if length > LINE {
                wrong.push(format!("{}:{}: {length} characters", source.path, nth + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_named_by_a_module() {
    let sources = all();
    let wrong: Vec<_> = sources.iter().filter(|source| !is_named(source, &sources)).collect();
    let wrong: Vec<_> = wrong.iter().map(|source| source.path.as_str()).collect();
    assert!(wrong.is_empty(), "no `mod` line names these: {wrong:?}");
}

/// The floor of each module: the groups of `mod` lines, from 1.
fn floors(lib: &str) -> BTreeMap<String, usize> {
    let mut floors = BTreeMap::new();
    let mut floor = 1;
    let mut in_group = false;
    for line in lib.lines() {
        if let Some(name) = mod_line(line) {
            floors.insert(name.to_owned(), floor);
            in_group = true;
        } else if line.is_empty() && in_group {
            floor += 1;
            in_group = false;
        }
    }
    floors
}

/// The name that a line `mod name;` declares.
fn mod_line(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let whose = ["pub(crate) ", "pub(super) ", "pub "];
    let line = whose.iter().find_map(|whose| line.strip_prefix(whose)).unwrap_or(line);
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// Where a file of the library uses what is not below it.
fn upward(source: &Source, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let Some(own) = source.module() else { return Vec::new() };
    let own_floor = floors.get(own).copied().unwrap_or(0);
    let mut wrong = Vec::new();
    for (line, code) in source.code() {
        for used in used_from_root(&code) {
            let below = floors.get(&used).is_some_and(|floor| *floor < own_floor);
            // Of the library the toolkit has what everybody has: tests/footing.rs.
            if used != own && !below && own != "toolkit" {
                wrong.push(format!("{}:{line}: `{own}` uses `crate::{used}`", source.path));
            }
        }
        // A module within the file is one deeper.
        let deep = source.depth() + usize::from(code.starts_with(' '));
        if code.contains(&vec!["super"; deep].join("::")) {
            wrong.push(format!("{}:{line}: `{own}` reaches over the root", source.path));
        }
    }
    wrong
}

/// The names that a line of code uses as `crate::name` or `crate::{name, …}`.
fn used_from_root(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_part_of_name) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let list = rest.strip_prefix('{').map_or(rest, |list| list);
        let parts = if rest.starts_with('{') { list.split(',').collect() } else { vec![list] };
        used.extend(parts.iter().map(|part| {
            part.trim().chars().take_while(|&letter| is_part_of_name(letter)).collect()
        }));
    }
    used.retain(|name: &String| !name.is_empty());
    used
}

/// Folders in which each file is the root of a program of its own.
const PROGRAMS: [&str; 5] = ["src/bin", "benches", "tests", "examples", "fuzz_targets"];

/// Whether cargo takes the file for the root of a library or a program.
fn is_root(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let is_program = |folder: &Path| PROGRAMS.iter().any(|name| folder.ends_with(name));
    let is_main = path.ends_with("main.rs") && folder.parent().is_some_and(is_program);
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs") || is_program(folder) || is_main
}

/// Whether a root, or a `mod` line of its parent, names the file.
fn is_named(source: &Source, sources: &[Source]) -> bool {
    let path = Path::new(&source.path);
    let (folder, stem) = (path.parent().unwrap(), path.file_stem().unwrap().to_str().unwrap());
    if is_root(path) {
        return true;
    }
    let (name, home) = match stem {
        "mod" => (folder.file_name().unwrap().to_str().unwrap(), folder.parent().unwrap()),
        _ => (stem, folder),
    };
    let is_parent = |other: &&Source| {
        let other = Path::new(&other.path);
        let beside = other == home.join("mod.rs") || other == home.with_extension("rs");
        beside || other.parent() == Some(home) && is_root(other)
    };
    let mut parents = sources.iter().filter(is_parent);
    parents.any(|parent| parent.text.lines().any(|line| mod_line(line) == Some(name)))
}

/// The text with comments and literals made blank; lines stay where they are.
fn without_words(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        let length = comment(rest).or_else(|| literal(rest, letters[..at].last())).unwrap_or(0);
        if length == 0 {
            code.push(rest[0]);
            at += 1;
            continue;
        }
        let blanked = rest[..length].iter().map(|&letter| if letter == '\n' { '\n' } else { ' ' });
        code.extend(blanked);
        at += length;
    }
    code
}

/// The length of the comment that stands here.
fn comment(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => {
            let end = rest.windows(2).position(|two| two == ['*', '/']);
            Some(end.map_or(rest.len(), |end| end + 2))
        }
        _ => None,
    }
}

/// The length of the string or character that stands here.
fn literal(rest: &[char], before: Option<&char>) -> Option<usize> {
    let plain = |quote: char| {
        let mut at = 1;
        while at < rest.len() && rest[at] != quote {
            at += if rest[at] == '\\' { 2 } else { 1 };
        }
        (at + 1).min(rest.len())
    };
    match rest {
        ['"', ..] => Some(plain('"')),
        ['\'', '\\', ..] => Some(plain('\'')),
        // Not a lifetime.
        ['\'', _, '\'', ..] => Some(3),
        ['r', '"' | '#', ..] if !before.is_some_and(|&letter| is_part_of_name(letter)) => {
            let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
            if rest.get(1 + hashes) != Some(&'"') {
                return None;
            }
            let mut end = vec!['"'];
            end.extend(vec!['#'; hashes]);
            let inner = &rest[2 + hashes..];
            let found = inner.windows(end.len()).position(|window| window == end);
            Some(found.map_or(rest.len(), |found| 2 + hashes + found + end.len()))
        }
        _ => None,
    }
}

fn is_part_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether the code has this word, not as a part of another.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let after = &code[at + word.len()..];
        let ends = word.ends_with('!') || !after.starts_with(is_part_of_name);
        !code[..at].ends_with(is_part_of_name) && ends
    })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn library() -> Vec<Source> {
    sources(&["src"])
}

fn all() -> Vec<Source> {
    sources(&["src", "tests", "benches", "examples", "crates", "fuzz"])
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap();
                let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
                found.push(Source { path: parts.join("/"), text });
            }
        }
    }
    found
}

/// The checks above bite.
mod teeth {
    use super::*;

    const LIB: &str =
        "mod words;\n\nmod format;\npub mod storage;\n\nmod engine;\n\npub use words::A;\n";

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn groups_of_mod_lines_are_floors() {
        let floors = floors(LIB);
        assert_eq!(floors["words"], 1);
        assert_eq!((floors["format"], floors["storage"]), (2, 2));
        assert_eq!(floors["engine"], 3);
    }

    #[test]
    fn imports_up_and_sideways_are_found_and_those_down_are_not() {
        let floors = floors(LIB);
        let uses = |path: &str, text: &str| upward(&file(path, text), &floors).len();
        assert_eq!(uses("src/engine/open.rs", "use crate::{words::A, storage};"), 0);
        assert_eq!(uses("src/format/slot.rs", "use crate::words::A;"), 0);
        assert_eq!(uses("src/format/slot.rs", "// use crate::engine::B;"), 0);
        assert_eq!(uses("src/format/slot.rs", "use crate::engine::B;"), 1);
        assert_eq!(uses("src/format/slot.rs", "    let x = crate::engine::b();"), 1);
        assert_eq!(uses("src/format/slot.rs", "use crate::storage::Storage;"), 1);
        assert_eq!(uses("src/format/slot.rs", "use crate::{storage, words};"), 1);
        assert_eq!(uses("src/format/slot.rs", "use crate::Store;"), 1);
        assert_eq!(uses("src/format/slot.rs", "use super::super::engine::B;"), 1);
        assert_eq!(uses("src/storage/file/open.rs", "use super::super::sys;"), 0);
        assert_eq!(uses("src/words/mod.rs", "use super::engine;"), 1);
        assert_eq!(uses("src/toolkit/mod.rs", "use crate::Store;"), 0);
    }

    #[test]
    fn a_lock_of_std_is_found() {
        let found = |path: &str, text: &str| shared(&file(path, text), &["Mutex", "thread"]).len();
        assert_eq!(found("src/engine/flow.rs", "use std::sync::{Arc, Mutex};"), 1);
        assert_eq!(found("src/engine/flow.rs", "let own = std::thread::current();"), 1);
        assert_eq!(found("src/engine/flow.rs", "use std::sync::Arc;"), 0);
        assert_eq!(found("src/engine/flow.rs", "use crate::threads::Mutex;"), 0);
        assert_eq!(found("src/threads/mod.rs", "pub use std::sync::Mutex;"), 0);
    }

    #[test]
    fn words_in_comments_and_literals_are_no_code() {
        let text = concat!(
            "a // unsafe\n\"unsafe \\\" unsafe\" b 'u' '\\'' ",
            "r#\"unsafe\" \"# c /* unsafe\n*/ &'d e"
        );
        let code = without_words(text);
        assert!(!code.contains("unsafe"), "{code}");
        let kept: String = code.split_whitespace().collect();
        assert_eq!(kept, "abc&'de");
        assert_eq!(code.lines().count(), text.lines().count());
        assert!(has_word("unsafe {", "unsafe") && !has_word("unsafe_code", "unsafe"));
        assert!(has_word("println!(x)", "println!") && !has_word("eprintln!(x)", "println!"));
    }

    #[test]
    fn a_file_that_no_module_names_is_found() {
        let sources = [
            file("src/lib.rs", LIB),
            file("src/words/mod.rs", "mod number;"),
            file("src/words/number.rs", ""),
            file("src/words/lost.rs", ""),
            file("src/lost/mod.rs", ""),
            file("benches/commit.rs", "mod support;"),
            file("benches/support/mod.rs", ""),
            file("benches/support/lost.rs", ""),
            file("examples/flights/main.rs", "mod load;"),
            file("examples/flights/load.rs", ""),
        ];
        let lost: Vec<_> = sources.iter().filter(|source| !is_named(source, &sources)).collect();
        let lost: Vec<_> = lost.iter().map(|source| source.path.as_str()).collect();
        assert_eq!(lost, ["src/words/lost.rs", "src/lost/mod.rs", "benches/support/lost.rs"]);
    }
}
