//! Trace context as W3C has it (<https://www.w3.org/TR/trace-context/>), carried in metadata.

use super::{Append, Interceptor, Received};
use crate::toolkit::{CodecError, Metadata, ToolError};
use crate::{Appended, Commit, NewEvent, Rewrite, Uuid};
use std::fmt;

/// The key of the trace's and the span's ids.
const PARENT: &str = "traceparent";
/// The key of what tracing systems say beside.
const STATE: &str = "tracestate";
/// Those that are passed on.
const KNOWN_FLAGS: u8 = 0b11;

/// Which trace something belongs to, and which span of it is the parent: a `traceparent` of version
/// 00, and a `tracestate`.
///
/// ```
/// use annals::toolkit::TraceContext;
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context = TraceContext::parse(text, Some("vendor=7")).unwrap();
/// assert_eq!(context.traceparent(), text);
/// assert!(context.is_sampled());
/// // A child is of the same trace, by a span of its own.
/// let child = context.child(annals::Uuid::new_v4());
/// assert_eq!(child.trace_id(), context.trace_id());
/// assert_ne!(child.span_id(), context.span_id());
/// assert!(TraceContext::parse("00-0-0-01", None).is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
    state: Option<String>,
}

impl TraceContext {
    /// Of a trace and a span, neither of them zero.
    pub fn new(trace: u128, span: u64, sampled: bool) -> Option<Self> {
        let flags = u8::from(sampled);
        (trace != 0 && span != 0).then_some(Self { trace, span, flags, state: None })
    }

    /// Reads a `traceparent`, and takes a `tracestate` as it is. Nothing if it is malformed, or has
    /// zeros where the specification forbids them. Flags are kept that it knows: that the trace is
    /// sampled, and that its id is random.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let mut part = |digits: usize| {
            let text = parts.next().filter(|text| text.len() == digits)?;
            let is_digit = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
            text.bytes().all(is_digit).then(|| u128::from_str_radix(text, 16).ok())?
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may say more behind the flags.
        if version == 0xff || version == 0 && parts.next().is_some() || trace == 0 || span == 0 {
            return None;
        }
        let (span, flags) = (u64::try_from(span).ok()?, u8::try_from(flags).ok()?);
        let flags = flags & KNOWN_FLAGS;
        Some(Self { trace, span, flags, state: tracestate.map(str::to_owned) })
    }

    /// What an event's metadata say; nothing if they say nothing, or are no JSON object.
    pub fn of(event: &Received<'_>) -> Option<Self> {
        Self::from_metadata(&Metadata::from_bytes(event.metadata()).ok()?)
    }

    /// What metadata say.
    pub fn from_metadata(metadata: &Metadata) -> Option<Self> {
        Self::parse(metadata.get(PARENT)?, metadata.get(STATE))
    }

    /// The metadata, with this context in them.
    pub fn add_to(&self, metadata: Metadata) -> Metadata {
        let metadata = metadata.set(PARENT, self.traceparent());
        self.state.iter().fold(metadata, |metadata, state| metadata.set(STATE, state.clone()))
    }

    /// The same trace, in a span that is called by the second half of this id.
    pub fn child(&self, id: Uuid) -> Self {
        Self { span: id.as_u64_pair().1.max(1), ..self.clone() }
    }

    /// The trace's id.
    pub fn trace_id(&self) -> u128 {
        self.trace
    }

    /// The span's id.
    pub fn span_id(&self) -> u64 {
        self.span
    }

    /// Whether whoever is called is asked to record it.
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// As the header has it.
    pub fn traceparent(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }

    /// What tracing systems say beside.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// An interceptor that writes the trace context of the moment into the metadata of each event that
/// has none, as whoever runs the program knows it.
pub struct Traced<F> {
    current: F,
}

impl<F: Fn() -> Option<TraceContext> + Send + Sync + 'static> Traced<F> {
    /// Asked for the context before each commit.
    pub fn new(current: F) -> Self {
        Self { current }
    }
}

impl<F: Fn() -> Option<TraceContext> + Send + Sync + 'static> Interceptor for Traced<F> {
    fn name(&self) -> &str {
        "trace context"
    }

    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        let Some(context) = (self.current)() else { return next(commit) };
        let mut stamp = Stamp { context, failed: None };
        let commit = commit.rewrite(&mut stamp);
        match stamp.failed {
            None => next(commit),
            Some(error) => Err(ToolError::Codec(error)),
        }
    }
}

/// Writes a context into the metadata of events.
struct Stamp {
    context: TraceContext,
    failed: Option<CodecError>,
}

impl Rewrite for Stamp {
    fn event(&mut self, _: &str, event: NewEvent) -> NewEvent {
        match Metadata::from_bytes(event.get_metadata()) {
            Ok(metadata) if metadata.get(PARENT).is_some() => event,
            Ok(metadata) => event.metadata(self.context.add_to(metadata).to_bytes()),
            Err(error) => {
                self.failed = Some(error);
                event
            }
        }
    }
}

impl<F> fmt::Debug for Traced<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").finish_non_exhaustive()
    }
}
