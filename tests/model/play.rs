//! A sequence is played before the model, and made shorter where the two disagree.

use std::env;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};

use crate::belief::{Span, Time};
use crate::command::{sequence, Command, Kind};
use crate::model::Model;
use crate::process::Setting;
use crate::stage::{Place, Stage, UNIT_OF_PROCESSES};
use crate::{variable, MINUTE};

const STEPS: usize = 100;
/// How long a failing sequence is made shorter.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing under test.
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    pub(crate) has_memory: bool,
    /// How long a process may not have heard of what another one did.
    pub(crate) bound: Duration,
}

/// What was done, and with which end.
struct Played {
    steps: Vec<String>,
    disagreement: Option<String>,
}

impl Subject {
    fn setting(&self) -> Setting {
        let time = match self.kind {
            // Steps are of five minutes and lives are not, so that the time that a step takes on the
            // real clock decides nothing.
            Kind::Memory => Time { unit: MINUTE, margin: MINUTE },
            // The coarse clock may be a tick behind, and a store's counts milliseconds.
            _ => Time { unit: UNIT_OF_PROCESSES, margin: Duration::from_millis(15) },
        };
        let has_store = matches!(self.kind, Kind::Disk | Kind::Server);
        let is_strict = env::var_os("MEMO_MODEL_STEPS").is_some();
        Setting { has_store, has_memory: self.has_memory, time, bound: self.bound, is_strict }
    }

    fn play(&self, commands: &[Command]) -> Played {
        let mut played = Played { steps: Vec::new(), disagreement: None };
        let mut play = || self.play_noting(commands, &mut played.steps);
        let end = catch_unwind(AssertUnwindSafe(|| match self.kind {
            Kind::Memory => memo::isolated(play),
            _ => play(),
        }));
        let panicked = |_| Err("it panicked".to_owned());
        played.disagreement = end.unwrap_or_else(panicked).err();
        played
    }

    fn play_noting(&self, commands: &[Command], steps: &mut Vec<String>) -> Result<(), String> {
        let (mut model, mut stage) = (Model::new(self.setting()), Stage::new(&self.place));
        let (start, mut passed) = (Instant::now(), Duration::ZERO);
        for &command in commands.iter().filter(|command| !matches!(command, Command::Pass(0))) {
            if !model.allows(command) {
                continue;
            }
            steps.push(format!("{command:?}"));
            let time = |passed| if self.kind == Kind::Memory { passed } else { start.elapsed() };
            let early = time(passed);
            let answer = stage.perform(command, model.at());
            if let Command::Pass(units) = command {
                passed += MINUTE * units;
            }
            let at = Span { early, late: time(passed) };
            match answer {
                Some(answer) => {
                    let step = steps.last_mut().expect("there is one");
                    step.push_str(&format!(" -> {answer:?}"));
                    let disagree = |why| format!("{why}, between {:?} and {:?}", at.early, at.late);
                    model.check(command, &answer, at).map_err(disagree)?;
                }
                None => model.change(command, at),
            }
        }
        Ok(())
    }

    /// Leaves out what need not be there for the two to disagree.
    fn shorten(&self, mut commands: Vec<Command>) -> Vec<Command> {
        let start = Instant::now();
        let mut len = commands.len() / 2;
        while len > 0 && start.elapsed() < PATIENCE {
            let mut from = 0;
            while from < commands.len() && start.elapsed() < PATIENCE {
                let mut fewer = commands.clone();
                fewer.drain(from..(from + len).min(commands.len()));
                if self.play(&fewer).disagreement.is_some() {
                    commands = fewer;
                } else {
                    from += len;
                }
            }
            len /= 2;
        }
        commands
    }

    #[track_caller]
    pub(crate) fn check(&self, default: u64) {
        let start = Instant::now();
        let times = variable("MEMO_MODEL_SEQUENCES");
        let mut steps = 0;
        let mut count = 0;
        let mut play = |commands: Vec<Command>, source: &str| {
            let played = self.play(&commands);
            steps += played.steps.len();
            count += 1;
            if let Some(why) = &played.disagreement {
                eprintln!("{source} reproduces it; its last steps were:");
                self.report(&played, commands);
                panic!("{source}: {why}");
            }
        };
        if let Ok(steps) = env::var("MEMO_MODEL_STEPS") {
            let commands: Vec<Command> = serde_json::from_str(&steps).expect("MEMO_MODEL_STEPS");
            (0..times.unwrap_or(1)).for_each(|_| play(commands.clone(), "MEMO_MODEL_STEPS"));
        } else {
            let seeds = match variable("MEMO_MODEL_SEED") {
                Some(seed) => seed..seed + 1,
                None => 0..times.unwrap_or(default),
            };
            for seed in seeds {
                play(sequence(self.kind, seed, STEPS), &format!("MEMO_MODEL_SEED={seed}"));
            }
        }
        println!("{count} sequences, {steps} steps, {:?}", start.elapsed());
    }

    fn report(&self, played: &Played, commands: Vec<Command>) {
        let last = played.steps.len().saturating_sub(20);
        played.steps[last..].iter().for_each(|step| eprintln!("    {step}"));
        let fewer = self.shorten(commands);
        if let Some(why) = self.play(&fewer).disagreement {
            let steps = serde_json::to_string(&fewer).unwrap();
            eprintln!("MEMO_MODEL_STEPS='{steps}' is enough for: {why}");
        }
    }
}
