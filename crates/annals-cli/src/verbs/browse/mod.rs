//! `browse`: a terminal view.
//!
//! A [`Model`] knows what is looked at; keys and the passing of time change it, and it reads what
//! its panes show, never more than they have room for. Drawing looks at the model and changes
//! nothing. So both are tested without a terminal; the loop below is all that has one.

mod detail;
mod draw;
mod events;
mod help;
mod keys;
mod layout;
mod listened;
mod log;
mod looks;
mod model;
mod names;
mod piece;
mod pretty;
mod prompt;
mod scroll;
mod search;
mod streams;
mod terminal;
#[cfg(test)]
mod tests;

use self::events::Scope;
use self::listened::Listened;
use self::log::Log;
use self::looks::Looks;
use self::model::{Model, Wish};
use self::terminal::Screen;
use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::show::escaped;
use crate::stop;
use crate::store::{check_stream, to_look};
use annals::Store;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Look into a store in a terminal: streams, events, payloads; search, jump, follow
///
/// Keys: arrows or hjkl, PageUp and PageDown, Home and End or g and G move; Tab goes to the next
/// pane; Enter opens a stream or an event, Esc goes back; / searches, n and N go to the next and
/// the previous find; p jumps to a position, t to a time; f filters streams; F follows what is
/// appended; ? says what else there is; q quits.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals browse orders.annals
  annals browse orders.annals --stream order-7
  annals browse orders.annals --at 345000
  annals browse orders.annals --follow")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// Begin with this stream
    #[arg(short, long, value_name = "NAME")]
    stream: Option<String>,
    /// Begin at this position (of a stream: version)
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    at: Option<u64>,
    /// Begin at the end, and show what is appended
    #[arg(short, long)]
    follow: bool,
}

/// Without anything to do, it looks so often whether there is.
const IDLE: Duration = Duration::from_millis(50);
/// While it works on something long, the screen shows so often how far that is.
const SHOWN: Duration = Duration::from_millis(50);
/// Keys are taken for so long before the screen is drawn again: whoever holds one down gets on.
const AT_ONCE: Duration = Duration::from_millis(15);

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    check_terminal()?;
    let store = to_look(&args.file)?;
    let name = args.file.file_name().unwrap_or(args.file.as_os_str()).display().to_string();
    let mut model = begin(args, store, &escaped(&name))?;
    let looks = Looks::new(globals.out().has_colour());
    let mut screen = Screen::enter(globals.color)?;
    show(&mut model, &mut screen, looks)?;
    screen.leave()?;
    stop::check()
}

/// That there is somebody who looks at it, and has keys.
fn check_terminal() -> Outcome {
    let instead = "; `annals read` writes events anywhere";
    if !io::stdin().is_terminal() {
        let what = "`browse` takes its keys from a terminal, and standard input is none";
        return Err(Failure::can_not(format!("{what}{instead}")));
    }
    if !io::stdout().is_terminal() {
        let what = "`browse` shows itself on a terminal, and standard output is none";
        return Err(Failure::can_not(format!("{what}{instead}")));
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        let what = "`browse` needs a terminal whose cursor can be moved, and TERM is 'dumb'";
        return Err(Failure::can_not(format!("{what}{instead}")));
    }
    Ok(())
}

/// What is looked at first.
fn begin(args: &Args, store: Store, name: &str) -> Outcome<Model> {
    if let Some(stream) = &args.stream {
        check_stream(&store.view()?, stream)?;
    }
    let mut model = Model::new(Log::new(store)?, name.to_owned());
    if let Some(stream) = &args.stream {
        model.open(Scope::Stream(stream.clone()));
    }
    if let Some(number) = args.at {
        model.go_to(number);
    }
    if args.follow {
        model.follow(true);
    }
    Ok(model)
}

/// Shows the model, and lets keys and time change it, until it has ended.
fn show(model: &mut Model, screen: &mut Screen, looks: Looks) -> Outcome {
    let listened = Listened::new();
    let (mut changed, mut drawn) = (true, None::<Instant>);
    let mut size = screen.size()?;
    model.resize(size);
    while !model.has_ended() && !stop::is_asked() {
        let is_due = drawn.is_none_or(|drawn| drawn.elapsed() >= SHOWN);
        if changed && (is_due || !model.is_busy()) {
            screen.draw(|frame| draw::draw(frame, model, looks))?;
            (changed, drawn) = (false, Some(Instant::now()));
        }
        let patience = if model.is_busy() { Duration::ZERO } else { IDLE };
        let mut heard = listened.wait(patience)?;
        let began = Instant::now();
        while let Some(event) = heard {
            changed |= model.hear(&event);
            // A key is answered at once, also while something long goes on.
            drawn = None;
            let is_late = began.elapsed() >= AT_ONCE;
            heard = if is_late { None } else { listened.wait(Duration::ZERO)? };
        }
        if let Some(wish) = model.takes_wish() {
            match wish {
                Wish::Suspend => screen.suspend()?,
                Wish::Redraw => screen.redraw()?,
            }
            model.resize(screen.size()?);
            changed = true;
        }
        // Nobody tells of a change before anybody listened.
        let now = screen.size()?;
        if now != size {
            size = now;
            model.resize(size);
            changed = true;
        }
        changed |= model.tick(Instant::now());
        if !io::stdin().is_terminal() {
            // Whoever looked has hung up.
            break;
        }
    }
    Ok(())
}
