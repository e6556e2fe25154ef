//! Bytes as a member of a JSON object, so that the same bytes come back.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A string of JSON, copied only where it has escapes: a `Cow` by itself always is.
#[derive(Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// What bytes are.
pub enum Body<'a> {
    /// JSON that can stand in a line as it is.
    Json(&'a str),
    /// Text that can't.
    Text(&'a str),
    /// No text.
    Bytes(&'a [u8]),
}

impl<'a> Body<'a> {
    /// What these are.
    pub fn of(bytes: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Bytes(bytes) };
        let is_line = !bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        // What stands around JSON would be lost when it is read again.
        let is_json =
            is_line && serde_json::from_str::<&RawValue>(text).is_ok_and(|json| json.get() == text);
        if is_json { Self::Json(text) } else { Self::Text(text) }
    }
}

/// Bytes as Base64, in quotes.
pub fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(BASE64_STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// What Base64 says.
pub fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    BASE64_STANDARD.decode(text).map_err(|error| format!("expected Base64 ({error})"))
}
