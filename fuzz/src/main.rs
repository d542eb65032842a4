//! Runs the targets without a fuzzer: the corpus that is kept, then changes of it that a seed decides.
//!
//! ```text
//! memo-fuzz [--keep] [TARGET…]       all targets, or these; `--keep` adds to the corpus
//! memo-fuzz --input TARGET FILE…     these inputs alone
//! ```

use std::collections::{HashMap, HashSet};
use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use memo_fuzz::input::mixed;
use memo_fuzz::memory::run_with;
use memo_fuzz::mutate::{mutate, Random};
use memo_fuzz::targets::{Target, TARGETS};

const EXECUTIONS: u64 = 5_000_000;
/// Of inputs of which something new became, so many are changed further.
const POOL: usize = 4096;
/// So many inputs of a target are kept in files, each of so many bytes at the most.
const KEPT: usize = 400;
const LONGEST_KEPT: usize = 400;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, target, files @ ..] = &arguments[..] {
        if first == "--input" {
            let target = named(target);
            for file in files {
                let input = fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"));
                println!("{file}: {:016x}", run_with(&input, target.run));
            }
            return ExitCode::SUCCESS;
        }
    }
    let keeps = arguments.iter().any(|argument| argument == "--keep");
    let names = arguments.iter().filter(|argument| *argument != "--keep");
    let chosen: Vec<&Target> = names.map(|name| named(name)).collect();
    let chosen = if chosen.is_empty() { TARGETS.iter().collect() } else { chosen };
    let all: u64 = chosen.iter().map(|target| target.share).sum();
    let (executions, seed) = (number("MEMO_FUZZ_EXECUTIONS", EXECUTIONS), number("MEMO_SEED", 1));
    println!("MEMO_FUZZ_EXECUTIONS={executions} MEMO_SEED={seed}");
    let (started, mut done) = (Instant::now(), 0);
    for target in chosen {
        match run(target, executions * target.share / all, seed, keeps) {
            Some(executed) => done += executed,
            None => return ExitCode::FAILURE,
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{:<8} {done:>9} executions in {seconds:>5.1} s", "all");
    println!("cases: {done} in {seconds:.1} s");
    ExitCode::SUCCESS
}

fn named(name: &str) -> &'static Target {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("there is no target `{name}`"))
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |number| number.parse().expect(variable))
}

fn directory(name: &str, target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join(target.name)
}

/// The inputs that are kept, in an order that is the same everywhere.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(directory("corpus", target)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort_unstable();
    files.iter().map(|file| fs::read(file).expect("an input can be read")).collect()
}

/// What becomes of inputs, and the shortest of which each becomes.
type Outcomes = HashMap<u64, Vec<u8>>;

/// Runs a target so many times, and says how often it did; nothing, if it failed.
fn run(target: &Target, executions: u64, seed: u64, keeps: bool) -> Option<u64> {
    let started = Instant::now();
    let (corpus, seeds) = (corpus(target), (target.seeds)());
    let begin: Vec<Vec<u8>> = corpus.iter().chain(&seeds).cloned().collect();
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let outcomes = Mutex::new(Outcomes::new());
    let work = |worker: u64| {
        let mut executed = 0;
        let share = executions / workers + u64::from(worker < executions % workers);
        let mut own = Outcomes::new();
        let random = Random(mixed(&[seed, worker, target.share]));
        work(target, &begin, share, random, &mut own, &mut executed)?;
        let mut all = outcomes.lock().expect("no worker fails with it");
        for (outcome, input) in own {
            let shortest = all.entry(outcome).or_insert_with(|| input.clone());
            if (input.len(), &input) < (shortest.len(), &*shortest) {
                *shortest = input;
            }
        }
        Some(executed)
    };
    // As any thread has it: what is read must not nest deeper than its stack bears.
    let executed: Option<u64> = std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> =
            (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        workers.into_iter().map(|worker| worker.join().ok().flatten()).sum()
    });
    let executed = executed?;
    let outcomes = outcomes.into_inner().expect("no worker failed");
    println!(
        "{:<8} {executed:>9} executions in {:>5.1} s, {} inputs kept, {} outcomes",
        target.name,
        started.elapsed().as_secs_f64(),
        corpus.len(),
        outcomes.len(),
    );
    if keeps {
        keep(target, &corpus, outcomes);
    }
    Some(executed)
}

fn work(
    target: &Target,
    begin: &[Vec<u8>],
    executions: u64,
    mut random: Random,
    outcomes: &mut Outcomes,
    executed: &mut u64,
) -> Option<()> {
    let mut pool: Vec<Vec<u8>> = Vec::new();
    for input in begin {
        let outcome = execute(target, input)?;
        outcomes.entry(outcome).or_insert_with(|| input.clone());
        *executed += 1;
    }
    pool.extend_from_slice(begin);
    let mut input = Vec::new();
    let nothing = Vec::new();
    while *executed < executions {
        let one = pool.get(random.below(pool.len())).unwrap_or(&nothing);
        let other = pool.get(random.below(pool.len())).unwrap_or(&nothing);
        mutate(one, other, target.longest, &mut random, &mut input);
        let outcome = execute(target, &input)?;
        *executed += 1;
        if outcomes.contains_key(&outcome) {
            continue;
        }
        if pool.len() < begin.len() + POOL {
            pool.push(input.clone());
        } else {
            let place = begin.len() + random.below(POOL);
            pool[place].clone_from(&input);
        }
        if outcomes.len() < 16 * POOL {
            outcomes.insert(outcome, input.clone());
        }
    }
    Some(())
}

/// Runs a target once. An input that it fails with is written down.
fn execute(target: &Target, input: &[u8]) -> Option<u64> {
    if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| run_with(input, target.run))) {
        return Some(outcome);
    }
    let directory = directory("artifacts", target);
    let file = directory.join(name_of(input));
    fs::create_dir_all(&directory).and_then(|()| fs::write(&file, input)).expect("it is written");
    eprintln!("{} failed; to see it again: --input {0} {}", target.name, file.display());
    None
}

fn name_of(input: &[u8]) -> String {
    let hash = input.iter().fold(input.len() as u64, |hash, byte| mixed(&[hash, (*byte).into()]));
    format!("{hash:016x}")
}

/// Adds inputs to the corpus of which something becomes that of none there does, short and long ones;
/// and those to begin with, which a fuzzer is not handed otherwise.
fn keep(target: &Target, corpus: &[Vec<u8>], outcomes: Outcomes) {
    let seeds = (target.seeds)();
    let known: HashSet<u64> =
        corpus.iter().chain(&seeds).map(|input| (target.run)(input)).collect();
    let mut new: Vec<Vec<u8>> = outcomes
        .into_iter()
        .filter(|(outcome, input)| !known.contains(outcome) && input.len() <= LONGEST_KEPT)
        .map(|(_, input)| input)
        .collect();
    new.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let room = KEPT.saturating_sub(corpus.len().max(seeds.len()));
    let step = new.len().div_ceil(room.max(1)).max(1);
    let new = new.iter().step_by(step).take(room);
    let directory = directory("corpus", target);
    fs::create_dir_all(&directory).expect("the corpus has a place");
    for input in seeds.iter().chain(new) {
        fs::write(directory.join(name_of(input)), input).expect("it is written");
    }
}
