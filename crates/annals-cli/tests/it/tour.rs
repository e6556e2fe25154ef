//! The tour that README gives: each command does what it shows.

use crate::fixture::{Place, SAMPLE, text};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The commands of README's tour, each with the lines that it shows below.
fn tour() -> Vec<(String, Vec<String>)> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let section = readme.split("\n## The command line\n").nth(1).unwrap();
    let block = section.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), Vec::new())),
            (None, Some((_, shown))) => shown.push(line.to_owned()),
            (None, None) => panic!("the block begins with a command"),
        }
    }
    steps
}

#[test]
fn each_command_of_the_tour_shows_what_readme_says() {
    let place = Place::new();
    fs::create_dir_all(place.file("tests/data")).unwrap();
    fs::copy(SAMPLE, place.file("tests/data/flights-sample.jsonl.gz")).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_annals")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let steps = tour();
    assert!(steps.len() >= 12);
    for (command, shown) in steps {
        let run = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(place.file(""))
            .env("PATH", &path)
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        let out = text(&run.stdout);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), shown.len(), "{command}:\n{out}");
        for (line, shown) in lines.iter().zip(&shown) {
            // What follows an ellipsis differs from run to run, or was cut.
            let (begins, is_cut) = match shown.split_once('…') {
                Some((begins, _)) => (begins, true),
                None => (shown.as_str(), false),
            };
            let is_same = if is_cut { line.starts_with(begins) } else { *line == begins };
            assert!(is_same, "{command}:\n{line}\nbut README shows\n{shown}");
        }
    }
}
