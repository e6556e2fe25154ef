//! `append`: one event.

use super::Globals;
use super::same::another;
use crate::exit::{Failure, Outcome, REFUSED};
use crate::input::all_of_stdin;
use crate::line::Kind;
use crate::show::{escaped, parse_when};
use crate::store::to_write;
use annals::{Commit, ExpectedVersion, Limit, NewEvent, Options, Position, Store, Timestamp, Uuid};
use std::io::Write;
use std::path::PathBuf;

/// Append an event, durably, if the stream is as expected
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals append orders.annals --stream order-7 --type OrderPlaced --data '{\"total\": 12}'
  annals append orders.annals --stream order-7 --type OrderPaid --expect 1 --tag customer:7
  curl ... | annals append orders.annals --stream hooks --type Received --data -")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// The stream
    #[arg(short, long, value_name = "NAME")]
    stream: String,
    /// The event's type
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    event_type: String,
    /// What the stream has to be: any, none (there is no such stream yet), exists, or a version
    #[arg(short, long, value_name = "WHAT", default_value = "any", value_parser = expected)]
    expect: ExpectedVersion,
    /// A tag; may be given several times
    #[arg(short = 'g', long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// The payload; - takes it from standard input, byte for byte
    #[arg(short, long, default_value = "", hide_default_value = true)]
    data: String,
    /// Metadata
    #[arg(long)]
    metadata: Option<String>,
    /// The event's id: appended again, it is there once
    #[arg(long, value_name = "UUID")]
    id: Option<Uuid>,
    /// The conversation it belongs to
    #[arg(long, value_name = "UUID")]
    correlation: Option<Uuid>,
    /// What caused it
    #[arg(long, value_name = "UUID")]
    causation: Option<Uuid>,
    /// When it happened: 2013-01-31T18:00:00Z, 2013-01-31T18:00 (UTC), or how long ago
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    time: Option<Timestamp>,
    /// What it is for
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// The version of its payload's schema
    #[arg(long, value_name = "N", default_value_t = 1)]
    schema_version: u16,
    /// Say what became of it as JSON
    #[arg(long)]
    json: bool,
}

/// What became of it.
#[derive(serde::Serialize)]
struct Landed<'a> {
    position: u64,
    stream: &'a str,
    version: u64,
    /// Whether it was there already, by its id.
    replayed: bool,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let payload = match args.data.as_str() {
        "-" => {
            let mut payload = Vec::new();
            all_of_stdin("interrupted; nothing was appended", |piece| {
                payload.extend_from_slice(piece);
                // However much comes, no more than that is kept.
                let (limit, most) = (Limit::Payload, Limit::Payload.allowed());
                match u64::try_from(payload.len()) {
                    Ok(length) if length <= most => Ok(()),
                    _ => Err(Failure::can_not(format!("too many {limit}: at most {most} allowed"))),
                }
            })?;
            payload
        }
        text => text.as_bytes().to_vec(),
    };
    let mut event = NewEvent::new(&args.event_type, payload)
        .tags(&args.tags)
        .kind(args.kind.into())
        .schema_version(args.schema_version);
    if let Some(metadata) = &args.metadata {
        event = event.metadata(metadata.as_str());
    }
    if let Some(id) = args.id {
        event = event.id(id);
    }
    if let Some(id) = args.correlation {
        event = event.correlation_id(id);
    }
    if let Some(id) = args.causation {
        event = event.causation_id(id);
    }
    if let Some(time) = args.time {
        event = event.occurred(time);
    }
    let store = to_write(&Options::new(), &args.file)?;
    let commit = Commit::new().append(&args.stream, args.expect, [event.clone()]);
    let appended = store.commit(commit);
    let same = match &appended {
        Ok(appended) if appended.replayed => is_same(&store, appended.last, (&args.stream, &event)),
        _ => Ok(()),
    };
    let closed = store.close();
    let appended = appended?;
    closed?;
    same?;
    let (position, version) = (appended.last, appended.version());
    if args.json {
        let landed = Landed {
            position: position.get(),
            stream: &args.stream,
            version: version.get(),
            replayed: appended.replayed,
        };
        let mut out = globals.out();
        out.json(&landed)?;
        return Ok(out.flush()?);
    }
    let was = if appended.replayed { " (it was there already)" } else { "" };
    let stream = escaped(&args.stream);
    globals.say(format_args!("'{stream}' is at version {version}, position {position}{was}"));
    Ok(())
}

/// That what is there with the event's id is the event.
fn is_same(store: &Store, at: Position, event: (&str, &NewEvent)) -> Outcome {
    let Some(there) = store.event(at)? else { return Ok(()) };
    match another(&there, event, &format!("at position {at}"))? {
        None => Ok(()),
        Some(what) => Err(Failure::Ended(REFUSED, what)),
    }
}

fn expected(text: &str) -> Result<ExpectedVersion, String> {
    match text {
        "any" => Ok(ExpectedVersion::Any),
        "none" => Ok(ExpectedVersion::NoStream),
        "exists" => Ok(ExpectedVersion::StreamExists),
        number => match number.parse::<u64>() {
            Ok(version) => Ok(version.into()),
            Err(_) => Err("expected any, none, exists or a version".to_owned()),
        },
    }
}
