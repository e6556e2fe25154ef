//! Read models in a database of the user's: here a list behind a lock, that forgets what was not
//! committed.

use super::projections::{numbers, port};
use annals::toolkit::{Failure, OnError, Projector, Received, Sink, ToolError};
use annals::{Position, QueryItem};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

/// What is committed.
#[derive(Default)]
struct Table {
    rows: Vec<u64>,
    checkpoint: u64,
    /// What fails next: at this row, or a commit.
    bad_row: Option<u64>,
    bad_commits: u64,
    begun: u64,
}

/// A connection to it.
struct Connection {
    table: Arc<Mutex<Table>>,
    open: Option<Vec<u64>>,
}

impl Sink for Connection {
    fn name(&self) -> &str {
        "table"
    }

    fn query(&self) -> annals::Query {
        QueryItem::new().category("a").into()
    }

    fn checkpoint(&mut self) -> Result<Position, Failure> {
        Ok(self.table.lock().unwrap().checkpoint.into())
    }

    fn begin(&mut self) -> Result<(), Failure> {
        assert!(self.open.is_none(), "a transaction is open");
        self.open = Some(Vec::new());
        self.table.lock().unwrap().begun += 1;
        Ok(())
    }

    fn apply(&mut self, event: &Received<'_>) -> Result<(), Failure> {
        let row = std::str::from_utf8(event.payload)?.parse()?;
        self.open.as_mut().unwrap().push(row);
        if self.table.lock().unwrap().bad_row == Some(row) { Err("bad row".into()) } else { Ok(()) }
    }

    fn commit(&mut self, checkpoint: Position) -> Result<(), Failure> {
        let mut table = self.table.lock().unwrap();
        if table.bad_commits > 0 {
            table.bad_commits -= 1;
            return Err("disk full".into());
        }
        table.rows.extend(self.open.take().unwrap());
        table.checkpoint = checkpoint.get();
        Ok(())
    }

    fn roll_back(&mut self) {
        self.open = None;
    }
}

fn connect(table: &Arc<Mutex<Table>>) -> Connection {
    Connection { table: table.clone(), open: None }
}

#[test]
fn each_event_is_in_the_database_once_with_the_checkpoint() {
    let port = port();
    let table = Arc::new(Mutex::new(Table::default()));
    for round in 0..3 {
        numbers(&port, "a", round * 10..round * 10 + 10);
        numbers(&port, "b", [99]);
        let mut projector = Projector::into_sink(&port, connect(&table)).unwrap().batch(4);
        projector.catch_up().unwrap();
        assert_eq!(table.lock().unwrap().rows, (0..round * 10 + 10).collect::<Vec<_>>());
    }
    assert_eq!(table.lock().unwrap().begun, 9);
}

#[test]
fn a_transaction_that_fails_is_rolled_back_and_made_again() {
    let port = port();
    numbers(&port, "a", 0..10);
    let table = Arc::new(Mutex::new(Table { bad_commits: 1, ..Table::default() }));
    let mut projector = Projector::into_sink(&port, connect(&table)).unwrap().batch(4);
    let error = projector.catch_up().unwrap_err();
    assert_eq!(error.to_string(), "sink 'table' failed: disk full");
    assert_eq!(table.lock().unwrap().rows, [0; 0]);
    projector.catch_up().unwrap();
    assert_eq!(table.lock().unwrap().rows, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_row_that_fails_stops_it_or_is_passed_over() {
    let port = port();
    numbers(&port, "a", 0..10);
    let table = Arc::new(Mutex::new(Table { bad_row: Some(5), ..Table::default() }));
    let mut projector = Projector::into_sink(&port, connect(&table)).unwrap();
    assert!(projector.catch_up().is_err());
    assert_eq!((table.lock().unwrap().rows.len(), projector.position().get()), (5, 5));
    let mut projector = projector.on_error(OnError::Skip);
    projector.catch_up().unwrap();
    assert_eq!(table.lock().unwrap().rows, [0, 1, 2, 3, 4, 6, 7, 8, 9]);
    assert_eq!(projector.skipped(), 1);
    let refused = projector.rebuild(|_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(refused, ToolError::Setup(_)));
}

#[test]
fn a_database_that_is_ahead_of_the_store_is_refused() {
    let port = port();
    let table = Arc::new(Mutex::new(Table { checkpoint: 3, ..Table::default() }));
    let error = Projector::into_sink(&port, connect(&table)).unwrap_err();
    assert!(matches!(error, ToolError::Ahead { .. }), "{error}");
}
