//! Attempts, and who is told what of a state.

use super::execute::try_again;
use super::lifecycle::tell;
use super::{Boundary, Change, ExecuteError, Lifecycle};
use crate::toolkit::{Failure, Port, Retry, ToolError};
use crate::{NewEvent, Store, Version};
use std::sync::{Arc, Mutex};

fn port() -> Port {
    Port::new(&Store::in_memory().unwrap())
}

/// Somebody was faster.
fn conflict(port: &Port) -> ToolError {
    port.append("a", 99, [NewEvent::new("Noted", "")]).unwrap_err()
}

#[test]
fn attempts_are_counted_and_end_with_the_first_that_is_no_conflict() {
    let port = port();
    let run = |retry: Retry, last: u32, end: fn() -> Result<u32, ExecuteError<&'static str>>| {
        let mut seen = Vec::new();
        let done = try_again(&retry, |attempt| {
            seen.push(attempt);
            if attempt == last { end() } else { Err(conflict(&port).into()) }
        });
        (seen, done)
    };
    let (seen, done) = run(Retry::new(9), 3, || Ok(7));
    assert_eq!((seen, done.unwrap()), (vec![1, 2, 3], 7));
    let (seen, refused) = run(Retry::new(9), 2, || Err(ExecuteError::Refused("no")));
    assert_eq!((seen, refused.unwrap_err().refusal()), (vec![1, 2], Some(&"no")));
    let (seen, stopped) = run(Retry::new(9), 2, || Err(ToolError::Stopped.into()));
    assert_eq!(seen, [1, 2]);
    assert!(matches!(stopped, Err(ExecuteError::Tool(ToolError::Stopped))));
    let (seen, late) = run(Retry::new(2), 3, || Ok(7));
    assert_eq!(seen, [1, 2]);
    let Err(ExecuteError::Conflicts { attempts: 2, last }) = late else { panic!("{late:?}") };
    assert!(last.is_conflict());
}

#[test]
fn of_a_state_that_nobody_could_see_nobody_is_told() {
    struct Tells(Arc<Mutex<Vec<&'static str>>>);
    impl Lifecycle<u8> for Tells {
        fn created(&self, _: &Change<'_, u8>) -> Result<(), Failure> {
            self.0.lock().unwrap().push("created");
            Ok(())
        }
        fn changed(&self, _: &Change<'_, u8>) -> Result<(), Failure> {
            self.0.lock().unwrap().push("changed");
            Ok(())
        }
        fn deleted(&self, _: &Change<'_, u8>) -> Result<(), Failure> {
            self.0.lock().unwrap().push("deleted");
            Ok(())
        }
    }
    let told = Arc::default();
    let hooks: [Arc<dyn Lifecycle<u8>>; 1] = [Arc::new(Tells(Arc::clone(&told)))];
    let appended = port().append("a", 0, [NewEvent::new("Noted", "")]).unwrap();
    let (boundary, version) = (Boundary::stream("a"), Version::new(1));
    let change = Change { boundary: &boundary, state: &0, version, appended: &appended };
    for (existed, exists) in [(false, false), (false, true), (true, true), (true, false)] {
        assert!(tell(&hooks, existed, exists, &change).is_empty());
    }
    assert_eq!(*told.lock().unwrap(), ["created", "changed", "deleted"]);
}
