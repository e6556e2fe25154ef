//! What loom does not have, or has otherwise than std, made of what it has.

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Mutex, MutexGuard};
use std::io::Write;
use std::sync::atomic::AtomicU64 as Counter;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LockResult, PoisonError};
use std::time::{Duration, Instant};

/// Goes through the orders in which a model's threads can run, with at most so many moments in
/// which one has to stop although it could go on; `LOOM_MAX_PREEMPTIONS` makes it more. Prints how
/// many orders there were.
pub fn model(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.max(Some(preemptions));
    builder.max_branches = builder.max_branches.max(50_000);
    let (orders, begun) = (Arc::new(Counter::new(0)), Instant::now());
    let (counted, run) = (orders.clone(), Arc::new(run));
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        let run = run.clone();
        // In a thread of its own, for its stack.
        thread::spawn(move || run()).join().expect("a model stops with the first panic");
    });
    let orders = orders.load(Relaxed);
    let (test, took) = (std::thread::current(), begun.elapsed().as_secs_f64());
    let test = test.name().unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "{test}: {orders} orders in {took:.1} s");
}

/// One of so many lanes.
pub fn lane(lanes: usize) -> usize {
    let id = format!("{:?}", loom::thread::current().id());
    let number: String = id.chars().filter(char::is_ascii_digit).collect();
    number.parse::<usize>().expect("an id is a number") % lanes
}

/// A condition variable. A time given for waiting is never over if it is [`LONG`], so a ring that
/// gets lost is a deadlock, which loom reports; a shorter one is over when others have gone on.
#[derive(Default)]
pub struct Condvar(loom::sync::Condvar);

/// Longer than anything takes.
pub const LONG: Duration = Duration::from_secs(60);

/// Whether the time was over.
pub struct TimedOut;

impl Condvar {
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.0.wait(guard)?;
        }
        Ok(guard)
    }

    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, TimedOut)> {
        if timeout < LONG {
            if condition(&mut guard) {
                loom::thread::yield_now();
            }
            return Ok((guard, TimedOut));
        }
        // Loom's locks are never poisoned: a model ends with the first panic.
        let guard = self.wait_while(guard, condition).unwrap_or_else(PoisonError::into_inner);
        Ok((guard, TimedOut))
    }
}

/// A cell that is set once: read without a lock, and whoever reads it sees what was done before it
/// was set, as std has it.
pub struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    is_set: AtomicBool,
    setting: Mutex<()>,
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> OnceLock<T> {
    pub fn new() -> Self {
        let (value, is_set) = (std::sync::OnceLock::new(), AtomicBool::new(false));
        Self { value, is_set, setting: Mutex::new(()) }
    }

    pub fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        let _one_at_a_time = self.setting.lock();
        self.value.set(value)?;
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }

    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _one_at_a_time = self.setting.lock();
        // Made before it is set: making it may take a lock, where other threads go on.
        if self.value.get().is_none() {
            let _ = self.value.set(make());
            self.is_set.store(true, Ordering::Release);
        }
        self.value.get().expect("it was set just now")
    }
}

/// Threads.
pub mod thread {
    use super::{Condvar, Mutex};
    use loom::sync::atomic::{AtomicBool, Ordering};
    pub use loom::thread::ThreadId;
    use std::io;
    use std::sync::{Arc, PoisonError};
    use std::time::Duration;

    /// Words of a thread's stack; what loom gives unasked is too little for a store.
    const STACK: usize = 1 << 15;

    /// A thread that can be woken. Loom's own would wake it from a lock, too.
    #[derive(Clone)]
    pub struct Thread {
        id: ThreadId,
        token: Arc<Token>,
    }

    #[derive(Default)]
    struct Token {
        is_there: Mutex<bool>,
        given: Condvar,
    }

    loom::thread_local! {
        static TOKEN: Arc<Token> = Arc::default();
    }

    impl Thread {
        pub fn id(&self) -> ThreadId {
            self.id
        }

        pub fn unpark(&self) {
            let is_there = self.token.is_there.lock();
            *is_there.unwrap_or_else(PoisonError::into_inner) = true;
            self.token.given.notify_one();
        }
    }

    pub fn current() -> Thread {
        Thread { id: loom::thread::current().id(), token: TOKEN.with(Arc::clone) }
    }

    pub fn park() {
        let token = TOKEN.with(Arc::clone);
        let is_there = token.is_there.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = token.given.wait_while(is_there, |is_there| !*is_there);
        *is_there.unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Lets the others go on.
    pub fn sleep(_: Duration) {
        loom::thread::yield_now();
    }

    pub struct Builder(loom::thread::Builder);

    pub struct JoinHandle<T> {
        handle: loom::thread::JoinHandle<T>,
        is_finished: Arc<AtomicBool>,
    }

    impl Builder {
        pub fn new() -> Self {
            Self(loom::thread::Builder::new().stack_size(STACK))
        }

        #[must_use]
        pub fn name(self, name: String) -> Self {
            Self(self.0.name(name))
        }

        pub fn spawn<T: Send + 'static>(
            self,
            run: impl FnOnce() -> T + Send + 'static,
        ) -> io::Result<JoinHandle<T>> {
            let is_finished = Arc::new(AtomicBool::new(false));
            let finished = is_finished.clone();
            let handle = self.0.spawn(move || {
                let result = run();
                finished.store(true, Ordering::Release);
                result
            })?;
            Ok(JoinHandle { handle, is_finished })
        }
    }

    pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        Builder::new().spawn(run).expect("loom makes threads")
    }

    impl<T> JoinHandle<T> {
        pub fn is_finished(&self) -> bool {
            self.is_finished.load(Ordering::Acquire)
        }

        pub fn join(self) -> std::thread::Result<T> {
            self.handle.join()
        }

        pub fn thread(&self) -> &loom::thread::Thread {
            self.handle.thread()
        }
    }
}
