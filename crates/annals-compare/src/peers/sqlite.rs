//! An event store on SQLite, as a program would build it that keeps its events in a table: a
//! write-ahead log, one connection that writes, others that read beside it.
//!
//! Synced, each commit is synced by SQLite (`synchronous = FULL`). Else SQLite syncs nothing, and
//! `sync` copies the log into the database and syncs that.

use crate::peer::{Asked, Event, Mode, Nth, Peer};
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, Row, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Reading goes through a map; the cache stays small, since a commit looks through all of it.
/// SQLite maps no more than its builder has allowed (2 GiB, if not told otherwise). The log is
/// copied back every 16 MiB.
const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA mmap_size = 17179869184;
    PRAGMA temp_store = MEMORY;";

const TABLES: &str = "
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        type TEXT NOT NULL,
        payload BLOB NOT NULL,
        UNIQUE (stream, version)
    );
    CREATE TABLE tags (
        tag TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (tag, position)
    ) WITHOUT ROWID;";

const TYPES: &str = "CREATE INDEX types ON events (type)";

const HEAD: &str = "SELECT ifnull(max(position), 0) FROM events";

const VERSION: &str = "SELECT ifnull(max(version), 0) FROM events WHERE stream = ?1";

/// Goes along the tag and looks each position up in the index of types, which has the position as
/// its second column: only what matches is read from the table.
const SINCE: &str = "
    SELECT payload FROM tags CROSS JOIN events INDEXED BY types
    ON type = ?2 AND events.position = tags.position
    WHERE tag = ?1 AND tags.position > ?3 ORDER BY tags.position";

const ANY_SINCE: &str = "
    SELECT EXISTS (
        SELECT 1 FROM tags CROSS JOIN events INDEXED BY types
        ON type = ?2 AND events.position = tags.position
        WHERE tag = ?1 AND tags.position > ?3
    )";

pub struct Sqlite {
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    path: PathBuf,
    mode: Mode,
    /// For syncing it. It is the last to be closed: closing any handle of the file drops the locks
    /// that the connections have.
    file: File,
}

impl Peer for Sqlite {
    type Batch = Vec<Event>;

    const NAME: &'static str = "sqlite";

    fn create(folder: &Path, mode: Mode) -> Self {
        let writer = connect(&file(folder));
        writer.execute_batch(TABLES).unwrap();
        if !mode.lean {
            writer.execute_batch(TYPES).unwrap();
        }
        Self::of(writer, folder, mode)
    }

    fn open(folder: &Path, mode: Mode) -> Self {
        Self::of(connect(&file(folder)), folder, mode)
    }

    fn batch(events: &[Nth], _: Mode) -> Vec<Event> {
        events.iter().map(|nth| nth.event()).collect()
    }

    fn append(&self, batch: &Vec<Event>) {
        let writer = self.writer.lock().unwrap();
        run(&writer, "BEGIN IMMEDIATE");
        self.insert(&writer, batch);
        run(&writer, "COMMIT");
    }

    fn sync(&self) {
        if self.mode.synced {
            return;
        }
        let writer = self.writer.lock().unwrap();
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: bool = writer.query_row(checkpoint, [], |row| row.get(0)).unwrap();
        assert!(!busy, "a reader holds on to the log");
        self.file.sync_all().unwrap();
    }

    fn close(self) {
        for reader in self.readers.into_inner().unwrap() {
            reader.close().unwrap();
        }
        self.writer.into_inner().unwrap().close().unwrap();
    }

    fn replay(&self, each: impl FnMut(&[u8])) -> u64 {
        let all = "SELECT payload FROM events ORDER BY position";
        self.read(|reader| payloads(&mut statement(reader, all), [], each))
    }

    fn stream(&self, stream: &str, each: impl FnMut(&[u8])) -> u64 {
        let all = "SELECT payload FROM events WHERE stream = ?1 ORDER BY version";
        self.read(|reader| payloads(&mut statement(reader, all), [stream], each))
    }

    fn positions(&self, positions: &[u64], mut each: impl FnMut(&[u8])) {
        self.read(|reader| {
            let mut one = statement(reader, "SELECT payload FROM events WHERE position = ?1");
            for position in positions {
                let found = payloads(&mut one, [*position as i64], &mut each);
                assert_eq!(found, 1, "position {position}");
            }
        });
    }

