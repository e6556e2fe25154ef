//! Work on blocks by several threads, whose results come in the order of the blocks.

use super::blocks::{Block, Blocks};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Blocks under way for each thread.
const UNDER_WAY: usize = 2;
/// The most threads: reading and committing take no less time with more.
const THREADS: usize = 4;

type Job<T> = (Block, SyncSender<T>);

/// Cuts what `reader` reads into blocks, lets several threads `work` on them, and hands what they
/// make of them to `take`, in order, in this thread. `take` may end it with an error.
///
/// # Errors
/// What `take` says, or, as what `failed` makes of it, a read that failed before this line.
pub fn in_order<T: Send, E: Send>(
    reader: Box<dyn Read + Send + '_>,
    work: impl Fn(Block) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
    failed: impl Fn(&io::Error, u64) -> E + Send + Sync,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, |it| it.get()).min(THREADS);
    let failed = &failed;
    thread::scope(|scope| {
        // The results of blocks, in order: each comes when it is ready.
        let (in_order, results) = sync_channel::<Receiver<T>>(threads * UNDER_WAY);
        let (jobs, waiting) = channel::<Job<T>>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (work, waiting) = (&work, waiting.clone());
            spawn(scope, "annals-parse", move || {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok((block, done)) = next() {
                    // Nobody waits for it any more if something was wrong with one before.
                    let _ = done.send(work(block));
                }
            })
            .map_err(|error| failed(&error, 1))?;
        }
        drop(waiting);
        let reading = spawn(scope, "annals-read", move || read(reader, &jobs, &in_order, failed))
            .map_err(|error| failed(&error, 1))?;
        let mut taken = Ok(());
        while let Ok(result) = results.recv() {
            // A thread that panicked sends nothing; its panic comes out of the scope.
            let Ok(result) = result.recv() else { break };
            taken = take(result);
            if taken.is_err() {
                break;
            }
        }
        drop(results);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(read)
    })
}

/// Starts a thread that ends with the scope.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<thread::ScopedJoinHandle<'scope, T>> {
    thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work)
}

/// Hands out blocks until there are no more, or nobody takes them.
fn read<T, E>(
    reader: Box<dyn Read + Send + '_>,
    jobs: &Sender<Job<T>>,
    in_order: &SyncSender<Receiver<T>>,
    failed: &(impl Fn(&io::Error, u64) -> E + Sync),
) -> Result<(), E> {
    let mut blocks = Blocks::new(reader);
    loop {
        let line = blocks.line();
        let Some(block) = blocks.next().map_err(|error| failed(&error, line))? else {
            return Ok(());
        };
        let (done, result) = sync_channel(1);
        if in_order.send(result).is_err() || jobs.send((block, done)).is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Vec<u8> {
        (1..=200_000_u64).flat_map(|number| format!("{number}\n").into_bytes()).collect()
    }

    #[test]
    fn results_come_in_order_whoever_makes_them() {
        let text = text();
        let mut numbers = Vec::new();
        let work = |block: Block| {
            let last =
                block.lines().map(|(number, line)| (number, line.to_vec())).collect::<Vec<_>>();
            thread::sleep(std::time::Duration::from_micros(block.first % 700));
            last
        };
        let take = |lines: Vec<(u64, Vec<u8>)>| {
            numbers.extend(lines);
            Ok::<_, String>(())
        };
        in_order(Box::new(&text[..]), work, take, |error, _| error.to_string()).unwrap();
        assert_eq!(numbers.len(), 200_000);
        for (nth, (number, line)) in (1_u64..).zip(&numbers) {
            assert_eq!((nth, nth.to_string().as_bytes()), (*number, &line[..]));
        }
    }

    #[test]
    fn an_error_ends_it_and_a_failed_read_comes_behind_what_was_read() {
        let text = text();
        let mut taken = 0;
        let take = |_| {
            taken += 1;
            if taken == 2 { Err("enough".to_owned()) } else { Ok(()) }
        };
        let ended = in_order(Box::new(&text[..]), |_| (), take, |error, _| error.to_string());
        assert_eq!((ended, taken), (Err("enough".to_owned()), 2));

        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let reader = Box::new(text.chain(Fails));
        let mut lines = 0;
        let take = |block: u64| {
            lines = block;
            Ok(())
        };
        let ended = in_order(
            reader,
            |block: Block| block.first,
            take,
            |error, line| format!("{error} at {line}"),
        );
        assert!(lines > 1 && ended.unwrap_err().starts_with("gone at 1"));
    }
}
