//! `completions` and `man`: for shells and for people.

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::store::not_there;
use clap::Command;
use clap_complete::Shell;
use std::io::Write;

/// Print what makes a shell complete `annals`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals completions bash > ~/.local/share/bash-completion/completions/annals
  annals completions zsh > ~/.zfunc/_annals
  annals completions fish > ~/.config/fish/completions/annals.fish")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

/// Print the manual page of `annals`, or of a verb
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals man > ~/.local/share/man/man1/annals.1
  annals man import | man -l -")]
pub struct Man {
    /// The verb
    verb: Option<String>,
}

pub fn completions(args: &Completions, mut command: Command, globals: &Globals) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "annals", &mut script);
    let mut out = globals.out();
    out.write_all(&script)?;
    Ok(out.flush()?)
}

pub fn man(args: &Man, mut command: Command, globals: &Globals) -> Outcome {
    command.build();
    let page = match &args.verb {
        None => command,
        Some(verb) => {
            let names = command.get_subcommands().map(|it| Ok::<_, ()>(it.get_name().to_owned()));
            let near = crate::show::nearest(verb, names);
            let found = command.find_subcommand(verb).cloned();
            found.ok_or_else(|| not_there("verb", verb, &near))?
        }
    };
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(page).render(&mut text);
    rendered.map_err(|error| Failure::io("making the manual page failed", &error))?;
    let mut out = globals.out();
    out.write_all(&text)?;
    Ok(out.flush()?)
}
