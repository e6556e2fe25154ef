//! The table, and the sink that keeps it.

use annals::toolkit::{Failure, Received, Sink};
use annals::{Position, Query, QueryItem};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What the checkpoint of this table is called; a database may have several.
const NAME: &str = "delays";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS delays (
        carrier TEXT PRIMARY KEY,
        flights INTEGER NOT NULL,
        minutes INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS checkpoints (
        name TEXT PRIMARY KEY,
        position INTEGER NOT NULL
    );
";

/// Keeps the table.
pub struct Delays {
    connection: Connection,
}

impl Delays {
    /// In the database in this file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let connection = connect(path)?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection })
    }
}

impl Sink for Delays {
    fn name(&self) -> &str {
        NAME
    }

    fn query(&self) -> Query {
        QueryItem::new().event_type("FlightArrived").into()
    }

    fn checkpoint(&mut self) -> Result<Position, Failure> {
        let select = "SELECT position FROM checkpoints WHERE name = ?1";
        let found = self.connection.query_row(select, [NAME], |row| row.get::<_, i64>(0));
        Ok(Position::new(u64::try_from(found.optional()?.unwrap_or_default())?))
    }

    fn begin(&mut self) -> Result<(), Failure> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn apply(&mut self, event: &Received<'_>) -> Result<(), Failure> {
        let data: Value = serde_json::from_slice(event.payload)?;
        let carrier = data["carrier"].as_str().ok_or("an arrival without a carrier")?;
        let minutes = data["arr_delay"].as_i64().unwrap_or_default();
        let mut upsert = self.connection.prepare_cached(
            "INSERT INTO delays VALUES (?1, 1, ?2) ON CONFLICT (carrier)
             DO UPDATE SET flights = flights + 1, minutes = minutes + excluded.minutes",
        )?;
        upsert.execute(params![carrier, minutes])?;
        Ok(())
    }

    fn commit(&mut self, checkpoint: Position) -> Result<(), Failure> {
        let checkpoint = i64::try_from(checkpoint.get())?;
        let mut upsert =
            self.connection.prepare_cached("INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2)")?;
        upsert.execute(params![NAME, checkpoint])?;
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn roll_back(&mut self) {
        // There is no transaction where it could not be begun.
        let _ = self.connection.execute_batch("ROLLBACK");
    }
}

/// Carriers, with flights and minutes.
pub fn table(path: &Path) -> Result<Vec<(String, i64, i64)>, Failure> {
    let connection = connect(path)?;
    let mut select =
        connection.prepare("SELECT carrier, flights, minutes FROM delays ORDER BY 1")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}