    fn tagged(&self, tag: &str, each: impl FnMut(&[u8])) -> u64 {
        let all = "
            SELECT payload FROM tags CROSS JOIN events ON events.position = tags.position
            WHERE tag = ?1 ORDER BY tags.position";
        self.read(|reader| payloads(&mut statement(reader, all), [tag], each))
    }

    fn since(&self, asked: &Asked, seen: u64, each: impl FnMut(&[u8])) -> u64 {
        self.read(|reader| {
            let head: i64 = statement(reader, HEAD).query_row([], |row| row.get(0)).unwrap();
            let asked = params![asked.tag, asked.event_type, seen as i64];
            payloads(&mut statement(reader, SINCE), asked, each);
            head as u64
        })
    }

    fn append_unless(&self, batch: &Vec<Event>, asked: &Asked, seen: u64) -> bool {
        let writer = self.writer.lock().unwrap();
        run(&writer, "BEGIN IMMEDIATE");
        let asked = params![asked.tag, asked.event_type, seen as i64];
        let any: bool = statement(&writer, ANY_SINCE).query_row(asked, |row| row.get(0)).unwrap();
        if any {
            run(&writer, "ROLLBACK");
            return false;
        }
        self.insert(&writer, batch);
        run(&writer, "COMMIT");
        true
    }
}

impl Sqlite {
    /// The tables are synced already.
    fn of(writer: Connection, folder: &Path, mode: Mode) -> Self {
        if !mode.synced {
            run(&writer, "PRAGMA synchronous = OFF");
        }
        let path = file(folder);
        let file = File::open(&path).unwrap();
        Self { writer: Mutex::new(writer), readers: Mutex::default(), path, mode, file }
    }

    fn insert(&self, writer: &Connection, events: &[Event]) {
        let mut version = statement(writer, VERSION);
        let mut row = statement(
            writer,
            "INSERT INTO events (stream, version, type, payload) VALUES (?1, ?2, ?3, ?4)",
        );
        let mut tag_row = statement(writer, "INSERT INTO tags (tag, position) VALUES (?1, ?2)");
        for (nth, event) in events.iter().enumerate() {
            // Those of one stream in a row: the first one's look is enough.
            let before = nth.checked_sub(1).map(|nth| &events[nth]);
            let at: i64 = match before {
                Some(before) if before.stream == event.stream => before.expected as i64 + 1,
                _ => version.query_row([&event.stream], |row| row.get(0)).unwrap(),
            };
            assert_eq!(at, event.expected as i64, "the version of {}", event.stream);
            row.execute(params![event.stream, at + 1, event.event_type, event.payload]).unwrap();
            if !self.mode.lean {
                let position = writer.last_insert_rowid();
                for tag in &event.tags {
                    tag_row.execute(params![tag, position]).unwrap();
                }
            }
        }
    }

    /// Reads from one state of the store, with a connection that nobody else has.
    fn read<R>(&self, work: impl FnOnce(&Connection) -> R) -> R {
        let ready = self.readers.lock().unwrap().pop();
        let reader = ready.unwrap_or_else(|| connect(&self.path));
        run(&reader, "BEGIN");
        let result = work(&reader);
        run(&reader, "COMMIT");
        self.readers.lock().unwrap().push(reader);
        result
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("events.sqlite")
}

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(60)).unwrap();
    connection.execute_batch(SETTINGS).unwrap();
    // Else a statement is prepared again for each value that it is asked with.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    connection
}

fn statement<'a>(connection: &'a Connection, sql: &str) -> CachedStatement<'a> {
    connection.prepare_cached(sql).unwrap()
}

fn run(connection: &Connection, sql: &str) {
    statement(connection, sql).execute([]).unwrap();
}

/// Hands out every payload that is found; returns how many there were.
fn payloads(
    statement: &mut CachedStatement<'_>,
    asked: impl rusqlite::Params,
    mut each: impl FnMut(&[u8]),
) -> u64 {
    let mut rows = statement.query(asked).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        each(payload(row));
        count += 1;
    }
    count
}

fn payload<'a>(row: &'a Row<'_>) -> &'a [u8] {
    row.get_ref(0).unwrap().as_blob().unwrap()
}
